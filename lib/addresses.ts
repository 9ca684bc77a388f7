/**
 * IP and MAC addresses as numbers and text. One sortable text form for both families (32 hex digits, IPv4 as mapped
 * ::ffff:a.b.c.d) is what the store keeps. Input is strict: four decimal parts without leading zeros for IPv4, no
 * zone, no IPv4-mapped IPv6 (it would be the same address twice).
 */
import ipaddr from 'ipaddr.js'

export type IpVersion = 4 | 6

export interface Ip {
  version: IpVersion
  /** The address as a number of its own family. */
  value: bigint
}

/** A network prefix; all numbers are of the prefix's own family. */
export interface Cidr {
  version: IpVersion
  /** Address part as text, without host bits. */
  network: string
  prefixlen: number
  /** First address of the range: the network itself. */
  first: bigint
  /** Last address of the range: for IPv4 the broadcast address. */
  last: bigint
}

/** Inclusive range of addresses of one family. */
export interface IpRange {
  first: bigint
  last: bigint
}

const mappedPrefix = '00000000000000000000ffff'
const mappedBase = 0xffffn << 32n
const ipv4Pattern = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/

const widthOf = (version: IpVersion): number => (version === 4 ? 32 : 128)

/** Parses an address; undefined when the text is none. */
export function parseIp(text: string): Ip | undefined {
  if (ipv4Pattern.test(text)) return { version: 4, value: BigInt(ipv4Number(text)) }
  if (!text.includes(':') || text.includes('%') || !ipaddr.IPv6.isValid(text)) return undefined
  const parsed = ipaddr.IPv6.parse(text)
  if (parsed.isIPv4MappedAddress()) return undefined
  return { version: 6, value: parsed.parts.reduce((sum, part) => (sum << 16n) | BigInt(part), 0n) }
}

function ipv4Number(text: string): number {
  let value = 0
  for (const part of text.split('.')) value = value * 256 + Number(part)
  return value
}

/** An address as text: dotted decimal, or RFC 5952 compact lower case. */
export function formatIp(value: bigint, version: IpVersion): string {
  if (version === 4) {
    const n = Number(value)
    return `${(n >>> 24) & 255}.${(n >>> 16) & 255}.${(n >>> 8) & 255}.${n & 255}`
  }
  const parts: number[] = []
  for (let shift = 112n; shift >= 0n; shift -= 16n) parts.push(Number((value >> shift) & 0xffffn))
  return new ipaddr.IPv6(parts).toRFC5952String()
}

/** The canonical text of an address; undefined when it is none. */
export function canonicalIp(text: string): string | undefined {
  const ip = parseIp(text)
  return ip && formatIp(ip.value, ip.version)
}

/**
 * With what an address begins that holds this part of one: one of these texts; undefined where the part does not tell.
 * One with three dots does, for there is but one number before the first of them: `.0.2.7` comes after any, `8.0.2.7`
 * ends with such a number.
 */
export function beginningsOf(part: string): string[] | undefined {
  if (!/^\d{0,3}(\.\d{1,3}){2}\.\d{0,3}$/.test(part)) return undefined
  const dot = part.indexOf('.')
  const numbers = Array.from({ length: 256 }, (_, n) => `${n}`)
  return numbers.filter((n) => n.endsWith(part.slice(0, dot))).map((n) => n + part.slice(dot))
}

/** The stored form: 32 lower-case hex digits whose text order is the order of the addresses. Throws on no address. */
export function sortableIp(text: string): string {
  const ip = parseIp(text)
  if (!ip) throw new TypeError(`'${text}' is not an IP address`)
  return sortableValue(ip.value, ip.version)
}

/** The stored form of an address given as a number. */
export function sortableValue(value: bigint, version: IpVersion): string {
  return version === 4
    ? mappedPrefix + Number(value).toString(16).padStart(8, '0')
    : value.toString(16).padStart(32, '0')
}

