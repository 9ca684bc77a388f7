/**
 * Tables of networks, subnets, ports, their addresses and bindings, and of agents. Both engines hold the same text
 * and integers: booleans are 0 or 1, times ISO 8601 in UTC with seconds, lists and dictionaries that no query looks
 * into are JSON text, and addresses that are compared are the 32 hex digits of lib/addresses.ts.
 */

/** Columns of every resource with standard attributes. */
interface Standard {
  id: string
  project_id: string
  name: string
  description: string
  revision_number: number
  created_at: string
  updated_at: string
}

export interface NetworkTable extends Standard {
  admin_state_up: number
  status: string
  /** Never 0: the default is worked out when the network is created. */
  mtu: number
  port_security_enabled: number
  dns_domain: string
  /** JSON list of names. */
  availability_zone_hints: string
  qos_policy_id: string | null
  /** 1: the default external network, of which there is one at most; 0 of all that are not external. */
  is_default: number
}

export interface NetworkSegmentTable {
  id: string
  network_id: string
  /** Order within the network, from 0. */
  segment_index: number
  network_type: string
  physical_network: string | null
  /** An integer column; PostgreSQL's driver may hand out bigint as text, so read it with Number(). */
  segmentation_id: number | null
  name: string | null
  description: string
  revision_number: number
  created_at: string
  updated_at: string
  /** What the segment takes for itself alone in the whole cloud (`flat public`, `vxlan 1001`); null for local. */
  claim: string | null
}

/** `project_id` null: for all. Both ends belong to the range. */
export interface NetworkSegmentRangeTable extends Omit<Standard, 'project_id'> {
  project_id: string | null
  /** 1: made by the configuration. */
  default: number
  shared: number
  network_type: string
  /** Null but for VLANs. */
  physical_network: string | null
  minimum: number
  maximum: number
}

export interface SubnetTable extends Standard {
  network_id: string
  ip_version: number
  /** Canonical text, as the API shows it. */
  cidr: string
  /** Network address and last address, sortable. */
  first_ip: string
  last_ip: string
  /** Canonical text, as the API shows it. */
  gateway_ip: string | null
  enable_dhcp: number
  ipv6_ra_mode: string | null
  ipv6_address_mode: string | null
  /** JSON list of {start, end}. */
  allocation_pools: string
  /** JSON list of addresses. */
  dns_nameservers: string
  /** JSON list of {destination, nexthop}. */
  host_routes: string
  /** JSON list of device-owner prefixes. */
  service_types: string
  dns_publish_fixed_ip: number
  /** The pool that its prefix was cut from. */
  subnetpool_id: string | null
  /** The segment of the network that it is on alone: a routed provider network. */
  segment_id: string | null
}

export interface PortTable extends Standard {
  network_id: string
  mac_address: string
  admin_state_up: number
  status: string
  device_id: string
  device_owner: string
  port_security_enabled: number
  dns_name: string
  /** `immediate`, `none` for a port that wants no address, or `deferred` until its host is known. */
  ip_allocation: string
  /** JSON list of {ip_address, mac_address}. */
  allowed_address_pairs: string
  /** JSON list of {opt_name, opt_value, ip_version}. */
  extra_dhcp_opts: string
  qos_policy_id: string | null
  /** JSON dictionary (see server/port/extras.ts). */
  extras: string
  /** Counts how often provisioning blocks were put (see server/port/provisioning.ts). */
  generation: number
}

export interface IpAllocationTable {
  port_id: string
  network_id: string
  subnet_id: string
  /** Sortable. */
  ip: string
  /** Canonical text, as the API shows it and searches in. */
  ip_address: string
  /** Order within the port's fixed_ips, from 0. */
  position: number
}

export interface PortBindingTable {
  port_id: string
  network_id: string
  /** '' while unbound. */
  host: string
  status: 'ACTIVE' | 'INACTIVE'
  vif_type: string
  vnic_type: string
  /** JSON dictionary. */
  profile: string
  /** JSON dictionary. */
  vif_details: string
  /** Null unless some driver has bound the port to the host. */
  segment_id: string | null
  /** 1 once the host has told of an INACTIVE binding that the port is wired. */
  wired: number
}

export interface ProvisioningBlockTable {
  port_id: string
  entity: 'L2' | 'DHCP'
}

/** Values that nobody has, as ranges: of a subnet's pools (pool is its id), or of a type driver's identifiers. */
export interface FreeRangeTable {
  pool: string
  /** Both ends belong to the range; 32 hex digits. */
  first: string
  last: string
}

export interface TagTable {
  /** Name of the resource, singular: `network`. */
  object: string
  object_id: string
  tag: string
}

export interface AgentTable {
  id: string
  agent_type: string
  host: string
  binary: string
  topic: string
  availability_zone: string | null
  admin_state_up: number
  description: string | null
  /** JSON dictionary. */
  configurations: string
  created_at: string
  started_at: string
  heartbeat_timestamp: string
  /** How often what waited for the agent has still to be looked for. */
  looks: number
}

export interface NetworkDhcpAgentTable {
  network_id: string
  agent_id: string
}

/** A physical network that the agent's host is connected to. */
export interface AgentPhysicalNetworkTable {
  agent_id: string
  physical_network: string
}

/** The network that was made for a project which asked for one. */
export interface AutoAllocatedTopologyTable {
  project_id: string
  network_id: string
}

export interface NetworkingTables {
  networks: NetworkTable
  network_segments: NetworkSegmentTable
  network_segment_ranges: NetworkSegmentRangeTable
  subnets: SubnetTable
  ports: PortTable
  ip_allocations: IpAllocationTable
  port_bindings: PortBindingTable
  provisioning_blocks: ProvisioningBlockTable
  free_ranges: FreeRangeTable
  tags: TagTable
  agents: AgentTable
  network_dhcp_agents: NetworkDhcpAgentTable
  auto_allocated_topologies: AutoAllocatedTopologyTable
  agent_physical_networks: AgentPhysicalNetworkTable
}
