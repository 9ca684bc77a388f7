/** Security groups and what has been added to them since, and address groups. */
import { boolean } from '../fields/boolean.ts'
import { cidr } from '../fields/cidr.ts'
import { orNull } from '../fields/kind.ts'
import { uuids } from '../fields/lists.ts'
import { string } from '../fields/string.ts'
import { attribute, type Extension, extension, to } from '../resource.ts'
import { addressGroup as addressGroupResource } from '../resources/address-group.ts'
import { port } from '../resources/port.ts'
import {
  defaultSecurityGroupRule,
  defaultStatefulness,
  securityGroup as groups,
  securityGroupRule as rules,
} from '../resources/security-group.ts'

const securityGroup = extension('security-group', {
  name: 'security-group',
  description: 'Groups of rules that say which traffic ports may receive and send',
  updated: '2012-10-05T10:00:00-00:00',
  requires: ['standard-attr-description'],
  resources: [groups, rules],
  adds: [to(port, { security_groups: attribute(uuids, { write: 'always', filter: true }) })],
})

const portFiltering = extension('port-security-groups-filtering', {
  name: 'Port filtering on security groups',
  description: 'Lists of ports by their security groups',
  updated: '2018-01-09T09:00:00-00:00',
})

const addressGroup = extension('address-group', {
  name: 'Address group',
  description: 'Prefixes under one name, for rules of security groups',
  updated: '2020-07-15T10:00:00-00:00',
  requires: ['security-group'],
  resources: [addressGroupResource],
})

const remoteAddressGroup = extension('security-groups-remote-address-group', {
  name: 'Remote address group id field for security group rules',
  description: 'Rules for the addresses of an address group',
  updated: '2020-08-25T10:00:00-00:00',
  requires: ['security-group'],
  adds: [
    to(rules, {
      remote_address_group_id: attribute(orNull(string(36)), {
        write: 'create',
        default: null,
        filter: true,
        sort: true,
      }),
    }),
  ],
})

const normalizedCidr = extension('security-groups-normalized-cidr', {
  name: 'Normalized CIDR field for security group rules',
  description: 'The remote prefix without host bits',
  updated: '2020-07-28T10:00:00-00:00',
  requires: ['security-group'],
  adds: [
    to(rules, { normalized_cidr: attribute(orNull(cidr), { write: 'never', filter: true, sort: true }) }),
  ],
})

const stateful = extension('stateful-security-group', {
  name: 'Stateful security group',
  description: 'Whether answers to what a rule lets through pass as well',
  updated: '2019-11-26T09:00:00-00:00',
  requires: ['security-group'],
  adds: [to(groups, { stateful: attribute(boolean, { write: 'always', default: true }) })],
})

const sharedFiltering = extension('security-groups-shared-filtering', {
  name: 'Security group filtering on the shared field',
  description: 'Lists of security groups by whether they are shared',
  updated: '2021-10-05T09:00:00-00:00',
  requires: ['rbac-security-groups'],
  adds: [
    to(groups, {
      shared: attribute(boolean, {
        write: 'never',
        filter: true,
        enforcePolicy: true,
        requiredByPolicy: true,
      }),
    }),
  ],
})

const belongsToDefault = extension('security-groups-rules-belongs-to-default-sg', {
  name: "Security group rule belongs to the project's default security group",
  description: 'Whether a rule is one of a default security group',
  updated: '2023-05-23T10:00:00-00:00',
  requires: ['security-group'],
  adds: [to(rules, { belongs_to_default_sg: attribute(boolean, { write: 'never', filter: true }) })],
})

const defaultRules = extension('security-groups-default-rules', {
  name: 'Default rules for security groups',
  description: 'The rules that new security groups start with',
  updated: '2022-12-19T10:00:00-00:00',
  requires: ['security-group'],
  resources: [defaultSecurityGroupRule],
})

const defaultStateful = extension('security-groups-default-statefulness', {
  name: 'Security Groups Default Statefulness',
  description: 'Whether new security groups are stateful, of a project and of the cloud',
  updated: '2026-04-13T00:00:00-00:00',
  requires: ['security-group', 'stateful-security-group'],
  resources: [defaultStatefulness],
  // What a client leaves out is worked out of these.
  adds: [to(groups, { stateful: attribute(boolean, { write: 'always' }) })],
})

export const securityGroupExtensions: readonly Extension[] = [
  securityGroup,
  portFiltering,
  addressGroup,
  remoteAddressGroup,
  normalizedCidr,
  stateful,
  sharedFiltering,
  belongsToDefault,
  defaultRules,
  defaultStateful,
]
