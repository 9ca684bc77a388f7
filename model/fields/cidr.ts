/** A network prefix in canonical text form: host bits cleared, IPv6 compact. */
import { canonicalCidr } from '../../lib/addresses.ts'
import { type Kind, refuse, shown } from './kind.ts'

/** The value as canonical `network/length`, or a refusal. Neutron: type:subnet. */
export function cidrOf(value: unknown): string {
  const cidr = typeof value === 'string' ? canonicalCidr(value) : undefined
  return cidr ?? refuse(`${shown(value)} is not a valid IP subnet`)
}

/** Neutron: convert_cidr_to_canonical_format, type:subnet. */
export const cidr: Kind<string> = {
  name: 'cidr',
  schema: { type: 'string', pattern: '^[0-9a-fA-F.:]+/[0-9]{1,3}$' },
  parse: cidrOf,
  filter: (text) => canonicalCidr(text) ?? text,
}
