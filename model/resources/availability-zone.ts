/** Availability zones: names that agents report, a row for each kind of resource that they can host. */
import { string } from '../fields/string.ts'
import { attribute, resource } from '../resource.ts'

export const availabilityZone = resource('availability_zone', {
  operations: ['list'],
  attributes: {
    name: attribute(string(255), { write: 'never', filter: true }),
    resource: attribute(string(16), { write: 'never', filter: true }),
    state: attribute(string(16), { write: 'never', filter: true }),
  },
})
