/**
 * Which hosts are connected to which segments: a host is, where one of its agents has a bridge for the segment's
 * physical network. Worked out of what agents report, so that neither a new segment nor a heartbeat writes for others.
 */
import { type Expression, type RawBuilder, type SqlBool, sql } from 'kysely'
import { isObject } from '../../model/fields/kind.ts'
import { isOneOf } from '../store/lists.ts'
import { prepared } from '../store/prepared.ts'
import type { ReadTx, Tx } from '../store/store.ts'

/** Bridges of Open vSwitch, interfaces of Linux bridge and macvtap, devices of SR-IOV. */
const mappings = ['bridge_mappings', 'interface_mappings', 'device_mappings'] as const

function physicalNetworksOf(configurations: Configurations): string[] {
  const names = mappings.flatMap((name) => {
    const mapping = configurations[name]
    return isObject(mapping) ? Object.keys(mapping) : []
  })
  return [...new Set(names)]
}

const forget = prepared('agent-physical-networks-delete', (db, p: { agent_id: string }) =>
  db.deleteFrom('agent_physical_networks').where('agent_id', '=', p.agent_id),
)

type Configurations = Readonly<Record<string, unknown>>

/** Keeps what an agent tells in its configurations, where that is not what it told before. */
export async function storePhysicalNetworks(
  tx: Tx,
  agentId: string,
  configurations: Configurations,
  before: Configurations = {},
): Promise<void> {
  const names = physicalNetworksOf(configurations)
  const known = physicalNetworksOf(before)
  if (names.length === known.length && names.every((name) => known.includes(name))) return
  if (known.length > 0) await forget.run(tx, { agent_id: agentId })
  if (names.length === 0) return
  await tx.db
    .insertInto('agent_physical_networks')
    .values(names.map((physical_network) => ({ agent_id: agentId, physical_network })))
    .execute()
}

const connections = prepared(
  'segments-of-hosts',
  (db, p: { network_id: string; hosts: readonly string[] }, engine) =>
    db
      .selectFrom('network_segments as g')
      .innerJoin('agent_physical_networks as m', 'm.physical_network', 'g.physical_network')
      .innerJoin('agents as a', 'a.id', 'm.agent_id')
      .select(['a.host', 'g.id'])
      .where('g.network_id', '=', p.network_id)
      .where(isOneOf(engine, 'a.host', p.hosts)),
)

/** The segments of a network that each host is connected to. */
export async function segmentsOfHosts(
  tx: ReadTx,
  networkId: string,
  hosts: readonly string[],
): Promise<Map<string, Set<string>>> {
  const segments = new Map<string, Set<string>>(hosts.map((host) => [host, new Set()]))
  if (hosts.length === 0) return segments
  for (const { host, id } of await connections.all(tx, { network_id: networkId, hosts })) {
    segments.get(host)?.add(id)
  }
  return segments
}

const addressed = prepared('segments-of-port', (db, p: { port_id: string }) =>
  db
    .selectFrom('ip_allocations as i')
    .innerJoin('subnets as s', 's.id', 'i.subnet_id')
    .select('s.segment_id')
    .distinct()
    .where('i.port_id', '=', p.port_id)
    .where('s.segment_id', 'is not', null),
)

/** The segments that the addresses of a port are of; undefined where that is none: the port can be on any. */
export async function segmentsOfPort(tx: ReadTx, portId: string): Promise<ReadonlySet<string> | undefined> {
  const rows = await addressed.all(tx, { port_id: portId })
  return rows.length > 0 ? new Set(rows.flatMap((row) => row.segment_id ?? [])) : undefined
}

type Column = RawBuilder<unknown>

/** True where the host is connected to the segment. */
export function isConnected(host: Column, segmentId: Column): Expression<SqlBool> {
  return sql<SqlBool>`exists (select 1 from network_segments cg
    join agent_physical_networks cm on cm.physical_network = cg.physical_network
    join agents ca on ca.id = cm.agent_id
    where cg.id = ${segmentId} and ca.host = ${host})`
}

/** True where the host is connected to the segments of all addresses of the port; most addresses are of none. */
export function reachesPort(host: Column, portId: Column): Expression<SqlBool> {
  return sql<SqlBool>`not exists (select 1 from ip_allocations ri join subnets rs on rs.id = ri.subnet_id
    where ri.port_id = ${portId} and rs.segment_id is not null
      and not ${isConnected(host, sql.ref('rs.segment_id'))})`
}
