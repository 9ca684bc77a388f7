/** The kinds of QoS rules, and what the drivers take for each. */
import type { Attribute, Resource } from '../../model/resource.ts'
import { type QosRuleType, qosRules } from '../../model/resources/qos-rule.ts'
import type { ComputedFeature } from '../resource.ts'

/** Mechanism drivers that take all kinds of rules. */
const drivers: readonly string[] = ['openvswitch']

/** Every kind of rule is listed whatever is filtered for: all drivers take all kinds. */
export function ruleTypes(resource: Resource): ComputedFeature {
  return {
    resource,
    key: 'type',
    // Every driver takes every kind: those that some support and those that all support are the same.
    ownFilters: ['all_supported', 'all_rules'],
    list: async () => Object.keys(qosRules).map((type) => ({ type })),
    details: ({ type }) => ({
      drivers: drivers.map((name) => ({
        name,
        supported_parameters: Object.entries<Attribute>(qosRules[type as QosRuleType]).flatMap(parameterOf),
      })),
    }),
  }
}

function parameterOf([parameter_name, { kind, put }]: [string, Attribute]): Record<string, unknown>[] {
  if (!put) return []
  const { enum: choices, minimum: start, maximum: end } = kind.schema
  return [
    choices === undefined
      ? { parameter_name, parameter_type: 'range', parameter_values: { start, end } }
      : { parameter_name, parameter_type: 'choices', parameter_values: choices },
  ]
}
