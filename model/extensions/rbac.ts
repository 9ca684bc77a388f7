/** RBAC policies, and the aliases that tell which types of objects they are for. */
import { type Extension, extension } from '../resource.ts'
import { rbacPolicy } from '../resources/rbac-policy.ts'

export const rbacPolicies = extension('rbac-policies', {
  name: 'RBAC Policies',
  description: 'Entries that let other projects use an object',
  updated: '2015-06-17T12:15:12-00:00',
  resources: [rbacPolicy],
})

const forType = (alias: string, type: string, updated: string, requires: string): Extension =>
  extension(alias, {
    name: `Add ${type} type to ${type === 'security_group' ? 'network ' : ''}RBAC`,
    description: `RBAC policies for objects of type ${type}`,
    updated,
    requires: ['rbac-policies', requires],
  })

export const rbacSecurityGroups = forType(
  'rbac-security-groups',
  'security_group',
  '2019-02-14T00:00:00-00:00',
  'security-group',
)
export const rbacAddressGroup = forType(
  'rbac-address-group',
  'address_group',
  '2021-01-20T00:00:00-00:00',
  'security-group',
)
export const rbacAddressScope = forType(
  'rbac-address-scope',
  'address_scope',
  '2020-02-12T00:00:00-00:00',
  'address-scope',
)
export const rbacSubnetpool = forType(
  'rbac-subnetpool',
  'subnetpool',
  '2020-02-05T00:00:00-00:00',
  'rbac-address-scope',
)
