/**
 * Identifiers of segments that tenants may be given: numbers of one pool, the free ones kept as ranges. Numbers
 * outside of the pool's ranges are never given, and giving them back changes nothing.
 */
import { sortableNumber } from '../../../lib/addresses.ts'
import { fill, give, poolValue, take, takeLowest } from '../../ipam/free-ranges.ts'
import type { Tx } from '../../store/store.ts'

/** Both ends belong to the range. */
export interface NumberRange {
  first: number
  last: number
}

export interface Identifiers {
  /** The lowest free number; undefined when none is left. */
  takeLowest(tx: Tx): Promise<number | undefined>
  /** Takes that number if it is free here; who else may have it is told by the segment's claim. */
  take(tx: Tx, id: number): Promise<void>
  give(tx: Tx, id: number): Promise<void>
  /** Makes free what the ranges hold and is not in use. */
  initialize(tx: Tx, used: readonly number[]): Promise<void>
}

export function identifiers(pool: string, ranges: readonly NumberRange[]): Identifiers {
  return {
    async takeLowest(tx) {
      const value = await takeLowest(tx, pool)
      return value === undefined ? undefined : Number(sortableNumber(value))
    },
    async take(tx, id) {
      await take(tx, pool, poolValue(id))
    },
    async give(tx, id) {
      if (ranges.some(({ first, last }) => first <= id && id <= last)) await give(tx, pool, poolValue(id))
    },
    initialize: (tx, used) =>
      fill(
        tx,
        pool,
        ranges.map(({ first, last }) => ({ first: BigInt(first), last: BigInt(last) })),
        used.map(BigInt),
      ),
  }
}
