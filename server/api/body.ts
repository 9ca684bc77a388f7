/**
 * Bodies of POST and PUT: from what a client sent to the values that a feature is given, in Neutron's order: shape,
 * owner, unknown names, defaults, then conversion and validation of each attribute. Everything wrong is 400.
 */
import { badRequest, invalidInput, type NeutronError } from '../../lib/errors.ts'
import { ConversionError, isObject, ValidationError } from '../../model/fields/kind.ts'
import type { Attribute, Attributes } from '../../model/resource.ts'
import type { Context } from '../context.ts'
import type { Input } from '../resource.ts'

/** What is worked out once about a kind of body. */
export interface BodyPlan {
  /** Key of a single object: `network`. */
  singular: string
  /** Key of a bulk request: `networks`. */
  collection: string
  owned: boolean
  attributes: ReadonlyMap<string, Attribute>
  creatable: readonly (readonly [string, Attribute])[]
}

/** Freezes the defaults that are lists: all inputs share them. */
export function bodyPlan(singular: string, collection: string, attributes: Attributes): BodyPlan {
  const entries = Object.entries(attributes)
  const owned = entries.some(([name, one]) => name === 'project_id' && one.post)
  const own = (name: string) => owned && (name === 'project_id' || name === 'tenant_id')
  for (const [, one] of entries) if (Array.isArray(one.default)) Object.freeze(one.default)
  return {
    singular,
    collection,
    owned,
    attributes: new Map(entries),
    creatable: entries.filter(([name, one]) => one.post && !own(name)),
  }
}

/** The inputs of a POST, and whether they came as a list. */
export function readCreate(
  plan: BodyPlan,
  body: unknown,
  context: Context,
): { inputs: Input[]; bulk: boolean } {
  if (!isObject(body)) throw badRequest('Resource body required')
  // Where both have one name, a list is a list.
  const bulk =
    Object.hasOwn(body, plan.collection) &&
    (plan.singular !== plan.collection || Array.isArray(body[plan.collection]))
  if (!bulk) return { inputs: [createInput(plan, body[plan.singular], context)], bulk }
  const list = body[plan.collection]
  if (!Array.isArray(list) || list.length === 0) throw badRequest('Resources required')
  return { inputs: list.map((one) => createInput(plan, one, context)), bulk }
}

/** The changes of a PUT: only what was sent. */
export function readUpdate(plan: BodyPlan, body: unknown): Input {
  if (!isObject(body) || !isObject(body[plan.singular])) {
    throw badRequest(`Unable to find '${plan.singular}' in request body`)
  }
  const sent = body[plan.singular] as Record<string, unknown>
  const changes: Input = {}
  for (const [name, value] of Object.entries(sent)) {
    const one = known(plan, name)
    if (!one.put) throw badRequest(`Cannot update read-only attribute ${name}`)
    changes[name] = parsed(name, one, value)
  }
  return changes
}

function createInput(plan: BodyPlan, sent: unknown, context: Context): Input {
  if (!isObject(sent)) throw badRequest(`Unable to find '${plan.singular}' in request body`)
  const input: Input = {}
  if (plan.owned) input.project_id = ownerOf(plan, sent, context)
  for (const name of Object.keys(sent)) {
    if (!known(plan, name).post) throw badRequest(`Attribute '${name}' not allowed in POST`)
  }
  for (const [name, one] of plan.creatable) {
    if (Object.hasOwn(sent, name)) input[name] = parsed(name, one, sent[name])
    else if (one.required)
      throw badRequest(`Failed to parse request. Required attribute '${name}' not specified`)
    else if (one.default !== undefined) input[name] = one.default
  }
  return input
}

function known(plan: BodyPlan, name: string): Attribute {
  const one = plan.attributes.get(name)
  if (!one) throw badRequest(`Unrecognized attribute(s) '${name}'`)
  return one
}

/** Roles that may create for other projects besides the administrator's. */
const mayActForOthers: readonly string[] = ['service', 'advsvc']

function ownerOf(plan: BodyPlan, sent: Record<string, unknown>, context: Context): string | null {
  const { project_id: project, tenant_id: tenant } = sent
  if (project !== undefined && tenant !== undefined && project !== tenant) {
    throw badRequest("'project_id' and 'tenant_id' do not match")
  }
  const owner = project === undefined ? tenant : project
  if (owner === undefined) {
    if (context.projectId === null)
      throw badRequest("The token has no project: 'project_id' must be specified")
    return context.projectId
  }
  const given = parsed('project_id', known(plan, 'project_id'), owner) as string | null
  if (
    given !== context.projectId &&
    !context.isAdmin &&
    !context.roles.some((role) => mayActForOthers.includes(role))
  ) {
    throw badRequest(
      "Specifying 'project_id' or 'tenant_id' other than the authenticated project in request requires admin or service privileges",
    )
  }
  return given
}

function parsed(name: string, one: Attribute, value: unknown): unknown {
  try {
    return one.kind.parse(value)
  } catch (error) {
    throw faultOf(name, error)
  }
}

/** A kind's refusal as a fault of the API; other errors pass. */
export function faultOf(name: string, error: unknown): NeutronError | unknown {
  if (error instanceof ConversionError) return invalidInput(error.message)
  if (error instanceof ValidationError)
    return badRequest(`Invalid input for ${name}. Reason: ${error.message}.`)
  return error
}