/** The address that a stored form stands for. */
export function sortableToIp(sortable: string): Ip {
  return sortable.startsWith(mappedPrefix)
    ? { version: 4, value: BigInt(Number.parseInt(sortable.slice(24), 16)) }
    : { version: 6, value: BigInt(`0x${sortable}`) }
}

/** The canonical text of a stored form. */
export function fromSortable(sortable: string): string {
  if (sortable.startsWith(mappedPrefix)) {
    const n = Number.parseInt(sortable.slice(24), 16)
    return `${(n >>> 24) & 255}.${(n >>> 16) & 255}.${(n >>> 8) & 255}.${n & 255}`
  }
  return formatIp(BigInt(`0x${sortable}`), 6)
}

/** The stored form as one number for both families (IPv4 mapped): what `sortable + n` means. */
export function sortableNumber(sortable: string): bigint {
  return BigInt(`0x${sortable}`)
}

/** The stored form `by` addresses further (or back). */
export function sortableAdd(sortable: string, by: bigint | number): string {
  return (BigInt(`0x${sortable}`) + BigInt(by)).toString(16).padStart(32, '0')
}

/** An address of one family as a number of both (IPv4 mapped). */
export function mappedValue(ip: Ip): bigint {
  return ip.version === 4 ? mappedBase | ip.value : ip.value
}

/** Parses `address/prefixlen`; host bits are cleared. Undefined when the text is no CIDR. */
export function parseCidr(text: string): Cidr | undefined {
  const slash = text.indexOf('/')
  if (slash < 0) return undefined
  const ip = parseIp(text.slice(0, slash))
  const digits = text.slice(slash + 1)
  if (!ip || !/^\d{1,3}$/.test(digits)) return undefined
  const prefixlen = Number(digits)
  if (prefixlen > widthOf(ip.version)) return undefined
  return cidrOf(ip, prefixlen)
}

/** The prefix of a length that an address lies in. */
export function cidrOf(ip: Ip, prefixlen: number): Cidr {
  const hostBits = BigInt(widthOf(ip.version) - prefixlen)
  const first = (ip.value >> hostBits) << hostBits
  const last = first | ((1n << hostBits) - 1n)
  return { version: ip.version, network: formatIp(first, ip.version), prefixlen, first, last }
}

/** `network/prefixlen` without host bits. */
export function formatCidr(cidr: Cidr): string {
  return `${cidr.network}/${cidr.prefixlen}`
}

/** The canonical text of a CIDR (host bits cleared, IPv6 compact); undefined when it is none. */
export function canonicalCidr(text: string): string | undefined {
  const cidr = parseCidr(text)
  return cidr && formatCidr(cidr)
}

/** True when the address lies in the prefix; another family never does. */
export function contains(cidr: Cidr, address: Ip | string): boolean {
  const ip = typeof address === 'string' ? parseIp(address) : address
  return ip !== undefined && ip.version === cidr.version && ip.value >= cidr.first && ip.value <= cidr.last
}

/** True when two prefixes share an address. */
export function overlaps(one: Cidr, other: Cidr): boolean {
  return one.version === other.version && one.first <= other.last && other.first <= one.last
}

/** The broadcast address of an IPv4 prefix; undefined where there is none (IPv6, /31, /32). */
export function broadcast(cidr: Cidr): string | undefined {
  return cidr.version === 4 && cidr.prefixlen < 31 ? formatIp(cidr.last, 4) : undefined
}

/** The netmask as an address: 255.255.255.0 for /24. */
export function netmask(cidr: Cidr): string {
  const width = BigInt(widthOf(cidr.version))
  const ones = (1n << width) - 1n
  return formatIp(ones ^ (cidr.last - cidr.first), cidr.version)
}

/** The wildcard of the prefix: 0.0.0.255 for /24. */
export function hostMask(cidr: Cidr): string {
  return formatIp(cidr.last - cidr.first, cidr.version)
}

/**
 * The addresses that ports may have: all of an IPv6 prefix but the subnet-router anycast address, all of an IPv4
 * prefix but network and broadcast; /31, /32, /127 and /128 wholly (RFC 3021, RFC 6164).
 */
