/**
 * Values that nobody has, kept as ranges: what taking and giving back costs does not depend on how many are in use.
 * A pool is the allocation pools of a subnet, or the identifiers of a type driver. Ranges of a pool are disjoint and
 * never touch. A value is 32 hex digits (lib/addresses.ts).
 */
import { type IpRange, mergeRanges, sortableAdd, subtractRanges } from '../../lib/addresses.ts'
import { prepared } from '../store/prepared.ts'
import type { Tx } from '../store/store.ts'

const digits = 32

/** A number as pools hold it: their text order is that of the numbers. */
export function poolValue(value: bigint | number): string {
  return value.toString(16).padStart(digits, '0')
}

const lowest = prepared('free-ranges-lowest', (db, p: { pool: string }) =>
  db.selectFrom('free_ranges').select(['first', 'last']).where('pool', '=', p.pool).orderBy('first').limit(1),
)

const around = prepared('free-ranges-around', (db, p: { pool: string; value: string }) =>
  db
    .selectFrom('free_ranges')
    .select(['first', 'last'])
    .where('pool', '=', p.pool)
    .where('first', '<=', p.value)
    .orderBy('first', 'desc')
    .limit(2),
)

const trim = prepared('free-ranges-trim', (db, p: { pool: string; first: string; next: string }) =>
  db
    .updateTable('free_ranges')
    .set({ first: p.next })
    .where('pool', '=', p.pool)
    .where('first', '=', p.first),
)

const shorten = prepared('free-ranges-shorten', (db, p: { pool: string; first: string; last: string }) =>
  db.updateTable('free_ranges').set({ last: p.last }).where('pool', '=', p.pool).where('first', '=', p.first),
)

const drop = prepared('free-ranges-drop', (db, p: { pool: string; first: string }) =>
  db.deleteFrom('free_ranges').where('pool', '=', p.pool).where('first', '=', p.first),
)

const add = prepared('free-ranges-add', (db, p: { pool: string; first: string; last: string }) =>
  db.insertInto('free_ranges').values({ pool: p.pool, first: p.first, last: p.last }),
)

/** Takes the lowest value; undefined when the pool is empty. */
export async function takeLowest(tx: Tx, pool: string): Promise<string | undefined> {
  const range = await lowest.first(tx, { pool })
  if (!range) return undefined
  if (range.first === range.last) await drop.run(tx, { pool, first: range.first })
  else await trim.run(tx, { pool, first: range.first, next: sortableAdd(range.first, 1) })
  return range.first
}

/** Takes that value; false when it is not free (in use, or not of the pool). */
export async function take(tx: Tx, pool: string, value: string): Promise<boolean> {
  const range = await around.first(tx, { pool, value })
  if (!range || range.last < value) return false
  const { first, last } = range
  if (first === last) await drop.run(tx, { pool, first })
  else if (first === value) await trim.run(tx, { pool, first, next: sortableAdd(value, 1) })
  else {
    await shorten.run(tx, { pool, first, last: sortableAdd(value, -1) })
    if (last !== value) await add.run(tx, { pool, first: sortableAdd(value, 1), last })
  }
  return true
}

/** Gives a value back and joins it with its neighbours. Giving back what is free changes nothing. */
export async function give(tx: Tx, pool: string, value: string): Promise<void> {
  const next = sortableAdd(value, 1)
  const found = await around.all(tx, { pool, value: next })
  const above = found.find((range) => range.first === next)
  const below = found.find((range) => range.first <= value)
  if (below && below.last >= value) return
  const joinsBelow = below !== undefined && below.last === sortableAdd(value, -1)
  if (joinsBelow && above) {
    await drop.run(tx, { pool, first: above.first })
    await shorten.run(tx, { pool, first: below.first, last: above.last })
  } else if (joinsBelow) await shorten.run(tx, { pool, first: below.first, last: value })
  else if (above) await trim.run(tx, { pool, first: above.first, next: value })
  else await add.run(tx, { pool, first: value, last: value })
}

/** Sets what is free in a pool: all of `ranges` but the values in `taken`. Numbers are of one space for both. */
export async function fill(
  tx: Tx,
  pool: string,
  ranges: readonly IpRange[],
  taken: readonly bigint[],
): Promise<void> {
  await empty(tx, pool)
  const free = subtractRanges(
    ranges,
    taken.map((value) => ({ first: value, last: value })),
  )
  for (const range of mergeRanges(free)) {
    await add.run(tx, { pool, first: poolValue(range.first), last: poolValue(range.last) })
  }
}

/** Forgets a pool. */
export async function empty(tx: Tx, pool: string): Promise<void> {
  await tx.db.deleteFrom('free_ranges').where('pool', '=', pool).execute()
}
