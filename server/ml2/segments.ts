/** The segments of networks: chosen when a network is created, given back when it goes. */
import { randomUUID } from 'node:crypto'
import { invalidInput, NeutronError, noNetworkAvailable } from '../../lib/errors.ts'
import { prepared } from '../store/prepared.ts'
import type { ReadTx, Tx } from '../store/store.ts'
import type { NetworkSegmentTable } from '../store/tables/networking.ts'
import type { BindableSegment } from './mechanism-drivers/mechanism-driver.ts'
import type { Ml2 } from './ml2.ts'
import type { TypeDriver, WireSegment } from './type-drivers/type-driver.ts'

/** Provider attributes as a body has them; what was not sent is absent. */
export interface ProviderAttributes {
  'provider:network_type'?: string | null
  'provider:physical_network'?: string | null
  'provider:segmentation_id'?: number | null
}

export interface SegmentsInput extends ProviderAttributes {
  project_id: string
  segments?: readonly ProviderAttributes[] | null
  'router:external'?: boolean
}

/**
 * Chooses and takes the segments of a new network: those that the administrator names, else one of the first tenant
 * type that has any. Throws InvalidInput, NoNetworkAvailable, and what the claims of others say.
 */
export async function takeSegments(tx: Tx, ml2: Ml2, input: SegmentsInput): Promise<WireSegment[]> {
  const named = namedSegments(input)
  refuseDuplicates(ml2, named)
  if (named.length === 0) return [await tenantSegment(tx, ml2, input)]
  const taken: WireSegment[] = []
  for (const wanted of named) taken.push(await takeNamed(tx, ml2, wanted, input.project_id))
  return taken
}

/** Throws SegmentsContainDuplicateEntry. Those whose identifier is left to us become different ones. */
function refuseDuplicates(ml2: Ml2, segments: readonly WireSegment[]): void {
  const complete = segments.filter(
    ({ network_type: type, segmentation_id: id }) => id !== null || !ml2.typeDrivers.get(type)?.numbers,
  )
  if (new Set(complete.map((segment) => JSON.stringify(segment))).size < complete.length) {
    throw new NeutronError('SegmentsContainDuplicateEntry', 400, 'Duplicate segment in request.')
  }
}

async function takeNamed(tx: Tx, ml2: Ml2, wanted: WireSegment, project: string): Promise<WireSegment> {
  const driver = driverOf(ml2, wanted.network_type)
  driver.check(wanted)
  const segment = await driver.reserve(tx, wanted, project)
  if (!segment) throw noNetworkAvailable()
  return segment
}

function namedSegments(input: SegmentsInput): WireSegment[] {
  const single = wireSegment(input)
  const several = input.segments ?? []
  if (single && several.length > 0) {
    throw new NeutronError(
      'SegmentsSetInConjunctionWithProviders',
      400,
      'Segments and provider values cannot both be set.',
    )
  }
  if (single) return [single]
  return several.map((item) => wireSegment(item) ?? refuseMissingType())
}

function wireSegment(attributes: ProviderAttributes): WireSegment | undefined {
  const type = attributes['provider:network_type'] ?? null
  const physical_network = attributes['provider:physical_network'] ?? null
  const segmentation_id = attributes['provider:segmentation_id'] ?? null
  if (type === null && physical_network === null && segmentation_id === null) return undefined
  return { network_type: type ?? refuseMissingType(), physical_network, segmentation_id }
}

function refuseMissingType(): never {
  throw invalidInput('network_type required')
}

function driverOf(ml2: Ml2, type: string): TypeDriver {
  const driver = ml2.typeDrivers.get(type)
  if (!driver) throw invalidInput(`network_type value '${type}' not supported`)
  return driver
}

async function tenantSegment(tx: Tx, ml2: Ml2, input: SegmentsInput): Promise<WireSegment> {
  const external = input['router:external'] === true
  const { external_network_type: externalType, tenant_network_types: types } = ml2.settings.ml2
  for (const type of external && externalType !== null ? [externalType] : types) {
    const segment = await ml2.typeDrivers.get(type)?.allocate(tx, input.project_id)
    if (segment) return segment
  }
  throw noNetworkAvailable()
}

const insertSegment = prepared(
  'segment-insert',
  (db, p: Omit<NetworkSegmentTable, 'revision_number' | 'updated_at'>) =>
    db
      .insertInto('network_segments')
      .values({
        id: p.id,
        network_id: p.network_id,
        segment_index: p.segment_index,
        network_type: p.network_type,
        physical_network: p.physical_network,
        segmentation_id: p.segmentation_id,
        name: p.name,
        description: p.description,
        revision_number: 1,
        created_at: p.created_at,
        updated_at: p.created_at,
        claim: p.claim,
      })
      .onConflict((conflict) => conflict.column('claim').doNothing()),
)

