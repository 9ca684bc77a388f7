/** Subnet pools: prefixes that subnets are cut from; and address scopes, within which addresses are unambiguous. */
import { boolean } from '../fields/boolean.ts'
import { integerAmong, nonNegative } from '../fields/integer.ts'
import { cidrs as cidrList } from '../fields/lists.ts'
import { notEmptyString, string } from '../fields/string.ts'
import { uuid } from '../fields/uuid.ts'
import { attribute, resource } from '../resource.ts'
import { owner } from './owner.ts'

const prefixlen = attribute(nonNegative, { write: 'always', filter: true, sort: true })

export const subnetpool = resource('subnetpool', {
  standard: 'tagged',
  quota: true,
  notFound: 'SubnetPoolNotFound',
  attributes: {
    id: attribute(uuid, { write: 'never', filter: true, sort: true }),
    name: attribute(notEmptyString, { write: 'always', required: true, filter: true, sort: true }),
    ...owner,
    prefixes: attribute(cidrList, { write: 'always', required: true }),
    default_quota: attribute(nonNegative, { write: 'always', filter: true, sort: true }),
    ip_version: attribute(integerAmong([4, 6]), { write: 'never', filter: true, sort: true }),
    default_prefixlen: prefixlen,
    min_prefixlen: prefixlen,
    max_prefixlen: prefixlen,
    is_default: attribute(boolean, {
      write: 'always',
      default: false,
      filter: true,
      sort: true,
      enforcePolicy: true,
      requiredByPolicy: true,
    }),
    shared: attribute(boolean, {
      write: 'create',
      default: false,
      filter: true,
      sort: true,
      enforcePolicy: true,
      requiredByPolicy: true,
    }),
  },
})

export const addressScope = resource('address_scope', {
  attributes: {
    id: attribute(uuid, { write: 'never', filter: true, sort: true }),
    name: attribute(string(255), { write: 'always', default: '', filter: true, sort: true }),
    ...owner,
    shared: attribute(boolean, {
      write: 'always',
      default: false,
      filter: true,
      sort: true,
      enforcePolicy: true,
      requiredByPolicy: true,
    }),
    ip_version: attribute(integerAmong([4, 6]), {
      write: 'create',
      required: true,
      filter: true,
      sort: true,
    }),
  },
})
