/** Policy on writes: the action, then each attribute that was sent. What refuses is thrown. */
import { httpForbidden, NeutronError, policyNotAuthorized } from '../../lib/errors.ts'
import type { Target } from '../../model/policy/residual.ts'
import { notFoundType } from '../../model/resource.ts'
import type { Access } from '../policy/policy.ts'
import type { Input } from '../resource.ts'
import type { AttributeRule, Served } from './served.ts'

/** The fault of an object that is not there, or that the client may not know of; `type` is `NetworkNotFound`. */
export function notFound(type: string, id: string): NeutronError {
  return new NeutronError(type, 404, `${type.replace(/NotFound$/, '')} ${id} could not be found.`)
}

/** May this input become an object? `target` also holds what policy asks of its parent. */
export function authorizeCreate(served: Served, access: Access, input: Input, target: Target): void {
  if (!access.may(`create_${served.name}`, target)) throw creationRefused(served, access, input, target)
  for (const rule of served.createRules) {
    const value = input[rule.attribute]
    if (value === undefined || value === rule.default) continue
    requireAttribute(access, rule, value, target)
  }
}

/** A parent that the client may not see does not exist for it; one of another project is forbidden. */
function creationRefused(served: Served, access: Access, input: Input, target: Target): NeutronError {
  const { parent } = served.resource
  if (parent) {
    const prefix = `${parent.resource}:`
    const parentTarget = Object.fromEntries(
      Object.entries(target).flatMap(([name, value]) =>
        name.startsWith(prefix) ? [[name.slice(prefix.length), value]] : [],
      ),
    )
    if (!access.may(`get_${parent.resource}`, parentTarget)) {
      return notFound(notFoundType(parent.resource), String(input[parent.key]))
    }
    const shared = parentTarget.shared === true || parentTarget.shared === 1
    if (!shared && parentTarget.project_id !== input.project_id) {
      return httpForbidden(
        `Project ${input.project_id} may not create a ${served.name} on this ${parent.resource}`,
      )
    }
  }
  return policyNotAuthorized(`create_${served.name}`)
}

/** May the object that `row` is be changed so? Refused is 403 for who may read it, 404 for who may not. */
export function authorizeUpdate(
  served: Served,
  access: Access,
  row: Target & { id: string },
  changes: Input,
): void {
  authorizeAction(served, access, `update_${served.name}`, row)
  const target = { ...row, ...changes }
  for (const rule of served.updateRules) {
    const value = changes[rule.attribute]
    if (value !== undefined) requireAttribute(access, rule, value, target)
  }
}

/** May this rule's action be done to the object? Refused is 403 for who may read it, 404 for who may not. */
export function authorizeAction(
  served: Served,
  access: Access,
  rule: string,
  row: Target & { id: string },
): void {
  if (access.may(rule, row)) return
  throw access.may(`get_${served.name}`, row)
    ? policyNotAuthorized(rule)
    : notFound(served.resource.notFound, row.id)
}

/**
 * Throws PolicyNotAuthorized for an attribute that the caller may not send, and, in a list of objects, for a key that
 * he may not (`create_port:fixed_ips:subnet_id`).
 */
export function requireAttribute(access: Access, rule: AttributeRule, value: unknown, target: Target): void {
  if (rule.rule && !access.may(rule.rule, target)) throw policyNotAuthorized(rule.rule)
  if (rule.parts.length === 0 || !Array.isArray(value)) return
  for (const { part, rule: name } of rule.parts) {
    const sent = value.some((one) => typeof one === 'object' && one !== null && one[part] !== undefined)
    if (sent && !access.may(name, target)) throw policyNotAuthorized(name)
  }
}