/** Stores the segments of a network. Throws FlatNetworkInUse, TunnelIdInUse … where another network has one. */
export async function storeSegments(
  tx: Tx,
  ml2: Ml2,
  networkId: string,
  segments: readonly WireSegment[],
): Promise<void> {
  for (const [index, segment] of segments.entries()) {
    await storeSegment(
      tx,
      ml2,
      { network_id: networkId, segment_index: index, name: null, description: '' },
      segment,
    )
  }
}

type Place = Pick<NetworkSegmentTable, 'network_id' | 'segment_index' | 'name' | 'description'>

async function storeSegment(tx: Tx, ml2: Ml2, place: Place, segment: WireSegment): Promise<string> {
  const driver = driverOf(ml2, segment.network_type)
  const id = randomUUID()
  const claim = driver.claim(segment)
  const written = await insertSegment.run(tx, { id, ...place, ...segment, claim, created_at: tx.now })
  if (written === 0) throw driver.taken(segment)
  return id
}

/**
 * Takes one more segment for a network of that project and stores it after those that are there; answers its id.
 * Throws what takeSegments and storeSegments throw.
 */
export async function addSegment(
  tx: Tx,
  ml2: Ml2,
  place: Omit<Place, 'segment_index'> & { project_id: string },
  wanted: WireSegment,
): Promise<string> {
  const { project_id, ...rest } = place
  const segment = await takeNamed(tx, ml2, wanted, project_id)
  const last = await lastIndex.first(tx, { network_id: place.network_id })
  return storeSegment(tx, ml2, { ...rest, segment_index: (last?.segment_index ?? -1) + 1 }, segment)
}

const lastIndex = prepared('segment-last-index', (db, p: { network_id: string }) =>
  db
    .selectFrom('network_segments')
    .select('segment_index')
    .where('network_id', '=', p.network_id)
    .orderBy('segment_index', 'desc')
    .limit(1),
)

/**
 * Gives the one segment of a VLAN network of that project another id; hosts follow while ports are plugged. Throws
 * InvalidInput where the network is of another kind, VlanIdInUse.
 */
export async function renumberSegment(
  tx: Tx,
  ml2: Ml2,
  network: { id: string; project_id: string },
  segmentation_id: number,
): Promise<void> {
  const [segment, ...others] = await segmentsOf(tx, network.id)
  if (!segment || others.length > 0) {
    throw invalidInput('Provider network attributes can be updated only in networks with a single segment')
  }
  if (!renumbered.includes(segment.network_type)) {
    throw invalidInput('Only VLAN type networks can be updated')
  }
  const { id, ...wire } = segment
  const next = await takeNamed(tx, ml2, { ...wire, segmentation_id }, network.project_id)
  await releaseSegment(tx, ml2, segment)
  const driver = driverOf(ml2, next.network_type)
  const claim = driver.claim(next) ?? ''
  const written = await rewriteSegment.run(tx, { id, segmentation_id, claim, now: tx.now })
  if (written === 0) throw driver.taken(next)
}

const renumbered: readonly string[] = ['vlan']

const rewriteSegment = prepared(
  'segment-rewrite',
  (db, p: { id: string; segmentation_id: number; claim: string; now: string }) =>
    db
      .updateTable('network_segments')
      .set((eb) => ({
        segmentation_id: p.segmentation_id,
        claim: p.claim,
        revision_number: eb('revision_number', '+', 1),
        updated_at: p.now,
      }))
      .where('id', '=', p.id)
      .where(({ not, exists, selectFrom }) =>
        not(exists(selectFrom('network_segments as o').select('o.id').where('o.claim', '=', p.claim))),
      ),
)

/** Gives back what the segments of a network took; the rows go with the network. */
export async function releaseSegments(tx: Tx, ml2: Ml2, networkId: string): Promise<void> {
  for (const segment of await segmentsOf(tx, networkId)) await releaseSegment(tx, ml2, segment)
}

/** Gives back what a segment took. */
export async function releaseSegment(tx: Tx, ml2: Ml2, segment: WireSegment): Promise<void> {
  await ml2.typeDrivers.get(segment.network_type)?.release(tx, segment)
}

const byNetwork = prepared('segments-of-network', (db, p: { network_id: string }) =>
  db
    .selectFrom('network_segments')
    .select(['id', 'network_type', 'physical_network', 'segmentation_id'])
    .where('network_id', '=', p.network_id)
    .orderBy('segment_index'),
)

/** The segments of a network in their order. */
export async function segmentsOf(tx: ReadTx, networkId: string): Promise<BindableSegment[]> {
  const rows = await byNetwork.all(tx, { network_id: networkId })
  return rows.map((row) => ({ ...row, segmentation_id: numberOrNull(row.segmentation_id) }))
}

/** PostgreSQL's driver may hand out bigint columns as text. */
export function numberOrNull(value: number | string | null): number | null {
  return value === null ? null : Number(value)
}
