/** Which host a port is on, and how it is plugged there. */
import { derived } from '../fields/derived.ts'
import { orNull } from '../fields/kind.ts'
import { object } from '../fields/object.ts'
import { string } from '../fields/string.ts'
import { values } from '../fields/values.ts'
import { attribute, extension, to } from '../resource.ts'
import { port } from '../resources/port.ts'

const vnicType = values([
  'normal',
  'direct',
  'macvtap',
  'baremetal',
  'direct-physical',
  'virtio-forwarder',
  'smart-nic',
  'vdpa',
  'accelerator-direct',
  'accelerator-direct-physical',
  'remote-managed',
])
const vifDetails = derived<Record<string, unknown>>({ type: 'object' })

export const binding = extension('binding', {
  name: 'Port Binding',
  description: 'Binding of a port to a host',
  updated: '2014-02-03T10:00:00-00:00',
  adds: [
    to(port, {
      'binding:host_id': attribute(orNull(string(255)), {
        write: 'always',
        filter: true,
        enforcePolicy: true,
      }),
      'binding:vnic_type': attribute(vnicType, { write: 'always', default: 'normal', enforcePolicy: true }),
      'binding:profile': attribute(orNull(object), { write: 'always', enforcePolicy: true }),
      'binding:vif_type': attribute(string(64), { write: 'never', enforcePolicy: true }),
      'binding:vif_details': attribute(vifDetails, { write: 'never', enforcePolicy: true }),
    }),
  ],
})

export const bindingExtended = extension('binding-extended', {
  name: 'Port Bindings Extended',
  description: 'Several bindings of a port, a host each, for live migration',
  updated: '2017-07-17T10:00:00-00:00',
  requires: ['binding'],
  members: [
    {
      name: 'bindings',
      parent: 'port',
      singular: 'binding',
      lists: undefined,
      operations: ['list', 'show', 'create', 'update', 'delete'],
      actions: ['activate'],
      attributes: {
        host: attribute(string(255), { write: 'always', required: true, filter: true }),
        vnic_type: attribute(vnicType, {
          write: 'always',
          default: 'normal',
          filter: true,
          enforcePolicy: true,
        }),
        profile: attribute(orNull(object), { write: 'always', enforcePolicy: true }),
        status: attribute(string(16), { write: 'never', filter: true }),
        vif_type: attribute(string(64), { write: 'never', filter: true, enforcePolicy: true }),
        vif_details: attribute(vifDetails, { write: 'never', enforcePolicy: true }),
        project_id: attribute(string(255), { write: 'create', requiredByPolicy: true }),
      },
      policy: {
        list: 'get_port_binding',
        show: 'get_port_binding',
        create: 'create_port_binding',
        // Neutron has no rule for it, and would let every owner of a port move it.
        update: 'create_port_binding',
        delete: 'delete_port_binding',
        activate: 'activate',
      },
    },
  ],
})
