/** Subnets of the API: rows, their free addresses, and what their coming and going means for ports and DHCP. */
import { randomUUID } from 'node:crypto'
import { type Expression, type SqlBool, sql } from 'kysely'
import {
  formatCidr,
  mappedValue,
  parseCidr,
  parseIp,
  sortableNumber,
  sortableValue,
} from '../../lib/addresses.ts'
import {
  badResourceRequest,
  gatewayIpInUse,
  hostRoutesExhausted,
  subnetInUse,
  subnetNotFound,
} from '../../lib/errors.ts'
import type { HostRoute } from '../../model/documents/documents.ts'
import type { Resource } from '../../model/resource.ts'
import type { Context } from '../context.ts'
import { ensureDhcp } from '../dhcp/dhcp-scheduler.ts'
import { allocateAddresses } from '../ipam/allocation.ts'
import { hasImpliedAddresses, isAutoAddressed } from '../ipam/fixed-ips.ts'
import { empty, fill } from '../ipam/free-ranges.ts'
import type { Ml2 } from '../ml2/ml2.ts'
import { touchNetwork } from '../network/network.store.ts'
import { networkTargets } from '../network/network.targets.ts'
import { portNetwork, touchPorts } from '../port/port.store.ts'
import type { Feature, Input } from '../resource.ts'
import { isConnected } from '../segment/host-segments.ts'
import { routesBy, withPeerRoutes } from '../segment/peer-routes.ts'
import { checkSegment, checkSegmentChange } from '../segment/subnet-segment.ts'
import { prepared } from '../store/prepared.ts'
import type { Operation, ReadTx, Tx } from '../store/store.ts'
import type { SubnetTable } from '../store/tables/networking.ts'
import { checkAffinity, givePrefix, poolOfSubnet, takePrefix } from '../subnetpool/subnetpool.store.ts'
import { removeTags, replaceTags } from '../tag/tags.ts'
import { subnetReader } from './subnet.reader.ts'
import {
  checkOverlap,
  checkSubnet,
  defaultGateway,
  defaultPools,
  leastMtu,
  namedCidr,
  networkMtuSubnetConflict,
  type Pool,
  poolRanges,
  type SubnetFacts,
} from './subnet.rules.ts'

/** A validated body of a subnet; what was not sent is absent. */
export interface SubnetInput {
  project_id: string
  network_id: string
  name: string
  description?: string
  ip_version: number
  cidr?: string | null
  prefixlen?: number | null
  subnetpool_id?: string | null
  use_default_subnetpool?: boolean
  gateway_ip?: string | null
  allocation_pools?: Pool[] | null
  dns_nameservers?: string[] | null
  host_routes?: HostRoute[] | null
  enable_dhcp: boolean
  ipv6_ra_mode?: string | null
  ipv6_address_mode?: string | null
  service_types?: string[] | null
  dns_publish_fixed_ip?: boolean
  segment_id?: string | null
}

/** Who takes from the same network or pool waits for his turn. A change of tags counts as one of the subnet. */
export function subnetFeature(resource: Resource, ml2: Ml2): Feature {
  return {
    resource,
    reader: subnetReader,
    targets: networkTargets,
    serialize: (inputs) => [...new Set(inputs.flatMap(turnsOf))],
    async create(tx, context, inputs) {
      const ids: string[] = []
      for (const input of inputs) {
        ids.push(await createSubnet(tx, ml2, context, input as unknown as SubnetInput))
      }
      return ids
    },
    update: (tx, _context, current, changes) => updateSubnet(tx, ml2, current.id, changes),
    remove: (tx, _context, current) => deleteSubnet(tx, ml2, current.id),
    async setTags(tx, _context, current, tags) {
      await replaceTags(tx, 'subnet', current.id, tags)
      const row = await subnetRow(tx, current.id)
      await storeUpdate(tx, row)
    },
  }
}

/** Those who take from the same network or pool stand in line. */
function turnsOf({ network_id, subnetpool_id, use_default_subnetpool, ip_version }: Input): string[] {
  const pool = use_default_subnetpool === true ? `default-${ip_version}` : subnetpool_id
  return [`network:${network_id}`, ...(typeof pool === 'string' ? [`subnetpool:${pool}`] : [])]
}

