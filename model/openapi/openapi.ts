/**
 * The API as an OpenAPI 3.1 document, from the declarations of what is loaded: paths, parameters, bodies, faults.
 * Pure; the server serves it, the reference page and the fuzz test read it.
 */
import type { JsonSchema } from '../fields/kind.ts'
import {
  type Attributes,
  core,
  type MemberAction,
  type Model,
  type Operation,
  type Resource,
  type SubResource,
} from '../resource.ts'
import { autoAllocatedTopology, rehearsal } from '../resources/auto-allocated-topology.ts'

/** A JSON value; this document's structure is the specification's. */
export type OpenApi = Readonly<Record<string, unknown>> & {
  readonly paths: Readonly<Record<string, PathItem>>
  readonly components: {
    readonly schemas: Readonly<Record<string, JsonSchema>>
    readonly responses: Readonly<Record<string, unknown>>
    readonly parameters: Readonly<Record<string, Parameter>>
    readonly securitySchemes: Readonly<Record<string, unknown>>
  }
}

export type Method = 'get' | 'post' | 'put' | 'delete'

export type PathItem = Readonly<Partial<Record<Method, OperationItem>>> & {
  readonly parameters?: readonly Parameter[]
}

export interface Parameter {
  readonly name: string
  readonly in: 'path' | 'query' | 'header'
  readonly required?: boolean
  readonly description?: string
  readonly schema: JsonSchema
  readonly style?: 'form'
  readonly explode?: boolean
}

export interface OperationItem {
  readonly operationId: string
  readonly summary: string
  readonly tags: readonly string[]
  readonly parameters?: readonly (Parameter | { readonly $ref: string })[]
  readonly requestBody?: unknown
  readonly responses: Readonly<Record<string, unknown>>
  readonly security?: readonly []
}

const ref = (name: string) => ({ $ref: `#/components/schemas/${name}` })
const json = (schema: unknown) => ({ 'application/json': { schema } })
const answer = (description: string, schema?: unknown) =>
  schema === undefined ? { description } : { description, content: json(schema) }
const text = { type: 'string' }
const textList = { type: 'array', items: text }

/** The document for the API that these declarations make. */
export function openApiOf(model: Model): OpenApi {
  const resources = [...model.resources.values()].filter((one) => one.name !== 'quota')
  const tagged = model.extensions.some((one) => one.alias === 'standard-attr-tag')
  const quota = model.resources.get('quota')
  const schemas: Record<string, JsonSchema> = { Fault: fault }
  const paths: Record<string, PathItem> = { ...discoveryPaths }
  for (const one of resources) {
    Object.assign(schemas, resourceSchemas(one))
    Object.assign(paths, resourcePaths(one))
    if (tagged && one.attributes.tags) Object.assign(paths, tagPaths(one))
    for (const member of Object.values(one.members)) {
      if (!member.lists) Object.assign(schemas, memberSchemas(one, member))
      Object.assign(paths, memberPaths(one, member, model))
    }
  }
  if (quota) {
    Object.assign(schemas, quotaSchemas(quota.attributes))
    Object.assign(paths, quotaPaths(model))
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Networking API v2.0',
      version: '2.0',
      description:
        'OpenStack Networking, as this server serves it: what is announced under `/v2.0/extensions`.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    security: [{ token: [] }],
    tags: [
      { name: 'discovery', description: 'What the API is.' },
      ...resources.map((one) => ({ name: one.collection, description: describe(one.extension) })),
      ...(quota ? [{ name: 'quotas', description: describe(quota.extension) }] : []),
    ],
    paths,
    components: {
      schemas,
      responses: Object.fromEntries(
        Object.entries(faults).map(([name, description]) => [name, answer(description, ref('Fault'))]),
      ),
      parameters: listParameters,
      securitySchemes: {
        token: {
          type: 'apiKey',
          in: 'header',
          name: 'X-Auth-Token',
          description: 'A token of the identity service.',
        },
      },
    },
  }
}

const describe = (extension: string): string =>
  extension === core ? 'Part of the base API.' : `Brought by the extension \`${extension}\`.`

