/** How many addresses a network has, and how many of them are in use. */
import { derived } from '../fields/derived.ts'
import { string } from '../fields/string.ts'
import { uuid } from '../fields/uuid.ts'
import { attribute, resource } from '../resource.ts'

/** A count that may exceed what a double holds. */
const count = { type: 'integer', minimum: 0 }
const counts = (names: readonly string[]) => ({
  type: 'object',
  properties: Object.fromEntries(names.map((name) => [name, count])),
})

/** Of a network, and of each of its subnets: of the prefix and of the allocation pools. */
export const details = derived<Record<string, unknown>>(
  counts([
    'total_ips_in_subnet',
    'total_ips_in_allocation_pool',
    'used_ips_in_subnet',
    'used_ips_in_allocation_pool',
  ]),
)

const owner = attribute(string(255), { write: 'never', filter: true })

export const networkIpAvailability = resource('network_ip_availability', {
  collection: 'network_ip_availabilities',
  operations: ['list', 'show'],
  notFound: 'NetworkNotFound',
  attributes: {
    network_id: attribute(uuid, { write: 'never', filter: true, sort: true }),
    network_name: attribute(string(255), { write: 'never', filter: true }),
    tenant_id: owner,
    project_id: owner,
    // Only a filter: it leaves out subnets of the other family.
    ip_version: attribute(derived<number>({ type: 'integer' }), {
      write: 'never',
      visible: false,
      filter: true,
    }),
    total_ips: attribute(derived<number>(count), { write: 'never' }),
    used_ips: attribute(derived<number>(count), { write: 'never' }),
    subnet_ip_availability: attribute(
      derived<Record<string, unknown>[]>({ type: 'array', items: { type: 'object' } }),
      { write: 'never' },
    ),
  },
})