/** Makes a subnet and what it means for ports and DHCP; answers its id. */
export async function createSubnet(tx: Tx, ml2: Ml2, context: Context, input: SubnetInput): Promise<string> {
  const wish = { ...input, cidr: namedCidr(input) }
  const pool = await poolOfSubnet(tx, context, wish)
  const network = await portNetwork(tx, input.network_id)
  await checkAffinity(tx, network.id, input.ip_version, pool)
  const cidr = pool ? await takePrefix(tx, pool, wish) : wish.cidr
  if (!cidr) throw badResourceRequest('subnets', 'a subnetpool must be specified in the absence of a cidr')
  const gateway = input.gateway_ip === undefined ? defaultGateway(cidr) : input.gateway_ip
  const facts: SubnetFacts = {
    id: randomUUID(),
    ip_version: input.ip_version,
    cidr,
    enable_dhcp: input.enable_dhcp,
    gateway_ip: gateway,
    allocation_pools: input.allocation_pools ?? defaultPools(cidr, gateway),
    dns_nameservers: input.dns_nameservers ?? [],
    host_routes: input.host_routes ?? [],
    ipv6_ra_mode: input.ipv6_ra_mode ?? null,
    ipv6_address_mode: input.ipv6_address_mode ?? null,
  }
  checkSubnet(facts, ml2.settings.DEFAULT, false)
  checkOverlap(
    network.id,
    cidr,
    network.subnets.map((subnet) => subnet.cidr),
  )
  if (network.mtu < (leastMtu[cidr.version] ?? 0)) throw networkMtuSubnetConflict(network.id, network.mtu)

  const row: SubnetTable = {
    id: facts.id,
    network_id: network.id,
    project_id: input.project_id,
    name: input.name,
    description: input.description ?? '',
    revision_number: 0,
    created_at: tx.now,
    updated_at: tx.now,
    ip_version: facts.ip_version,
    cidr: formatCidr(cidr),
    first_ip: sortableValue(cidr.first, cidr.version),
    last_ip: sortableValue(cidr.last, cidr.version),
    gateway_ip: facts.gateway_ip,
    enable_dhcp: Number(facts.enable_dhcp),
    ipv6_ra_mode: facts.ipv6_ra_mode,
    ipv6_address_mode: facts.ipv6_address_mode,
    allocation_pools: JSON.stringify(facts.allocation_pools),
    dns_nameservers: JSON.stringify(facts.dns_nameservers),
    host_routes: JSON.stringify(facts.host_routes),
    service_types: JSON.stringify(input.service_types ?? []),
    dns_publish_fixed_ip: Number(input.dns_publish_fixed_ip ?? false),
    subnetpool_id: pool?.id ?? null,
    segment_id: input.segment_id ?? null,
  }
  await checkSegment(tx, network, row)
  await tx.db.insertInto('subnets').values(row).execute()
  await fillPools(tx, row.id, facts.allocation_pools)
  await touchNetwork(tx, network.id)
  noteSubnet(tx, 'create', row)
  await syncPeerRoutes(tx, ml2, row)
  if (isAutoAddressed(row)) await giveAutoAddresses(tx, row)
  await ensureDhcp(tx, ml2, network.id)
  return row.id
}

/** After a subnet of a segment came, or went: the others know the way to it. Throws HostRoutesExhausted. */
async function syncPeerRoutes(tx: Tx, ml2: Ml2, changed: SubnetTable, gone = false): Promise<void> {
  if (changed.segment_id === null) return
  const { max_subnet_host_routes: most } = ml2.settings.DEFAULT
  const rows = await tx.db
    .selectFrom('subnets')
    .selectAll()
    .where('network_id', '=', changed.network_id)
    .orderBy('created_at')
    .orderBy('id')
    .execute()
  for (const row of rows) {
    const routes = JSON.parse(row.host_routes) as HostRoute[]
    const next = withPeerRoutes(row, routes, rows, gone ? routesBy(row.gateway_ip, [changed]) : [])
    if (JSON.stringify(next) === row.host_routes) continue
    if (next.length > most) throw hostRoutesExhausted(row.id, most)
    await storeUpdate(tx, { ...row, host_routes: JSON.stringify(next) })
  }
}