export function hostRange(cidr: Cidr): IpRange {
  if (widthOf(cidr.version) - cidr.prefixlen <= 1) return { first: cidr.first, last: cidr.last }
  return { first: cidr.first + 1n, last: cidr.version === 4 ? cidr.last - 1n : cidr.last }
}

/** `ranges` (sorted or not) without the addresses of `holes`, sorted; the time goes with their number. */
export function subtractRanges(ranges: readonly IpRange[], holes: readonly IpRange[]): IpRange[] {
  const gaps = mergeRanges(holes)
  let passed = 0
  return ranges.toSorted(byFirst).flatMap((range) => {
    while ((gaps[passed]?.last ?? range.first) < range.first) passed++
    const parts: IpRange[] = []
    let { first } = range
    for (let at = passed; at < gaps.length && first <= range.last; at++) {
      const gap = gaps[at]
      if (!gap || gap.first > range.last) break
      if (gap.first > first) parts.push({ first, last: gap.first - 1n })
      first = gap.last + 1n
    }
    if (first <= range.last) parts.push({ first, last: range.last })
    return parts
  })
}

const byFirst = (a: IpRange, b: IpRange): number => (a.first < b.first ? -1 : a.first > b.first ? 1 : 0)

const macPattern = /^[0-9a-fA-F]{2}(?::[0-9a-fA-F]{2}){5}$/

/** The interface's address in a /64 by modified EUI-64 (RFC 4291, appendix A). Throws when either is malformed. */
export function eui64(prefix: Cidr | string, mac: string): string {
  const cidr = typeof prefix === 'string' ? parseCidr(prefix) : prefix
  if (cidr?.version !== 6 || !macPattern.test(mac)) {
    throw new TypeError(
      `no EUI-64 address of '${mac}' in '${typeof prefix === 'string' ? prefix : prefix.network}'`,
    )
  }
  const hex = mac.toLowerCase().replaceAll(':', '')
  const identifier = BigInt(`0x${hex.slice(0, 6)}fffe${hex.slice(6)}`) ^ (1n << 57n)
  return formatIp(((cidr.first >> 64n) << 64n) | identifier, 6)
}

/** `ranges` sorted, with those that overlap or touch made one. */
export function mergeRanges(ranges: readonly IpRange[]): IpRange[] {
  const merged: IpRange[] = []
  for (const range of ranges.toSorted(byFirst)) {
    const before = merged.at(-1)
    if (before && before.last + 1n >= range.first) {
      if (range.last > before.last) before.last = range.last
    } else merged.push({ ...range })
  }
  return merged
}

/** An aligned block of 2^bits addresses; the numbers may be of any space. */
export interface Block {
  first: bigint
  bits: number
}

/** The fewest aligned blocks that make up a range, in order. */
export function blocksOfRange(range: IpRange): Block[] {
  const blocks: Block[] = []
  let { first } = range
  while (first <= range.last) {
    let bits = 0
    while (first % (1n << BigInt(bits + 1)) === 0n && first + (1n << BigInt(bits + 1)) - 1n <= range.last) {
      bits++
    }
    blocks.push({ first, bits })
    first += 1n << BigInt(bits)
  }
  return blocks
}

/** The fewest prefixes of one family that hold the same addresses as these, in order. */
export function compactCidrs(cidrs: readonly Cidr[]): Cidr[] {
  return mergeRanges(cidrs).flatMap((range) =>
    blocksOfRange(range).map(({ first, bits }) => {
      const version = cidrs[0]?.version ?? 4
      return cidrOf({ version, value: first }, widthOf(version) - bits)
    }),
  )
}

/** Bits of an address: 32 or 128. */
export function addressBits(version: number): number {
  return version === 4 ? 32 : 128
}

/** `HOST:PORT` or `[V6]:PORT`, port 0 included; undefined when the text is something else. */
export function parseHostPort(text: string): { host: string; port: number } | undefined {
  const [, v6, host = v6, port] = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text) ?? []
  return host === undefined || Number(port) > 65535 ? undefined : { host, port: Number(port) }
}