const fault: JsonSchema = {
  type: 'object',
  description: 'What went wrong; `type` is the name that clients match on.',
  required: ['NeutronError'],
  properties: {
    NeutronError: {
      type: 'object',
      required: ['type', 'message', 'detail'],
      properties: { type: text, message: text, detail: text },
    },
  },
}

const faults = {
  BadRequest: 'The body or the query is not valid.',
  Unauthorized: 'No token, or one that is not valid. The body is the identity service’s.',
  Forbidden: 'The policy refuses.',
  NotFound: 'There is no such object, or the caller may not know of it.',
  Conflict: 'What is there does not allow it: in use, taken, over quota.',
  PreconditionFailed: 'The object has another revision than If-Match asks for.',
} as const

const statuses: Readonly<Record<string, keyof typeof faults>> = {
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  409: 'Conflict',
  412: 'PreconditionFailed',
}

function faultAnswers(...status: number[]): Record<string, unknown> {
  return Object.fromEntries(
    status.map((one) => [String(one), { $ref: `#/components/responses/${statuses[one]}` }]),
  )
}

const listParameters: Record<string, Parameter> = {
  limit: {
    name: 'limit',
    in: 'query',
    description: 'Most objects in the answer; 0: no limit.',
    schema: { type: 'integer', minimum: 0 },
  },
  marker: {
    name: 'marker',
    in: 'query',
    description: 'The id of the last object of the page before.',
    schema: text,
  },
  page_reverse: {
    name: 'page_reverse',
    in: 'query',
    description: 'Read backwards from the marker.',
    schema: { type: 'boolean' },
  },
  sort_dir: {
    name: 'sort_dir',
    in: 'query',
    description: 'A direction for each sort_key.',
    schema: { type: 'array', items: { enum: ['asc', 'desc'] } },
    style: 'form',
    explode: true,
  },
  changed_since: {
    name: 'changed_since',
    in: 'query',
    description: 'Only what has changed at this time or later, ISO 8601.',
    schema: { type: 'string', format: 'date-time' },
  },
  if_match: {
    name: 'If-Match',
    in: 'header',
    description: '`revision_number=N`: refuse unless the object has this revision.',
    schema: { type: 'string', pattern: '^revision_number=[0-9]+$' },
  },
}

const parameter = (name: string) => ({ $ref: `#/components/parameters/${name}` })

/** `security_group_rule` -> `SecurityGroupRule`. */
function pascal(name: string): string {
  return name.replace(/(?:^|_)([a-z])/g, (_all, letter: string) => letter.toUpperCase())
}

/** The schema of an attribute as answers hold it: what has no value is null. */
function shownSchema(attributes: Attributes): JsonSchema {
  const properties = Object.entries(attributes)
    .filter(([, one]) => one.visible)
    .map(([name, one]) => {
      const certain = one.required || (one.default !== undefined && one.default !== null) || name === 'id'
      const schema = one.kind.shown ?? one.kind.schema
      return [
        name,
        { ...(certain ? schema : { anyOf: [schema, { type: 'null' }] }), ...provenance(one.extension) },
      ]
    })
  return { type: 'object', properties: Object.fromEntries(properties), additionalProperties: false }
}

function sentSchema(attributes: Attributes, method: 'post' | 'put'): JsonSchema {
  const sent = Object.entries(attributes).filter(([, one]) => one[method])
  const isOwner = (name: string) => name === 'project_id' || name === 'tenant_id'
  const required = sent
    .filter(([name, one]) => method === 'post' && one.required && !isOwner(name))
    .map(([name]) => name)
  const properties = sent.map(([name, one]) => [
    name,
    {
      ...one.kind.schema,
      ...(method === 'post' && one.default !== undefined && { default: one.default }),
      ...provenance(one.extension),
    },
  ])
  return {
    type: 'object',
    properties: Object.fromEntries(properties),
    ...(required.length > 0 && { required }),
    additionalProperties: false,
  }
}

const provenance = (extension: string) => (extension === core ? {} : { 'x-extension': extension })

const has = (operations: readonly Operation[], operation: Operation): boolean =>
  operations.includes(operation)

