/** What makes a subnet legal, and what is filled in where the client says nothing: pure. */
import {
  type Cidr,
  contains,
  formatCidr,
  formatIp,
  hostRange,
  type IpRange,
  overlaps,
  parseCidr,
  parseIp,
  subtractRanges,
} from '../../lib/addresses.ts'
import {
  badResourceRequest,
  dnsNameServersExhausted,
  gatewayConflictWithAllocationPools,
  hostRoutesExhausted,
  invalidAllocationPool,
  invalidInput,
  NeutronError,
  outOfBoundsAllocationPool,
  overlappingAllocationPools,
} from '../../lib/errors.ts'
import type { HostRoute } from '../../model/documents/documents.ts'

export interface Pool {
  start: string
  end: string
}

export interface SubnetLimits {
  max_dns_nameservers: number
  max_subnet_host_routes: number
}

/** The attributes of a subnet that hang together; those of an update are merged before they are checked. */
export interface SubnetFacts {
  id: string
  ip_version: number
  cidr: Cidr
  enable_dhcp: boolean
  gateway_ip: string | null
  allocation_pools: readonly Pool[]
  dns_nameservers: readonly string[]
  host_routes: readonly HostRoute[]
  ipv6_ra_mode: string | null
  ipv6_address_mode: string | null
}

/** The prefix that a body names; undefined where it is to come from a pool. Throws InvalidInput or BadRequest. */
export function namedCidr(input: {
  cidr?: unknown
  prefixlen?: unknown
  ip_version?: unknown
}): Cidr | undefined {
  if (typeof input.cidr !== 'string') return undefined
  if (input.prefixlen !== undefined && input.prefixlen !== null) {
    throw badResourceRequest('subnets', 'cidr and prefixlen must not be supplied together')
  }
  const cidr = parseCidr(input.cidr)
  if (!cidr) throw invalidInput(`'${input.cidr}' is not a valid CIDR`)
  if (cidr.version !== input.ip_version) {
    throw invalidInput(`cidr '${input.cidr}' does not match the ip_version '${input.ip_version}'`)
  }
  if (cidr.prefixlen === 0) throw invalidInput('0 is not allowed as CIDR prefix length')
  return cidr
}

/** The first host address; none where the prefix is a single address. */
export function defaultGateway(cidr: Cidr): string | null {
  return cidr.first === cidr.last ? null : formatIp(cidr.first + 1n, cidr.version)
}

/** All host addresses but the gateway. */
export function defaultPools(cidr: Cidr, gateway: string | null): Pool[] {
  const ip = gateway === null ? undefined : parseIp(gateway)
  const hole = ip && contains(cidr, ip) ? [{ first: ip.value, last: ip.value }] : []
  return subtractRanges([hostRange(cidr)], hole).map((range) => ({
    start: formatIp(range.first, cidr.version),
    end: formatIp(range.last, cidr.version),
  }))
}

/** A subnet's pools as numbers of its family. */
export function poolRanges(pools: readonly Pool[]): IpRange[] {
  return pools.flatMap((pool) => {
    const [first, last] = [parseIp(pool.start), parseIp(pool.end)]
    return first && last ? [{ first: first.value, last: last.value }] : []
  })
}

/**
 * Checks a subnet as a whole. `dhcpWas` is what enable_dhcp was before: a subnet that already serves DHCP is not
 * asked again whether it may. Throws Neutron's errors; answers nothing.
 */
export function checkSubnet(facts: SubnetFacts, limits: SubnetLimits, dhcpWas: boolean): void {
  if (facts.enable_dhcp && !dhcpWas) checkDhcpPossible(facts.cidr)
  checkModes(facts)
  checkGateway(facts)
  checkPools(facts.allocation_pools, facts.cidr)
  checkGatewayOutsidePools(facts.gateway_ip, facts.allocation_pools)
  checkNameservers(facts, limits.max_dns_nameservers)
  checkRoutes(facts, limits.max_subnet_host_routes)
}

function checkDhcpPossible(cidr: Cidr): void {
  if (cidr.prefixlen > (cidr.version === 4 ? 30 : 126)) {
    throw invalidInput('Subnet has a prefix length that is incompatible with DHCP service enabled')
  }
  const refused = [
    ['Multicast', cidr.version === 4 ? '224.0.0.0/4' : 'ff00::/8'],
    ['Loopback', cidr.version === 4 ? '127.0.0.0/8' : '::1/128'],
    ...(cidr.version === 4 ? [['0.0.0.0/8', '0.0.0.0/8']] : []),
  ] as const
  for (const [name = '', range = ''] of refused) {
    if (contains(parseCidr(range) ?? cidr, { version: cidr.version, value: cidr.first })) {
      throw invalidInput(`${name} IP subnet is not supported if enable_dhcp is True`)
    }
  }
}

