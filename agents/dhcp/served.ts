/** A network as a DHCP server of this host serves it, and the names of what that makes on the host. */
import { join } from 'node:path'
import { contains, parseCidr } from '../../lib/addresses.ts'
import type { NetworkDocument, PortDocument, SubnetPart } from '../../model/documents/documents.ts'
import { tapName } from '../l2/names.ts'
import type { DhcpSettings } from './settings.ts'

export interface Served {
  network: NetworkDocument
  /** The DHCP port of the network that is bound to this host. */
  port: PortDocument
  namespace: string
  /** Name of both ends of the server's veth. */
  device: string
  /** Id of the process. */
  process: string
  files: ServerFiles
}

/** dnsmasq reads new files in the three directories at once; `leases` and `pid` it writes itself. */
export interface ServerFiles {
  directory: string
  hosts: string
  names: string
  options: string
  leases: string
  pid: string
}

/**
 * The names are Neutron's (`qdhcp-ID`, the port's tap device, hosts, addn_hosts, opts); a network has one of each on a
 * host.
 */
export function servedBy(settings: DhcpSettings, network: NetworkDocument, port: PortDocument): Served {
  const directory = join(settings.directory, network.id)
  return {
    network,
    port,
    namespace: `qdhcp-${network.id}`,
    device: tapName(port.id),
    process: `dnsmasq-${network.id}`,
    files: {
      directory,
      hosts: join(directory, 'hosts'),
      names: join(directory, 'addn_hosts'),
      options: join(directory, 'opts'),
      leases: join(directory, 'leases'),
      pid: join(directory, 'pid'),
    },
  }
}

/** True where a server runs: with DHCP on any subnet, if only to answer for names (SLAAC). */
export function needsServer(network: NetworkDocument): boolean {
  return network.admin_state_up && network.subnets.some((subnet) => subnet.enable_dhcp)
}

/**
 * The subnets whose clients are served by DHCP: not those that configure themselves (SLAAC), nor whose DHCP servers are
 * somebody else's (ipv6_ra_mode alone), nor what dnsmasq refuses.
 */
export function servedSubnets(settings: DhcpSettings, network: NetworkDocument): SubnetPart[] {
  return network.subnets.filter((subnet) => {
    if (!subnet.enable_dhcp) return false
    if (subnet.ip_version === 4) return true
    const prefix = parseCidr(subnet.cidr)?.prefixlen ?? 0
    const stateful = subnet.ipv6_address_mode === null && subnet.ipv6_ra_mode === null
    return settings.ipv6 && prefix >= 64 && (stateful || isDhcpMode(subnet))
  })
}

function isDhcpMode(subnet: SubnetPart): boolean {
  return subnet.ipv6_address_mode === 'dhcpv6-stateful' || subnet.ipv6_address_mode === 'dhcpv6-stateless'
}

/** The tag of what is said to one subnet's clients. */
export function subnetTag(subnetId: string): string {
  return `subnet-${subnetId}`
}

/** The tag of what is said to one port alone. */
export function portTag(portId: string): string {
  return `port-${portId}`
}

/** False for an address of the other IP version. */
export function isIn(address: string, subnet: SubnetPart): boolean {
  const cidr = parseCidr(subnet.cidr)
  return cidr !== undefined && contains(cidr, address)
}
