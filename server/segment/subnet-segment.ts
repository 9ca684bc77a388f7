/** Which segment a subnet may be of: the subnets of a network are all of segments, or none of them is. */
import {
  networkIdsDontMatch,
  noUpdateSubnetWhenMultipleSegmentsOnNetwork,
  segmentNotFound,
  subnetSegmentAssociationChangeNotAllowed,
  subnetsNotAllAssociatedWithSegments,
} from '../../lib/errors.ts'
import { segmentsOf } from '../ml2/segments.ts'
import type { PortNetwork } from '../port/port.store.ts'
import type { ReadTx } from '../store/store.ts'
import type { SubnetTable } from '../store/tables/networking.ts'
import { requireRow, rowsWith } from '../stored/rows.ts'

/** Subnets with this service type are routed to wherever their addresses are: they need no segment. */
const routed = 'network:routed'

interface SegmentSubnet {
  segment_id: string | null
  /** JSON list. */
  service_types: string
}

const isRoutedAnywhere = ({ service_types: types }: SegmentSubnet): boolean =>
  (JSON.parse(types) as string[]).includes(routed)

/** For a new subnet. Throws SegmentNotFound, SubnetsNotAllAssociatedWithSegments, NetworkIdsDontMatch. */
export async function checkSegment(tx: ReadTx, network: PortNetwork, subnet: SegmentSubnet): Promise<void> {
  const { segment_id: segmentId } = subnet
  if (segmentId !== null) await checkOfNetwork(tx, network.id, segmentId)
  if (isRoutedAnywhere(subnet)) return
  const others = network.subnets.filter((other) => !isRoutedAnywhere(other))
  if (others.some((other) => (other.segment_id === null) !== (segmentId === null))) {
    throw subnetsNotAllAssociatedWithSegments(network.id)
  }
}

/**
 * For a subnet that is there: the only one of a network with one segment can be given to that, so that the network
 * becomes a routed one; nothing else. Throws also SubnetSegmentAssociationChangeNotAllowed and
 * NoUpdateSubnetWhenMultipleSegmentsOnNetwork.
 */
export async function checkSegmentChange(
  tx: ReadTx,
  subnet: SubnetTable,
  segmentId: string | null,
): Promise<void> {
  const { network_id: networkId } = subnet
  if (segmentId !== null) await requireSegment(tx, segmentId)
  const subnets = await rowsWith(tx, 'subnets', { network_id: networkId })
  if (subnets.length > 1) throw subnetsNotAllAssociatedWithSegments(networkId)
  if (subnet.segment_id !== null) throw subnetSegmentAssociationChangeNotAllowed()
  if ((await segmentsOf(tx, networkId)).length > 1)
    throw noUpdateSubnetWhenMultipleSegmentsOnNetwork(networkId)
  if (segmentId !== null) await checkOfNetwork(tx, networkId, segmentId)
}

async function checkOfNetwork(tx: ReadTx, networkId: string, segmentId: string): Promise<void> {
  const segment = await requireSegment(tx, segmentId)
  if (segment.network_id !== networkId) throw networkIdsDontMatch(networkId, segmentId)
}

function requireSegment(tx: ReadTx, id: string) {
  return requireRow(tx, 'network_segments', id, segmentNotFound)
}