function resourceSchemas({ name, attributes, operations }: Resource): Record<string, JsonSchema> {
  return {
    [pascal(name)]: shownSchema(attributes),
    ...(has(operations, 'create') && { [`${pascal(name)}Create`]: sentSchema(attributes, 'post') }),
    ...(has(operations, 'update') && { [`${pascal(name)}Update`]: sentSchema(attributes, 'put') }),
  }
}

const wrapped = (key: string, schema: unknown) => ({
  type: 'object',
  required: [key],
  properties: { [key]: schema },
})

const actionBody = (properties: MemberAction['body'] = {}): JsonSchema => ({
  type: 'object',
  required: Object.keys(properties),
  properties,
})
const body = (schema: unknown) => ({ required: true, content: json(schema) })

function listSchema(collection: string, item: unknown): unknown {
  return {
    type: 'object',
    required: [collection],
    properties: {
      [collection]: { type: 'array', items: item },
      [`${collection}_links`]: {
        type: 'array',
        description: 'Other pages, where a limit holds.',
        items: {
          type: 'object',
          required: ['rel', 'href'],
          properties: { rel: { enum: ['next', 'previous'] }, href: { type: 'string', format: 'uri' } },
        },
      },
    },
  }
}

/** Resources whose objects go by something else than an id of their own: they are made when they are asked for. */
const goesBy: Readonly<Record<string, string>> = { [autoAllocatedTopology.name]: 'project_id' }

/** What `fields` may say beside names of attributes. */
const asksOtherwise: Readonly<Record<string, readonly string[]>> = {
  [autoAllocatedTopology.name]: [rehearsal.field],
}

function fieldsParameter(attributes: Attributes, others: readonly string[] = []): Parameter {
  const names = [...Object.keys(attributes).filter((name) => attributes[name]?.visible), ...others]
  return {
    name: 'fields',
    in: 'query',
    description: 'Only these attributes; may be repeated.',
    schema: { type: 'array', items: names.length > 0 ? { enum: names } : text },
    style: 'form',
    explode: true,
  }
}

/** Filters, sort keys and fields of a list. */
function listQuery(attributes: Attributes) {
  const filters = Object.entries(attributes)
    .filter(([, one]) => one.filter)
    .map(
      ([name]): Parameter => ({
        name,
        in: 'query',
        description: 'Filter; repeated: any of the values.',
        schema: textList,
        style: 'form',
        explode: true,
      }),
    )
  const sorts = Object.keys(attributes).filter((name) => attributes[name]?.sort)
  const sorting: (Parameter | { $ref: string })[] =
    sorts.length === 0
      ? []
      : [
          {
            name: 'sort_key',
            in: 'query',
            description: 'Attributes to sort by, each with a sort_dir.',
            schema: { type: 'array', items: { enum: sorts } },
            style: 'form',
            explode: true,
          },
          parameter('sort_dir'),
        ]
  return [
    fieldsParameter(attributes),
    ...filters,
    ...sorting,
    ...['limit', 'marker', 'page_reverse'].map(parameter),
    ...(attributes.updated_at ? [parameter('changed_since')] : []),
  ]
}

const pathParameter = (name: string, schema: JsonSchema = text): Parameter => ({
  name,
  in: 'path',
  required: true,
  schema,
})

