/**
 * Identifiers of segments that networks are given: numbers, at a place (a physical network for VLANs, `nowhere` for
 * tunnels), the free ones kept as ranges. Those for all come from the configuration, or, with the service plugin
 * network_segment_range, from ranges that administrators make: some are of one project alone.
 */
import { sortableNumber } from '../../../lib/addresses.ts'
import { fill, give, poolValue, take, takeLowest } from '../../ipam/free-ranges.ts'
import type { Tx } from '../../store/store.ts'
import { segmentsOfType } from './type-driver.ts'

/** Both ends belong to the range. */
export interface NumberRange {
  first: number
  last: number
}

/** The place of identifiers that are of no physical network. */
export const nowhere = ''

/** Ranges of the configuration by place. */
export type RangesByPlace = ReadonlyMap<string, readonly NumberRange[]>

export interface Identifiers {
  /** The lowest free number of ranges that are the project's own, at that place or at any. */
  takeOwn(tx: Tx, project: string, place?: string): Promise<{ place: string; id: number } | undefined>
  /** The lowest free number of those for all. */
  takeShared(tx: Tx, place: string): Promise<number | undefined>
  /** Takes that number if it is free here; who else may have it is told by the segment's claim. */
  take(tx: Tx, place: string, id: number): Promise<void>
  /** Gives a number back; outside of all ranges, that changes nothing. */
  give(tx: Tx, place: string, id: number): Promise<void>
  /** Places with ranges, those of the configuration first and in its order. */
  places(tx: Tx): Promise<string[]>
  /** Makes free what the ranges hold and is not in use. */
  initialize(tx: Tx): Promise<void>
}

/** Makes the identifiers of one type of segment. */
export type IdentifiersOf = (type: string, ranges: RangesByPlace) => Identifiers

/** The pool of what is for all: `vxlan`, `vlan physnet1`. */
export function sharedPool(type: string, place: string): string {
  return place === nowhere ? type : `${type} ${place}`
}

/** Identifiers of the configured ranges alone. */
export const configuredIdentifiers: IdentifiersOf = (type, ranges) => ({
  takeOwn: async () => undefined,
  takeShared: (tx, place) => takeLowestNumber(tx, sharedPool(type, place)),
  async take(tx, place, id) {
    await take(tx, sharedPool(type, place), poolValue(id))
  },
  async give(tx, place, id) {
    const held = ranges.get(place)?.some(({ first, last }) => first <= id && id <= last)
    if (held) await give(tx, sharedPool(type, place), poolValue(id))
  },
  places: async () => [...ranges.keys()].filter((place) => ranges.get(place)?.length),
  async initialize(tx) {
    await forgetPools(tx, type)
    const used = await segmentsOfType(tx, type)
    for (const [place, held] of ranges) {
      const here = used.filter((segment) => (segment.physical_network ?? nowhere) === place)
      await fillNumbers(
        tx,
        sharedPool(type, place),
        held,
        here.map((segment) => segment.segmentation_id),
      )
    }
  },
})

/** Forgets what is for all of a type, at every place. */
export async function forgetPools(tx: Tx, type: string): Promise<void> {
  await tx.db
    .deleteFrom('free_ranges')
    .where((eb) => eb.or([eb('pool', '=', type), eb('pool', 'like', `${type} %`)]))
    .execute()
}

/** Takes the lowest free number of a pool; undefined when none is left. */
export async function takeLowestNumber(tx: Tx, pool: string): Promise<number | undefined> {
  const value = await takeLowest(tx, pool)
  return value === undefined ? undefined : Number(sortableNumber(value))
}

/** Sets what is free in a pool: all of `ranges` but `used`. */
export async function fillNumbers(
  tx: Tx,
  pool: string,
  ranges: readonly NumberRange[],
  used: readonly number[],
): Promise<void> {
  const wide = ranges.map(({ first, last }) => ({ first: BigInt(first), last: BigInt(last) }))
  await fill(tx, pool, wide, used.map(BigInt))
}