/** What ports may be given: the pools less the addresses that ports have. */
async function fillPools(tx: Tx, subnetId: string, pools: readonly Pool[]): Promise<void> {
  const version = parseIp(pools[0]?.start ?? '')?.version ?? 4
  const taken = await tx.db
    .selectFrom('ip_allocations')
    .select('ip')
    .where('subnet_id', '=', subnetId)
    .execute()
  await fill(
    tx,
    subnetId,
    poolRanges(pools).map(({ first, last }) => ({
      first: mappedValue({ version, value: first }),
      last: mappedValue({ version, value: last }),
    })),
    taken.map((row) => sortableNumber(row.ip)),
  )
}

/** Ports that are there already get the address that a new auto-addressed subnet means for them. */
async function giveAutoAddresses(tx: Tx, subnet: SubnetTable): Promise<void> {
  const ports = await tx.db
    .selectFrom('ports')
    .leftJoin('ip_allocations as a', 'a.port_id', 'ports.id')
    .select((eb) => [
      'ports.id',
      'ports.mac_address',
      'ports.device_owner',
      eb.fn.coalesce(eb.fn.max('a.position'), eb.val(-1)).as('last'),
    ])
    .where('ports.network_id', '=', subnet.network_id)
    .where(isReached(subnet.segment_id))
    .groupBy(['ports.id', 'ports.mac_address', 'ports.device_owner'])
    .execute()
  const given = ports.filter((port) => hasImpliedAddresses(port.device_owner))
  for (const port of given) {
    const holder = { portId: port.id, networkId: subnet.network_id, macAddress: port.mac_address }
    await allocateAddresses(tx, holder, [{ kind: 'eui64', subnet }], Number(port.last) + 1)
  }
  await touchPorts(
    tx,
    given.map((port) => port.id),
  )
}

/** Which ports a subnet serves: all, or those whose host is connected to its segment. */
function isReached(segmentId: string | null): Expression<SqlBool> {
  if (segmentId === null) return sql<SqlBool>`1 = 1`
  return sql<SqlBool>`exists (select 1 from port_bindings b where b.port_id = ports.id and b.status = 'ACTIVE'
    and ${isConnected(sql.ref('b.host'), sql`${segmentId}`)})`
}

async function updateSubnet(tx: Tx, ml2: Ml2, id: string, changes: Input): Promise<void> {
  const row = await subnetRow(tx, id)
  const sent = changes as Partial<SubnetInput>
  const next: SubnetTable = {
    ...row,
    name: sent.name ?? row.name,
    description: sent.description ?? row.description,
    gateway_ip: sent.gateway_ip === undefined ? row.gateway_ip : sent.gateway_ip,
    enable_dhcp: Number(sent.enable_dhcp ?? row.enable_dhcp),
    allocation_pools: jsonOr(sent.allocation_pools, row.allocation_pools),
    dns_nameservers: jsonOr(sent.dns_nameservers, row.dns_nameservers),
    host_routes: jsonOr(sent.host_routes, row.host_routes),
    service_types: jsonOr(sent.service_types, row.service_types),
    dns_publish_fixed_ip: Number(sent.dns_publish_fixed_ip ?? row.dns_publish_fixed_ip),
    segment_id: sent.segment_id === undefined ? row.segment_id : sent.segment_id,
  }
  if (next.segment_id !== null && (sent.gateway_ip !== undefined || sent.host_routes !== undefined)) {
    const { subnets } = await portNetwork(tx, row.network_id)
    const before = next.gateway_ip === row.gateway_ip ? [] : routesBy(row.gateway_ip, subnets)
    const routes = JSON.parse(next.host_routes) as HostRoute[]
    next.host_routes = JSON.stringify(withPeerRoutes(next, routes, subnets, before))
  }
  const cidr = parseCidr(row.cidr)
  if (!cidr) throw new Error(`subnet ${id} is stored with cidr '${row.cidr}'`)
  const pools = JSON.parse(next.allocation_pools) as Pool[]
  checkSubnet(
    {
      id,
      ip_version: row.ip_version,
      cidr,
      enable_dhcp: next.enable_dhcp === 1,
      gateway_ip: next.gateway_ip,
      allocation_pools: pools,
      dns_nameservers: JSON.parse(next.dns_nameservers) as string[],
      host_routes: JSON.parse(next.host_routes) as HostRoute[],
      ipv6_ra_mode: row.ipv6_ra_mode,
      ipv6_address_mode: row.ipv6_address_mode,
    },
    ml2.settings.DEFAULT,
    row.enable_dhcp === 1,
  )
  if (next.gateway_ip !== row.gateway_ip) await checkGatewayUnused(tx, row)
  const moved = next.segment_id !== row.segment_id
  if (moved) await checkSegmentChange(tx, row, next.segment_id)
  const differs = Object.entries(next).some(([key, value]) => row[key as keyof SubnetTable] !== value)
  if (!differs) return
  await storeUpdate(tx, next)
  const poolsDiffer = next.allocation_pools !== row.allocation_pools
  if (poolsDiffer) await fillPools(tx, id, pools)
  if (poolsDiffer || moved || next.enable_dhcp !== row.enable_dhcp) await ensureDhcp(tx, ml2, row.network_id)
}

