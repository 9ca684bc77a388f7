/** Address groups: prefixes under one name, for rules of security groups. */
import { boolean } from '../fields/boolean.ts'
import { cidrs } from '../fields/lists.ts'
import { string } from '../fields/string.ts'
import { uuid } from '../fields/uuid.ts'
import { attribute, resource } from '../resource.ts'
import { owner } from './owner.ts'

export const addressGroup = resource('address_group', {
  attributes: {
    id: attribute(uuid, { write: 'never', filter: true, sort: true }),
    name: attribute(string(255), { write: 'always', default: '', filter: true, sort: true }),
    description: attribute(string(1024), { write: 'always', default: '', filter: true, sort: true }),
    project_id: owner.project_id,
    addresses: attribute(cidrs, { write: 'create' }),
    shared: attribute(boolean, { write: 'never', visible: false }),
  },
  actions: {
    add_addresses: { method: 'PUT', answer: 'named object', body: { addresses: cidrs.schema } },
    remove_addresses: { method: 'PUT', answer: 'named object', body: { addresses: cidrs.schema } },
  },
})