function resourcePaths(one: Resource): Record<string, PathItem> {
  const { name, collection, attributes, operations } = one
  const shown = ref(pascal(name))
  const tags = [collection]
  const path = `/v2.0/${one.path}`
  // What has no id goes by its first attribute.
  const [first = 'id'] = Object.keys(attributes)
  const id = goesBy[name] ?? (attributes.id ? `${name}_id` : first)
  const words = name.replaceAll('_', ' ')
  const ifMatch = attributes.revision_number ? [parameter('if_match')] : []
  const paths: Record<string, PathItem> = {}
  const above: PathItem = {
    ...(has(operations, 'list') && {
      get: {
        operationId: `list_${collection}`,
        summary: `Lists ${collection.replaceAll('_', ' ')}`,
        tags,
        parameters: listQuery(attributes),
        responses: { 200: answer('A page.', listSchema(collection, shown)), ...faultAnswers(400, 401, 404) },
      },
    }),
    ...(has(operations, 'create') && {
      post: {
        operationId: `create_${name}`,
        summary: `Creates a ${words}, or several: all or none`,
        tags,
        requestBody: body({
          oneOf: [
            wrapped(name, ref(`${pascal(name)}Create`)),
            wrapped(collection, { type: 'array', minItems: 1, items: ref(`${pascal(name)}Create`) }),
          ],
        }),
        responses: {
          201: answer('What was created.', { oneOf: [wrapped(name, shown), listSchema(collection, shown)] }),
          ...faultAnswers(400, 401, 403, 404, 409),
        },
      },
    }),
  }
  const below: PathItem = {
    parameters: [pathParameter(id)],
    ...(has(operations, 'show') && {
      get: {
        operationId: `show_${name}`,
        summary: `Shows a ${words}`,
        tags,
        parameters: [fieldsParameter(attributes, asksOtherwise[name])],
        responses: {
          200: answer('The object.', wrapped(name, shown)),
          ...(goesBy[name] ? faultAnswers(400, 401, 403, 409) : faultAnswers(401, 404)),
        },
      },
    }),
    ...(has(operations, 'update') && {
      put: {
        operationId: `update_${name}`,
        summary: `Changes a ${words}`,
        tags,
        parameters: ifMatch,
        requestBody: body(wrapped(name, ref(`${pascal(name)}Update`))),
        responses: {
          200: answer('The object after it.', wrapped(name, shown)),
          ...faultAnswers(400, 401, 403, 404, 409, 412),
        },
      },
    }),
    ...(has(operations, 'delete') && {
      delete: {
        operationId: `delete_${name}`,
        summary: `Deletes a ${words}`,
        tags,
        parameters: ifMatch,
        responses: { 204: answer('It is gone.'), ...faultAnswers(400, 401, 403, 404, 409, 412) },
      },
    }),
  }
  if (above.get ?? above.post) paths[path] = above
  if (below.get ?? below.put ?? below.delete) paths[`${path}/{${id}}`] = below
  for (const [action, declared] of Object.entries(one.actions)) {
    const result =
      declared.answer === 'object' ? shown : declared.answer === 'result' ? {} : wrapped(name, shown)
    paths[`${path}/{${id}}/${action}`] = {
      parameters: [pathParameter(id)],
      [declared.method === 'GET' ? 'get' : 'put']: {
        operationId: action,
        summary: `${action.replaceAll('_', ' ')} of a ${words}`,
        tags,
        ...(declared.method === 'PUT' && { requestBody: body(actionBody(declared.body)) }),
        responses: { 200: answer('Done.', result), ...faultAnswers(400, 401, 403, 404, 409) },
      },
    }
  }
  return paths
}

function tagPaths({ name, collection, path }: Resource): Record<string, PathItem> {
  const id = pathParameter(`${name}_id`)
  const list = wrapped('tags', textList)
  const tags = [collection]
  const common = (...status: number[]) => faultAnswers(401, 403, 404, ...status)
  const place = `/v2.0/${path}/{${name}_id}/tags`
  return {
    [place]: {
      parameters: [id],
      get: {
        operationId: `list_${name}_tags`,
        summary: 'Shows the tags',
        tags,
        responses: { 200: answer('The tags.', list), ...common() },
      },
      put: {
        operationId: `replace_${name}_tags`,
        summary: 'Makes these all the tags',
        tags,
        requestBody: body(wrapped('tags', { type: 'array', uniqueItems: true, items: tag })),
        responses: { 200: answer('The tags.', list), ...common(400) },
      },
      delete: {
        operationId: `delete_${name}_tags`,
        summary: 'Removes all tags',
        tags,
        responses: { 204: answer('They are gone.'), ...common(400) },
      },
    },
    [`${place}/{tag}`]: {
      parameters: [id, pathParameter('tag', tag)],
      get: {
        operationId: `show_${name}_tag`,
        summary: 'Asks whether there is the tag',
        tags,
        responses: { 204: answer('There is.'), ...common() },
      },
      put: {
        operationId: `add_${name}_tag`,
        summary: 'Adds a tag',
        tags,
        responses: { 201: answer('It is there.'), ...common(400) },
      },
      delete: {
        operationId: `delete_${name}_tag`,
        summary: 'Removes a tag',
        tags,
        responses: { 204: answer('It is gone.'), ...common(400) },
      },
    },
  }
}

