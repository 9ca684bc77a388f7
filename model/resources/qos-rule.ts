/** The kinds of QoS rules: what each says, below its policy and, by the alias routes, by its id alone. */
import { boolean } from '../fields/boolean.ts'
import { derived } from '../fields/derived.ts'
import { integerAmong, integerBetween } from '../fields/integer.ts'
import { orNull } from '../fields/kind.ts'
import { string } from '../fields/string.ts'
import { uuid } from '../fields/uuid.ts'
import { values } from '../fields/values.ts'
import { type Attribute, attribute, type Resource, resource, type Write } from '../resource.ts'
import { plainOwner } from './owner.ts'

const largest = 2 ** 31 - 1
const dscpMarks = [0, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30, 32, 34, 36, 38, 40, 46, 48, 56]

const amount = integerBetween(0, largest)
const direction = values(['ingress', 'egress'])
const anyDirection = values(['any', 'ingress', 'egress'])

const id = attribute(uuid, { write: 'never', filter: true, sort: true })
const listed = { write: 'always', filter: true, sort: true } as const
const needed = attribute(amount, { ...listed, required: true })
const burst = attribute(amount, { ...listed, default: 0 })
const way = attribute(direction, { ...listed, default: 'egress' })

/** The names of the kinds; `_rules` of one is its collection below a policy. */
export type QosRuleType =
  | 'bandwidth_limit'
  | 'dscp_marking'
  | 'minimum_bandwidth'
  | 'packet_rate_limit'
  | 'minimum_packet_rate'

/** What rules of each kind say. */
export const qosRules = {
  bandwidth_limit: {
    id,
    ...plainOwner,
    max_kbps: needed,
    max_burst_kbps: burst,
    direction: attribute(direction, { write: 'always', default: 'egress' }),
  },
  dscp_marking: {
    id,
    ...plainOwner,
    dscp_mark: attribute(integerAmong(dscpMarks), { ...listed, required: true }),
  },
  minimum_bandwidth: { id, ...plainOwner, min_kbps: needed, direction: way },
  packet_rate_limit: { id, ...plainOwner, max_kpps: needed, max_burst_kpps: burst, direction: way },
  minimum_packet_rate: {
    id,
    ...plainOwner,
    min_kpps: needed,
    direction: attribute(anyDirection, { ...listed, default: 'egress' }),
  },
} satisfies Record<QosRuleType, Record<string, Attribute>>

/** The same rules by their ids alone: they can be changed and deleted there, not created. */
function aliasOf(type: QosRuleType): Resource {
  const attributes = Object.entries(qosRules[type]).map(([name, one]): [string, Attribute] => {
    const write: Write = one.put ? 'update' : 'never'
    const plain = { filter: one.filter, sort: one.sort, requiredByPolicy: one.requiredByPolicy }
    const listed = name === 'direction' ? { filter: true, sort: true } : {}
    return [name, attribute<unknown>(one.kind, { ...plain, ...listed, write })]
  })
  return resource(`alias_${type}_rule`, {
    path: `qos/alias-${type.replaceAll('_', '-')}-rules`,
    notFound: 'QosRuleNotFound',
    operations: ['show', 'update', 'delete'],
    attributes: Object.fromEntries(attributes),
  })
}

export const bandwidthLimitAlias = aliasOf('bandwidth_limit')
export const dscpMarkingAlias = aliasOf('dscp_marking')
export const minimumBandwidthAlias = aliasOf('minimum_bandwidth')
export const minimumPacketRateAlias = aliasOf('minimum_packet_rate')

/** The kinds of rules that there are. */
export const qosRuleType = resource('rule_type', {
  path: 'qos/rule-types',
  operations: ['list', 'show'],
  attributes: { type: attribute(string(64), { write: 'never' }) },
})

/** What the extensions qos-rule-type-details and qos-rule-type-filter add to kinds of rules. */
export const ruleTypeDetails = {
  drivers: attribute(derived<Record<string, unknown>[]>({ type: 'array', items: { type: 'object' } }), {
    write: 'never',
  }),
}
const filterOnly = attribute(orNull(boolean), { write: 'always', visible: false, filter: true })
export const ruleTypeFilters = { all_supported: filterOnly, all_rules: filterOnly }
