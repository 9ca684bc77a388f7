/**
 * A wired port on br-int: its local VLAN, and what it may send. Nothing is admitted but frames without a VLAN tag; with
 * port security, only from its own and its allowed MAC addresses, and ARP and neighbour advertisements only for its own
 * and its allowed IP addresses.
 */
import type { HostObject, SegmentRef } from '../../host/objects.ts'
import { eui64, formatCidr, parseCidr } from '../../lib/addresses.ts'
import type { PortDocument } from '../../model/documents/documents.ts'
import type { L2Settings } from './settings.ts'
import { flow, goTo, intTables, untagged } from './tables.ts'

/**
 * `device` is the plug's name on br-int. Without port security, and for ports of Neutron's own (`network:…`), any
 * address may be sent from.
 */
export function portPiece(
  settings: L2Settings,
  port: PortDocument,
  device: string,
  segment: SegmentRef,
): HostObject[] {
  const bridge = settings.integrationBridge
  const from = `in_port={port:${device}}`
  const tag: HostObject = { kind: 'ovs-tag', port: device, segment }
  if (!isProtected(port)) {
    return [tag, flow([bridge, intTables.local, 9], `${from},${untagged}`, goTo(intTables.transient))]
  }
  const macs = new Set(
    [port, ...port.allowed_address_pairs].map(({ mac_address }) => mac_address.toLowerCase()),
  )
  const addresses = [
    ...port.fixed_ips.map((fixed) => fixed.ip_address),
    ...port.allowed_address_pairs.map((pair) => pair.ip_address),
    ...Array.from(macs, (mac) => eui64('fe80::/64', mac)),
  ]
  const { arp, nd } = intoMatches(addresses)
  return [
    tag,
    flow([bridge, intTables.local, 9], `${from},${untagged}`, goTo(intTables.macSpoof)),
    flow([bridge, intTables.local, 10], `arp,${from},${untagged}`, goTo(intTables.arpSpoof)),
    flow([bridge, intTables.local, 10], `icmp6,${from},${untagged},icmp_type=136`, goTo(intTables.arpSpoof)),
    ...arp.map((match) =>
      flow([bridge, intTables.arpSpoof, 2], `arp,${from}${match}`, goTo(intTables.macSpoof)),
    ),
    ...nd.map((match) =>
      flow([bridge, intTables.arpSpoof, 2], `icmp6,${from},icmp_type=136${match}`, goTo(intTables.macSpoof)),
    ),
    ...Array.from(macs, (mac) =>
      flow([bridge, intTables.macSpoof, 2], `${from},dl_src=${mac}`, goTo(intTables.transient)),
    ),
  ]
}

/** Neutron's own ports (DHCP, routers) speak for others by their trade. */
function isProtected(port: PortDocument): boolean {
  return port.port_security_enabled && !port.device_owner.startsWith('network:')
}

/** Matches on whose address is spoken of, each once; an address with prefix 0 admits them all. */
function intoMatches(addresses: readonly string[]): { arp: string[]; nd: string[] } {
  const arp = new Set<string>()
  const nd = new Set<string>()
  for (const text of addresses) {
    const cidr = parseCidr(text.includes('/') ? text : `${text}/${text.includes(':') ? 128 : 32}`)
    if (cidr === undefined) continue
    const whole = cidr.first === cidr.last
    const address = whole ? cidr.network : formatCidr(cidr)
    const [matches, field] = cidr.version === 4 ? [arp, 'arp_spa'] : [nd, 'nd_target']
    matches.add(cidr.prefixlen === 0 ? '' : `,${field}=${address}`)
  }
  return { arp: widest(arp), nd: widest(nd) }
}

function widest(matches: ReadonlySet<string>): string[] {
  return matches.has('') ? [''] : [...matches]
}
