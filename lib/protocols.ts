/** IP protocols by the names that security group rules take, and the ICMP of IPv6 under its older names. */

/** Numbers by name (IANA's registry, as far as Neutron names them). */
export const protocolNumbers: Readonly<Record<string, number>> = {
  ah: 51,
  dccp: 33,
  egp: 8,
  esp: 50,
  gre: 47,
  hopopt: 0,
  icmp: 1,
  icmpv6: 58,
  igmp: 2,
  ip: 0,
  ipip: 4,
  'ipv6-encap': 41,
  'ipv6-frag': 44,
  'ipv6-icmp': 58,
  'ipv6-nonxt': 59,
  'ipv6-opts': 60,
  'ipv6-route': 43,
  ospf: 89,
  pgm: 113,
  rsvp: 46,
  sctp: 132,
  tcp: 6,
  udp: 17,
  udplite: 136,
  vrrp: 112,
}

export const icmp = 1
export const ipv6Icmp = 58

/** The number of a protocol that is a name or a number as text; NaN for any other text. */
export function protocolNumber(protocol: string): number {
  return protocolNumbers[protocol] ?? Number(protocol)
}
