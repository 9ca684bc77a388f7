/** Documents for tests: whole ones with sensible values, of which a test names what matters to it. */
import { contentHash } from '../../model/documents/digest.ts'
import type {
  Binding,
  DhcpEntryDocument,
  DocumentBodies,
  DocumentType,
  Envelope,
  NetworkDocument,
  PortDocument,
  Segment,
  SubnetPart,
} from '../../model/documents/documents.ts'
import { documentSchema } from '../../model/documents/documents.ts'

/** An id that ends in a number: `0000000a-0000-4000-8000-000000000007` for ('a', 7). */
export function testId(kind: string, number: number): string {
  return `${kind.padStart(8, '0')}-0000-4000-8000-${String(number).padStart(12, '0')}`
}

export function envelope<T extends DocumentType>(type: T, body: DocumentBodies[T]): Envelope {
  return { type, id: body.id, schema: documentSchema, hash: contentHash(body), body } as Envelope
}

export function segment(values: Partial<Segment> = {}): Segment {
  const id = values.id ?? testId('5e', 1)
  return { network_type: 'vxlan', physical_network: null, segmentation_id: 43, ...values, id }
}

export function subnet(values: Partial<SubnetPart> = {}): SubnetPart {
  return {
    id: testId('5b', 1),
    ip_version: 4,
    cidr: '10.0.0.0/24',
    gateway_ip: '10.0.0.1',
    enable_dhcp: true,
    dns_nameservers: [],
    host_routes: [],
    ipv6_ra_mode: null,
    ipv6_address_mode: null,
    segment_id: null,
    ...values,
  }
}

export function network(values: Partial<NetworkDocument> = {}): NetworkDocument {
  return {
    id: testId('e7', 1),
    admin_state_up: true,
    mtu: 1450,
    dns_domain: 'example.org',
    segments: [segment()],
    subnets: [subnet()],
    ...values,
  }
}

export function binding(host: string, values: Partial<Binding> = {}): Binding {
  const segment_id = testId('5e', 1)
  return { host, status: 'ACTIVE', vif_type: 'ovs', vnic_type: 'normal', segment_id, ...values }
}

/** Port number n: fa:16:3e:00:00:<n>, 10.0.0.<n>, bound to host-a. */
export function port(n: number, values: Partial<PortDocument> = {}): PortDocument {
  return {
    id: testId('d0', n),
    network_id: testId('e7', 1),
    mac_address: macOf(n),
    fixed_ips: [{ subnet_id: testId('5b', 1), ip_address: `10.0.0.${n}` }],
    admin_state_up: true,
    device_owner: 'compute:nova',
    device_id: testId('de', n),
    port_security_enabled: true,
    allowed_address_pairs: [],
    bindings: [binding('host-a')],
    generation: 1,
    ...values,
  }
}

export function dhcpPort(n: number, values: Partial<PortDocument> = {}): PortDocument {
  return port(n, { device_owner: 'network:dhcp', port_security_enabled: false, ...values })
}

/** What a DHCP server must know of port number n. */
export function entry(n: number, values: Partial<DhcpEntryDocument> = {}): DhcpEntryDocument {
  const { id, network_id, mac_address, device_owner, fixed_ips, generation } = port(n)
  const hostname = `vm${n}`
  const fqdn = `${hostname}.example.org.`
  return {
    id,
    network_id,
    mac_address,
    device_owner,
    fixed_ips,
    dns_assignment: fixed_ips.map(({ ip_address }) => ({ ip_address, hostname, fqdn })),
    extra_dhcp_opts: [],
    generation,
    ...values,
  }
}

function macOf(n: number): string {
  return `fa:16:3e:00:${(n >> 8).toString(16).padStart(2, '0')}:${(n & 255).toString(16).padStart(2, '0')}`
}
