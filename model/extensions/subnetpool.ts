/** Subnets out of pools, and address scopes. */
import { boolean } from '../fields/boolean.ts'
import { derived } from '../fields/derived.ts'
import { orNull } from '../fields/kind.ts'
import { cidrs } from '../fields/lists.ts'
import { uuid } from '../fields/uuid.ts'
import { attribute, extension, to } from '../resource.ts'
import { network } from '../resources/network.ts'
import { subnet } from '../resources/subnet.ts'
import { addressScope, subnetpool } from '../resources/subnetpool.ts'

export const subnetAllocation = extension('subnet_allocation', {
  name: 'Subnet Allocation',
  description: 'Subnets are cut from pools of prefixes',
  updated: '2015-03-30T10:00:00-00:00',
})

export const defaultSubnetpools = extension('default-subnetpools', {
  name: 'Default Subnetpools',
  description: 'A subnet may ask for the pool that is the default',
  updated: '2016-02-18T18:00:00-00:00',
  requires: ['subnet_allocation'],
  adds: [
    to(subnet, {
      use_default_subnetpool: attribute(boolean, { write: 'create', default: false, visible: false }),
    }),
  ],
})

export const subnetpoolPrefixOps = extension('subnetpool-prefix-ops', {
  name: 'Subnet Pool Prefix Operations',
  description: 'Prefixes are added to a pool and taken from it',
  updated: '2019-02-08T10:00:00-00:00',
  requires: ['subnet_allocation'],
  adds: [
    to(
      subnetpool,
      {},
      {
        add_prefixes: { method: 'PUT', answer: 'result', body: { prefixes: cidrs.schema } },
        remove_prefixes: { method: 'PUT', answer: 'result', body: { prefixes: cidrs.schema } },
      },
    ),
  ],
})

export const subnetOnboard = extension('subnet_onboard', {
  name: 'Subnet Onboard',
  description: "A network's subnets become those of a pool",
  updated: '2018-12-18T09:00:00-00:00',
  requires: ['subnet_allocation'],
  adds: [
    to(
      subnetpool,
      {},
      { onboard_network_subnets: { method: 'PUT', answer: 'result', body: { network_id: uuid.schema } } },
    ),
  ],
})

const scopeOfNetwork = attribute(derived<string | null>({ anyOf: [{ type: 'null' }, uuid.schema] }), {
  write: 'never',
})

export const addressScopes = extension('address-scope', {
  name: 'Address scope',
  description: 'Scopes within which no address has two meanings',
  updated: '2015-07-26T10:00:00-00:00',
  resources: [addressScope],
  adds: [
    to(subnetpool, {
      address_scope_id: attribute(orNull(uuid), { write: 'always', filter: true, sort: true }),
    }),
    to(network, { ipv4_address_scope: scopeOfNetwork, ipv6_address_scope: scopeOfNetwork }),
  ],
})

export const subnetpoolExtensions = [
  subnetAllocation,
  defaultSubnetpools,
  subnetpoolPrefixOps,
  subnetOnboard,
  addressScopes,
]
