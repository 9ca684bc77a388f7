/** The service plugin `segments`: segments as objects of their own, and routed provider networks. */
import { segmentInUse } from '../../lib/errors.ts'
import type { Resource } from '../../model/resource.ts'
import type { Ml2 } from '../ml2/ml2.ts'
import { chosenMtu, maximumMtu } from '../ml2/mtu.ts'
import { addSegment, releaseSegment, segmentsOf } from '../ml2/segments.ts'
import type { WireSegment } from '../ml2/type-drivers/type-driver.ts'
import { networkRow, touchNetwork } from '../network/network.store.ts'
import type { Plugin } from '../plugin.ts'
import type { Feature, Input } from '../resource.ts'
import type { ReadTx, Tx } from '../store/store.ts'
import { noteRow, rowsWith } from '../stored/rows.ts'
import { storedFeature } from '../stored/stored.ts'

export const segmentsPlugin: Plugin = {
  name: 'segments',
  extensions: [
    'segment',
    'standard-attr-segment',
    'subnet-segmentid-writable',
    'subnet-segmentid-enforce',
    'l2_adjacency',
    'segments-peer-subnet-host-routes',
  ],
  serve: ({ resource, ml2 }) => ({ features: [segmentFeature(resource('segment'), ml2)] }),
}

function segmentFeature(resource: Resource, ml2: Ml2): Feature {
  const stored = storedFeature(resource, {
    table: 'network_segments',
    parent: 'network_id',
    elsewhere: ['project_id'],
    hooks: {
      async removing(tx, _context, current) {
        await requireUnused(tx, current.id, String(current.network_id))
        await releaseSegment(tx, ml2, current as unknown as WireSegment)
      },
    },
  })
  return {
    ...stored,
    // Identifiers come from the pools that networks take theirs from.
    serialize: () => ['segments'],
    async create(tx, _context, inputs) {
      const ids: string[] = []
      for (const input of inputs) ids.push(await createSegment(tx, ml2, input))
      return ids
    },
    async remove(tx, context, current) {
      await stored.remove?.(tx, context, current)
      await touchNetwork(tx, String(current.network_id))
    },
  }
}

/** Throws NetworkNotFound, what the type driver refuses, and InvalidInput for a segment of too small an MTU. */
async function createSegment(tx: Tx, ml2: Ml2, input: Input): Promise<string> {
  const network = await networkRow(tx, String(input.network_id))
  const { name, description, physical_network, segmentation_id } = input as Partial<Record<string, string>>
  const id = await addSegment(
    tx,
    ml2,
    {
      network_id: network.id,
      project_id: network.project_id,
      name: name ?? null,
      description: description ?? '',
    },
    {
      network_type: String(input.network_type),
      physical_network: physical_network ?? null,
      segmentation_id: segmentation_id === undefined ? null : Number(segmentation_id),
    },
  )
  chosenMtu(network.mtu, maximumMtu(ml2.settings, await segmentsOf(tx, network.id)))
  await touchNetwork(tx, network.id)
  noteRow(tx, 'segment', 'create', { id, revision_number: 1, project_id: network.project_id }, network.id)
  return id
}

/** Throws SegmentInUse while a subnet is of the segment, or a port is bound to it. */
async function requireUnused(tx: ReadTx, id: string, networkId: string): Promise<void> {
  const subnets = await rowsWith(tx, 'subnets', { segment_id: id })
  if (subnets.length > 0) throw segmentInUse(id, `subnets ${listed(subnets, 'id')} are of it`)
  const ports = await rowsBound(tx, id, networkId)
  if (ports.length > 0) throw segmentInUse(id, `ports ${listed(ports, 'port_id')} are bound to it`)
}

/** Some of them: a segment may have thousands. */
function rowsBound(tx: ReadTx, segmentId: string, networkId: string) {
  return tx.db
    .selectFrom('port_bindings')
    .select('port_id')
    .where('network_id', '=', networkId)
    .where('segment_id', '=', segmentId)
    .limit(10)
    .execute()
}

function listed(rows: readonly Readonly<Record<string, unknown>>[], name: string): string {
  return rows.map((row) => row[name]).join(', ')
}
