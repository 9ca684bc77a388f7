/** Addresses besides its own that a port may send from: an address or a prefix, with a MAC address of its own or not. */
import { addressBits, cidrOf, contains, formatCidr, parseCidr, parseIp } from '../../lib/addresses.ts'
import { isObject, type Kind, listOf, noRepeats, onlyKeys, refuse, shown } from './kind.ts'
import { macAddressOf } from './mac-address.ts'

export interface AddressPairRequest {
  ip_address: string
  mac_address?: string
}

const multicast = ['224.0.0.0/4', 'ff00::/8'].flatMap((text) => parseCidr(text) ?? [])

/** Neutron: convert_none_to_empty_list, type:allowed_address_pairs. */
export const addressPairs: Kind<AddressPairRequest[]> = {
  name: 'address-pairs',
  schema: {
    type: 'array',
    items: {
      type: 'object',
      properties: { ip_address: { type: 'string' }, mac_address: { type: 'string' } },
      required: ['ip_address'],
      additionalProperties: false,
    },
  },
  parts: ['ip_address', 'mac_address'],
  parse(value) {
    const pairs = listOf(value ?? []).map((pair) => {
      if (!isObject(pair)) return refuse(`Invalid data format for address pair: ${shown(pair)}`)
      onlyKeys(pair, ['ip_address', 'mac_address'])
      const result: AddressPairRequest = { ip_address: addressOf(pair.ip_address) }
      if (pair.mac_address !== undefined) result.mac_address = macAddressOf(pair.mac_address)
      return result
    })
    noRepeats(
      pairs.map((pair) => `${pair.mac_address ?? ''} ${pair.ip_address}`),
      'address pair',
    )
    return pairs
  },
}

/** Nobody sends from a multicast address (aap-reject-multicast); a prefix that holds others too may be named. */
function addressOf(value: unknown): string {
  const text = typeof value === 'string' ? value : ''
  const ip = parseIp(text)
  const prefix = ip ? cidrOf(ip, addressBits(ip.version)) : parseCidr(text)
  if (!prefix) return refuse(`${shown(value)} is neither an IP address nor a subnet`)
  if (multicast.some((range) => contains(range, prefix.network) && prefix.prefixlen >= range.prefixlen)) {
    return refuse(`${shown(value)} is a multicast address`)
  }
  return ip ? prefix.network : formatCidr(prefix)
}
