/** Counting the traffic of routers. */
import { cidr } from '../fields/cidr.ts'
import { orNull } from '../fields/kind.ts'
import { attribute, extension, to } from '../resource.ts'
import { meteringLabel, meteringLabelRule } from '../resources/metering.ts'

export const metering = extension('metering', {
  name: 'Neutron Metering',
  description: 'Labels that count traffic of routers',
  updated: '2013-06-12T10:00:00-00:00',
  resources: [meteringLabel, meteringLabelRule],
})

const prefix = attribute(orNull(cidr), { write: 'always', default: null, filter: true, sort: true })

export const meteringSourceAndDestination = extension('metering_source_and_destination_fields', {
  name: 'Neutron Metering with source and destination filtering',
  description: 'Rules of metering labels name source and destination',
  updated: '2020-08-21T08:12:00-00:00',
  requires: ['metering'],
  adds: [to(meteringLabelRule, { source_ip_prefix: prefix, destination_ip_prefix: prefix })],
})

export const meteringExtensions = [metering, meteringSourceAndDestination]
