/** Addresses of DNS servers, in the client's order. */
import { ipAddress, ipAddressOf } from './ip-address.ts'
import { type Kind, listOf, noRepeats } from './kind.ts'

/** Neutron: convert_none_to_empty_list, type:nameservers. */
export const nameservers: Kind<string[]> = {
  name: 'nameservers',
  schema: { type: 'array', items: ipAddress.schema, uniqueItems: true },
  parse(value) {
    const addresses = listOf(value ?? []).map(ipAddressOf)
    noRepeats(addresses, 'nameserver')
    return addresses
  },
}
