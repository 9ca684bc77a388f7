/** Subnets: a prefix of addresses on a network, with what its instances are told. */
import { allocationPools } from '../fields/allocation-pools.ts'
import { boolean } from '../fields/boolean.ts'
import { cidr } from '../fields/cidr.ts'
import { hostRoutes } from '../fields/host-routes.ts'
import { integerAmong, nonNegative } from '../fields/integer.ts'
import { ipAddress } from '../fields/ip-address.ts'
import { orNull } from '../fields/kind.ts'
import { nameservers } from '../fields/nameservers.ts'
import { string } from '../fields/string.ts'
import { subnetpoolId, uuid } from '../fields/uuid.ts'
import { values } from '../fields/values.ts'
import { attribute, resource } from '../resource.ts'
import { owner } from './owner.ts'

const ipv6Mode = values(['dhcpv6-stateful', 'dhcpv6-stateless', 'slaac'])

export const subnet = resource('subnet', {
  standard: 'tagged',
  parent: { resource: 'network', key: 'network_id' },
  quota: true,
  attributes: {
    id: attribute(uuid, { write: 'never', filter: true, sort: true }),
    name: attribute(string(255), { write: 'always', default: '', filter: true, sort: true }),
    ...owner,
    network_id: attribute(uuid, {
      write: 'create',
      required: true,
      filter: true,
      sort: true,
      requiredByPolicy: true,
    }),
    ip_version: attribute(integerAmong([4, 6]), {
      write: 'create',
      required: true,
      filter: true,
      sort: true,
    }),
    cidr: attribute(orNull(cidr), { write: 'create', filter: true, sort: true }),
    prefixlen: attribute(nonNegative, { write: 'create', visible: false }),
    subnetpool_id: attribute(orNull(subnetpoolId), { write: 'create', filter: true, sort: true }),
    gateway_ip: attribute(orNull(ipAddress), { write: 'always', filter: true, sort: true }),
    allocation_pools: attribute(allocationPools, { write: 'always' }),
    dns_nameservers: attribute(nameservers, { write: 'always' }),
    host_routes: attribute(hostRoutes, { write: 'always' }),
    enable_dhcp: attribute(boolean, { write: 'always', default: true, filter: true, sort: true }),
    ipv6_ra_mode: attribute(ipv6Mode, { write: 'create', filter: true, sort: true }),
    ipv6_address_mode: attribute(ipv6Mode, { write: 'create', filter: true, sort: true }),
    shared: attribute(boolean, {
      write: 'never',
      visible: false,
      filter: true,
      enforcePolicy: true,
      requiredByPolicy: true,
    }),
  },
})
