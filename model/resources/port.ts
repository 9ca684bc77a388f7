/** Ports: what plugs into a network, with its MAC and IP addresses. */
import { boolean } from '../fields/boolean.ts'
import { fixedIps } from '../fields/fixed-ips.ts'
import { macAddressOrNew } from '../fields/mac-address.ts'
import { string } from '../fields/string.ts'
import { uuid } from '../fields/uuid.ts'
import { attribute, resource } from '../resource.ts'
import { owner } from './owner.ts'

export const port = resource('port', {
  standard: 'tagged',
  parent: { resource: 'network', key: 'network_id' },
  quota: true,
  attributes: {
    id: attribute(uuid, { write: 'never', filter: true, sort: true }),
    name: attribute(string(255), { write: 'always', default: '', filter: true, sort: true }),
    ...owner,
    network_id: attribute(uuid, {
      write: 'create',
      required: true,
      filter: true,
      sort: true,
      requiredByPolicy: true,
    }),
    admin_state_up: attribute(boolean, { write: 'always', default: true, filter: true, sort: true }),
    mac_address: attribute(macAddressOrNew, {
      write: 'always',
      filter: true,
      sort: true,
      enforcePolicy: true,
    }),
    fixed_ips: attribute(fixedIps, { write: 'always', filter: true, enforcePolicy: true }),
    device_id: attribute(string(255), { write: 'always', default: '', filter: true, sort: true }),
    device_owner: attribute(string(255), {
      write: 'always',
      default: '',
      filter: true,
      sort: true,
      enforcePolicy: true,
    }),
    status: attribute(string(16), { write: 'never', filter: true, sort: true }),
  },
})
