/** QoS policies: sets of rules for the traffic of ports and networks. Their rules are in extensions/qos.ts. */
import { boolean } from '../fields/boolean.ts'
import { derived } from '../fields/derived.ts'
import { string } from '../fields/string.ts'
import { uuid } from '../fields/uuid.ts'
import { attribute, resource } from '../resource.ts'
import { owner } from './owner.ts'

export const qosPolicy = resource('policy', {
  collection: 'policies',
  path: 'qos/policies',
  notFound: 'QosPolicyNotFound',
  standard: 'tagged',
  attributes: {
    id: attribute(uuid, { write: 'never', filter: true, sort: true }),
    name: attribute(string(255), { write: 'always', default: '', filter: true, sort: true }),
    ...owner,
    shared: attribute(boolean, { write: 'always', default: false, filter: true }),
    rules: attribute(derived<Record<string, unknown>[]>({ type: 'array', items: { type: 'object' } }), {
      write: 'never',
    }),
  },
})
