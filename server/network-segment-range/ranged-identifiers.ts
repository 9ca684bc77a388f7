/**
 * Identifiers of segments out of network segment ranges: those that the configuration makes (default), those that
 * administrators make for all (shared), and those of one project. What is free of each project's range is a pool of
 * its own; what is free of the others and of no project's range is the pool for all.
 */
import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { subtractRanges } from '../../lib/addresses.ts'
import { empty, fill, give, poolValue, take } from '../ipam/free-ranges.ts'
import {
  forgetPools,
  type IdentifiersOf,
  nowhere,
  type RangesByPlace,
  sharedPool,
  takeLowestNumber,
} from '../ml2/type-drivers/identifiers.ts'
import { prepared } from '../store/prepared.ts'
import type { ReadTx, Tx } from '../store/store.ts'
import type { NetworkSegmentRangeTable } from '../store/tables/networking.ts'
import { noteRow } from '../stored/rows.ts'
import { removeTags } from '../tag/tags.ts'

/**
 * `initialize` makes the default ranges those of the configuration. A number is given back to the range that holds it
 * by then, and to none where that is gone.
 */
export const rangedIdentifiers: IdentifiersOf = (type, configured) => ({
  async takeOwn(tx, project, place) {
    for (const { id: range, physical_network } of await ownRanges.all(tx, { type, project })) {
      const at = physical_network ?? nowhere
      if (place !== undefined && place !== at) continue
      const id = await takeLowestNumber(tx, rangePool(range))
      if (id !== undefined) return { place: at, id }
    }
    return undefined
  },
  takeShared: (tx, place) => takeLowestNumber(tx, sharedPool(type, place)),
  async take(tx, place, id) {
    const pool = await poolOf(tx, type, place, id)
    if (pool !== undefined) await take(tx, pool, poolValue(id))
  },
  async give(tx, place, id) {
    const pool = await poolOf(tx, type, place, id)
    if (pool !== undefined) await give(tx, pool, poolValue(id))
  },
  async places(tx) {
    const found = (await placesOfType.all(tx, { type })).map((row) => row.physical_network ?? nowhere)
    const first = [...configured.keys()].filter((place) => found.includes(place))
    return [...first, ...found.filter((place) => !configured.has(place))]
  },
  async initialize(tx) {
    await forgetPools(tx, type)
    await setDefaults(tx, type, configured)
    for (const { physical_network } of await placesOfType.all(tx, { type })) {
      await refillPools(tx, type, physical_network)
    }
  },
})

const rangePool = (id: string): string => `range ${id}`

const ownRanges = prepared('segment-ranges-own', (db, p: { type: string; project: string }) =>
  db
    .selectFrom('network_segment_ranges')
    .select(['id', 'physical_network'])
    .where('project_id', '=', p.project)
    .where('network_type', '=', p.type)
    .orderBy('physical_network')
    .orderBy('minimum'),
)

const placesOfType = prepared('segment-range-places', (db, p: { type: string }) =>
  db
    .selectFrom('network_segment_ranges')
    .select('physical_network')
    .distinct()
    .where('network_type', '=', p.type)
    .orderBy('physical_network'),
)

const holding = prepared('segment-ranges-holding', (db, p: { type: string; place: string; number: number }) =>
  db
    .selectFrom('network_segment_ranges')
    .select(['id', 'project_id'])
    .where('network_type', '=', p.type)
    .where(sql<string>`coalesce(physical_network, '')`, '=', p.place)
    .where('minimum', '<=', p.number)
    .where('maximum', '>=', p.number),
)

/** The pool that a number is of; undefined where no range has it. */
async function poolOf(tx: ReadTx, type: string, place: string, number: number): Promise<string | undefined> {
  const ranges = await holding.all(tx, { type, place, number })
  const own = ranges.find((range) => range.project_id !== null)
  if (own) return rangePool(own.id)
  return ranges.length > 0 ? sharedPool(type, place) : undefined
}

/** Makes the default ranges those of the configuration. Those that stay keep their ids. */
async function setDefaults(tx: Tx, type: string, configured: RangesByPlace): Promise<void> {
  const rows = await tx.db
    .selectFrom('network_segment_ranges')
    .selectAll()
    .where('network_type', '=', type)
    .where('default', '=', 1)
    .execute()
  const keyOf = (place: string, first: number, last: number): string => `${first} ${last} ${place}`
  const there = new Map(
    rows.map((row) => [
      keyOf(row.physical_network ?? nowhere, Number(row.minimum), Number(row.maximum)),
      row,
    ]),
  )
  for (const [place, ranges] of configured) {
    for (const { first, last } of ranges) {
      if (there.delete(keyOf(place, first, last))) continue
      const row: NetworkSegmentRangeTable = {
        id: randomUUID(),
        project_id: null,
        name: '',
        description: '',
        revision_number: 1,
        created_at: tx.now,
        updated_at: tx.now,
        default: 1,
        shared: 1,
        network_type: type,
        physical_network: place === nowhere ? null : place,
        minimum: first,
        maximum: last,
      }
      await tx.db.insertInto('network_segment_ranges').values(row).execute()
      noteRow(tx, 'network_segment_range', 'create', { ...row })
    }
  }
  for (const row of there.values()) {
    await removeTags(tx, 'network_segment_range', row.id)
    await tx.db.deleteFrom('network_segment_ranges').where('id', '=', row.id).execute()
    noteRow(tx, 'network_segment_range', 'delete', { ...row })
  }
}

/** Sets what is free at a place, after its ranges have changed. */
export async function refillPools(tx: Tx, type: string, physicalNetwork: string | null): Promise<void> {
  const place = physicalNetwork ?? nowhere
  const rows = await tx.db
    .selectFrom('network_segment_ranges')
    .select(['id', 'project_id', 'minimum', 'maximum'])
    .where('network_type', '=', type)
    .where(sql<string>`coalesce(physical_network, '')`, '=', place)
    .execute()
  const segments = await tx.db
    .selectFrom('network_segments')
    .select('segmentation_id')
    .where('network_type', '=', type)
    .where(sql<string>`coalesce(physical_network, '')`, '=', place)
    .where('segmentation_id', 'is not', null)
    .execute()
  const used = segments.map((segment) => BigInt(segment.segmentation_id ?? 0))
  const rangeOf = (row: { minimum: number; maximum: number }) => ({
    first: BigInt(row.minimum),
    last: BigInt(row.maximum),
  })
  const own = rows.filter((row) => row.project_id !== null)
  const forAll = rows.filter((row) => row.project_id === null)
  await fill(tx, sharedPool(type, place), subtractRanges(forAll.map(rangeOf), own.map(rangeOf)), used)
  for (const row of own) await fill(tx, rangePool(row.id), [rangeOf(row)], used)
}

/** Forgets what is free of a project's range that goes. */
export async function dropPool(tx: Tx, rangeId: string): Promise<void> {
  await empty(tx, rangePool(rangeId))
}
