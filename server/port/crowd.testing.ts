/**
 * Many ports at once, for tests and benchmarks: copies of one that the API has made, as rows, in a fraction of the time
 * that requests would take. Addresses leave the free ranges and MACs are unique, so that the API goes on from there; no
 * changes are noted, for nobody has to hear of ports that no host has.
 */
import { randomUUID } from 'node:crypto'
import { fromSortable, sortableAdd } from '../../lib/addresses.ts'
import { allocationsOf } from '../ipam/allocation.ts'
import type { Store, Tx } from '../store/store.ts'
import type { Tables } from '../store/tables.ts'

/** Rows in one statement, and ports in one transaction. */
const rowsAtOnce = 500
const portsAtOnce = 5000

type Row = Record<string, unknown>

/** Inserts rows of any table. */
export async function insertRows(tx: Tx, table: keyof Tables, rows: readonly Row[]): Promise<void> {
  for (let at = 0; at < rows.length; at += rowsAtOnce) {
    await tx.db
      .insertInto(table)
      .values(rows.slice(at, at + rowsAtOnce) as never)
      .execute()
  }
}

export interface CopyOptions {
  /** Columns with a value of the copy's own. */
  own?: (n: number) => Row
  /** The number of the first copy: those that the network has already. */
  from?: number
}

/** Makes copies of an unbound port with one address, named `crowd-0` and so on; answers their ids. */
export async function copyPort(
  store: Store,
  id: string,
  count: number,
  { own = () => ({}), from: start = 0 }: CopyOptions = {},
): Promise<string[]> {
  const ids: string[] = []
  while (ids.length < count) {
    const from = start + ids.length
    const some = Math.min(portsAtOnce, count - ids.length)
    ids.push(...(await store.write({ requestId: 'crowd' }, (tx) => copySome(tx, id, from, some, own))))
  }
  return ids
}

async function copySome(
  tx: Tx,
  id: string,
  from: number,
  count: number,
  own: (n: number) => Row,
): Promise<string[]> {
  const of = (table: 'port_bindings' | 'port_security_groups' | 'ip_allocations') =>
    tx.db.selectFrom(table).selectAll().where('port_id', '=', id).execute()
  const port = await tx.db.selectFrom('ports').selectAll().where('id', '=', id).executeTakeFirstOrThrow()
  const tags = await tx.db.selectFrom('tags').selectAll().where('object_id', '=', id).execute()
  const [address, ...others] = await allocationsOf(tx, id)
  if (address === undefined || others.length > 0) throw new Error('the port to copy has not one address')
  const first = await reserve(tx, address.subnet_id, count)
  const copies = Array.from({ length: count }, (_, n) => ({
    id: randomUUID(),
    name: `crowd-${from + n}`,
    // Locally administered: none of base_mac.
    mac_address: `06:${(from + n).toString(16).padStart(10, '0').match(/../g)?.join(':')}`,
    ip: sortableAdd(first, n),
    others: own(from + n),
  }))
  const rows = (templates: readonly Row[], change: (copy: (typeof copies)[number]) => Row) =>
    copies.flatMap((copy) => templates.map((template) => ({ ...template, ...change(copy) })))
  await insertRows(
    tx,
    'ports',
    rows([port], ({ ip: _, others, ...own }) => ({ ...own, ...others })),
  )
  await insertRows(
    tx,
    'ip_allocations',
    rows(await of('ip_allocations'), ({ id: port_id, ip }) => ({
      port_id,
      ip,
      ip_address: fromSortable(ip),
    })),
  )
  for (const table of ['port_bindings', 'port_security_groups'] as const) {
    await insertRows(
      tx,
      table,
      rows(await of(table), (copy) => ({ port_id: copy.id })),
    )
  }
  await insertRows(
    tx,
    'tags',
    rows(tags, (copy) => ({ object_id: copy.id })),
  )
  return copies.map((copy) => copy.id)
}

/** Takes that many addresses that follow each other from a subnet's pools; answers the first. */
async function reserve(tx: Tx, subnet: string, count: number): Promise<string> {
  const ranges = await tx.db.selectFrom('free_ranges').selectAll().where('pool', '=', subnet).execute()
  const range = ranges.find(({ first, last }) => sortableAdd(first, count) <= last)
  if (range === undefined) throw new Error(`the subnet has not ${count} free addresses in a row`)
  await tx.db
    .updateTable('free_ranges')
    .set({ first: sortableAdd(range.first, count) })
    .where('pool', '=', subnet)
    .where('first', '=', range.first)
    .execute()
  return range.first
}
