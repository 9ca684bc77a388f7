/** Identifiers of objects: UUIDs in canonical text form, whatever form they came in. */
import { type Kind, refuse, sameText, shown } from './kind.ts'

const canonical = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

/** The value as a lower-case UUID with dashes, or a refusal. */
export function uuidOf(value: unknown): string {
  if (typeof value === 'string') {
    if (canonical.test(value)) return value
    const digits = value
      .replace(/^urn:uuid:/i, '')
      .replace(/[{}-]/g, '')
      .toLowerCase()
    if (/^[0-9a-f]{32}$/.test(digits))
      return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
  }
  return refuse(`${shown(value)} is not a valid UUID`)
}

/** Neutron: type:uuid. */
export const uuid: Kind<string> = {
  name: 'uuid',
  schema: { type: 'string', format: 'uuid' },
  parse: uuidOf,
  filter: sameText,
}

/** Neutron: type:subnetpool_id_or_none, less null. */
export const subnetpoolId: Kind<string> = {
  ...uuid,
  name: 'subnetpool-id',
  schema: { anyOf: [uuid.schema, { const: 'prefix_delegation' }] },
  parse: (value) => (value === 'prefix_delegation' ? value : uuidOf(value)),
}
