/** The service plugin `qos`: policies, rules and where they apply, stored; no packet is limited or marked yet. */
import type { Plugin } from '../plugin.ts'
import { aliasFeature } from './alias-rule.feature.ts'
import { qosPolicyFeature } from './policy.feature.ts'
import { ruleTypes } from './rule-types.ts'

const aliases = [
  'alias_bandwidth_limit_rule',
  'alias_dscp_marking_rule',
  'alias_minimum_bandwidth_rule',
  'alias_minimum_packet_rate_rule',
]

export const qosPlugin: Plugin = {
  name: 'qos',
  extensions: [
    'qos',
    'qos-default',
    'qos-bw-limit-direction',
    'qos-bw-minimum-ingress',
    'qos-rule-type-details',
    'qos-rule-type-filter',
    'qos-port-network-policy',
    'port-resource-request',
    'port-resource-request-groups',
    'qos-pps',
    'qos-pps-minimum',
    'qos-rules-alias',
    'qos-pps-minimum-rule-alias',
  ],
  serve: ({ resource }) => ({
    features: [qosPolicyFeature(resource('policy')), ...aliases.map((name) => aliasFeature(resource(name)))],
    computed: [ruleTypes(resource('rule_type'))],
  }),
}
