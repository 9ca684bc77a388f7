/** Routes that a subnet gives its instances. */
import { canonicalCidr, parseCidr } from '../../lib/addresses.ts'
import { cidr, cidrOf } from './cidr.ts'
import { ipAddress, ipAddressOf } from './ip-address.ts'
import { isObject, type Kind, listOf, noRepeats, onlyKeys, refuse, shown } from './kind.ts'

export interface HostRoute {
  destination: string
  nexthop: string
}

/** Neutron: convert_none_to_empty_list, type:hostroutes. */
export const hostRoutes: Kind<HostRoute[]> = {
  name: 'host-routes',
  schema: {
    type: 'array',
    items: {
      type: 'object',
      properties: { destination: cidr.schema, nexthop: ipAddress.schema },
      required: ['destination', 'nexthop'],
      additionalProperties: false,
    },
  },
  parse(value) {
    const routes = listOf(value ?? []).map((route) => {
      if (!isObject(route)) return refuse(`Invalid data format for hostroute: ${shown(route)}`)
      onlyKeys(route, ['destination', 'nexthop'])
      return { destination: destinationOf(route.destination), nexthop: ipAddressOf(route.nexthop) }
    })
    noRepeats(
      routes.map((route) => `${route.destination} ${route.nexthop}`),
      'hostroute',
    )
    return routes
  },
}

function destinationOf(value: unknown): string {
  const text = cidrOf(value)
  const given = String(value)
  // Host bits are told by parsing the bare address as a prefix of full length.
  const address = canonicalCidr(`${given.slice(0, given.indexOf('/'))}/${text.includes(':') ? 128 : 32}`)
  if (address?.slice(0, address.indexOf('/')) !== text.slice(0, text.indexOf('/'))) {
    refuse(`${shown(value)} is not a valid CIDR: it has host bits, ${text} has none`)
  }
  const parsed = parseCidr(text)
  if (parsed?.version === 4 && parsed.first >> 24n === 127n)
    refuse(`${shown(value)} is a loopback destination`)
  return text
}
