/** Trunks, and what a port tells of the trunk that it is the parent of. */
import { derived } from '../fields/derived.ts'
import { attribute, type Extension, extension, to } from '../resource.ts'
import { port } from '../resources/port.ts'
import { trunk } from '../resources/trunk.ts'

const trunkDetails = derived<Record<string, unknown>>({
  type: 'object',
  properties: { trunk_id: { type: 'string' }, sub_ports: { type: 'array', items: { type: 'object' } } },
})

export const trunkExtensions: readonly Extension[] = [
  extension('trunk', {
    name: 'Trunk Extension',
    description: 'Ports that carry several networks',
    updated: '2016-01-01T10:00:00-00:00',
    requires: ['binding'],
    resources: [trunk],
  }),
  extension('trunk-details', {
    name: 'Trunk port details',
    description: 'The sub-ports of a parent port',
    updated: '2016-01-01T10:00:00-00:00',
    requires: ['trunk'],
    adds: [
      to(port, {
        trunk_details: attribute(trunkDetails, {
          write: 'never',
          enforcePolicy: true,
          requiredByPolicy: true,
        }),
      }),
    ],
  }),
]
