/** A network on a host that has a wired port of it: between the local VLAN and what the segment is outside. */
import type { HostObject, SegmentRef } from '../../host/objects.ts'
import { segmentKey } from '../../host/objects.ts'
import type { NetworkDocument, Segment } from '../../model/documents/documents.ts'
import { patchName } from './names.ts'
import { hasTunnels, type L2Settings, type TunnelType } from './settings.ts'
import { floodListTable, flow, goTo, ingressTable, intTables, tunTables, untagged } from './tables.ts'

/** The segment as the host room names it. */
export function segmentRef(network: NetworkDocument, segment: Segment): SegmentRef {
  return {
    networkId: network.id,
    networkType: segment.network_type,
    physicalNetwork: segment.physical_network,
    segmentationId: segment.segmentation_id,
  }
}

/** True when this host has what the segment runs over. */
export function isReachable(settings: L2Settings, segment: Segment): boolean {
  if (segment.network_type === 'local') return true
  if (isTunnelled(segment)) {
    return hasTunnels(settings) && settings.tunnelTypes.some((type) => type === segment.network_type)
  }
  return settings.bridgeMappings.has(segment.physical_network ?? '')
}

/** True for gre, vxlan and geneve, which leave the host by br-tun, whether or not this host has tunnels. */
export function isTunnelled(segment: Segment): boolean {
  return Object.hasOwn(ingressTable, segment.network_type)
}

/** Flows of one reachable segment; a local one has no way out of br-int, and none. */
export function segmentFlows(settings: L2Settings, network: NetworkDocument, segment: Segment): HostObject[] {
  const vlan = `{vlan:${segmentKey(segmentRef(network, segment))}}`
  if (segment.network_type === 'local') return []
  if (isTunnelled(segment)) return tunnelFlows(settings, segment, vlan)
  return providerFlows(settings, segment, vlan)
}

/** Flat networks are untagged on the provider bridge, VLAN networks bear their own tag there. */
function providerFlows(settings: L2Settings, segment: Segment, vlan: string): HostObject[] {
  const bridge = settings.bridgeMappings.get(segment.physical_network ?? '')
  if (bridge === undefined) return []
  const inside = `in_port={port:${patchName('int-', bridge)}}`
  const outside = `in_port={port:${patchName('phy-', bridge)}}`
  const flat = segment.segmentation_id === null
  const frames = flat ? untagged : `dl_vlan=${segment.segmentation_id}`
  const tagging = flat ? 'strip_vlan' : `mod_vlan_vid:${segment.segmentation_id}`
  return [
    flow(
      [settings.integrationBridge, intTables.local, 3],
      `${inside},${frames}`,
      `mod_vlan_vid:${vlan},${goTo(intTables.transient)}`,
    ),
    flow([bridge, 0, 4], `${outside},dl_vlan=${vlan}`, `${tagging},NORMAL`),
  ]
}

function tunnelFlows(settings: L2Settings, segment: Segment, vlan: string): HostObject[] {
  const type = segment.network_type as TunnelType
  const bridge = settings.tunnelBridge
  const key = `0x${(segment.segmentation_id ?? 0).toString(16)}`
  return [
    flow([bridge, ingressTable[type], 1], `tun_id=${key}`, `mod_vlan_vid:${vlan},${goTo(tunTables.learn)}`),
    flow(
      [bridge, tunTables.patchToTunnel, 1],
      `dl_vlan=${vlan},dl_dst=00:00:00:00:00:00/01:00:00:00:00:00`,
      `set_tunnel:${key},${goTo(tunTables.unicast)}`,
    ),
    flow(
      [bridge, tunTables.flood, 1],
      `dl_vlan=${vlan}`,
      `strip_vlan,set_tunnel:${key},${goTo(floodListTable[type])}`,
    ),
  ]
}
