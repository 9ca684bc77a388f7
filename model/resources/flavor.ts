/** Flavors of services, the service profiles that they choose from, and the providers that there are. */
import { boolean } from '../fields/boolean.ts'
import { orNull } from '../fields/kind.ts'
import { uuids } from '../fields/lists.ts'
import { string } from '../fields/string.ts'
import { uuid } from '../fields/uuid.ts'
import { attribute, resource } from '../resource.ts'
import { plainOwner } from './owner.ts'

const id = attribute(uuid, { write: 'never', filter: true, sort: true })
const description = attribute(orNull(string(1024)), {
  write: 'always',
  default: '',
  filter: true,
  sort: true,
})
const enabled = attribute(boolean, { write: 'always', default: true, filter: true, sort: true })

export const flavor = resource('flavor', {
  attributes: {
    id,
    ...plainOwner,
    name: attribute(string(255), { write: 'always', default: '', filter: true, sort: true }),
    description,
    enabled,
    service_type: attribute(string(36), { write: 'create', required: true, filter: true, sort: true }),
    service_profiles: attribute(uuids, { write: 'always', default: [] }),
  },
})

export const serviceProfile = resource('service_profile', {
  attributes: {
    id,
    ...plainOwner,
    description,
    driver: attribute(string(1024), { write: 'always', default: '', filter: true, sort: true }),
    metainfo: attribute(string(4096), { write: 'always', default: '', sort: true }),
    enabled,
  },
})

const told = (max: number) => attribute(string(max), { write: 'never' })

export const serviceProvider = resource('service_provider', {
  operations: ['list'],
  attributes: {
    service_type: told(36),
    name: told(255),
    default: attribute(boolean, { write: 'never' }),
  },
})
