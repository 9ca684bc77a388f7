/** Security groups, their rules, and the rules that new groups start with. */
import { boolean } from '../fields/boolean.ts'
import { derived } from '../fields/derived.ts'
import { orNull } from '../fields/kind.ts'
import { ethertype, groupName, ipPrefix, portValue, protocol } from '../fields/security-group-rule.ts'
import { string } from '../fields/string.ts'
import { uuid } from '../fields/uuid.ts'
import { values } from '../fields/values.ts'
import { attribute, resource } from '../resource.ts'
import { owner } from './owner.ts'

const rules = derived<Record<string, unknown>[]>({ type: 'array', items: { type: 'object' } })

export const securityGroup = resource('security_group', {
  quota: true,
  standard: 'tagged',
  attributes: {
    id: attribute(uuid, { write: 'never', filter: true, sort: true }),
    name: attribute(groupName, { write: 'always', default: '', filter: true, sort: true }),
    ...owner,
    security_group_rules: attribute(rules, { write: 'never' }),
  },
})

const made = { write: 'create', filter: true, sort: true } as const

/** What a rule lets through. The remote group is no UUID where it stands for the rule's own group. */
const matches = {
  direction: attribute(values(['ingress', 'egress']), { ...made, required: true }),
  ethertype: attribute(ethertype, { ...made, default: 'IPv4' }),
  protocol: attribute(protocol, { ...made, default: null }),
  port_range_min: attribute(portValue, { ...made, default: null }),
  port_range_max: attribute(portValue, { ...made, default: null }),
  remote_ip_prefix: attribute(ipPrefix, { ...made, default: null }),
  remote_group_id: attribute(orNull(string(36)), { ...made, default: null }),
}

export const securityGroupRule = resource('security_group_rule', {
  quota: true,
  standard: 'untagged',
  operations: ['list', 'show', 'create', 'delete'],
  parent: { resource: 'security_group', key: 'security_group_id' },
  attributes: {
    id: attribute(uuid, { write: 'never', filter: true, sort: true }),
    ...owner,
    security_group_id: attribute(string(36), { ...made, required: true, requiredByPolicy: true }),
    ...matches,
  },
})

/** Whether new groups are stateful that do not say so: of one project, or (null) of all that have none of their own. */
export const defaultStatefulness = resource('security_groups_default_statefulness', {
  collection: 'security_groups_default_statefulness',
  notFound: 'SecurityGroupDefaultStatefulnessNotFound',
  attributes: {
    id: attribute(uuid, { write: 'never', filter: true, sort: true }),
    project_id: attribute(orNull(string(255)), { ...made, default: null, requiredByPolicy: true }),
    stateful: attribute(boolean, { write: 'always', default: true, filter: true, sort: true }),
  },
})

export const defaultSecurityGroupRule = resource('default_security_group_rule', {
  operations: ['list', 'show', 'create', 'delete'],
  attributes: {
    id: attribute(uuid, { write: 'never', filter: true, sort: true }),
    description: attribute(string(255), { ...made, default: '' }),
    ...matches,
    remote_address_group_id: attribute(orNull(string(36)), { ...made, default: null }),
    used_in_default_sg: attribute(boolean, { ...made, default: false }),
    used_in_non_default_sg: attribute(boolean, { ...made, default: true }),
  },
})
