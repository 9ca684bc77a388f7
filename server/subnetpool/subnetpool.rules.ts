/** What makes a subnet pool legal, and what is filled in where the client says nothing: pure. */
import { addressBits, type Cidr, compactCidrs, formatCidr, parseCidr } from '../../lib/addresses.ts'
import {
  emptySubnetPoolPrefixList,
  illegalSubnetPoolPrefixBounds,
  invalidInput,
  prefixVersionMismatch,
} from '../../lib/errors.ts'

export interface Bounds {
  min_prefixlen: number
  max_prefixlen: number
  default_prefixlen: number
}

/**
 * The prefixes as they are kept: of one family, none within another, as few as can be. Throws InvalidInput,
 * EmptySubnetPoolPrefixList, PrefixVersionMismatch.
 */
export function readPrefixes(prefixes: readonly string[]): Cidr[] {
  const cidrs = prefixes.map((text) => {
    const cidr = parseCidr(text)
    if (!cidr) throw invalidInput(`'${text}' is not a valid CIDR`)
    return cidr
  })
  const [first] = cidrs
  if (!first) throw emptySubnetPoolPrefixList()
  if (cidrs.some((cidr) => cidr.version !== first.version)) throw prefixVersionMismatch()
  return compactCidrs(cidrs)
}

/** The canonical texts, as `prefixes` shows them. */
export const cidrTexts = (cidrs: readonly Cidr[]): string[] => cidrs.map(formatCidr)

/** The shortest prefix that a pool hands out where nothing is said. */
const leastPrefixlen = (version: number): number => (version === 4 ? 8 : 64)

/** The lengths, with what was not said filled in. Throws IllegalSubnetPoolPrefixBounds. */
export function readBounds(version: number, sent: Partial<Bounds>): Bounds {
  const most = addressBits(version)
  const min_prefixlen = sent.min_prefixlen ?? leastPrefixlen(version)
  const max_prefixlen = sent.max_prefixlen ?? most
  const default_prefixlen = sent.default_prefixlen ?? min_prefixlen
  const inOrder = (lesser: string, less: number, greater: string, more: number): void => {
    if (less > more) throw illegalSubnetPoolPrefixBounds(lesser, less, greater, more)
  }
  inOrder('min_prefixlen', min_prefixlen, 'max_prefixlen', max_prefixlen)
  inOrder('max_prefixlen', max_prefixlen, 'ip_version_max', most)
  inOrder('min_prefixlen', min_prefixlen, 'default_prefixlen', default_prefixlen)
  inOrder('default_prefixlen', default_prefixlen, 'max_prefixlen', max_prefixlen)
  return { min_prefixlen, max_prefixlen, default_prefixlen }
}

/** How many addresses a unit of default_quota is: one of IPv4, a /64 of IPv6. */
export const quotaUnit = (version: number): bigint => (version === 4 ? 1n : 1n << 64n)
