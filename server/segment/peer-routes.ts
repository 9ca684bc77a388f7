/**
 * Host routes of a routed network: each subnet has one to every subnet of another segment, by its own gateway, so that
 * clients with several interfaces reach the other segments by the right one. Pure.
 */
import { contains, parseCidr } from '../../lib/addresses.ts'
import type { HostRoute } from '../../model/documents/documents.ts'

export interface PeerSubnet {
  id: string
  ip_version: number
  cidr: string
  segment_id: string | null
}

/**
 * The host routes of a subnet without those that are `gone`, and with those to its peers that none of them covers.
 * `subnets` are all of the network.
 */
export function withPeerRoutes(
  subnet: PeerSubnet & { gateway_ip: string | null },
  routes: readonly HostRoute[],
  subnets: readonly PeerSubnet[],
  gone: readonly HostRoute[] = [],
): HostRoute[] {
  const { gateway_ip: nexthop, segment_id: segment } = subnet
  if (segment === null) return [...routes]
  const kept = routes.filter(
    (route) => !gone.some((one) => one.destination === route.destination && one.nexthop === route.nexthop),
  )
  if (nexthop === null) return kept
  const peers = subnets.filter(
    (peer) =>
      peer.id !== subnet.id &&
      peer.segment_id !== segment &&
      peer.ip_version === subnet.ip_version &&
      !kept.some((route) => covers(route.destination, peer.cidr)),
  )
  return [...kept, ...peers.map((peer) => ({ destination: peer.cidr, nexthop }))]
}

/** The routes that a gateway led to the peers by. */
export function routesBy(gateway: string | null, subnets: readonly PeerSubnet[]): HostRoute[] {
  return gateway === null ? [] : subnets.map(({ cidr }) => ({ destination: cidr, nexthop: gateway }))
}

function covers(prefix: string, cidrText: string): boolean {
  const [wide, cidr] = [parseCidr(prefix), parseCidr(cidrText)]
  return (
    wide !== undefined &&
    cidr !== undefined &&
    wide.prefixlen <= cidr.prefixlen &&
    contains(wide, cidr.network)
  )
}
