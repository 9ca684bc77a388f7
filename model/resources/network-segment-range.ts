/** Network segment ranges: identifiers of segments that networks of one project, or of all, are given. */
import { boolean } from '../fields/boolean.ts'
import { derived } from '../fields/derived.ts'
import { integerBetween } from '../fields/integer.ts'
import { string } from '../fields/string.ts'
import { uuid } from '../fields/uuid.ts'
import { values } from '../fields/values.ts'
import { attribute, resource } from '../resource.ts'
import { owner } from './owner.ts'

const number = attribute(integerBetween(1, 2 ** 32 - 1), { write: 'always', required: true })

export const networkSegmentRange = resource('network_segment_range', {
  standard: 'tagged',
  attributes: {
    id: attribute(uuid, { write: 'never', filter: true, sort: true }),
    name: attribute(string(255), { write: 'always', default: '', filter: true, sort: true }),
    project_id: owner.project_id,
    default: attribute(boolean, { write: 'never' }),
    shared: attribute(boolean, { write: 'create', default: true }),
    network_type: attribute(values(['vlan', 'vxlan', 'gre', 'geneve']), { write: 'create', filter: true }),
    physical_network: attribute(string(64), { write: 'create', filter: true }),
    minimum: number,
    maximum: number,
    /** The project of each identifier that a network has. */
    used: attribute(
      derived<Record<string, string>>({ type: 'object', additionalProperties: { type: 'string' } }),
      { write: 'never' },
    ),
    available: attribute(derived<number[]>({ type: 'array', items: { type: 'integer' } }), {
      write: 'never',
    }),
  },
})
