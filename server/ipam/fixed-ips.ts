/**
 * What a port's fixed_ips mean, as Neutron's IPAM back-end reads them: pure. A request names a subnet, an address,
 * or both; without any request a port gets one IPv4 address, one stateful IPv6 address and an address on each subnet
 * whose addresses come from the MAC.
 */
import { contains, parseCidr, parseIp } from '../../lib/addresses.ts'
import {
  fixedIpsSubnetsNotOnSameSegment,
  hostConnectedToMultipleSegments,
  hostNotConnectedToAnySegment,
  invalidInput,
  invalidIpForNetwork,
  invalidIpForSubnet,
  ipAddressGenerationFailureNoMatchingSubnet,
  NeutronError,
} from '../../lib/errors.ts'

/** What is to know of a subnet to give addresses of it. */
export interface AddressableSubnet {
  id: string
  ip_version: number
  cidr: string
  ipv6_ra_mode: string | null
  ipv6_address_mode: string | null
  /** JSON texts, as the table has them. */
  allocation_pools: string
  service_types: string
  enable_dhcp: number
  /** The segment that the subnet is on alone; null where it is on the whole network. */
  segment_id: string | null
}

/** Where a port is or shall be: its host ('' while that is not known), and the segments of its network there. */
export interface Whereabouts {
  host: string
  segments: ReadonlySet<string>
}

export const nowhere: Whereabouts = { host: '', segments: new Set() }

/** True for a routed provider network: its subnets are of segments, and a host has those of one. */
export function isRouted(subnets: readonly Pick<AddressableSubnet, 'segment_id'>[]): boolean {
  return subnets.some((subnet) => subnet.segment_id !== null)
}

/** One item of fixed_ips in a request. */
export interface FixedIpRequest {
  subnet_id?: string
  ip_address?: string
}

export interface FixedIp {
  subnet_id: string
  ip_address: string
}

/** An address to be had: that one, the one that the MAC gives, or any of the first subnet that has one left. */
export type AddressPlan =
  | { kind: 'specific'; subnet: AddressableSubnet; ip: string }
  | { kind: 'eui64'; subnet: AddressableSubnet }
  | { kind: 'any'; subnets: AddressableSubnet[] }

const dhcpOwner = 'network:dhcp'

/** Router ports: their addresses on SLAAC subnets are chosen, not worked out of the MAC. */
const routerInterfaceOwners = new Set([
  'network:router_interface',
  'network:router_interface_distributed',
  'network:ha_router_replicated_interface',
])
const routerOwners = new Set([
  ...routerInterfaceOwners,
  'network:router_gateway',
  'network:router_centralized_snat',
])

/** True for ports that get an address on every auto-addressed subnet of their network unasked: all but routers'. */
export function hasImpliedAddresses(deviceOwner: string): boolean {
  return !routerOwners.has(deviceOwner)
}

const maxFixedIpsPerPort = 25

/** True when ports form their own addresses on the subnet (SLAAC, with or without DHCPv6 for options). */
export function isAutoAddressed(
  subnet: Pick<AddressableSubnet, 'ipv6_ra_mode' | 'ipv6_address_mode'>,
): boolean {
  return [subnet.ipv6_ra_mode, subnet.ipv6_address_mode].some(
    (mode) => mode === 'slaac' || mode === 'dhcpv6-stateless',
  )
}

/**
 * Which addresses a port is to have; undefined: that depends on its host, which is not known yet. `subnets` are all of
 * the network, in order of creation; `requested` undefined means that the client left it to us. Throws InvalidInput,
 * InvalidIpForSubnet, InvalidIpForNetwork, AllocationOnAutoAddressSubnet, IpAddressGenerationFailureNoMatchingSubnet,
 * and what candidateSubnets throws.
 */
export function planAddresses(
  networkId: string,
  subnets: readonly AddressableSubnet[],
  deviceOwner: string,
  requested: readonly FixedIpRequest[] | undefined,
  place: Whereabouts = nowhere,
): AddressPlan[] | undefined {
  const candidates = candidateSubnets(networkId, subnets, deviceOwner, requested, place)
  if (subnets.length > 0 && candidates.length === 0 && requested?.length !== 0) {
    if (servingSubnets(subnets, deviceOwner).length > 0) return undefined
    throw ipAddressGenerationFailureNoMatchingSubnet(networkId, deviceOwner)
  }
  const plans = requested
    ? planRequested(networkId, subnets, candidates, deviceOwner, requested)
    : planUnrequested(candidates)
  if (!hasImpliedAddresses(deviceOwner)) return plans
  const implied = candidates.filter(isAutoAddressed).map((subnet) => ({ kind: 'eui64' as const, subnet }))
  return [...plans, ...implied]
}

