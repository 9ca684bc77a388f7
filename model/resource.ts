/**
 * The declaration of resources and extensions: what the API says of them, once. README.md tells what is derived from
 * it. A declaration that contradicts itself fails when it is made or composed, naming resource and attribute.
 */
import { integerBetween } from './fields/integer.ts'
import type { JsonSchema, Kind } from './fields/kind.ts'

/** Who may set an attribute: nobody, on POST, on PUT, or on both. */
export type Write = 'never' | 'create' | 'update' | 'always'

export interface AttributeOptions<T> {
  write: Write
  /** Filled in on POST when absent. Without it and without `required` the attribute stays absent. */
  default?: T
  /** POST without it is 400. */
  required?: boolean
  /** Shown in answers; true when absent. */
  visible?: boolean
  filter?: boolean
  sort?: boolean
  /** `create_<resource>:<attribute>` and `update_…` are checked when it is sent. */
  enforcePolicy?: boolean
  /** Policy needs it even where `fields` leaves it out. */
  requiredByPolicy?: boolean
}

export interface Attribute<T = unknown> {
  readonly kind: Kind<T>
  readonly post: boolean
  readonly put: boolean
  /** `undefined`: none. */
  readonly default: T | undefined
  readonly required: boolean
  readonly visible: boolean
  readonly filter: boolean
  readonly sort: boolean
  readonly enforcePolicy: boolean
  readonly requiredByPolicy: boolean
  /** Alias of the extension that brings it, `(core)` for the base API. */
  readonly extension: string
}

export type Attributes = Readonly<Record<string, Attribute>>

/** Declares one attribute: `name: attribute(string(255), { write: 'always', default: '' })`. */
export function attribute<T>(kind: Kind<T>, options: AttributeOptions<T>): Attribute<T> {
  return {
    kind,
    post: options.write === 'create' || options.write === 'always',
    put: options.write === 'update' || options.write === 'always',
    default: options.default,
    required: options.required ?? false,
    visible: options.visible ?? true,
    filter: options.filter ?? false,
    sort: options.sort ?? false,
    enforcePolicy: options.enforcePolicy ?? false,
    requiredByPolicy: options.requiredByPolicy ?? false,
    extension: core,
  }
}

export const core = '(core)'

export type Operation = 'list' | 'show' | 'create' | 'update' | 'delete'

/** A resource of the Networking API. */
export interface Resource<A extends Attributes = Attributes> {
  /** `network` */
  readonly name: string
  /** `networks`: the key of lists, and the path with `_`. */
  readonly collection: string
  readonly operations: readonly Operation[]
  readonly attributes: A
  /** Alias of the extension that brings it, `(core)` for the base API. */
  readonly extension: string
  /** The resource whose ownership and sharing policy asks for (`network:project_id`), and the attribute naming it. */
  readonly parent: { readonly resource: string; readonly key: string } | undefined
  /** Projects have a quota of it, by its name: the API layer counts and refuses. */
  readonly quota: boolean
  /** Declarations of collections below one object, by name (`dhcp_agents`). */
  readonly members: Readonly<Record<string, SubResource>>
  /** Actions on one object, by name (`add_subports`): PUT /trunks/{id}/add_subports. The policy rule has that name. */
  readonly actions: Readonly<Record<string, MemberAction>>
  /** The collection's path below /v2.0, with `-`: `networks`, `qos/policies`. */
  readonly path: string
  /** Type of the fault where an object is not there: `NetworkNotFound`. */
  readonly notFound: string
  /** Has standard attributes (description, timestamps, revision), with tags or without. */
  readonly standard: Standard | undefined
}

export type Standard = 'tagged' | 'untagged'

export interface MemberAction {
  readonly method: 'GET' | 'PUT'
  /** The answer: what the feature returns, or the object after it, bare or under the resource's name. */
  readonly answer: 'result' | 'object' | 'named object'
  /** What the body of a PUT holds, for the document: the feature itself checks it. */
  readonly body?: Readonly<Record<string, JsonSchema>>
}

