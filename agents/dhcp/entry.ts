/**
 * One client of a DHCP server: its addresses, its names and its options, each in a file of its own, which dnsmasq reads
 * at once when it appears. What changes or goes needs a SIGHUP; a lease that nobody has leave for is released.
 */
import type { HostObject } from '../../host/objects.ts'
import type { DhcpEntryDocument, FixedIp } from '../../model/documents/documents.ts'
import { portTag, type Served, servedSubnets } from './served.ts'
import type { DhcpSettings } from './settings.ts'
import { dnsName, optionLine } from './text.ts'

export function entryPiece(settings: DhcpSettings, served: Served, entry: DhcpEntryDocument): HostObject[] {
  const options = entry.extra_dhcp_opts
    .map((option) => optionLine(portTag(entry.id), option))
    .filter((line) => line !== undefined)
  const clients = entry.device_owner === 'network:dhcp' ? [] : clientAddresses(settings, served, entry)
  return [
    ...file(served, served.files.options, entry.id, options),
    ...file(served, served.files.names, entry.id, nameLines(served, entry)),
    // Last, so that who is known has its options and its name.
    ...file(
      served,
      served.files.hosts,
      entry.id,
      clients.map((fixed) => hostLine(served, entry, fixed)),
    ),
    ...clients
      .filter((fixed) => !fixed.ip_address.includes(':'))
      .map(
        (fixed): HostObject => ({
          kind: 'lease',
          process: served.process,
          namespace: served.namespace,
          link: served.device,
          file: served.files.leases,
          ip: fixed.ip_address,
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

/** The first address on each served subnet: a client asks for one there. */
function clientAddresses(settings: DhcpSettings, served: Served, entry: DhcpEntryDocument): FixedIp[] {
  return servedSubnets(settings, served.network).flatMap(
    (subnet) => entry.fixed_ips.find((fixed) => fixed.subnet_id === subnet.id) ?? [],
  )
}

/**
 * No `set:` tag stands here: dnsmasq 2.90 crashes at the first SIGHUP after it has given a lease to a host that has
 * one. The port's own options find it by --dhcp-mac instead.
 */
function hostLine(served: Served, entry: DhcpEntryDocument, { ip_address: ip }: FixedIp): string {
  const { fqdn } = namesOf(served, entry, ip)
  return [entry.mac_address, ...clientId(entry), fqdn, ip.includes(':') ? `[${ip}]` : ip].join()
}

/** Source: the option `client-id` of extra_dhcp_opts, by which a client may make itself known too. */
function clientId(entry: DhcpEntryDocument): string[] {
  const value = entry.extra_dhcp_opts.find((option) => option.opt_name === 'client-id')?.opt_value
  return value && /^[\w.:-]{1,255}$/.test(value) ? [`id:${value}`] : []
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
