/** Networks: layer 2 domains. */
import { boolean } from '../fields/boolean.ts'
import { derived } from '../fields/derived.ts'
import { string } from '../fields/string.ts'
import { uuid } from '../fields/uuid.ts'
import { attribute, resource } from '../resource.ts'
import { owner } from './owner.ts'

export const network = resource('network', {
  standard: 'tagged',
  quota: true,
  attributes: {
    id: attribute(uuid, { write: 'never', filter: true, sort: true }),
    name: attribute(string(255), { write: 'always', default: '', filter: true, sort: true }),
    ...owner,
    admin_state_up: attribute(boolean, { write: 'always', default: true, filter: true, sort: true }),
    status: attribute(string(16), { write: 'never', filter: true, sort: true }),
    shared: attribute(boolean, {
      write: 'always',
      default: false,
      filter: true,
      enforcePolicy: true,
      requiredByPolicy: true,
    }),
    subnets: attribute(derived<string[]>({ type: 'array', items: uuid.schema }), { write: 'never' }),
  },
})