/** A collection below one object of another resource: /networks/{id}/dhcp-agents. */
export interface SubResource {
  /** `dhcp_agents`: the path with `_`. */
  readonly name: string
  readonly parent: string
  /** `binding`: the key of a body; with `lists`, POST takes a bare object. */
  readonly singular: string
  /** The resource that it lists (`agent`), where it has no attributes of its own. */
  readonly lists: string | undefined
  readonly operations: readonly Operation[]
  /** Member actions of its members and their method: PUT …/bindings/{host}/activate. */
  readonly actions: readonly string[]
  readonly attributes: Attributes
  /** Policy rule of each operation and action. */
  readonly policy: Readonly<Record<string, string>>
  readonly extension: string
}

export interface ResourceOptions<A extends Attributes> {
  collection?: string
  operations?: readonly Operation[]
  attributes: A
  parent?: { resource: string; key: string }
  /** Where the collection is not directly below /v2.0: `qos/policies`. */
  path?: string
  /** Where the fault of a missing object is not called after the resource: `QosPolicyNotFound`. */
  notFound?: string
  standard?: Standard
  actions?: Readonly<Record<string, MemberAction>>
  quota?: boolean
}

const allOperations: readonly Operation[] = ['list', 'show', 'create', 'update', 'delete']

/**
 * Declares a resource; collection, path and the fault of a missing one follow from the name unless given. Throws
 * TypeError where the declaration contradicts itself.
 */
export function resource<const A extends Attributes>(name: string, options: ResourceOptions<A>): Resource<A> {
  for (const [key, one] of Object.entries(options.attributes)) checkAttribute(name, key, one)
  const { parent, collection = `${name}s` } = options
  if (parent && !options.attributes[parent.key]) {
    throw new TypeError(`${name}: parent key '${parent.key}' is not an attribute`)
  }
  return {
    name,
    collection,
    operations: options.operations ?? allOperations,
    attributes: options.attributes,
    extension: core,
    parent,
    quota: options.quota ?? false,
    members: {},
    actions: options.actions ?? {},
    path: options.path ?? collection.replaceAll('_', '-'),
    notFound: options.notFound ?? notFoundType(name),
    standard: options.standard,
  }
}

/** `security_group` -> `SecurityGroupNotFound`. */
export function notFoundType(name: string): string {
  return `${name.replace(/(?:^|_)([a-z])/g, (_all, letter: string) => letter.toUpperCase())}NotFound`
}

function checkAttribute(owner: string, name: string, one: Attribute): void {
  const wrong = (what: string): never => {
    throw new TypeError(`${owner}.${name}: ${what}`)
  }
  if (one.required && !one.post) wrong('is required, but nobody may set it on create')
  if (one.required && one.default !== undefined) wrong('is required and has a default')
  if (one.filter && !one.kind.filter) wrong(`is a filter, but kind ${one.kind.name} cannot be one`)
  if (one.default !== undefined && one.default !== null && one.post) {
    try {
      one.kind.parse(one.default)
    } catch (error) {
      wrong(`its default is not valid: ${error instanceof Error ? error.message : error}`)
    }
  }
}

/** What extensions add to one resource. */
export interface Addition<A extends Attributes = Attributes> {
  readonly resource: string
  readonly attributes: A
  readonly actions: Readonly<Record<string, MemberAction>>
}

/** Attributes, and actions, that an extension adds to a resource. */
export function to<const A extends Attributes>(
  target: Resource,
  attributes: A,
  actions: Readonly<Record<string, MemberAction>> = {},
): Addition<A> {
  for (const [key, one] of Object.entries(attributes)) checkAttribute(target.name, key, one)
  return { resource: target.name, attributes, actions }
}

/** Attributes that an extension adds to all resources that have standard attributes, or to those with tags. */
export interface StandardAddition {
  readonly taggedOnly: boolean
  readonly attributes: Attributes
}

export interface Extension {
  /** `port-security`: what clients look for. */
  readonly alias: string
  readonly name: string
  readonly description: string
  /** ISO 8601, as Neutron tells it. */
  readonly updated: string
  /** Aliases that must be loaded with it. */
  readonly requires: readonly string[]
  readonly resources: readonly Resource[]
  readonly adds: readonly Addition[]
  readonly addsToStandard: StandardAddition | undefined
  readonly members: readonly SubResource[]
}

