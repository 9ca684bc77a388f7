/**
 * The service plugin `network_segment_range`: which identifiers of segments networks are given, for all and for one
 * project; the configuration's are the default ranges, which only it changes.
 */
import { sql } from 'kysely'
import {
  badResourceRequest,
  networkSegmentRangeDefaultReadOnly,
  networkSegmentRangeNetTypeNotSupported,
  networkSegmentRangeOverlaps,
  networkSegmentRangeReferencedByProject,
  networkTunnelRangeError,
  networkVlanRangeError,
} from '../../lib/errors.ts'
import type { Resource } from '../../model/resource.ts'
import { type Ml2, rangesPlugin } from '../ml2/ml2.ts'
import { nowhere } from '../ml2/type-drivers/identifiers.ts'
import type { Plugin } from '../plugin.ts'
import type { Feature, Input, View } from '../resource.ts'
import { isOneOf } from '../store/lists.ts'
import type { ReadTx, Tx } from '../store/store.ts'
import { storedFeature } from '../stored/stored.ts'
import { dropPool, refillPools } from './ranged-identifiers.ts'

export const networkSegmentRangePlugin: Plugin = {
  name: rangesPlugin,
  extensions: ['network-segment-range'],
  serve: ({ resource, ml2 }) => ({ features: [rangeFeature(resource('network_segment_range'), ml2)] }),
}

/** A range as it is, or shall be. */
interface Range {
  id: string
  network_type: string
  physical_network: string | null
  minimum: number
  maximum: number
}

/** So many free identifiers are listed of a range at most: there may be billions. */
const mostListed = 65_536

function rangeFeature(resource: Resource, ml2: Ml2): Feature {
  const stored = storedFeature(resource, {
    table: 'network_segment_ranges',
    elsewhere: ['used', 'available'],
    async complete({ tx }, views, wanted) {
      if (!wanted.has('used') && !wanted.has('available')) return
      const used = await usedOf(
        tx,
        views.map((view) => view.id),
      )
      for (const view of views) {
        view.used = Object.fromEntries(used.get(view.id) ?? [])
        view.available = freeOf(view as View & Range, used.get(view.id))
      }
    },
    hooks: {
      async creating(tx, _context, input, id) {
        const range = rangeOf(input, id)
        checkRange(ml2, range)
        await requireNoOverlap(tx, range)
        return {
          default: 0,
          project_id: input.shared === true ? null : String(input.project_id),
          physical_network: range.physical_network,
        }
      },
      created: (tx, _context, input, id) => refill(tx, rangeOf(input, id)),
      async updating(tx, _context, current, changes) {
        if (current.default === true) throw networkSegmentRangeDefaultReadOnly(current.id)
        const [before, after] = [
          rangeOf(current, current.id),
          rangeOf({ ...current, ...changes }, current.id),
        ]
        const inUse = (await numbersUsed(tx, before)).some(
          (number) => number < after.minimum || number > after.maximum,
        )
        if (inUse) throw networkSegmentRangeReferencedByProject(current.id)
        checkRange(ml2, after)
        await requireNoOverlap(tx, after)
        return undefined
      },
      async removing(tx, _context, current) {
        if (current.default === true) throw networkSegmentRangeDefaultReadOnly(current.id)
        const used = await numbersUsed(tx, rangeOf(current, current.id))
        if (used.length > 0) throw networkSegmentRangeReferencedByProject(current.id)
        await dropPool(tx, current.id)
      },
    },
  })
  return {
    ...stored,
    serialize: () => ['segments'],
    async update(tx, context, current, changes) {
      await stored.update?.(tx, context, current, changes)
      await refill(tx, rangeOf(current, current.id))
    },
    async remove(tx, context, current) {
      await stored.remove?.(tx, context, current)
      await refill(tx, rangeOf(current, current.id))
    },
  }
}

