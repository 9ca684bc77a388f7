/** What the resources of the API are called on the command line, and what their commands say that they leave out. */
import { extensionCatalogue } from '../../model/extensions/catalogue.ts'
import { compose, type Model, type Resource } from '../../model/resource.ts'
import { coreResources } from '../../model/resources/core.ts'
import { type Member, membersOf } from './member.command.ts'

/** What lists show without -c. */
export const listed: Readonly<Record<string, readonly string[]>> = {
  network: ['id', 'name', 'subnets'],
  subnet: ['id', 'name', 'network_id', 'cidr'],
  port: ['id', 'name', 'mac_address', 'fixed_ips', 'status'],
  agent: ['id', 'agent_type', 'host', 'availability_zone', 'alive', 'admin_state_up', 'binary'],
  security_group_rule: ['id', 'protocol', 'ethertype', 'remote_ip_prefix', 'direction', 'remote_group_id'],
  network_ip_availability: ['network_id', 'network_name', 'total_ips', 'used_ips'],
  security_groups_default_statefulness: ['id', 'project_id', 'stateful'],
  rbac_policy: ['id', 'object_type', 'object_id', 'action', 'target_tenant'],
}

/** Commands that are not called as their resource. */
const calledOtherwise: Readonly<Record<string, string>> = {
  network_ip_availability: 'ip availability',
  subnetpool: 'subnet pool',
  rbac_policy: 'rbac',
  metering_label: 'meter',
  metering_label_rule: 'meter rule',
}

/** What the word after `create` says, where that is no name. */
export const saidFirst: Readonly<Record<string, string>> = {
  security_group_rule: 'security_group_id',
  metering_label_rule: 'metering_label_id',
  rbac_policy: 'object_id',
}

/** What a create means that does not say it. */
export function assumed(name: string, body: Readonly<Record<string, unknown>>): Record<string, unknown> {
  switch (name) {
    case 'subnet':
      return { ip_version: String(body.cidr ?? '').includes(':') ? 6 : 4 }
    case 'address_scope':
      return { ip_version: 4 }
    case 'security_group_rule':
    case 'metering_label_rule':
      return { direction: 'ingress' }
    default:
      return {}
  }
}

/** What has no name and id of its own goes by those of another resource. */
export const namedAs: Readonly<Record<string, string>> = {
  network_ip_availability: 'network',
  quota: 'project',
  auto_allocated_topology: 'project',
}

/** The words of a resource's commands: `security group rule`, `qos policy`. */
export function wordsOf(resource: Resource): string {
  return calledOtherwise[resource.name] ?? plainWordsOf(resource)
}

function plainWordsOf({ name, path }: Resource): string {
  const prefix = /^(qos|log)\//.exec(path)?.[1]
  const words = name.replaceAll('_', ' ')
  return prefix && words.split(' ')[0] !== prefix ? `${prefix} ${words}` : words
}

/** The whole declared API. */
export function wholeModel(): Model {
  return compose(coreResources, [...extensionCatalogue.values()])
}

/** The resource that the first words name, and the rest; `network agent` is `agent`, as with `openstack`. */
export function resourceOf(
  model: Model,
  argv: readonly string[],
): { resource: Resource; rest: string[] } | undefined {
  const all = [...model.resources.values()]
  const byWords = new Map([plainWordsOf, wordsOf].flatMap((words) => all.map((one) => [words(one), one])))
  for (const skip of [0, argv[0] === 'network' ? 1 : 0]) {
    for (let count = 4; count > 0; count--) {
      const resource = byWords.get(argv.slice(skip, skip + count).join(' '))
      if (resource && (skip > 0 || isVerb(resource, argv[count]))) {
        return { resource, rest: argv.slice(skip + count) }
      }
    }
  }
  return undefined
}

export const verbs = ['list', 'show', 'create', 'set', 'unset', 'delete'] as const

/** True for a word that may follow the resource's: no word, an option, a verb, one of its actions. */
export function isVerb(resource: Resource, word: string | undefined): boolean {
  if (word === undefined || word.startsWith('-')) return true
  return verbs.some((verb) => verb === word) || resource.actions[word.replaceAll('-', '_')] !== undefined
}

/** What stands below an object, if the first words name such; with or without `network` before them. */
export function memberOf(model: Model, argv: readonly string[]): { one: Member; rest: string[] } | undefined {
  const members = membersOf(model, wordsOf)
  for (const skip of [0, argv[0] === 'network' ? 1 : 0]) {
    for (let count = 6; count > 1; count--) {
      const one = members.get(argv.slice(skip, skip + count).join(' '))
      if (one) return { one, rest: argv.slice(skip + count) }
    }
  }
  return undefined
}
