/** Local IPs: one address on every host, each time a port that is near. */
import { ipAddress } from '../fields/ip-address.ts'
import { orNull } from '../fields/kind.ts'
import { string } from '../fields/string.ts'
import { uuid } from '../fields/uuid.ts'
import { values } from '../fields/values.ts'
import { attribute, resource } from '../resource.ts'
import { owner } from './owner.ts'

const place = attribute(uuid, { write: 'create', filter: true, sort: true })

export const localIp = resource('local_ip', {
  notFound: 'LocalIPNotFound',
  standard: 'untagged',
  attributes: {
    id: attribute(uuid, { write: 'never', filter: true, sort: true }),
    project_id: owner.project_id,
    name: attribute(string(255), { write: 'always', default: '', filter: true, sort: true }),
    local_port_id: place,
    network_id: place,
    local_ip_address: attribute(orNull(ipAddress), {
      write: 'create',
      filter: true,
      sort: true,
      enforcePolicy: true,
    }),
    ip_mode: attribute(values(['translate', 'passthrough']), {
      write: 'create',
      default: 'translate',
      filter: true,
      sort: true,
    }),
  },
})