function planUnrequested(candidates: readonly AddressableSubnet[]): AddressPlan[] {
  const chosen = candidates.filter((subnet) => !isAutoAddressed(subnet))
  return [4, 6]
    .map((version) => chosen.filter((subnet) => subnet.ip_version === version))
    .filter((group) => group.length > 0)
    .map((group) => ({ kind: 'any', subnets: group }))
}

/** Plans for what a client asked for by name: see planAddresses for the errors. */
export function planRequested(
  networkId: string,
  subnets: readonly AddressableSubnet[],
  candidates: readonly AddressableSubnet[],
  deviceOwner: string,
  requested: readonly FixedIpRequest[],
): AddressPlan[] {
  if (requested.length > maxFixedIpsPerPort) {
    throw invalidInput(`Exceeded maximum amount of fixed ips per port: ${maxFixedIpsPerPort}`)
  }
  const plans: AddressPlan[] = []
  for (const request of requested) {
    const subnet = subnetOf(networkId, subnets, candidates, deviceOwner, request)
    const auto = isAutoAddressed(subnet)
    if (request.ip_address !== undefined) {
      if (auto && !routerInterfaceOwners.has(deviceOwner)) {
        throw new NeutronError(
          'AllocationOnAutoAddressSubnet',
          400,
          `IPv6 address ${request.ip_address} cannot be directly assigned to a port on subnet ${subnet.id} ` +
            'since the subnet is configured for automatic addresses.',
        )
      }
      plans.push({ kind: 'specific', subnet, ip: request.ip_address })
    } else if (!auto || routerOwners.has(deviceOwner)) plans.push({ kind: 'any', subnets: [subnet] })
  }
  return plans
}

function subnetOf(
  networkId: string,
  all: readonly AddressableSubnet[],
  candidates: readonly AddressableSubnet[],
  deviceOwner: string,
  request: FixedIpRequest,
): AddressableSubnet {
  const { subnet_id: id, ip_address: ip } = request
  if (all.length === 0) throw invalidInput('IP allocation requires subnets for network')
  if (id !== undefined) {
    const subnet = candidates.find((candidate) => candidate.id === id)
    if (!subnet) {
      throw invalidInput(
        `Failed to create port on network ${networkId}, because fixed_ips included invalid subnet ${id}`,
      )
    }
    if (ip !== undefined && !isUsable(subnet.cidr, ip, deviceOwner)) throw invalidIpForSubnet(ip)
    return subnet
  }
  if (ip === undefined) throw invalidInput('IP allocation requires subnet_id or ip_address')
  const subnet = candidates.find((candidate) => isUsable(candidate.cidr, ip, deviceOwner))
  if (!subnet) throw invalidIpForNetwork(ip)
  return subnet
}

function holds(cidrText: string, address: string): boolean {
  const cidr = parseCidr(cidrText)
  return cidr !== undefined && contains(cidr, address)
}

/** True for an address of the prefix that a port may have; routers may have IPv6's subnet-router anycast address. */
function isUsable(cidrText: string, address: string, deviceOwner: string): boolean {
  const cidr = parseCidr(cidrText)
  const ip = parseIp(address)
  if (!cidr || !ip || !contains(cidr, ip)) return false
  if (cidr.version === 4) return cidr.prefixlen >= 31 || (ip.value !== cidr.first && ip.value !== cidr.last)
  return cidr.prefixlen >= 127 || ip.value !== cidr.first || routerOwners.has(deviceOwner)
}

/**
 * Subnets that a port may have addresses of. On a routed network these are of one segment: that of the host; while the
 * host is not known, that of the addresses asked for, and none where nothing is asked. Throws
 * HostNotConnectedToAnySegment, HostConnectedToMultipleSegments, FixedIpsSubnetsNotOnSameSegment.
 */
