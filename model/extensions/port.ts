/** Small extensions of ports: security, address pairs, DHCP options, names, new MAC addresses, address allocation. */
import { addressPairs } from '../fields/address-pairs.ts'
import { boolean } from '../fields/boolean.ts'
import { derived } from '../fields/derived.ts'
import { dhcpOptions } from '../fields/dhcp-options.ts'
import { dnsDomain, dnsName } from '../fields/dns.ts'
import { string } from '../fields/string.ts'
import { attribute, extension, to } from '../resource.ts'
import { network } from '../resources/network.ts'
import { port } from '../resources/port.ts'

export const portSecurity = extension('port-security', {
  name: 'Port Security',
  description: 'Protection of ports against spoofing, and its absence',
  updated: '2012-07-23T10:00:00-00:00',
  adds: [
    to(network, {
      port_security_enabled: attribute(boolean, { write: 'always', default: true, enforcePolicy: true }),
    }),
    to(port, { port_security_enabled: attribute(boolean, { write: 'always', enforcePolicy: true }) }),
  ],
})

export const allowedAddressPairs = extension('allowed-address-pairs', {
  name: 'Allowed Address Pairs',
  description: 'Addresses besides its own that a port may send from',
  updated: '2013-07-23T10:00:00-00:00',
  adds: [
    to(port, { allowed_address_pairs: attribute(addressPairs, { write: 'always', enforcePolicy: true }) }),
  ],
})

export const addressPairsRejectMulticast = extension('aap-reject-multicast', {
  name: 'Allowed address pairs reject multicast extension',
  description: 'No multicast address is among the addresses that a port may send from',
  updated: '2026-04-01T00:00:00-00:00',
  requires: ['allowed-address-pairs'],
})

export const extraDhcpOpt = extension('extra_dhcp_opt', {
  name: 'Neutron Extra DHCP options',
  description: 'DHCP options of a port',
  updated: '2013-03-17T12:00:00-00:00',
  adds: [to(port, { extra_dhcp_opts: attribute(dhcpOptions, { write: 'always', default: null }) })],
})

const assignment = derived<{ ip_address: string; hostname: string; fqdn: string }[]>({
  type: 'array',
  items: {
    type: 'object',
    properties: {
      ip_address: { type: 'string' },
      hostname: { type: 'string' },
      fqdn: { type: 'string' },
    },
  },
})

export const dnsIntegration = extension('dns-integration', {
  name: 'DNS Integration',
  description: 'Names of ports and the domain of a network',
  updated: '2015-08-15T18:00:00-00:00',
  adds: [
    to(network, { dns_domain: attribute(dnsDomain, { write: 'always', default: '' }) }),
    to(port, {
      dns_name: attribute(dnsName, { write: 'always', default: '' }),
      dns_assignment: attribute(assignment, { write: 'never' }),
    }),
  ],
})

export const portMacAddressRegenerate = extension('port-mac-address-regenerate', {
  name: 'Neutron Port MAC address regenerate',
  description: 'A null MAC address in an update asks for a new one',
  updated: '2018-05-03T10:00:00-00:00',
})

export const ipSubstringFiltering = extension('ip-substring-filtering', {
  name: 'IP address substring filtering',
  description: 'Lists of ports can be filtered by a part of an address',
  updated: '2017-11-28T09:00:00-00:00',
})

export const ipAllocation = extension('ip_allocation', {
  name: 'IP Allocation',
  description: 'When the addresses of a port are chosen',
  updated: '2016-06-10T23:00:00-00:00',
  adds: [to(port, { ip_allocation: attribute(string(16), { write: 'never', filter: true, sort: true }) })],
})