const tag: JsonSchema = { type: 'string', minLength: 1, maxLength: 255 }

const memberName = (parent: Resource, member: SubResource): string => `${parent.name}_${member.singular}`

function memberSchemas(parent: Resource, member: SubResource): Record<string, JsonSchema> {
  const name = pascal(memberName(parent, member))
  return {
    [name]: shownSchema(member.attributes),
    ...(has(member.operations, 'create') && { [`${name}Create`]: sentSchema(member.attributes, 'post') }),
    ...(has(member.operations, 'update') && { [`${name}Update`]: sentSchema(member.attributes, 'put') }),
  }
}

function memberPaths(parent: Resource, member: SubResource, model: Model): Record<string, PathItem> {
  const { operations, singular } = member
  const listed = member.lists === undefined ? undefined : model.resources.get(member.lists)
  const name = memberName(parent, member)
  const shown = ref(pascal(listed?.name ?? name))
  const collection = listed?.collection ?? member.name
  const tags = [parent.collection]
  const words = singular.replaceAll('_', ' ')
  const place = `/v2.0/${parent.path}/{${parent.name}_id}/${member.name.replaceAll('_', '-')}`
  const id = pathParameter(`${parent.name}_id`)
  const key = listed ? `${listed.name}_id` : member.attributes.id ? `${name}_id` : `${singular}_key`
  const bodyOf = (kind: 'Create' | 'Update') =>
    listed ? sentSchema(member.attributes, 'post') : wrapped(singular, ref(`${pascal(name)}${kind}`))
  const one = wrapped(singular, shown)
  const above: PathItem = {
    parameters: [id],
    ...(has(operations, 'list') && {
      get: {
        operationId: `list_${parent.name}_${member.name}`,
        summary: `Lists ${member.name.replaceAll('_', ' ')}`,
        tags,
        parameters: listQuery(listed?.attributes ?? member.attributes),
        responses: {
          200: answer('A page.', listSchema(collection, shown)),
          ...faultAnswers(400, 401, 403, 404),
        },
      },
    }),
    ...(has(operations, 'create') && {
      post: {
        operationId: `create_${name}`,
        summary: `Creates a ${words}`,
        tags,
        requestBody: body(bodyOf('Create')),
        responses: {
          201: answer('What was created.', listed ? {} : one),
          ...faultAnswers(400, 401, 403, 404, 409),
        },
      },
    }),
  }
  const below: PathItem = {
    parameters: [id, pathParameter(key)],
    ...(has(operations, 'show') && {
      get: {
        operationId: `show_${name}`,
        summary: `Shows a ${words}`,
        tags,
        responses: { 200: answer('The object.', one), ...faultAnswers(400, 401, 403, 404) },
      },
    }),
    ...(has(operations, 'update') && {
      put: {
        operationId: `update_${name}`,
        summary: `Changes a ${words}`,
        tags,
        requestBody: body(bodyOf('Update')),
        responses: { 200: answer('The object after it.', one), ...faultAnswers(400, 401, 403, 404, 409) },
      },
    }),
    ...(has(operations, 'delete') && {
      delete: {
        operationId: `delete_${name}`,
        summary: `Deletes a ${words}`,
        tags,
        responses: { 204: answer('It is gone.'), ...faultAnswers(400, 401, 403, 404, 409) },
      },
    }),
  }
  const paths: Record<string, PathItem> = {}
  if (above.get ?? above.post) paths[place] = above
  if (below.get ?? below.put ?? below.delete) paths[`${place}/{${key}}`] = below
  for (const action of member.actions) {
    paths[`${place}/{${key}}/${action.replaceAll('_', '-')}`] = {
      parameters: [id, pathParameter(key)],
      put: {
        operationId: `${action}_${name}`,
        summary: `${action} of a ${words}`,
        tags,
        responses: { 200: answer('The object after it.', one), ...faultAnswers(400, 401, 403, 404, 409) },
      },
    }
  }
  return paths
}

