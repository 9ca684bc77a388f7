/** Local IPs and the ports that they stand for. */
import { ipAddress } from '../fields/ip-address.ts'
import { orNull } from '../fields/kind.ts'
import { string } from '../fields/string.ts'
import { uuid } from '../fields/uuid.ts'
import { attribute, extension } from '../resource.ts'
import { localIp } from '../resources/local-ip.ts'

const told = attribute(string(255), { write: 'never', filter: true, sort: true })

export const localIps = extension('local_ip', {
  name: 'Local IP',
  description: 'One address on every host, for a port that is near',
  updated: '2021-07-26T10:00:00-00:00',
  resources: [localIp],
  members: [
    {
      name: 'port_associations',
      parent: 'local_ip',
      singular: 'port_association',
      lists: undefined,
      operations: ['list', 'show', 'create', 'delete'],
      actions: [],
      attributes: {
        local_ip_id: attribute(uuid, { write: 'never' }),
        fixed_port_id: attribute(uuid, { write: 'create', required: true, filter: true, sort: true }),
        fixed_ip: attribute(orNull(ipAddress), {
          write: 'create',
          default: null,
          filter: true,
          sort: true,
        }),
        local_ip_address: told,
        host: told,
        project_id: attribute(string(255), {
          write: 'create',
          required: true,
          visible: false,
          requiredByPolicy: true,
        }),
      },
      policy: {
        list: 'get_local_ip_port_association',
        show: 'get_local_ip_port_association',
        create: 'create_local_ip_port_association',
        delete: 'delete_local_ip_port_association',
      },
    },
  ],
})
