/**
 * The Open vSwitch agent's role. Pieces: `l2/base`, `l2/tunnels`, `l2/bridge/<name>` for each provider bridge,
 * `l2/network/<id>` while a port of the network is wired here, `l2/port/<id>` for each wired port.
 */
import type { Fact } from '../../bus/feed.ts'
import type { HostObject } from '../../host/objects.ts'
import type { NetworkDocument, PortDocument, Segment } from '../../model/documents/documents.ts'
import type { Role, Standing, View } from '../daemon/role.ts'
import { basePiece, bridgePiece } from './base.ts'
import { isReachable, isTunnelled, segmentFlows, segmentRef } from './network.ts'
import { portPiece } from './port.ts'
import { hasTunnels, type L2Settings } from './settings.ts'
import { tunnelsPiece } from './tunnels.ts'

const base = 'l2/base'
const tunnels = 'l2/tunnels'
const ofBridge = 'l2/bridge/'
const ofNetwork = 'l2/network/'
const ofPort = 'l2/port/'

/**
 * Wires what is plugged here, up, and bound to this host by any binding: an INACTIVE one is the target of a live
 * migration.
 */
export function l2Role(settings: L2Settings): Role {
  const bridges = [...new Set(settings.bridgeMappings.values())].map((bridge) => ofBridge + bridge)
  return {
    name: 'l2',
    always: [base, ...(hasTunnels(settings) ? [tunnels] : []), ...bridges],

    agent: (view) => ({
      agent_type: 'Open vSwitch agent',
      binary: 'neutron-openvswitch-agent',
      // What a zone hosts is networks and routers, of other agents.
      availability_zone: null,
      configurations: {
        ...mappingsOf(settings, view.bridges),
        integration_bridge: settings.integrationBridge,
        datapath_type: settings.datapathType,
        tunnel_types: hasTunnels(settings) ? settings.tunnelTypes : [],
        tunneling_ip: settings.localIp,
        vxlan_udp_port: settings.vxlanUdpPort,
        devices: view.plugs.size,
        extensions: [],
        ovs_hybrid_plug: false,
        l2_population: false,
        arp_responder_enabled: false,
        enable_distributed_routing: false,
        in_distributed_mode: false,
        log_agent_heartbeats: false,
      },
    }),

    *affected(view, { documents, plugs }) {
      for (const { type, id, before, after } of documents) {
        if (type === 'tunnel-endpoint') yield tunnels
        if (type === 'port') {
          yield ofPort + id
          for (const envelope of [before, after]) {
            if (envelope?.type === 'port') yield ofNetwork + envelope.body.network_id
          }
        }
        if (type === 'network') {
          yield ofNetwork + id
          for (const port of view.documents.ofNetwork('port', id)) yield ofPort + port.id
        }
      }
      for (const id of plugs) {
        yield ofPort + id
        const port = view.documents.get('port', id)
        if (port !== undefined) yield ofNetwork + port.network_id
      }
    },

    piece(view, id) {
      if (id === base) return basePiece(settings)
      if (id === tunnels) return tunnelsPiece(settings, view.host, view.documents.all('tunnel-endpoint'))
      if (id.startsWith(ofBridge)) return bridgePiece(settings, id.slice(ofBridge.length))
      if (id.startsWith(ofNetwork)) return networkPiece(view, settings, id.slice(ofNetwork.length))
      const wiring = wiringOf(view, settings, id.slice(ofPort.length))
      if (wiring === undefined) return []
      const { port, network, segment, device } = wiring
      return portPiece(settings, port, device, segmentRef(network, segment))
    },

    *concerned(view, pieceId) {
      if (pieceId.startsWith(ofPort)) yield pieceId.slice(ofPort.length)
      else if (pieceId.startsWith(ofBridge)) {
        const bridge = pieceId.slice(ofBridge.length)
        for (const port of view.documents.all('port')) {
          const segment = wiringOf(view, settings, port.id)?.segment
          if (settings.bridgeMappings.get(segment?.physical_network ?? '') === bridge) yield port.id
        }
      } else if (pieceId.startsWith(ofNetwork)) {
        for (const port of view.documents.ofNetwork('port', pieceId.slice(ofNetwork.length))) yield port.id
      } else for (const port of view.documents.all('port')) yield port.id
    },

    fact: (view, portId, standing) => wiredFact(view, settings, portId, standing),
  }
}

/**
 * The physical networks that can be had here, and those whose bridge nobody has made. A bridge that is there and not
 * yet in order counts as had: what is bound to it waits for that.
 */
function mappingsOf({ bridgeMappings }: L2Settings, bridges: ReadonlySet<string>): Record<string, unknown> {
  const mapped = (present: boolean) =>
    Object.fromEntries([...bridgeMappings].filter(([, bridge]) => bridges.has(bridge) === present))
  const missing = mapped(false)
  return {
    bridge_mappings: mapped(true),
    ...(Object.keys(missing).length === 0 ? {} : { missing_bridges: missing }),
  }
}

interface Wiring {
  port: PortDocument
  network: NetworkDocument
  segment: Segment
  device: string
}

/** How a port is to be wired here; undefined when it is not: not plugged, not up, or not bound to what we have. */
function wiringOf(view: View, settings: L2Settings, portId: string): Wiring | undefined {
  const port = view.documents.get('port', portId)
  const plug = view.plugs.get(portId)
  if (port === undefined || plug === undefined || !port.admin_state_up) return undefined
  const network = view.documents.get('network', port.network_id)
  if (network === undefined || !network.admin_state_up) return undefined
  // An inactive binding is the far end of a live migration: wired too, so that the guest finds its network there.
  const binding = port.bindings.find((each) => each.host === view.host)
  if (binding === undefined || !isBound(binding.vif_type)) return undefined
  const segment = network.segments.find((each) => each.id === binding.segment_id)
  if (segment === undefined || !isReachable(settings, segment)) return undefined
  return { port, network, segment, device: plug.device }
}

function isBound(vifType: string): boolean {
  return vifType !== 'unbound' && vifType !== 'binding_failed'
}

function networkPiece(view: View, settings: L2Settings, networkId: string): HostObject[] {
  const segments = new Map<string, HostObject[]>()
  for (const { id } of view.documents.ofNetwork('port', networkId)) {
    const wiring = wiringOf(view, settings, id)
    if (wiring === undefined || segments.has(wiring.segment.id)) continue
    segments.set(wiring.segment.id, segmentFlows(settings, wiring.network, wiring.segment))
  }
  return [...segments.values()].flat()
}

function wiredFact(
  view: View,
  settings: L2Settings,
  portId: string,
  standing: (pieceId: string) => Standing,
): Fact | undefined {
  const port = view.documents.get('port', portId)
  if (port === undefined) return undefined
  const wired = (value: boolean): Fact => ({
    kind: 'port-wired',
    port_id: portId,
    generation: port.generation,
    wired: value,
  })
  const wiring = wiringOf(view, settings, portId)
  if (wiring === undefined) return wired(false)
  const needed = [base, ofPort + portId]
  if (wiring.segment.network_type !== 'local') needed.push(ofNetwork + wiring.network.id)
  const bridge = settings.bridgeMappings.get(wiring.segment.physical_network ?? '')
  if (bridge !== undefined) needed.push(ofBridge + bridge)
  // One tunnel that cannot be made does not keep the ports of this host down.
  const tunnelsTried = !isTunnelled(wiring.segment) || standing(tunnels) !== 'pending'
  return tunnelsTried && needed.every((id) => standing(id) === 'settled') ? wired(true) : undefined
}
