/** One IP address, in canonical text form. */
import { canonicalIp } from '../../lib/addresses.ts'
import { type Kind, refuse, shown } from './kind.ts'

/** The value as the canonical text of an address, or a refusal. Neutron: type:ip_address. */
export function ipAddressOf(value: unknown): string {
  const address = typeof value === 'string' ? canonicalIp(value) : undefined
  return address ?? refuse(`${shown(value)} is not a valid IP address`)
}

/** Neutron: convert_ip_to_canonical_format, type:ip_address. */
export const ipAddress: Kind<string> = {
  name: 'ip-address',
  schema: { type: 'string', anyOf: [{ format: 'ipv4' }, { format: 'ipv6' }] },
  parse: ipAddressOf,
  filter: (text) => canonicalIp(text) ?? text,
}
