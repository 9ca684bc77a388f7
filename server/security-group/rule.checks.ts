/** What makes a rule of a security group legal, and when two are the same: pure. */
import { canonicalCidr } from '../../lib/addresses.ts'
import {
  securityGroupEthertypeConflictWithProtocol,
  securityGroupInvalidIcmpValue,
  securityGroupInvalidPortRange,
  securityGroupInvalidPortValue,
  securityGroupInvalidProtocolForPort,
  securityGroupMissingIcmpType,
  securityGroupMultipleRemoteEntities,
  securityGroupProtocolRequiredWithPorts,
  securityGroupRuleParameterConflict,
} from '../../lib/errors.ts'
import { icmp, ipv6Icmp, protocolNumber, protocolNumbers } from '../../lib/protocols.ts'

/** What a rule lets through. */
export interface Match {
  direction: string
  ethertype: string
  protocol: string | null
  port_range_min: number | null
  port_range_max: number | null
  remote_ip_prefix: string | null
  remote_group_id: string | null
  remote_address_group_id?: string | null
}

const withPorts = ['dccp', 'sctp', 'tcp', 'udp', 'udplite']
const portNumbers = withPorts.map((name) => protocolNumbers[name])

/** The rule with the ICMP of IPv6 under its own name or number, whatever name it came with. */
export function canonicalMatch<M extends Match>(match: M): M {
  if (match.ethertype !== 'IPv6') return match
  if (match.protocol === 'icmp' || match.protocol === 'icmpv6') return { ...match, protocol: 'ipv6-icmp' }
  return match.protocol === String(icmp) ? { ...match, protocol: String(ipv6Icmp) } : match
}

/** Throws Neutron's errors for a rule that makes no sense. */
export function checkMatch(match: Match): void {
  checkPorts(match)
  const { remote_ip_prefix: prefix, ethertype, protocol } = match
  if (prefix !== null && `IPv${prefix.includes(':') ? 6 : 4}` !== ethertype) {
    throw securityGroupRuleParameterConflict(ethertype, prefix)
  }
  if (protocol !== null && ethertype === 'IPv4' && onlyIpv6(protocol)) {
    throw securityGroupEthertypeConflictWithProtocol(ethertype, protocol)
  }
  const remotes = [prefix, match.remote_group_id, match.remote_address_group_id ?? null]
  if (remotes.filter((remote) => remote !== null).length > 1) throw securityGroupMultipleRemoteEntities()
}

const ipv6Names = Object.keys(protocolNumbers).filter((name) => name.startsWith('ipv6-') || name === 'icmpv6')
const ipv6Numbers = ipv6Names.map((name) => String(protocolNumbers[name]))

const onlyIpv6 = (protocol: string): boolean => ipv6Names.includes(protocol) || ipv6Numbers.includes(protocol)

function checkPorts({ protocol, port_range_min: least, port_range_max: most }: Match): void {
  if (least === null && most === null) return
  if (protocol === null) throw securityGroupProtocolRequiredWithPorts()
  const number = protocolNumber(protocol)
  if (portNumbers.includes(number)) {
    if (least === 0 || most === 0) throw securityGroupInvalidPortValue('0')
    if (least === null || most === null || least > most) throw securityGroupInvalidPortRange()
  } else if (number === icmp || number === ipv6Icmp) {
    checkIcmp('type', 'port_range_min', least)
    checkIcmp('code', 'port_range_max', most)
    if (least === null && most !== null) throw securityGroupMissingIcmpType(most)
  } else {
    throw securityGroupInvalidProtocolForPort(
      protocol,
      withPorts.map((name) => name.toUpperCase()).join(', '),
    )
  }
}

function checkIcmp(field: string, attribute: string, value: number | null): void {
  if (value !== null && value > 255) throw securityGroupInvalidIcmpValue(field, attribute, value)
}

/** One text for what a rule lets through: equal for rules that are the same, `tcp` and 6 included. */
export function matchKey(match: Match): string {
  const { protocol, remote_ip_prefix: prefix } = match
  const remote = prefix === '0.0.0.0/0' || prefix === '::/0' ? null : prefix
  return [
    match.direction,
    match.ethertype,
    protocol === null ? null : protocolNumber(canonicalMatch(match).protocol ?? ''),
    match.port_range_min,
    match.port_range_max,
    remote,
    match.remote_group_id,
    match.remote_address_group_id,
  ]
    .map((part) => part ?? '')
    .join('|')
}

/** remote_ip_prefix without host bits. */
export function normalizedCidr(prefix: string | null): string | null {
  return prefix === null ? null : (canonicalCidr(prefix) ?? null)
}
