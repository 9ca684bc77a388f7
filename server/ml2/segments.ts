/** The segments of networks: chosen when a network is created, given back when it goes. */
import { randomUUID } from 'node:crypto'
import { invalidInput, NeutronError, noNetworkAvailable } from '../../lib/errors.ts'
import { prepared } from '../store/prepared.ts'
import type { ReadTx, Tx } from '../store/store.ts'
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
  segments?: readonly ProviderAttributes[] | null
  'router:external'?: boolean
}

/**
 * Chooses and takes the segments of a new network: those that the administrator names, else one of the first tenant
 * type that has any. Throws InvalidInput, NoNetworkAvailable, and what the claims of others say.
 */
export async function takeSegments(tx: Tx, ml2: Ml2, input: SegmentsInput): Promise<WireSegment[]> {
  const named = namedSegments(input)
  if (named.length === 0) return [await tenantSegment(tx, ml2, input['router:external'] === true)]
  const taken: WireSegment[] = []
  for (const wanted of named) {
    const driver = driverOf(ml2, wanted.network_type)
    driver.check(wanted)
    const segment = await driver.reserve(tx, wanted)
    if (!segment) throw noNetworkAvailable()
    taken.push(segment)
  }
  return taken
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

async function tenantSegment(tx: Tx, ml2: Ml2, external: boolean): Promise<WireSegment> {
  const { external_network_type: externalType, tenant_network_types: types } = ml2.settings.ml2
  for (const type of external && externalType !== null ? [externalType] : types) {
    const segment = await ml2.typeDrivers.get(type)?.allocate(tx)
    if (segment) return segment
  }
  throw noNetworkAvailable()
}

const insertSegment = prepared(
  'segment-insert',
  (
    db,
    p: {
      id: string
      network_id: string
      segment_index: number
      network_type: string
      physical_network: string | null
      segmentation_id: number | null
      claim: string | null
    },
  ) =>
    db
      .insertInto('network_segments')
      .values({
        id: p.id,
        network_id: p.network_id,
        segment_index: p.segment_index,
        network_type: p.network_type,
        physical_network: p.physical_network,
        segmentation_id: p.segmentation_id,
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
    const driver = driverOf(ml2, segment.network_type)
    const written = await insertSegment.run(tx, {
      id: randomUUID(),
      network_id: networkId,
      segment_index: index,
      ...segment,
      claim: driver.claim(segment),
    })
    if (written === 0) throw driver.taken(segment)
  }
}

/** Gives back what the segments of a network took; the rows go with the network. */
export async function releaseSegments(tx: Tx, ml2: Ml2, networkId: string): Promise<void> {
  for (const segment of await segmentsOf(tx, networkId)) {
    await ml2.typeDrivers.get(segment.network_type)?.release(tx, segment)
  }
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
