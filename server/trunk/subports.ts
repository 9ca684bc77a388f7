/** Sub-ports of trunks: which ports may be some, and their rows. */
import { sql } from 'kysely'
import {
  duplicateSubPort,
  invalidInput,
  parentPortInUse,
  portInUse,
  portNotFound,
  subPortMtuGreaterThanTrunkPortMtu,
  subPortNotFound,
  trunkPortInUse,
} from '../../lib/errors.ts'
import { inherited, type SubPortRequest } from '../../model/fields/subports.ts'
import type { Context } from '../context.ts'
import { isOneOf } from '../store/lists.ts'
import type { ReadTx, Tx } from '../store/store.ts'
import type { SubportTable } from '../store/tables/trunks.ts'

/** What a trunk has to know of a port. */
interface TrunkPort {
  id: string
  project_id: string
  network_id: string
  device_id: string
  mtu: number
  /** 1 where a host has it. */
  bound: number
  /** Of the first segment of its network. */
  network_type: string | null
  segmentation_id: number | null
  /** The trunks that it is the parent of, or a sub-port of. */
  parent_of: string | null
  in_trunk: string | null
}

/** The ports of these ids that the caller may use, one query. Throws PortNotFound. */
async function trunkPorts(
  tx: ReadTx,
  context: Context,
  ids: readonly string[],
): Promise<Map<string, TrunkPort>> {
  const { rows } = await sql<TrunkPort>`
    select p.id, p.project_id, p.network_id, p.device_id, n.mtu,
      case when exists (select 1 from port_bindings b
        where b.port_id = p.id and b.status = 'ACTIVE' and b.host <> '') then 1 else 0 end as bound,
      (select s.network_type from network_segments s
        where s.network_id = n.id order by s.segment_index limit 1) as network_type,
      (select cast(s.segmentation_id as integer) from network_segments s
        where s.network_id = n.id order by s.segment_index limit 1) as segmentation_id,
      (select t.id from trunks t where t.port_id = p.id) as parent_of,
      (select s.trunk_id from subports s where s.port_id = p.id) as in_trunk
    from ports p join networks n on n.id = p.network_id
    where ${isOneOf(tx.engine, 'p.id', ids)}`.execute(tx.db)
  const ports = new Map(rows.map((row) => [row.id, row]))
  for (const id of ids) {
    const port = ports.get(id)
    if (!port || !(context.isAdmin || port.project_id === context.projectId)) throw portNotFound(id)
  }
  return ports
}

/**
 * Whether a port can become the parent of a trunk. Throws PortNotFound, TrunkPortInUse, and ParentPortInUse for one
 * that has a trunk or that a host has plugged already.
 */
export async function requireFreeParent(tx: ReadTx, context: Context, portId: string): Promise<void> {
  const port = (await trunkPorts(tx, context, [portId])).get(portId)
  if (port?.in_trunk) throw trunkPortInUse(portId)
  if (port?.parent_of || port?.bound === 1) throw parentPortInUse(portId)
}

/** True while a host has the port. */
export async function isBoundPort(tx: ReadTx, portId: string): Promise<boolean> {
  const binding = await tx.db
    .selectFrom('port_bindings')
    .select('port_id')
    .where('port_id', '=', portId)
    .where('status', '=', 'ACTIVE')
    .where('host', '<>', '')
    .executeTakeFirst()
  return binding !== undefined
}

/**
 * Adds sub-ports to a trunk. Throws PortNotFound, ParentPortInUse, TrunkPortInUse, PortInUse, DuplicateSubPort,
 * SubPortMtuGreaterThanTrunkPortMtu, and InvalidInput for a tag that is none.
 */
export async function addSubports(
  tx: Tx,
  context: Context,
  trunk: { id: string; portId: string },
  wanted: readonly SubPortRequest[],
): Promise<void> {
  if (wanted.length === 0) return
  const ids = wanted.map((one) => one.port_id)
  if (ids.includes(trunk.portId)) throw parentPortInUse(trunk.portId)
  const ports = await trunkPorts(tx, context, ids)
  const parent = await trunkMtu(tx, trunk.portId)
  const taken = await tx.db.selectFrom('subports').selectAll().where('trunk_id', '=', trunk.id).execute()
  const rows: SubportTable[] = []
  for (const one of wanted) {
    const port = ports.get(one.port_id)
    if (!port) throw portNotFound(one.port_id)
    requireFree(port)
    if (port.mtu > parent) throw subPortMtuGreaterThanTrunkPortMtu(port.id, port.mtu, trunk.portId, parent)
    const row = { port_id: port.id, trunk_id: trunk.id, ...segmentationOf(one, port) }
    if ([...taken, ...rows].some((other) => sameTag(other, row))) {
      throw duplicateSubPort(row.segmentation_type, row.segmentation_id, trunk.id)
    }
    rows.push(row)
  }
  await tx.db.insertInto('subports').values(rows).execute()
}

