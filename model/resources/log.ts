/** Logging resources: what of the traffic of a security group or a port is to be logged. */
import { boolean } from '../fields/boolean.ts'
import { orNull } from '../fields/kind.ts'
import { string } from '../fields/string.ts'
import { uuid } from '../fields/uuid.ts'
import { values } from '../fields/values.ts'
import { attribute, resource } from '../resource.ts'
import { owner } from './owner.ts'

const subject = attribute(orNull(uuid), { write: 'create', default: null, filter: true, sort: true })

export const log = resource('log', {
  path: 'log/logs',
  notFound: 'LogResourceNotFound',
  standard: 'untagged',
  attributes: {
    id: attribute(uuid, { write: 'never', filter: true, sort: true }),
    project_id: owner.project_id,
    name: attribute(string(255), { write: 'always', default: '', filter: true, sort: true }),
    resource_type: attribute(string(255), {
      write: 'create',
      required: true,
      filter: true,
      sort: true,
      requiredByPolicy: true,
    }),
    resource_id: subject,
    target_id: subject,
    event: attribute(values(['ACCEPT', 'DROP', 'ALL']), { write: 'create', default: 'ALL', filter: true }),
    enabled: attribute(boolean, { write: 'always', default: true, filter: true, sort: true }),
  },
})

export const loggableResource = resource('loggable_resource', {
  path: 'log/loggable-resources',
  operations: ['list'],
  attributes: { type: attribute(string(255), { write: 'never' }) },
})
