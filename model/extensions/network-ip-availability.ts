/** How many addresses networks have, and how many are in use. */
import { attribute, type Extension, extension, to } from '../resource.ts'
import { details, networkIpAvailability } from '../resources/network-ip-availability.ts'

export const networkIpAvailabilityExtensions: readonly Extension[] = [
  extension('network-ip-availability', {
    name: 'Network IP Availability',
    description: 'How many addresses networks and subnets have, and how many are in use',
    updated: '2015-09-24T00:00:00-00:00',
    resources: [networkIpAvailability],
  }),
  extension('network-ip-availability-details', {
    name: 'Network IP Availability Details Extension',
    description: 'The addresses of prefixes and those of allocation pools, apart',
    updated: '2025-10-31T00:00:00-00:00',
    requires: ['network-ip-availability'],
    adds: [to(networkIpAvailability, { ip_availability_details: attribute(details, { write: 'never' }) })],
  }),
]
