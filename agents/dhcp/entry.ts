/**
 * One client of a DHCP server: its addresses, its names and its options, each in a file of its own, which dnsmasq reads
 * at once when it appears. What changes or goes needs a SIGHUP; a lease that nobody has leave for is released.
 */
import type { HostObject } from '../../host/objects.ts'
import type { DhcpEntryDocument } from '../../model/documents/documents.ts'
import { portTag, type Served, servedSubnets } from './served.ts'
import type { DhcpSettings } from './settings.ts'
import { dnsName, optionLine } from './text.ts'

/**
 * A file for each kind of lines that there are, and the leave for each address that DHCP gives. Only addresses of
 * served subnets are given, and none to a DHCP port.
 */
export function entryPiece(settings: DhcpSettings, served: Served, entry: DhcpEntryDocument): HostObject[] {
  const options = ownOptions(entry)
    .map((option) => optionLine(portTag(entry.id), option))
    .filter((line) => line !== undefined)
  const leases = entry.device_owner === 'network:dhcp' ? [] : leasesOf(settings, served, entry)
  return [
    ...file(served, served.files.options, entry.id, options),
    ...file(served, served.files.names, entry.id, nameLines(served, entry)),
    // Last, so that who is known has its options and its name.
    ...file(
      served,
      served.files.hosts,
      entry.id,
      leases.map((addresses) => hostLine(served, entry, addresses)),
    ),
    ...leases.flat().map(
      (ip): HostObject => ({
        kind: 'lease',
        process: served.process,
        namespace: served.namespace,
        link: served.device,
        file: served.files.leases,
        ip,
        mac: entry.mac_address,
      }),
    ),
  ]
}

function file(served: Served, directory: string, id: string, lines: readonly string[]): HostObject[] {
  if (lines.length === 0) return []
  return [
    {
      kind: 'file',
      path: `${directory}/${id}`,
      content: lines.map((line) => `${line}\n`).join(''),
      mode: 0o644,
      notify: { process: served.process, signal: 'SIGHUP', on: ['update', 'remove'] },
    },
  ]
}

/**
 * What the client may be given, by subnet. A client asks for one IPv4 address on each, so the first is it; of IPv6 it
 * may ask for all. Addresses that clients form themselves are no leases.
 */
function leasesOf(settings: DhcpSettings, served: Served, entry: DhcpEntryDocument): [string, ...string[]][] {
  return servedSubnets(settings, served.network)
    .filter((subnet) => subnet.ipv6_address_mode !== 'dhcpv6-stateless')
    .flatMap((subnet) => {
      const [first, ...more] = entry.fixed_ips
        .filter((fixed) => fixed.subnet_id === subnet.id)
        .map((fixed) => fixed.ip_address)
      if (first === undefined) return []
      return [subnet.ip_version === 4 ? [first] : [first, ...more]]
    })
}

/**
 * No `set:` tag stands here: dnsmasq 2.90 crashes at the first SIGHUP after it has given a lease to a host that has
 * one. The port's own options find it by --dhcp-mac instead.
 */
function hostLine(
  served: Served,
  entry: DhcpEntryDocument,
  addresses: readonly [string, ...string[]],
): string {
  const { fqdn } = namesOf(served, entry, addresses[0])
  const isFour = !addresses[0].includes(':')
  const ips = isFour ? addresses[0] : addresses.map((ip) => `[${ip}]`).join('')
  return [entry.mac_address, ...(isFour ? clientId(entry) : []), fqdn, ips].join()
}

/** Source: the option `client-id` (61) of extra_dhcp_opts, by which a client may make itself known too. */
const clientIdNames: readonly string[] = ['client-id', '61']

function clientId(entry: DhcpEntryDocument): string[] {
  const value = entry.extra_dhcp_opts.find((option) => clientIdNames.includes(option.opt_name))?.opt_value
  return value && /^[\w.:-]{1,255}$/.test(value) ? [`id:${value}`] : []
}

/** Those that are sent to the client; its own identifier is not. */
function ownOptions(entry: DhcpEntryDocument): DhcpEntryDocument['extra_dhcp_opts'] {
  return entry.extra_dhcp_opts.filter((option) => !clientIdNames.includes(option.opt_name))
}

function nameLines(served: Served, entry: DhcpEntryDocument): string[] {
  return entry.fixed_ips.map(({ ip_address }) => {
    const { fqdn, hostname } = namesOf(served, entry, ip_address)
    return [ip_address, ...new Set([fqdn, hostname])].join(' ')
  })
}

/** Names as the server assigned them; else Neutron's `host-10-0-0-5`. */
function namesOf(served: Served, entry: DhcpEntryDocument, ip: string): { hostname: string; fqdn: string } {
  const assigned = entry.dns_assignment.find((each) => each.ip_address === ip)
  const hostname = dnsName(assigned?.hostname) ?? `host-${ip.replace(/[.:]/g, '-').replace(/-$/, '-0')}`
  const domain = dnsName(served.network.dns_domain)
  return { hostname, fqdn: dnsName(assigned?.fqdn) ?? (domain ? `${hostname}.${domain}` : hostname) }
}
