/** Metering labels and their rules: which traffic of routers is counted. */
import { boolean } from '../fields/boolean.ts'
import { cidr } from '../fields/cidr.ts'
import { orNull } from '../fields/kind.ts'
import { string } from '../fields/string.ts'
import { uuid } from '../fields/uuid.ts'
import { values } from '../fields/values.ts'
import { attribute, resource } from '../resource.ts'
import { owner, plainOwner } from './owner.ts'

export const meteringLabel = resource('metering_label', {
  path: 'metering/metering-labels',
  attributes: {
    id: attribute(uuid, { write: 'never', filter: true, sort: true }),
    name: attribute(string(255), { write: 'create', default: '', filter: true, sort: true }),
    description: attribute(string(1024), { write: 'create', default: '', filter: true, sort: true }),
    ...owner,
    shared: attribute(boolean, { write: 'create', default: false, filter: true, sort: true }),
  },
})

const prefix = orNull(cidr)

export const meteringLabelRule = resource('metering_label_rule', {
  path: 'metering/metering-label-rules',
  attributes: {
    id: attribute(uuid, { write: 'never', filter: true, sort: true }),
    ...plainOwner,
    metering_label_id: attribute(uuid, {
      write: 'create',
      required: true,
      filter: true,
      sort: true,
      requiredByPolicy: true,
    }),
    direction: attribute(values(['ingress', 'egress']), {
      write: 'create',
      required: true,
      filter: true,
      sort: true,
    }),
    excluded: attribute(boolean, { write: 'create', default: false, filter: true, sort: true }),
    remote_ip_prefix: attribute(prefix, { write: 'create', default: null, filter: true, sort: true }),
  },
})
