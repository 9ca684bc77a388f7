/** Flavors of services, and the providers of services. */
import { uuid } from '../fields/uuid.ts'
import { attribute, type Extension, extension } from '../resource.ts'
import { flavor, serviceProfile, serviceProvider } from '../resources/flavor.ts'
import { plainOwner } from '../resources/owner.ts'

export const flavorExtensions: readonly Extension[] = [
  extension('flavors', {
    name: 'Neutron Service Flavors',
    description: 'Kinds of a service to choose from',
    updated: '2015-09-17T10:00:00-00:00',
    resources: [flavor, serviceProfile],
    members: [
      {
        name: 'service_profiles',
        parent: 'flavor',
        singular: 'service_profile',
        lists: undefined,
        operations: ['show', 'create', 'delete'],
        actions: [],
        attributes: { id: attribute(uuid, { write: 'create', required: true }), ...plainOwner },
        policy: {
          show: 'get_flavor_service_profile',
          create: 'create_flavor_service_profile',
          delete: 'delete_flavor_service_profile',
        },
      },
    ],
  }),
  extension('service-type', {
    name: 'Neutron Service Type Management',
    description: 'The providers of services',
    updated: '2013-01-20T00:00:00-00:00',
    resources: [serviceProvider],
  }),
]