function requireFree(port: TrunkPort): void {
  if (port.in_trunk) throw trunkPortInUse(port.id)
  if (port.parent_of) throw parentPortInUse(port.id)
  if (port.device_id !== '') throw portInUse(port.id, port.network_id, port.device_id)
}

const sameTag = (one: SubportTable, other: SubportTable): boolean =>
  one.segmentation_type === other.segmentation_type && one.segmentation_id === other.segmentation_id

async function trunkMtu(tx: ReadTx, portId: string): Promise<number> {
  const row = await tx.db
    .selectFrom('ports')
    .innerJoin('networks', 'networks.id', 'ports.network_id')
    .select('networks.mtu')
    .where('ports.id', '=', portId)
    .executeTakeFirst()
  return row?.mtu ?? 0
}

/** Throws InvalidInput for a tag that is not said, of another type than vlan, or out of range. */
function segmentationOf(
  { port_id, segmentation_type: type, segmentation_id: id }: SubPortRequest,
  port: TrunkPort,
): Pick<SubportTable, 'segmentation_type' | 'segmentation_id'> {
  if (type === undefined) {
    throw invalidInput(
      `Invalid subport details of ${port_id}: segmentation_type and segmentation_id are needed`,
    )
  }
  const inherits = type === inherited
  const segmentation_type = inherits ? (port.network_type ?? '') : type
  const segmentation_id = Number(inherits ? port.segmentation_id : id)
  if (segmentation_type !== 'vlan') throw invalidInput(`Unknown segmentation_type '${segmentation_type}'`)
  if (segmentation_id < 1 || segmentation_id > 4094) {
    throw invalidInput(`Segmentation ID '${segmentation_id}' is not in range`)
  }
  return { segmentation_type, segmentation_id }
}

/** Removes sub-ports from a trunk. Throws SubPortNotFound. */
export async function removeSubports(tx: Tx, trunkId: string, ids: readonly string[]): Promise<void> {
  const rows = await tx.db
    .selectFrom('subports')
    .select('port_id')
    .where('trunk_id', '=', trunkId)
    .where(isOneOf(tx.engine, 'port_id', ids))
    .execute()
  const there = new Set(rows.map((row) => row.port_id))
  const absent = ids.find((id) => !there.has(id))
  if (absent !== undefined) throw subPortNotFound(absent, trunkId)
  await tx.db
    .deleteFrom('subports')
    .where(isOneOf(tx.engine, 'port_id', ids))
    .execute()
}

/** A sub-port as trunks and their parent ports show it. */
export interface SubportView {
  port_id: string
  segmentation_type: string
  segmentation_id: number
}

/** The sub-ports of several trunks, each in the order of their tags. */
export async function subportsOf(tx: ReadTx, trunks: readonly string[]): Promise<Map<string, SubportView[]>> {
  const rows = await tx.db
    .selectFrom('subports')
    .selectAll()
    .where(isOneOf(tx.engine, 'trunk_id', trunks))
    .orderBy('segmentation_id')
    .orderBy('port_id')
    .execute()
  const found = new Map(trunks.map((id): [string, SubportView[]] => [id, []]))
  for (const { trunk_id, ...view } of rows) found.get(trunk_id)?.push(view)
  return found
}

/** What parent ports tell of their trunks: the sub-ports with their MACs. Ports that are no parents are left out. */
export async function trunkDetailsOf(
  tx: ReadTx,
  ports: readonly string[],
): Promise<Map<string, Record<string, unknown>>> {
  const rows = await tx.db
    .selectFrom('trunks as t')
    .leftJoin('subports as s', 's.trunk_id', 't.id')
    .leftJoin('ports as p', 'p.id', 's.port_id')
    .select([
      't.port_id as parent',
      't.id as trunk_id',
      's.port_id',
      's.segmentation_type',
      's.segmentation_id',
    ])
    .select('p.mac_address')
    .where(isOneOf(tx.engine, 't.port_id', ports))
    .orderBy('s.segmentation_id')
    .execute()
  const details = new Map<string, { trunk_id: string; sub_ports: unknown[] }>()
  for (const { parent, trunk_id, ...subport } of rows) {
    const known = details.get(parent) ?? { trunk_id, sub_ports: [] }
    details.set(parent, known)
    if (subport.port_id !== null) known.sub_ports.push(subport)
  }
  return details
}
