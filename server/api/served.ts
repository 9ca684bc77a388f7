/** A resource as this server serves it: the composed declaration, its feature, and what is worked out once of both. */
import type { Attribute, Attributes, Resource } from '../../model/resource.ts'
import type { Policy } from '../policy/policy.ts'
import type { Feature } from '../resource.ts'
import { type BodyPlan, bodyPlan } from './body.ts'
import { type RowReader, readerGaps, rowReader } from './reader.ts'

/** A rule that is checked when an attribute is sent, and those of its parts: `create_port:fixed_ips:subnet_id`. */
export interface AttributeRule {
  attribute: string
  rule: string | undefined
  parts: readonly { part: string; rule: string }[]
  /** On create, only a value other than this is checked. */
  default: unknown
}

export interface Served {
  name: string
  resource: Resource
  feature: Feature
  attributes: ReadonlyMap<string, Attribute>
  body: BodyPlan
  rowsOf: RowReader
  createRules: readonly AttributeRule[]
  updateRules: readonly AttributeRule[]
}

/** Throws where the feature cannot read what the declaration promises. */
export function served(resource: Resource, feature: Feature, policy: Policy): Served {
  const attributes = new Map(Object.entries(resource.attributes))
  const gaps = readerGaps(feature.reader, attributes)
  if (gaps.length > 0) throw new TypeError(`the reader of ${resource.name} lacks ${gaps.join(', ')}`)
  return {
    name: resource.name,
    resource,
    feature,
    attributes,
    body: bodyPlan(resource.name, resource.collection, resource.attributes),
    rowsOf: rowReader(feature.reader),
    createRules: attributeRules(`create_${resource.name}`, resource.attributes, policy),
    updateRules: attributeRules(`update_${resource.name}`, resource.attributes, policy),
  }
}

/** Every attribute with a rule of its own, whether its declaration asks for it or an operator added it. */
export function attributeRules(action: string, attributes: Attributes, policy: Policy): AttributeRule[] {
  const existing = (rule: string) => (policy.has(rule) ? rule : undefined)
  return Object.entries(attributes).flatMap(([attribute, one]) => {
    const rule = existing(`${action}:${attribute}`)
    const parts = (one.kind.parts ?? []).flatMap((part) => {
      const partRule = existing(`${action}:${attribute}:${part}`)
      return partRule ? [{ part, rule: partRule }] : []
    })
    return rule || parts.length > 0 ? [{ attribute, rule, parts, default: one.default }] : []
  })
}
