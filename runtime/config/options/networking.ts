/** Options of the core plugin: addresses, MTUs, type and mechanism drivers, agents and their scheduling. */
import {
  boolean,
  dict,
  float,
  integer,
  list,
  numberRange,
  oneOf,
  option,
  text,
  vlanRange,
  wholeNumber,
} from '../option.ts'

/** `[DEFAULT]`: networks, subnets, ports, agents. */
export const networkingOptions = {
  service_plugins: list({ default: [], help: 'Service plugins to load.' }),
  vlan_transparent: boolean({
    default: false,
    help: 'Not served: hosts do not pass frames on with the tags that instances give them.',
  }),
  vlan_qinq: boolean({ default: false, help: 'Not served, as vlan_transparent.' }),
  base_mac: text({
    default: 'fa:16:3e:00:00:00',
    help: 'First octets of generated MAC addresses; octets that are 00 after the third are random.',
  }),
  dns_domain: text({
    default: 'openstacklocal',
    help: 'Domain of the names of ports. With the default, ports have no names of their own.',
  }),
  dhcp_lease_duration: integer({
    default: 86400,
    min: -1,
    help: 'Seconds that a DHCP lease lasts; -1 means for ever.',
  }),
  global_physnet_mtu: integer({ default: 1500, min: 0, help: 'MTU of the physical network, in bytes.' }),
  max_dns_nameservers: integer({ default: 5, min: 0, help: 'Most DNS servers of a subnet.' }),
  max_subnet_host_routes: integer({ default: 20, min: 0, help: 'Most host routes of a subnet.' }),
  max_allowed_address_pair: integer({
    default: 10,
    help: 'Most allowed address pairs of a port; -1: no limit.',
  }),
  agent_down_time: integer({
    default: 75,
    min: 1,
    help: 'Seconds without a heartbeat after which an agent counts as dead.',
  }),
  enable_new_agents: boolean({
    default: true,
    help: 'admin_state_up of an agent that appears for the first time.',
  }),
  dhcp_agents_per_network: integer({ default: 1, min: 1, help: 'DHCP agents that serve each network.' }),
  network_auto_schedule: boolean({
    default: true,
    help: 'Give networks with too few DHCP agents to one that appears.',
  }),
  allow_automatic_dhcp_failover: boolean({
    default: true,
    help: 'Take networks away from dead DHCP agents.',
  }),
  default_availability_zones: list({
    default: [],
    help: 'Zones whose agents serve networks without availability_zone_hints; empty: all.',
  }),
}

/** `[ml2]` */
export const ml2Options = {
  type_drivers: list({
    default: ['local', 'flat', 'vlan', 'gre', 'vxlan', 'geneve'],
    help: 'Network types that may be used.',
  }),
  tenant_network_types: list({
    default: ['local'],
    help: 'Types of networks that are created without provider attributes, in order of preference.',
  }),
  mechanism_drivers: list({
    default: ['openvswitch'],
    help: 'Drivers that bind ports, in order. Neutron has none by default.',
  }),
  extension_drivers: list({ default: [], help: 'Extension drivers, such as port_security and dns.' }),
  path_mtu: integer({
    default: 0,
    min: 0,
    help: 'MTU of the path between tunnel endpoints, in bytes; 0: not known.',
  }),
  physical_network_mtus: dict(
    { help: 'MTUs of physical networks where they differ from global_physnet_mtu: PHYSNET:MTU.' },
    wholeNumber({ min: 68 }),
  ),
  external_network_type: text({
    default: null,
    help: 'Network type of external networks without provider attributes.',
  }),
  overlay_ip_version: option(wholeNumber({ min: 4, max: 6 }), {
    default: 4,
    help: 'IP version of tunnel endpoints: 4 or 6.',
  }),
}

export const flatOptions = {
  flat_networks: list({
    default: ['*'],
    help: 'Physical networks on which flat networks may be made; * means any.',
  }),
}

export const vlanOptions = {
  network_vlan_ranges: list(
    { default: [], help: 'Physical networks with the VLAN ids for tenant networks: PHYSNET[:FIRST:LAST].' },
    vlanRange(),
  ),
}

export const greOptions = {
  tunnel_id_ranges: list(
    { default: [], help: 'GRE keys for tenant networks: FIRST:LAST.' },
    numberRange({ min: 1, max: 4294967295 }),
  ),
}

export const vxlanOptions = {
  vni_ranges: list(
    { default: [], help: 'VXLAN VNIs for tenant networks: FIRST:LAST.' },
    numberRange({ min: 1, max: 16777215 }),
  ),
  vxlan_group: text({
    default: null,
    help: 'Multicast group for VXLAN; used by the Linux bridge agent alone.',
  }),
}

export const geneveOptions = {
  vni_ranges: list(
    { default: [], help: 'Geneve VNIs for tenant networks: FIRST:LAST.' },
    numberRange({ min: 1, max: 16777215 }),
  ),
  max_header_size: integer({
    default: 30,
    min: 0,
    help: 'Bytes of a Geneve header, for the MTU of networks.',
  }),
}

