/** Trunks: one port of an instance that carries the networks of several others, each under a tag. */
import { boolean } from '../fields/boolean.ts'
import type { JsonSchema } from '../fields/kind.ts'
import { string } from '../fields/string.ts'
import { subports } from '../fields/subports.ts'
import { uuid } from '../fields/uuid.ts'
import { attribute, resource } from '../resource.ts'
import { owner } from './owner.ts'

const portsAlone: JsonSchema = {
  type: 'array',
  items: { type: 'object', required: ['port_id'], properties: { port_id: uuid.schema } },
}

export const trunk = resource('trunk', {
  standard: 'tagged',
  quota: true,
  actions: {
    add_subports: { method: 'PUT', answer: 'object', body: { sub_ports: subports.schema } },
    remove_subports: { method: 'PUT', answer: 'object', body: { sub_ports: portsAlone } },
    get_subports: { method: 'GET', answer: 'result' },
  },
  attributes: {
    id: attribute(uuid, { write: 'never', filter: true, sort: true }),
    name: attribute(string(255), { write: 'always', default: '', filter: true, sort: true }),
    ...owner,
    admin_state_up: attribute(boolean, { write: 'always', default: true, filter: true, sort: true }),
    port_id: attribute(uuid, {
      write: 'create',
      required: true,
      filter: true,
      sort: true,
      requiredByPolicy: true,
    }),
    status: attribute(string(16), { write: 'never', sort: true }),
    sub_ports: attribute(subports, { write: 'create', default: [], enforcePolicy: true }),
  },
})
