/**
 * What the server tells hosts: normalised documents, each with a key (type and id), a version of its own and a
 * schema number. A document says what is wanted, never how a host does it, and is the same for every host that
 * receives it.
 */

/** Schema of the documents below. A server of schema N also serves agents that ask for N - 1. */
export const documentSchema = 1

/** How a network is realised on the wire: one row of a (multi-)provider network. */
export interface Segment {
  id: string
  network_type: 'local' | 'flat' | 'vlan' | 'vxlan' | 'gre' | 'geneve'
  /** Name of the physical network; null for local and tunnel networks. */
  physical_network: string | null
  /** VLAN id, VNI or GRE key; null for local and flat networks. */
  segmentation_id: number | null
}

export interface FixedIp {
  subnet_id: string
  ip_address: string
}

export interface AddressPair {
  ip_address: string
  mac_address: string
}

/** One host's binding of a port (API: binding:*, and /v2.0/ports/{id}/bindings). */
export interface Binding {
  host: string
  status: 'ACTIVE' | 'INACTIVE'
  vif_type: string
  vnic_type: string
  /** The segment of the network that this host realises; null while unbound or binding_failed. */
  segment_id: string | null
}

/** A port, for the hosts that it is bound to. */
export interface PortDocument {
  id: string
  network_id: string
  mac_address: string
  fixed_ips: readonly FixedIp[]
  admin_state_up: boolean
  device_owner: string
  device_id: string
  port_security_enabled: boolean
  allowed_address_pairs: AddressPair[]
  bindings: Binding[]
  /** Counts the times that the port had to be provisioned anew; reports carry it back. */
  generation: number
}

export interface HostRoute {
  destination: string
  nexthop: string
}

export type Ipv6Mode = 'slaac' | 'dhcpv6-stateful' | 'dhcpv6-stateless'

/** A subnet as part of its network's document. */
export interface SubnetPart {
  id: string
  ip_version: 4 | 6
  cidr: string
  gateway_ip: string | null
  enable_dhcp: boolean
  dns_nameservers: string[]
  host_routes: HostRoute[]
  ipv6_ra_mode: Ipv6Mode | null
  ipv6_address_mode: Ipv6Mode | null
  /** The segment that it is on alone; only a router leads to subnets of the others. */
  segment_id: string | null
}

/** A network, for the hosts that have a port of it or serve its DHCP. */
export interface NetworkDocument {
  id: string
  admin_state_up: boolean
  /** Bytes of an IP packet, never 0. */
  mtu: number
  /** The domain of names in dns_assignment ([DEFAULT] dns_domain of the server), with no final dot. */
  dns_domain: string
  segments: Segment[]
  subnets: SubnetPart[]
}

export interface DnsAssignment {
  ip_address: string
  hostname: string
  fqdn: string
}

export interface DhcpOption {
  opt_name: string
  opt_value: string | null
  ip_version: 4 | 6
}

/** What a DHCP server must know of one port; for the hosts that serve the network. The id is the port's. */
export interface DhcpEntryDocument {
  id: string
  network_id: string
  mac_address: string
  /** `network:dhcp` marks the DHCP servers of the network: they answer DNS. */
  device_owner: string
  fixed_ips: readonly FixedIp[]
  dns_assignment: DnsAssignment[]
  extra_dhcp_opts: DhcpOption[]
  generation: number
}

/** Where a host ends its tunnels; the id is `<host>/<tunnel type>`. For every other host with that tunnel type. */
export interface TunnelEndpointDocument {
  id: string
  host: string
  tunnel_type: 'vxlan' | 'gre' | 'geneve'
  ip_address: string
  /** UDP port for vxlan and geneve, null for gre. */
  udp_port: number | null
}

export interface DocumentBodies {
  network: NetworkDocument
  port: PortDocument
  'dhcp-entry': DhcpEntryDocument
  'tunnel-endpoint': TunnelEndpointDocument
}

export type DocumentType = keyof DocumentBodies

export interface DocumentKey {
  type: DocumentType
  id: string
}

/** A document on its way: `hash` is contentHash(body), hex, and changes exactly when the body does. */
export type Envelope = {
  [T in DocumentType]: { type: T; id: string; schema: number; hash: string; body: DocumentBodies[T] }
}[DocumentType]
