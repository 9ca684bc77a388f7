/** Tunnel endpoints, as the L2 agents' configurations tell: each for all other hosts with that tunnel type. */
import type { TunnelEndpointDocument } from '../../model/documents/documents.ts'
import type { DocumentSource } from '../feed/sources.ts'
import type { Change, ReadTx } from '../store/store.ts'

type TunnelType = TunnelEndpointDocument['tunnel_type']

const tunnelTypes: readonly TunnelType[] = ['vxlan', 'gre', 'geneve']
const standardPort: Readonly<Record<TunnelType, number | null>> = { vxlan: 4789, gre: null, geneve: 6081 }

export const tunnelEndpointDocuments: DocumentSource<'tunnel-endpoint'> = {
  type: 'tunnel-endpoint',
  affected,
  async bodies(tx, ids) {
    const wanted = new Set(ids)
    return new Map((await endpoints(tx)).filter((body) => wanted.has(body.id)).map((body) => [body.id, body]))
  },
  async audience(tx, ids) {
    const wanted = new Set(ids)
    const all = await endpoints(tx)
    const hosts = (type: TunnelType): string[] =>
      all.filter((body) => body.tunnel_type === type).map((body) => body.host)
    return new Map(
      all
        .filter((body) => wanted.has(body.id))
        .map((body) => [body.id, new Set(hosts(body.tunnel_type).filter((host) => host !== body.host))]),
    )
  },
  async page(tx, after, limit) {
    const ids = (await endpoints(tx)).map((body) => body.id).filter((id) => id > after)
    return ids.sort().slice(0, limit)
  },
}

/** Every agent that comes or goes is the audience of all others: with one, all endpoints are affected. */
async function affected(tx: ReadTx, changes: readonly Change[]): Promise<Set<string>> {
  const agents = changes.filter((change) => change.object === 'agent')
  if (agents.length === 0) return new Set()
  const changed = agents.flatMap(({ parentId: host }) => tunnelTypes.map((type) => `${host}/${type}`))
  return new Set([...changed, ...(await endpoints(tx)).map((body) => body.id)])
}

async function endpoints(tx: ReadTx): Promise<TunnelEndpointDocument[]> {
  const rows = await tx.db
    .selectFrom('agents')
    .select(['host', 'configurations'])
    .where('agent_type', '=', 'Open vSwitch agent')
    .orderBy('host')
    .execute()
  return rows.flatMap((row) => endpointsOf(row.host, JSON.parse(row.configurations)))
}

function endpointsOf(host: string, configurations: Record<string, unknown>): TunnelEndpointDocument[] {
  const { tunneling_ip: ip, tunnel_types: types, vxlan_udp_port: port } = configurations
  if (typeof ip !== 'string' || ip === '' || !Array.isArray(types)) return []
  return tunnelTypes
    .filter((type) => types.includes(type))
    .map((type) => ({
      id: `${host}/${type}`,
      host,
      tunnel_type: type,
      ip_address: ip,
      udp_port: type === 'vxlan' && typeof port === 'number' ? port : standardPort[type],
    }))
}
