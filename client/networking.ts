/** Networks and what is on them as calls: the attributes that our own commands and tests use, and no more. */
import { ApiError, type Client, type Filters } from './http.ts'

export interface Network {
  id: string
  name: string
  project_id: string
  mtu: number
  status: string
  subnets: string[]
  /** False where its subnets are of segments: a routed network. */
  l2_adjacency?: boolean
  /** For administrators. */
  'provider:network_type'?: string
  'provider:segmentation_id'?: number | null
}

export interface Segment {
  id: string
  network_id: string
}

export interface Subnet {
  id: string
  name: string
  network_id: string
  cidr: string
  gateway_ip: string | null
  dns_nameservers: string[]
  host_routes: { destination: string; nexthop: string }[]
  enable_dhcp: boolean
}

export interface Port {
  id: string
  name: string
  network_id: string
  project_id: string
  mac_address: string
  fixed_ips: { subnet_id: string; ip_address: string }[]
  status: 'ACTIVE' | 'DOWN' | 'BUILD' | 'N/A' | 'ERROR'
  device_id: string
  device_owner: string
  ip_allocation?: 'immediate' | 'deferred' | 'none'
  dns_assignment?: { ip_address: string; hostname: string; fqdn: string }[]
  'binding:host_id'?: string
  'binding:vif_type'?: string
}

export interface AgentView {
  id: string
  agent_type: string
  binary: string
  host: string
  alive: boolean
  configurations?: Record<string, unknown>
}

interface Kinds {
  network: Network
  segment: Segment
  subnet: Subnet
  port: Port
  agent: AgentView
}

type Kind = keyof Kinds

function query(filters: Filters): string {
  const params = new URLSearchParams()
  for (const [name, values] of Object.entries(filters)) {
    for (const value of typeof values === 'string' ? [values] : values) params.append(name, value)
  }
  const text = params.toString()
  return text === '' ? '' : `?${text}`
}

/**
 * What the caller may see, from one request: no links to further pages are followed. Of a filter's values any will do.
 */
export async function list<K extends Kind>(
  client: Client,
  kind: K,
  filters: Filters = {},
): Promise<Kinds[K][]> {
  const body = await client.request('GET', `/${kind}s${query(filters)}`)
  return (body as Record<string, Kinds[K][]>)[`${kind}s`] ?? []
}

function unwrap<K extends Kind>(kind: K, body: unknown): Kinds[K] {
  return (body as Record<K, Kinds[K]>)[kind]
}

/** Undefined if there is none that the caller may see. */
export async function show<K extends Kind>(
  client: Client,
  kind: K,
  id: string,
): Promise<Kinds[K] | undefined> {
  try {
    return unwrap(kind, await client.request('GET', `/${kind}s/${encodeURIComponent(id)}`))
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return undefined
    throw error
  }
}

/** Answers the object with what the server filled in. Throws ApiError. */
export async function create<K extends Kind>(
  client: Client,
  kind: K,
  attributes: Record<string, unknown>,
): Promise<Kinds[K]> {
  return unwrap(kind, await client.request('POST', `/${kind}s`, { [kind]: attributes }))
}

/** Changes only the attributes given, and answers the whole object. Throws ApiError, 404 included. */
export async function update<K extends Kind>(
  client: Client,
  kind: K,
  id: string,
  attributes: Record<string, unknown>,
): Promise<Kinds[K]> {
  return unwrap(
    kind,
    await client.request('PUT', `/${kind}s/${encodeURIComponent(id)}`, { [kind]: attributes }),
  )
}

/** Deleting what is gone already is success. */
export async function remove(client: Client, kind: Kind, id: string): Promise<void> {
  try {
    await client.request('DELETE', `/${kind}s/${encodeURIComponent(id)}`)
  } catch (error) {
    if (!(error instanceof ApiError && error.status === 404)) throw error
  }
}
