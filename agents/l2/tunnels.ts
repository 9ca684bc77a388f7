/**
 * Tunnels to the other hosts, a port each, and for each tunnel type one flow that sends to them all: networks point to
 * it, so that a host that comes or goes costs one port and one flow, not one flow a network.
 */
import type { HostObject } from '../../host/objects.ts'
import type { TunnelEndpointDocument } from '../../model/documents/documents.ts'
import { tunnelName } from './names.ts'
import { hasTunnels, type L2Settings, type TunnelType } from './settings.ts'
import { floodListTable, flow, goTo, ingressTable, tunTables } from './tables.ts'

/** Endpoints that are this host's own, by name or address, are left out. Nothing where this host has no tunnels. */
export function tunnelsPiece(
  settings: L2Settings,
  host: string,
  endpoints: readonly TunnelEndpointDocument[],
): HostObject[] {
  if (!hasTunnels(settings)) return []
  return settings.tunnelTypes.flatMap((type) => {
    const others = endpoints.filter(
      (end) => end.tunnel_type === type && end.host !== host && end.ip_address !== settings.localIp,
    )
    // Two names of one machine, as after a renaming, are one tunnel.
    const remotes = [...new Set(others.map((end) => end.ip_address))].sort()
    return [...remotes.flatMap((ip) => tunnel(settings, type, ip)), floodList(settings, type, remotes)]
  })
}

function tunnel(settings: L2Settings, type: TunnelType, remoteIp: string): HostObject[] {
  const { tunnelBridge: bridge, localIp } = settings
  const name = tunnelName(type, remoteIp)
  const options: Record<string, string> = {
    df_default: String(settings.dontFragment),
    in_key: 'flow',
    out_key: 'flow',
    remote_ip: remoteIp,
  }
  if (localIp !== null) options.local_ip = localIp
  // Open vSwitch listens and sends on one port: the others must have the same.
  if (type === 'vxlan') options.dst_port = String(settings.vxlanUdpPort)
  if (settings.tunnelChecksum) options.csum = 'true'
  return [
    { kind: 'ovs-port', bridge, name, type, options },
    flow([bridge, tunTables.start, 1], `in_port={port:${name}}`, goTo(ingressTable[type])),
  ]
}

function floodList(settings: L2Settings, type: TunnelType, remotes: readonly string[]): HostObject {
  const place = [settings.tunnelBridge, floodListTable[type], 1] as const
  const names = remotes.map((ip) => tunnelName(type, ip))
  return flow(place, '', names.length === 0 ? 'drop' : `{outputs:${names}}`)
}
