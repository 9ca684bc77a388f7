/** How a network is realised: type, physical network and segmentation id of its segments. */
import { integer } from '../fields/integer.ts'
import { networkSegments } from '../fields/network-segments.ts'
import { string } from '../fields/string.ts'
import { attribute, extension, to } from '../resource.ts'
import { network } from '../resources/network.ts'

export const provider = extension('provider', {
  name: 'Provider Network',
  description: 'The wire of a network, for administrators',
  updated: '2012-09-07T10:00:00-00:00',
  adds: [
    to(network, {
      'provider:network_type': attribute(string(32), { write: 'always', filter: true, enforcePolicy: true }),
      'provider:physical_network': attribute(string(64), {
        write: 'always',
        filter: true,
        enforcePolicy: true,
      }),
      'provider:segmentation_id': attribute(integer, { write: 'always', filter: true, enforcePolicy: true }),
    }),
  ],
})

export const multiProvider = extension('multi-provider', {
  name: 'Multi Provider Network',
  description: 'Networks of several segments',
  updated: '2013-06-27T10:00:00-00:00',
  adds: [to(network, { segments: attribute(networkSegments, { write: 'always', enforcePolicy: true }) })],
})
