/** What a client asks of a port's addresses: an address, a subnet, or both, each. */
import { ipAddress, ipAddressOf } from './ip-address.ts'
import { isObject, type Kind, listOf, noRepeats, onlyKeys, refuse, sameText, shown } from './kind.ts'
import { uuid, uuidOf } from './uuid.ts'

export interface FixedIpRequest {
  ip_address?: string
  subnet_id?: string
}

/** Neutron: type:fixed_ips. Filters are `ip_address=…`, `subnet_id=…` and `ip_address_substr=…`. */
export const fixedIps: Kind<FixedIpRequest[]> = {
  name: 'fixed-ips',
  schema: {
    type: 'array',
    items: {
      type: 'object',
      properties: { ip_address: ipAddress.schema, subnet_id: uuid.schema },
      additionalProperties: false,
    },
  },
  parts: ['ip_address', 'subnet_id'],
  parse(value) {
    const requests = listOf(value).map((request) => {
      if (!isObject(request)) return refuse(`Invalid data format for fixed IP: ${shown(request)}`)
      onlyKeys(request, ['ip_address', 'subnet_id'])
      const result: FixedIpRequest = {}
      if (request.ip_address !== undefined) result.ip_address = ipAddressOf(request.ip_address)
      if (request.subnet_id !== undefined) result.subnet_id = uuidOf(request.subnet_id)
      return result
    })
    noRepeats(
      requests.flatMap((request) => request.ip_address ?? []),
      'IP address',
    )
    return requests
  },
  filter: sameText,
}