export function candidateSubnets(
  networkId: string,
  subnets: readonly AddressableSubnet[],
  deviceOwner: string,
  requested: readonly FixedIpRequest[] | undefined,
  { host, segments }: Whereabouts,
): AddressableSubnet[] {
  const serving = servingSubnets(subnets, deviceOwner)
  if (!isRouted(subnets)) return serving
  if (host === '') return requested?.length ? onSegmentAskedFor(serving, requested) : onSegment(serving, null)
  const reached = serving.filter((subnet) => subnet.segment_id === null || segments.has(subnet.segment_id))
  if (new Set(reached.flatMap((subnet) => subnet.segment_id ?? [])).size > 1) {
    // A DHCP server on several serves one of them.
    if (deviceOwner === dhcpOwner && requested) return onSegmentAskedFor(reached, requested)
    throw hostConnectedToMultipleSegments(host, networkId)
  }
  if (reached.length === 0) throw hostNotConnectedToAnySegment(host, networkId)
  return reached
}

function onSegment(subnets: readonly AddressableSubnet[], segment: string | null): AddressableSubnet[] {
  return subnets.filter((subnet) => subnet.segment_id === segment)
}

/** All subnets where the requests name none of them: they are refused later, as what they are. */
function onSegmentAskedFor(
  subnets: readonly AddressableSubnet[],
  requested: readonly FixedIpRequest[],
): AddressableSubnet[] {
  const segments = new Set<string | null>()
  for (const { subnet_id: id, ip_address: ip } of requested) {
    const subnet = subnets.find((one) =>
      id === undefined ? ip !== undefined && holds(one.cidr, ip) : one.id === id,
    )
    if (subnet) segments.add(subnet.segment_id)
  }
  if (segments.size > 1) throw fixedIpsSubnetsNotOnSameSegment()
  const [segment] = segments
  return segment === undefined ? [...subnets] : onSegment(subnets, segment)
}

/**
 * Subnets that serve that device owner: those with a service type that is it, then those for all. DHCP servers have
 * addresses on every subnet with DHCP.
 */
export function servingSubnets(
  subnets: readonly AddressableSubnet[],
  deviceOwner: string,
): AddressableSubnet[] {
  if (subnets.every((subnet) => subnet.service_types === '[]')) return [...subnets]
  const typesOf = (subnet: AddressableSubnet): string[] => JSON.parse(subnet.service_types) as string[]
  const isDhcp = deviceOwner === dhcpOwner
  const meant = subnets.filter((subnet) => {
    const types = typesOf(subnet)
    return types.includes(deviceOwner) || (isDhcp && types.length > 0 && subnet.enable_dhcp === 1)
  })
  return [...meant, ...subnets.filter((subnet) => typesOf(subnet).length === 0)]
}

/** How fixed_ips change: what stays, what goes, and what is asked for anew. */
export interface AddressChanges {
  keep: FixedIp[]
  remove: FixedIp[]
  add: FixedIpRequest[]
}

/**
 * Compares the addresses that a port has with those that an update asks for. Addresses that are asked for by subnet
 * alone are met by what the port has there; those of auto-addressed subnets stay unless asked away by MAC.
 */
export function diffAddresses(
  current: readonly FixedIp[],
  wanted: readonly FixedIpRequest[],
  autoAddressed: ReadonlySet<string>,
): AddressChanges {
  const left = new Map(current.map((fixed) => [fixed.ip_address, fixed]))
  const keep: FixedIp[] = []
  const add: FixedIpRequest[] = []
  const bySubnet: FixedIpRequest[] = []
  for (const request of wanted) {
    const ip = request.ip_address
    if (ip === undefined) {
      bySubnet.push(request)
      continue
    }
    const same = left.get(ip)
    if (same && (request.subnet_id ?? same.subnet_id) === same.subnet_id) {
      left.delete(ip)
      keep.push(same)
    } else add.push(request)
  }
  for (const request of bySubnet) {
    const met = [...left.values()].find((fixed) => fixed.subnet_id === request.subnet_id)
    if (met) {
      left.delete(met.ip_address)
      keep.push(met)
    } else add.push(request)
  }
  const rest = [...left.values()]
  return {
    keep: [...keep, ...rest.filter((fixed) => autoAddressed.has(fixed.subnet_id))],
    remove: rest.filter((fixed) => !autoAddressed.has(fixed.subnet_id)),
    add,
  }
}
