/** Small extensions of networks: external, MTU, DNS domain, availability zones. */
import { boolean } from '../fields/boolean.ts'
import { derived } from '../fields/derived.ts'
import { nonNegative } from '../fields/integer.ts'
import { zoneHints } from '../fields/lists.ts'
import { attribute, extension, to } from '../resource.ts'
import { network } from '../resources/network.ts'

export const externalNet = extension('external-net', {
  name: 'Neutron external network',
  description: 'Networks that lead out of the cloud',
  updated: '2013-01-14T10:00:00-00:00',
  adds: [
    to(network, {
      'router:external': attribute(boolean, {
        write: 'always',
        default: false,
        filter: true,
        enforcePolicy: true,
        requiredByPolicy: true,
      }),
    }),
  ],
})

export const netMtu = extension('net-mtu', {
  name: 'Network MTU',
  description: 'The MTU of a network',
  updated: '2015-03-25T10:00:00-00:00',
  adds: [to(network, { mtu: attribute(nonNegative, { write: 'never', filter: true, sort: true }) })],
})

export const netMtuWritable = extension('net-mtu-writable', {
  name: 'Network MTU (writable)',
  description: 'The MTU of a network can be chosen; 0 asks for the largest that fits',
  updated: '2017-07-12T00:00:00-00:00',
  requires: ['net-mtu'],
  adds: [
    to(network, {
      mtu: attribute(nonNegative, {
        write: 'always',
        default: 0,
        filter: true,
        sort: true,
        enforcePolicy: true,
      }),
    }),
  ],
})

export const networkAvailabilityZone = extension('network_availability_zone', {
  name: 'Network Availability Zone',
  description: 'Where the DHCP service of a network shall be and is',
  updated: '2015-01-01T10:00:00-00:00',
  requires: ['availability_zone'],
  adds: [
    to(network, {
      availability_zone_hints: attribute(zoneHints, { write: 'create', default: [], sort: true }),
      availability_zones: attribute(derived<string[]>({ type: 'array', items: { type: 'string' } }), {
        write: 'never',
      }),
    }),
  ],
})