export interface ExtensionOptions {
  name: string
  description: string
  updated: string
  requires?: readonly string[]
  resources?: readonly Resource[]
  adds?: readonly Addition[]
  addsToStandard?: StandardAddition
  members?: readonly Omit<SubResource, 'extension'>[]
}

/** Declares an extension: what it brings bears its alias, and exists where it is loaded. */
export function extension(alias: string, options: ExtensionOptions): Extension {
  return {
    alias,
    name: options.name,
    description: options.description,
    updated: options.updated,
    requires: options.requires ?? [],
    resources: (options.resources ?? []).map((one) => ({
      ...one,
      extension: alias,
      attributes: broughtBy(alias, one.attributes),
    })),
    adds: (options.adds ?? []).map((one) => ({ ...one, attributes: broughtBy(alias, one.attributes) })),
    addsToStandard: options.addsToStandard && {
      ...options.addsToStandard,
      attributes: broughtBy(alias, options.addsToStandard.attributes),
    },
    members: (options.members ?? []).map((one) => ({
      ...one,
      extension: alias,
      attributes: broughtBy(alias, one.attributes),
    })),
  }
}

function broughtBy(alias: string, attributes: Attributes): Attributes {
  return Object.fromEntries(
    Object.entries(attributes).map(([name, one]) => [name, { ...one, extension: alias }]),
  )
}

export interface Model {
  /** By name: `network`. */
  readonly resources: ReadonlyMap<string, Resource>
  readonly extensions: readonly Extension[]
}

/** The limit of one resource among the attributes of quotas; -1: none. */
const quotaLimit: Attribute = {
  ...attribute(integerBetween(-1, 2 ** 31 - 1), { write: 'update' }),
  extension: 'quotas',
}

/**
 * The API as it is with these extensions loaded: attributes of extensions that are not loaded do not exist. A later
 * extension may declare an attribute anew. Throws where an extension misses what it requires or adds to.
 */
export function compose(coreResources: readonly Resource[], extensions: readonly Extension[]): Model {
  const aliases = new Set(extensions.map((one) => one.alias))
  if (aliases.size !== extensions.length) throw new TypeError('an extension is loaded twice')
  const resources = new Map<string, Resource>()
  const add = (one: Resource): void => {
    if (resources.has(one.name)) throw new TypeError(`resource ${one.name} is declared twice`)
    resources.set(one.name, one)
  }
  coreResources.forEach(add)
  for (const one of extensions) {
    const missing = one.requires.filter((alias) => !aliases.has(alias))
    if (missing.length > 0) throw new TypeError(`extension ${one.alias} requires ${missing.join(', ')}`)
    one.resources.forEach(add)
  }
  const target = (alias: string, name: string): Resource => {
    const found = resources.get(name)
    if (!found) throw new TypeError(`extension ${alias} adds to ${name}, which is not loaded`)
    return found
  }
  for (const one of extensions) {
    for (const { resource: name, attributes, actions } of one.adds) {
      const to = target(one.alias, name)
      resources.set(name, {
        ...to,
        attributes: { ...to.attributes, ...attributes },
        actions: { ...to.actions, ...actions },
      })
    }
    for (const to of one.addsToStandard ? resources.values() : []) {
      if (!to.standard || (one.addsToStandard?.taggedOnly && to.standard !== 'tagged')) continue
      resources.set(to.name, { ...to, attributes: { ...to.attributes, ...one.addsToStandard?.attributes } })
    }
    for (const member of one.members) {
      const to = target(one.alias, member.parent)
      if (member.lists) target(one.alias, member.lists)
      resources.set(member.parent, { ...to, members: { ...to.members, [member.name]: member } })
    }
  }
  const quota = resources.get('quota')
  if (quota) {
    const names = [...resources.values()].filter((one) => one.quota).map((one) => one.name)
    const limits = Object.fromEntries(names.map((name) => [name, quotaLimit]))
    resources.set('quota', { ...quota, attributes: { ...quota.attributes, ...limits } })
  }
  return { resources, extensions }
}

type ValueOf<A> = A extends Attribute<infer T> ? T : never

/** The values of an object's attributes. */
export type Values<A extends Attributes> = { [K in keyof A]: ValueOf<A[K]> }
