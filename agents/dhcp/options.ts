/**
 * What is said to the clients of each subnet: Neutron's rules for router, name servers and routes, in the lines of a
 * dnsmasq options file.
 */
import { sortableIp } from '../../lib/addresses.ts'
import type { DhcpEntryDocument, SubnetPart } from '../../model/documents/documents.ts'
import { isIn, type Served, servedSubnets, subnetTag } from './served.ts'
import type { DhcpSettings } from './settings.ts'
import { dnsName } from './text.ts'

/**
 * `entries`: the network's other DHCP ports are found among them, servers for each other's clients; the rest is passed
 * over.
 */
export function subnetOptions(
  settings: DhcpSettings,
  served: Served,
  entries: readonly DhcpEntryDocument[],
): string {
  const lines = servedSubnets(settings, served.network).flatMap((subnet) =>
    (subnet.ip_version === 4 ? options4 : options6)(settings, served, subnet, entries).map(
      (option) => `tag:${subnetTag(subnet.id)},${option}\n`,
    ),
  )
  return lines.join('')
}

function options4(
  settings: DhcpSettings,
  served: Served,
  subnet: SubnetPart,
  entries: readonly DhcpEntryDocument[],
): string[] {
  const { gateway, routes } = routesOf(served, subnet)
  const lines = [
    optionOf('option:dns-server', nameServers(served, subnet, entries)),
    // Without a value dnsmasq sends no router at all; left out, it would name itself.
    optionOf('option:router', gateway === null ? [] : [gateway]),
  ]
  if (routes.length > 0) {
    lines.push(optionOf('option:classless-static-route', routes), optionOf('249', routes))
  }
  if (settings.renewalTime > 0) lines.push(`option:T1,${settings.renewalTime}s`)
  if (settings.rebindingTime > 0) lines.push(`option:T2,${settings.rebindingTime}s`)
  return lines
}

function options6(
  _settings: DhcpSettings,
  served: Served,
  subnet: SubnetPart,
  entries: readonly DhcpEntryDocument[],
): string[] {
  const servers = nameServers(served, subnet, entries).map((address) => `[${address}]`)
  const domain = dnsName(served.network.dns_domain)
  return [
    optionOf('option6:dns-server', servers),
    ...(domain === undefined ? [] : [`option6:domain-search,${domain}`]),
  ]
}

function optionOf(name: string, values: readonly string[]): string {
  return [name, ...values].join()
}

/** The subnet's own, none when it names the unspecified address, else every DHCP server of the network on it. */
function nameServers(served: Served, subnet: SubnetPart, entries: readonly DhcpEntryDocument[]): string[] {
  const given = subnet.dns_nameservers
  if (given.length === 1 && (given[0] === '0.0.0.0' || given[0] === '::')) return []
  if (given.length > 0) return [...given]
  const servers = [served.port, ...entries.filter((entry) => entry.device_owner === 'network:dhcp')]
  const addresses = servers.flatMap((port) => port.fixed_ips).map((fixed) => fixed.ip_address)
  return [...new Set(addresses)]
    .filter((address) => isIn(address, subnet))
    .sort((a, b) => (sortableIp(a) < sortableIp(b) ? -1 : 1))
}

/**
 * Host routes, and on-link routes to the network's other subnets (on a routed network, of the segment); a client that takes these ignores the router option
 * (RFC 3442), so the default route is among them. A host route to 0.0.0.0/0 stands in for a gateway.
 */
function routesOf(served: Served, subnet: SubnetPart): { gateway: string | null; routes: string[] } {
  let gateway = subnet.gateway_ip
  const others = served.network.subnets.filter(
    (other) =>
      other.ip_version === 4 &&
      other.id !== subnet.id &&
      other.cidr !== subnet.cidr &&
      other.segment_id === subnet.segment_id,
  )
  const routes = others.map((other) => `${other.cidr},0.0.0.0`)
  for (const { destination, nexthop } of subnet.host_routes) {
    if (destination === '0.0.0.0/0') gateway ??= nexthop
    else routes.push(`${destination},${nexthop}`)
  }
  if (routes.length > 0 && gateway !== null) routes.push(`0.0.0.0/0,${gateway}`)
  return { gateway, routes }
}