function rangeOf(values: Input, id: string): Range {
  const type = typeof values.network_type === 'string' ? values.network_type : ''
  const name = typeof values.physical_network === 'string' ? values.physical_network : null
  return {
    id,
    network_type: type,
    physical_network: type === 'vlan' ? name : null,
    minimum: Number(values.minimum),
    maximum: Number(values.maximum),
  }
}

function refill(tx: Tx, range: Range): Promise<void> {
  return refillPools(tx, range.network_type, range.physical_network)
}

/** Throws NetworkSegmentRangeNetTypeNotSupported, BadRequest, NetworkVlanRangeError, NetworkTunnelRangeError. */
function checkRange(ml2: Ml2, { network_type: type, physical_network, minimum, maximum }: Range): void {
  const numbers = ml2.typeDrivers.get(type)?.numbers
  if (!numbers) throw networkSegmentRangeNetTypeNotSupported(type)
  if (type === 'vlan' && !physical_network) {
    throw badResourceRequest('network_segment_range', 'a range of VLANs needs a physical_network')
  }
  if (minimum >= numbers.first && minimum <= maximum && maximum <= numbers.last) return
  const fault = type === 'vlan' ? networkVlanRangeError : networkTunnelRangeError
  throw fault(minimum, maximum, numbers.first, numbers.last)
}

/** Ranges that administrators make have no number in common; default ranges may lie below them. */
async function requireNoOverlap(tx: ReadTx, range: Range): Promise<void> {
  const others = await tx.db
    .selectFrom('network_segment_ranges')
    .select('id')
    .where('default', '=', 0)
    .where('network_type', '=', range.network_type)
    .where(sql<string>`coalesce(physical_network, '')`, '=', range.physical_network ?? nowhere)
    .where('minimum', '<=', range.maximum)
    .where('maximum', '>=', range.minimum)
    .where('id', '<>', range.id)
    .orderBy('id')
    .execute()
  if (others.length > 0) throw networkSegmentRangeOverlaps(others.map((other) => other.id).join(', '))
}

/** The numbers of a range that segments have. */
async function numbersUsed(tx: ReadTx, range: Range): Promise<number[]> {
  const rows = await tx.db
    .selectFrom('network_segments')
    .select('segmentation_id')
    .where('network_type', '=', range.network_type)
    .where(sql<string>`coalesce(physical_network, '')`, '=', range.physical_network ?? nowhere)
    .where('segmentation_id', '>=', range.minimum)
    .where('segmentation_id', '<=', range.maximum)
    .execute()
  return rows.map((row) => Number(row.segmentation_id))
}

/** Numbers that segments have of each range, with the projects of their networks; one query for all. */
async function usedOf(tx: ReadTx, ids: readonly string[]): Promise<Map<string, Map<number, string>>> {
  const rows = await tx.db
    .selectFrom('network_segment_ranges as r')
    .innerJoin('network_segments as s', (join) =>
      join
        .onRef('s.network_type', '=', 'r.network_type')
        .on(sql`coalesce(s.physical_network, '')`, '=', sql`coalesce(r.physical_network, '')`)
        .onRef('s.segmentation_id', '>=', 'r.minimum')
        .onRef('s.segmentation_id', '<=', 'r.maximum'),
    )
    .innerJoin('networks as n', 'n.id', 's.network_id')
    .select(['r.id', 's.segmentation_id', 'n.project_id'])
    .where(isOneOf(tx.engine, 'r.id', ids))
    .orderBy('s.segmentation_id')
    .execute()
  const used = new Map<string, Map<number, string>>(ids.map((id) => [id, new Map()]))
  for (const row of rows) used.get(row.id)?.set(Number(row.segmentation_id), row.project_id)
  return used
}

function freeOf({ minimum, maximum }: Range, used: ReadonlyMap<number, string> = new Map()): number[] {
  const free: number[] = []
  for (let number = minimum; number <= maximum && free.length < mostListed; number++) {
    if (!used.has(number)) free.push(number)
  }
  return free
}
