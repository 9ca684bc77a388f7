/** Ranges of identifiers that segments are given. */
import { extension } from '../resource.ts'
import { networkSegmentRange } from '../resources/network-segment-range.ts'

export const networkSegmentRanges = extension('network-segment-range', {
  name: 'Neutron Network Segment Range',
  description: 'Which VLANs, VNIs and keys networks are given, for all and for one project',
  updated: '2018-11-29T00:00:00-00:00',
  requires: ['provider'],
  resources: [networkSegmentRange],
})
