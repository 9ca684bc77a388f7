/** dnsmasq's lease file. */
import ipaddr from 'ipaddr.js'
import { type Cidr, contains, parseCidr } from '../../lib/addresses.ts'

export interface DnsmasqLease {
  ip: string
  /** Lower case; undefined where a DHCPv6 client's identifier holds none. */
  mac: string | undefined
  /** Client identifier as dnsmasq writes it; undefined where there is none (`*`). */
  clientId: string | undefined
  /** DHCPv6 only: identity association and the server's identifier. */
  iaid: string | undefined
  serverId: string | undefined
}

/** Reads a lease file; lines that are no leases are skipped. */
export function parseLeases(text: string): DnsmasqLease[] {
  const leases: DnsmasqLease[] = []
  let serverId: string | undefined
  for (const line of text.split('\n')) {
    const fields = line.trim().split(/\s+/)
    if (fields[0] === 'duid') {
      serverId = fields[1]
      continue
    }
    const [expiry, id, ip, , client] = fields
    if (expiry === undefined || !/^\d+$/.test(expiry) || id === undefined || ip === undefined) continue
    const clientId = client === undefined || client === '*' ? undefined : client
    if (ip.includes(':'))
      leases.push({ ip, mac: macOfDuid(clientId), clientId, iaid: id.replace(/^T/, ''), serverId })
    else
      leases.push({
        ip,
        mac: id.split('-').at(-1)?.toLowerCase(),
        clientId,
        iaid: undefined,
        serverId: undefined,
      })
  }
  return leases
}

/** False of a text that dnsmasq cannot have written: each line is a lease, or a word with what it names (`duid`). */
export function isLeaseText(text: string): boolean {
  const lines = text.trim() === '' ? [] : text.trimEnd().split('\n')
  return lines.every((line) => /^\d+( \S+){4}$|^[a-z][a-z-]* \S/.test(line))
}

/** The lease file without what lies outside of all these prefixes. */
export function leasesWithin(prefixes: readonly Cidr[], text: string): string {
  const lines = text.split('\n').filter((line) => {
    const ip = /^\d+ \S+ (\S+)/.exec(line)?.[1]
    return ip === undefined || prefixes.some((prefix) => contains(prefix, ip))
  })
  return lines.join('\n')
}

/** The prefixes that a server is told to serve: `--dhcp-range=set:TAG,NETWORK,static,MASK-OR-LENGTH,TIME`. */
export function servedPrefixes(argv: readonly string[]): Cidr[] {
  return argv.flatMap((argument) => {
    const [, network, mask = ''] = /^--dhcp-range=(?:set:[^,]+,)?([^,]+),static,([^,]+)/.exec(argument) ?? []
    const length = mask.includes('.') ? ipaddr.IPv4.parse(mask).prefixLengthFromSubnetMask() : mask
    return parseCidr(`${network}/${length}`) ?? []
  })
}

/** The MAC in a DUID of the types LLT (1) and LL (3), RFC 8415 section 11. */
function macOfDuid(duid: string | undefined): string | undefined {
  const bytes = duid?.toLowerCase().split(':') ?? []
  const type = Number.parseInt(bytes.slice(0, 2).join(''), 16)
  return (type === 1 && bytes.length === 14) || (type === 3 && bytes.length === 10)
    ? bytes.slice(-6).join(':')
    : undefined
}