function quotaSchemas(attributes: Attributes): Record<string, JsonSchema> {
  const limits = Object.keys(attributes).filter((name) => attributes[name]?.kind.name === 'integer')
  const each = (schema: JsonSchema) => Object.fromEntries(limits.map((name) => [name, schema]))
  const usage = {
    type: 'object',
    properties: { limit: { type: 'integer' }, used: { type: 'integer' }, reserved: { type: 'integer' } },
  }
  return {
    Quota: {
      type: 'object',
      description: 'Limits; -1: none.',
      properties: { ...each({ type: 'integer' }), project_id: text, tenant_id: text },
    },
    QuotaUpdate: sentSchema(attributes, 'put'),
    QuotaDetails: { type: 'object', properties: each(usage) },
  }
}

function quotaPaths(model: Model): Record<string, PathItem> {
  const tags = ['quotas']
  const parameters = [pathParameter('project_id')]
  const quota = wrapped('quota', ref('Quota'))
  const details = model.extensions.some((one) => one.alias === 'quota_details')
  const show = (operationId: string, summary: string, schema: unknown): PathItem => ({
    parameters,
    get: {
      operationId,
      summary,
      tags,
      responses: { 200: answer('Limits.', schema), ...faultAnswers(401, 403) },
    },
  })
  return {
    '/v2.0/quotas': {
      get: {
        operationId: 'list_quotas',
        summary: 'Lists the quotas of projects that have their own',
        tags,
        responses: {
          200: answer('Quotas.', wrapped('quotas', { type: 'array', items: ref('Quota') })),
          ...faultAnswers(401, 403),
        },
      },
    },
    '/v2.0/quotas/{project_id}': {
      ...show('show_quota', 'Shows the quotas of a project', quota),
      put: {
        operationId: 'update_quota',
        summary: 'Changes the quotas of a project',
        tags,
        requestBody: body(wrapped('quota', ref('QuotaUpdate'))),
        responses: { 200: answer('Limits.', quota), ...faultAnswers(400, 401, 403) },
      },
      delete: {
        operationId: 'delete_quota',
        summary: 'Gives a project the default quotas',
        tags,
        responses: { 204: answer('Done.'), ...faultAnswers(400, 401, 403, 404) },
      },
    },
    '/v2.0/quotas/{project_id}/default': show('show_default_quota', 'Shows the default quotas', quota),
    ...(details && {
      '/v2.0/quotas/{project_id}/details': show(
        'show_quota_details',
        'Shows limits and what is used',
        wrapped('quota', ref('QuotaDetails')),
      ),
    }),
  }
}

const extensionSchema = {
  type: 'object',
  properties: { name: text, alias: text, description: text, updated: text, links: { type: 'array' } },
}

const discoveryPaths: Record<string, PathItem> = {
  '/': {
    get: {
      operationId: 'list_versions',
      summary: 'Lists the versions of the API',
      tags: ['discovery'],
      security: [],
      responses: { 200: answer('Versions.', wrapped('versions', { type: 'array' })) },
    },
  },
  '/v2.0/': {
    get: {
      operationId: 'show_version',
      summary: 'Lists the core resources',
      tags: ['discovery'],
      responses: { 200: answer('Resources.', wrapped('resources', { type: 'array' })), ...faultAnswers(401) },
    },
  },
  '/v2.0/extensions': {
    get: {
      operationId: 'list_extensions',
      summary: 'Lists the extensions that are served',
      tags: ['discovery'],
      responses: {
        200: answer('Extensions.', wrapped('extensions', { type: 'array', items: extensionSchema })),
        ...faultAnswers(401),
      },
    },
  },
  '/v2.0/extensions/{alias}': {
    parameters: [pathParameter('alias')],
    get: {
      operationId: 'show_extension',
      summary: 'Shows an extension',
      tags: ['discovery'],
      responses: {
        200: answer('The extension.', wrapped('extension', extensionSchema)),
        ...faultAnswers(401, 404),
      },
    },
  },
}
