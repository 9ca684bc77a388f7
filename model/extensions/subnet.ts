/** Small extensions of subnets. */
import { serviceTypes } from '../fields/lists.ts'
import { attribute, extension, to } from '../resource.ts'
import { subnet } from '../resources/subnet.ts'

export const subnetServiceTypes = extension('subnet-service-types', {
  name: 'Subnet service types',
  description: 'Device owners that a subnet is for',
  updated: '2016-03-15T18:00:00-00:00',
  adds: [to(subnet, { service_types: attribute(serviceTypes, { write: 'always' }) })],
})