function jsonOr(sent: readonly unknown[] | null | undefined, otherwise: string): string {
  return sent === undefined ? otherwise : JSON.stringify(sent ?? [])
}

/** Throws GatewayIpInUse while a router has the gateway's address. */
async function checkGatewayUnused(tx: ReadTx, subnet: SubnetTable): Promise<void> {
  if (subnet.gateway_ip === null) return
  const used = await tx.db
    .selectFrom('ip_allocations as a')
    .innerJoin('ports', 'ports.id', 'a.port_id')
    .select('ports.id')
    .where('a.subnet_id', '=', subnet.id)
    .where('a.ip_address', '=', subnet.gateway_ip)
    .where('ports.device_owner', 'like', 'network:router%')
    .executeTakeFirst()
  if (used) throw gatewayIpInUse(subnet.gateway_ip, used.id)
}

/** Writes the row with its next revision, and counts it on the network. */
async function storeUpdate(tx: Tx, row: SubnetTable): Promise<void> {
  const { id, ...rest } = { ...row, revision_number: row.revision_number + 1, updated_at: tx.now }
  await tx.db.updateTable('subnets').set(rest).where('id', '=', id).execute()
  await touchNetwork(tx, row.network_id)
  noteSubnet(tx, 'update', { ...row, ...rest })
}

/** Owners of ports that go with their network or subnet. */
export const autoDeleteOwners: readonly string[] = [
  'network:dhcp',
  'network:distributed',
  'network:floatingip_agent_gateway',
]

async function deleteSubnet(tx: Tx, ml2: Ml2, id: string): Promise<void> {
  const row = await subnetRow(tx, id)
  const holders = await tx.db
    .selectFrom('ip_allocations as a')
    .innerJoin('ports', 'ports.id', 'a.port_id')
    .select(['ports.id', 'ports.device_owner'])
    .where('a.subnet_id', '=', id)
    .execute()
  const blocking = holders.filter(
    (port) =>
      !autoDeleteOwners.includes(port.device_owner) &&
      !(isAutoAddressed(row) && hasImpliedAddresses(port.device_owner)),
  )
  if (blocking.length > 0) throw subnetInUse(id)
  await removeSubnetRow(tx, row)
  await touchPorts(tx, [...new Set(holders.map((port) => port.id))])
  await touchNetwork(tx, row.network_id)
  await syncPeerRoutes(tx, ml2, row, true)
  await ensureDhcp(tx, ml2, row.network_id)
}

/** Removes a subnet that nobody blocks, with its addresses. */
export async function removeSubnetRow(tx: Tx, row: SubnetTable): Promise<void> {
  await tx.db.deleteFrom('ip_allocations').where('subnet_id', '=', row.id).execute()
  await empty(tx, row.id)
  await givePrefix(tx, row)
  await removeTags(tx, 'subnet', row.id)
  await tx.db.deleteFrom('subnets').where('id', '=', row.id).execute()
  noteSubnet(tx, 'delete', row)
}

const byId = prepared('subnet-by-id', (db, p: { id: string }) =>
  db.selectFrom('subnets').selectAll().where('id', '=', p.id),
)

async function subnetRow(tx: ReadTx, id: string): Promise<SubnetTable> {
  const row = await byId.first(tx, { id })
  if (!row) throw subnetNotFound(id)
  return row
}

function noteSubnet(tx: Tx, operation: Operation, row: SubnetTable): void {
  tx.change({
    object: 'subnet',
    id: row.id,
    parentId: row.network_id,
    operation,
    revision: row.revision_number,
    projectId: row.project_id,
  })
}
