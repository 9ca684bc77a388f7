/** Segments as objects of their own, and subnets of one segment: routed provider networks. */
import { boolean } from '../fields/boolean.ts'
import { orNull } from '../fields/kind.ts'
import { uuid } from '../fields/uuid.ts'
import { type AttributeOptions, attribute, type Extension, extension, to } from '../resource.ts'
import { network } from '../resources/network.ts'
import { segment } from '../resources/segment.ts'
import { subnet } from '../resources/subnet.ts'

const segmentId = (options: Partial<AttributeOptions<string | null>> = {}) =>
  to(subnet, {
    segment_id: attribute(orNull(uuid), {
      write: 'always',
      default: null,
      filter: true,
      sort: true,
      ...options,
    }),
  })

export const segmentExtensions: readonly Extension[] = [
  extension('segment', {
    name: 'Segment',
    description: 'The segments of networks, and subnets of one of them',
    updated: '2016-02-24T17:00:00-00:00',
    requires: ['standard-attr-description'],
    resources: [segment],
    adds: [segmentId({ write: 'create' })],
  }),
  extension('standard-attr-segment', {
    name: 'Standard Attribute Segment Extension',
    description: 'Segments have descriptions, timestamps and revisions',
    updated: '2018-04-09T10:00:00-00:00',
    requires: ['segment'],
  }),
  extension('subnet-segmentid-writable', {
    name: 'Subnet SegmentID (writable)',
    description: 'The only subnet of a network can be given to its only segment later',
    updated: '2018-03-12T00:00:00-00:00',
    requires: ['segment'],
    adds: [segmentId()],
  }),
  extension('subnet-segmentid-enforce', {
    name: 'Subnet SegmentID (policy enforced)',
    description: 'Policy says who gives subnets to segments',
    updated: '2018-09-04T00:00:00-00:00',
    requires: ['subnet-segmentid-writable'],
    adds: [segmentId({ enforcePolicy: true })],
  }),
  extension('segments-peer-subnet-host-routes', {
    name: 'Segments peer-subnet host routes',
    description: 'Subnets of a routed network have host routes to those of other segments',
    updated: '2018-06-12T10:00:00-00:00',
    requires: ['segment'],
  }),
  extension('l2_adjacency', {
    name: 'L2 Adjacency',
    description: 'Whether all ports of a network reach one another without a router',
    updated: '2016-04-12T16:00:00-00:00',
    adds: [to(network, { l2_adjacency: attribute(boolean, { write: 'never' }) })],
  }),
]
