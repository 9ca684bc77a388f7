/** What the L2 role is told of its host, from openvswitch_agent.ini and from what the host can do. */

export type TunnelType = 'vxlan' | 'gre' | 'geneve'

export interface L2Settings {
  /** [ovs] integration_bridge, tunnel_bridge, int_peer_patch_port, tun_peer_patch_port */
  integrationBridge: string
  tunnelBridge: string
  integrationPatch: string
  tunnelPatch: string
  /** [ovs] datapath_type, or what was detected. */
  datapathType: 'system' | 'netdev'
  /** [ovs] bridge_mappings: physical network -> bridge. */
  bridgeMappings: ReadonlyMap<string, string>
  /** [ovs] local_ip */
  localIp: string | null
  /** [agent] tunnel_types; empty without local_ip. */
  tunnelTypes: readonly TunnelType[]
  /** [agent] vxlan_udp_port, dont_fragment, tunnel_csum */
  vxlanUdpPort: number
  dontFragment: boolean
  tunnelChecksum: boolean
}

/** True when this host can end tunnels. */
export function hasTunnels(settings: L2Settings): boolean {
  return settings.localIp !== null && settings.tunnelTypes.length > 0
}
