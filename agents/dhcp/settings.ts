/** What the DHCP role is told of its host, from dhcp_agent.ini, neutron.conf and what the host can do. */
export interface DhcpSettings {
  /** [ovs] integration_bridge */
  integrationBridge: string
  /** True where the datapath forwards what it is given (netdev): the server's end must finish its checksums. */
  checksumInSoftware: boolean
  /** Directory under which each network has one: `<directory>/<network id>`. */
  directory: string
  /** The user that dnsmasq becomes; null: its own default. It must be able to read `directory`. */
  user: string | null
  /** [DEFAULT] dhcp_lease_duration in seconds; -1: for ever. */
  leaseDuration: number
  /** [DEFAULT] dnsmasq_lease_max */
  leaseMax: number
  /** [DEFAULT] dnsmasq_dns_servers: who is asked for names of others. */
  dnsServers: readonly string[]
  /** [DEFAULT] dnsmasq_local_resolv: ask those of this host too. */
  localResolv: boolean
  /** [DEFAULT] dnsmasq_config_file: the operator's own, read beside what is served. */
  configFile: string | null
  /** [DEFAULT] dhcp_broadcast_reply */
  broadcastReply: boolean
  /** [dhcp] dhcp_renewal_time, dhcp_rebinding_time in seconds; 0: not sent. */
  renewalTime: number
  rebindingTime: number
  /** [dhcp] enable_ipv6, and the host has IPv6. */
  ipv6: boolean
}