function checkModes(facts: SubnetFacts): void {
  const { ipv6_ra_mode: ra, ipv6_address_mode: address } = facts
  if (ra === null && address === null) return
  if (facts.ip_version === 4) {
    const name = ra === null ? 'ipv6_address_mode' : 'ipv6_ra_mode'
    throw invalidInput(`${name} is not valid when ip_version is 4`)
  }
  if (!facts.enable_dhcp) {
    throw invalidInput('ipv6_ra_mode or ipv6_address_mode cannot be set when enable_dhcp is set to False')
  }
  if (ra !== null && address !== null && ra !== address) {
    throw invalidInput(
      `ipv6_ra_mode set to '${ra}' with ipv6_address_mode set to '${address}' is not valid. ` +
        'If both attributes are set, they must be the same value',
    )
  }
  if ((ra ?? address) !== 'dhcpv6-stateful' && facts.cidr.prefixlen !== 64) {
    throw invalidInput(
      `Invalid CIDR ${formatCidr(facts.cidr)} for IPv6 address mode. OpenStack uses the EUI-64 address format, ` +
        'which requires the prefix to be /64',
    )
  }
}

function checkGateway({ gateway_ip: gateway, cidr, ip_version: version }: SubnetFacts): void {
  if (gateway === null) return
  const ip = parseIp(gateway)
  if (ip?.version !== version) {
    throw invalidInput(`gateway_ip '${gateway}' does not match the ip_version '${version}'`)
  }
  const reserved =
    ip.version === 4 && cidr.prefixlen < 31 && (ip.value === cidr.first || ip.value === cidr.last)
  if (reserved) throw invalidInput('Gateway is not valid on subnet')
}

/** Throws InvalidAllocationPool, OutOfBoundsAllocationPool or OverlappingAllocationPools. */
function checkPools(pools: readonly Pool[], cidr: Cidr): void {
  const text = (pool: Pool): string => `${pool.start}-${pool.end}`
  const bounds = hostRange(cidr)
  const ranges = pools.map((pool) => {
    const [start, end] = [parseIp(pool.start), parseIp(pool.end)]
    if (!start || !end || start.version !== cidr.version || end.version !== cidr.version) {
      throw invalidAllocationPool(text(pool))
    }
    if (end.value < start.value) throw invalidAllocationPool(text(pool))
    if (start.value < bounds.first || end.value > bounds.last) {
      throw outOfBoundsAllocationPool(text(pool), formatCidr(cidr))
    }
    return { first: start.value, last: end.value, pool }
  })
  ranges.sort((a, b) => (a.first < b.first ? -1 : 1))
  for (const [index, range] of ranges.entries()) {
    const next = ranges[index + 1]
    if (next && next.first <= range.last) {
      throw overlappingAllocationPools(text(range.pool), text(next.pool), formatCidr(cidr))
    }
  }
}

function checkGatewayOutsidePools(gateway: string | null, pools: readonly Pool[]): void {
  const ip = gateway === null ? undefined : parseIp(gateway)
  if (!ip || gateway === null) return
  for (const pool of pools) {
    const [start, end] = [parseIp(pool.start), parseIp(pool.end)]
    if (start?.version === ip.version && start.value <= ip.value && end && ip.value <= end.value) {
      throw gatewayConflictWithAllocationPools(gateway, `${pool.start}-${pool.end}`)
    }
  }
}

function checkNameservers(facts: SubnetFacts, limit: number): void {
  if (facts.dns_nameservers.length > limit) throw dnsNameServersExhausted(facts.id, limit)
  for (const server of facts.dns_nameservers) {
    if (parseIp(server)?.version !== facts.ip_version) {
      throw invalidInput(`dns_nameserver '${server}' does not match the ip_version '${facts.ip_version}'`)
    }
  }
}

function checkRoutes(facts: SubnetFacts, limit: number): void {
  if (facts.host_routes.length > limit) throw hostRoutesExhausted(facts.id, limit)
  for (const { destination, nexthop } of facts.host_routes) {
    if (parseCidr(destination)?.version !== facts.ip_version) {
      throw invalidInput(`destination '${destination}' does not match the ip_version '${facts.ip_version}'`)
    }
    if (parseIp(nexthop)?.version !== facts.ip_version) {
      throw invalidInput(`nexthop '${nexthop}' does not match the ip_version '${facts.ip_version}'`)
    }
  }
}

/** Throws InvalidInput when the prefix shares an address with another subnet of the network. */
export function checkOverlap(networkId: string, cidr: Cidr, others: readonly string[]): void {
  for (const other of others) {
    const taken = parseCidr(other)
    if (taken && overlaps(cidr, taken)) {
      throw invalidInput(
        `Requested subnet with cidr: ${formatCidr(cidr)} for network: ${networkId} overlaps with another subnet`,
      )
    }
  }
}

/** Least MTU of a network with a subnet of that version (RFC 791, RFC 8200), bytes. */
export const leastMtu: Record<number, number> = { 4: 68, 6: 1280 }

/** 409, for a subnet of an IP version that needs more than the network's MTU (bytes, leastMtu). */
export function networkMtuSubnetConflict(networkId: string, mtu: number): NeutronError {
  return new NeutronError(
    'NetworkMTUSubnetConflict',
    409,
    `Network ${networkId} has an MTU of ${mtu}, which is too small for its subnets.`,
  )
}