/** `[quotas]` */
export const quotaOptions = {
  default_quota: integer({
    default: -1,
    min: -1,
    help: 'Quota of a resource without an option of its own; -1: none.',
  }),
  quota_network: integer({ default: 100, min: -1, help: 'Networks a project may have; -1: no limit.' }),
  quota_subnet: integer({ default: 100, min: -1, help: 'Subnets a project may have; -1: no limit.' }),
  quota_port: integer({ default: 500, min: -1, help: 'Ports a project may have; -1: no limit.' }),
  quota_security_group: integer({
    default: 10,
    min: -1,
    help: 'Security groups a project may have; -1: no limit.',
  }),
  quota_security_group_rule: integer({
    default: 100,
    min: -1,
    help: 'Security group rules a project may have; -1: no limit.',
  }),
  quota_rbac_policy: integer({
    default: 10,
    min: -1,
    help: 'RBAC policies a project may have; -1: no limit.',
  }),
  quota_subnetpool: integer({
    default: null,
    min: -1,
    help: 'Subnet pools a project may have; -1: no limit. Unset: default_quota.',
  }),
  quota_trunk: integer({
    default: null,
    min: -1,
    help: 'Trunks a project may have; -1: no limit. Unset: default_quota.',
  }),
}

const tunnelTypes = oneOf(['vxlan', 'gre', 'geneve'])

/** `[ovs]` of an Open vSwitch host. */
export const ovsOptions = {
  integration_bridge: text({ default: 'br-int', help: 'Bridge that all ports of instances are on.' }),
  tunnel_bridge: text({ default: 'br-tun', help: 'Bridge that tunnels end on.' }),
  int_peer_patch_port: text({
    default: 'patch-tun',
    help: 'Patch port of the integration bridge to the tunnel bridge.',
  }),
  tun_peer_patch_port: text({
    default: 'patch-int',
    help: 'Patch port of the tunnel bridge to the integration bridge.',
  }),
  bridge_mappings: dict({ help: 'Bridges of physical networks: PHYSNET:BRIDGE.' }),
  local_ip: text({
    default: null,
    help: 'Address of this host at which tunnels end. Without it there are no tunnels.',
  }),
  datapath_type: option(oneOf(['system', 'netdev']), {
    default: null,
    help: 'Datapath of bridges: system (kernel) or netdev (userspace). If not set, what the host can do. Neutron: system.',
  }),
}

/** `[agent]` of an Open vSwitch host. */
export const l2AgentOptions = {
  report_interval: float({ default: 30, min: 0.1, help: 'Seconds between heartbeats.' }),
  availability_zone: text({ default: 'nova', help: 'Availability zone that the agent reports.' }),
  extensions: list({ default: [], help: 'Extensions of the L2 agent.' }),
  tunnel_types: list(
    { default: [], help: 'Tunnels that this host can end: vxlan, gre, geneve.' },
    tunnelTypes,
  ),
  vxlan_udp_port: integer({ default: 4789, min: 1, max: 65535, help: 'UDP port of VXLAN tunnels.' }),
  l2_population: boolean({
    default: false,
    help: 'Learn of others ports from the server instead of by flooding.',
  }),
  arp_responder: boolean({ default: false, help: 'Answer ARP on this host; needs l2_population.' }),
  dont_fragment: boolean({ default: true, help: 'Set DF on tunnel packets.' }),
  tunnel_csum: boolean({ default: false, help: 'Checksum the outer header of tunnel packets.' }),
}

/** `[agent]` of a DHCP host. */
export const dhcpAgentOptions = {
  report_interval: float({ default: 30, min: 0.1, help: 'Seconds between heartbeats.' }),
  availability_zone: text({ default: 'nova', help: 'Availability zone that the agent reports.' }),
}

/** `[DEFAULT]` of a DHCP host. */
export const dhcpOptions = {
  dnsmasq_dns_servers: list({
    default: [],
    help: 'Servers that dnsmasq asks for names that it does not know.',
  }),
  dnsmasq_local_resolv: boolean({
    default: false,
    help: 'Let dnsmasq ask the name servers of this host for names that it does not know.',
  }),
  dnsmasq_lease_max: integer({ default: 16777216, min: 0, help: 'Most leases of a DHCP server.' }),
  dnsmasq_config_file: text({
    default: null,
    help: 'A configuration file of your own that every dnsmasq reads too (network boot, for instance).',
  }),
  dhcp_broadcast_reply: boolean({ default: false, help: 'Answer every DHCP request by broadcast.' }),
  dnsmasq_base_log_dir: text({
    default: null,
    help: 'Not served: what dnsmasq writes stands in the logs of the agent’s run directory.',
  }),
  enable_isolated_metadata: boolean({
    default: false,
    help: 'Serve metadata from the DHCP namespace to subnets without a router.',
  }),
  force_metadata: boolean({ default: false, help: 'Serve metadata from every DHCP namespace.' }),
}

/** `[dhcp]` */
export const dhcpTimingOptions = {
  enable_ipv6: boolean({ default: true, help: 'Serve DHCPv6.' }),
  dhcp_renewal_time: integer({ default: 0, min: 0, help: 'DHCP option 58 in seconds; 0: not sent.' }),
  dhcp_rebinding_time: integer({ default: 0, min: 0, help: 'DHCP option 59 in seconds; 0: not sent.' }),
}
