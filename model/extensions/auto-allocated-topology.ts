/** A network for whoever has none, and the external network that it is meant to lead to. */
import { boolean } from '../fields/boolean.ts'
import { attribute, extension, to } from '../resource.ts'
import { autoAllocatedTopology } from '../resources/auto-allocated-topology.ts'
import { network } from '../resources/network.ts'

export const autoAllocatedTopologies = extension('auto-allocated-topology', {
  name: 'Auto Allocated Topology Services',
  description: 'A network with subnets, made for a project when it asks for one',
  updated: '2016-01-01T00:00:00-00:00',
  // Neutron's requires `router` too: ours does once there is one to put between the two networks.
  requires: ['subnet_allocation', 'external-net'],
  resources: [autoAllocatedTopology],
  adds: [
    to(network, {
      is_default: attribute(boolean, {
        write: 'always',
        default: false,
        filter: true,
        enforcePolicy: true,
        requiredByPolicy: true,
      }),
    }),
  ],
})
