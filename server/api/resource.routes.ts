/** List, show, create, update and delete of one resource; each request in one transaction. */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import {
  badRequest,
  badResourceRequest,
  methodNotAllowed,
  revisionNumberConstraintFailed,
} from '../../lib/errors.ts'
import { isObject } from '../../model/fields/kind.ts'
import { attributesOf, decide } from '../../model/policy/residual.ts'
import type { MemberAction } from '../../model/resource.ts'
import type { Context } from '../context.ts'
import type { Access, Policy } from '../policy/policy.ts'
import type { Quotas } from '../quota/quotas.ts'
import type { Input, QueryScope, View } from '../resource.ts'
import type { ReadTx, Store, Tx } from '../store/store.ts'
import { addTags } from '../tag/tags.ts'
import { authorizeAction, authorizeCreate, authorizeUpdate, notFound } from './authorize.ts'
import { readCreate, readUpdate } from './body.ts'
import { callerOf, refuseOtherMethods, sendJson, sendList, writeObjects } from './http.ts'
import { fieldsOf, type ListQuery, readListQuery } from './list-query.ts'
import { pageLinks } from './paging.ts'
import { project, projectionOf, shower, wantedOf } from './projection.ts'
import { columnNames, pageOf, type Row, viewsOf } from './reader.ts'
import type { Served } from './served.ts'

/** What every route needs. */
export interface RouteTools {
  store: Store
  policy: Policy
  validateFilters: boolean
  /** [DEFAULT] pagination_max_limit; undefined: none. */
  maxLimit: number | undefined
  /** revision-if-match is loaded. */
  ifMatch: boolean
  /** [DEFAULT] allow_bulk. */
  allowBulk: boolean
  quotas: Quotas
}

type ById = { Params: { id: string } }
type Query = Record<string, unknown>

/** Adds the routes of a resource. */
export function resourceRoutes(app: FastifyInstance, tools: RouteTools, served: Served): void {
  const { store, policy } = tools
  const { resource, feature, name } = served
  const path = `/v2.0/${resource.path}`
  const can = (operation: (typeof resource.operations)[number]) => resource.operations.includes(operation)

  if (can('list')) {
    app.get(path, async (request, reply) => {
      const context = callerOf(request)
      const query = readListQuery(listRules(tools, served), request.query as Query)
      const list = (tx: ReadTx) => listObjects({ tx, context }, tools, served, query)
      const { onDemand } = feature
      const found = await store.read(async (tx) =>
        (await onDemand?.missing(tx, context)) ? undefined : list(tx),
      )
      if (!found) await store.write(writeOptions(context), async (tx) => onDemand?.make(tx, context))
      const { written, ids } = found ?? (await store.read(list))
      return sendList(
        reply,
        resource.collection,
        written,
        pageLinks(request, resource.collection, query, ids),
      )
    })
  }
  if (can('create')) {
    app.post(path, async (request, reply) => {
      const context = callerOf(request)
      const { create } = feature
      if (!create) throw badResourceRequest(name, 'it cannot be created')
      const { inputs, bulk } = readCreate(served.body, request.body, context)
      if (bulk && !tools.allowBulk) throw badRequest('Bulk operation not supported')
      const access = policy.access(context)
      const keys = [
        ...(feature.serialize?.(inputs) ?? []),
        ...tools.quotas.keys(name, ownersOf(inputs).keys()),
      ]
      const shown = await store.write(writeOptions(context, keys), async (tx) => {
        const targets = feature.targets ? await feature.targets(tx, context, inputs) : inputs
        inputs.forEach((input, i) => {
          authorizeCreate(served, access, input, { ...targets[i], ...input })
        })
        for (const [project, count] of ownersOf(inputs)) await tools.quotas.check(tx, name, project, count)
        const ids = await create.call(feature, tx, context, inputs)
        await addTags(tx, name, tagsOfNew(ids, inputs))
        return showObjects({ tx, context }, policy, served, ids)
      })
      return sendJson(reply, bulk ? { [resource.collection]: shown } : { [name]: shown[0] }, 201)
    })
  }
  if (can('show')) {
    app.get<ById>(`${path}/:id`, async (request, reply) => {
      const context = callerOf(request)
      const fields = fieldsOf(request.query as Query)
      const shown = await store.read((tx) =>
        showObjects({ tx, context }, policy, served, [request.params.id], { fields, check: true }),
      )
      return sendJson(reply, { [name]: shown[0] })
    })
  }
  if (can('update')) {
    app.put<ById>(`${path}/:id`, async (request, reply) => {
      const context = callerOf(request)
      const { id } = request.params
      const { update } = feature
      if (!update) throw methodNotAllowed('PUT')
      const changes = readUpdate(served.body, request.body)
      const expected = tools.ifMatch ? expectedRevision(request) : undefined
      const access = policy.access(context)
      const shown = await store.write(writeOptions(context, feature.turns?.(id)), async (tx) => {
        const row = await objectRow(tx, context, served, id)
        authorizeUpdate(served, access, row, changes)
        checkRevision(row, expected)
        if (Object.keys(changes).length > 0) {
          await update.call(feature, tx, context, await currentView(tx, context, served, row), changes)
        }
        return showObjects({ tx, context }, policy, served, [id])
      })
      return sendJson(reply, { [name]: shown[0] })
    })
  }
  if (can('delete')) {
    app.delete<ById>(`${path}/:id`, async (request, reply) => {
      const context = callerOf(request)
      const { id } = request.params
      const { remove } = feature
      if (!remove) throw methodNotAllowed('DELETE')
      refuseBody(request)
      const expected = tools.ifMatch ? expectedRevision(request) : undefined
      const access = policy.access(context)
      await store.write(writeOptions(context, feature.turns?.(id)), async (tx) => {
        const row = await objectRow(tx, context, served, id)
        authorizeAction(served, access, `delete_${name}`, row)
        checkRevision(row, expected)
        await remove.call(feature, tx, context, await currentView(tx, context, served, row))
      })
      return reply.code(204).send()
    })
  }
  for (const [action, declared] of Object.entries(resource.actions)) {
    actionRoute(app, tools, served, action, declared)
  }
  refuseOtherMethods(app, path, [...(can('list') ? ['GET'] : []), ...(can('create') ? ['POST'] : [])])
  refuseOtherMethods(app, `${path}/:id`, [
    ...(can('show') ? ['GET'] : []),
    ...(can('update') ? ['PUT'] : []),
    ...(can('delete') ? ['DELETE'] : []),
  ])
}

/** One action on an object: PUT /trunks/{id}/add_subports. Its rule is called like the action. */
function actionRoute(
  app: FastifyInstance,
  { store, policy }: RouteTools,
  served: Served,
  name: string,
  { method, answer }: MemberAction,
): void {
  const { feature, resource } = served
  const path = `/v2.0/${resource.path}/:id/${name.replaceAll('_', '-')}`
  const read = feature.reads?.[name]
  const act = feature.actions?.[name]
  // An action without a rule of its own is a look at the object, or a change of it.
  const otherwise = method === 'GET' ? `get_${served.name}` : `update_${served.name}`
  const rule = policy.has(name) ? name : otherwise
  const current = async (tx: ReadTx, context: Context, id: string, expected?: number): Promise<View> => {
    const row = await objectRow(tx, context, served, id)
    authorizeAction(served, policy.access(context), rule, row)
    checkRevision(row, expected)
    return currentView(tx, context, served, row)
  }
  if (method === 'GET' && read) {
    app.get<ById>(path, async (request, reply) => {
      const context = callerOf(request)
      const result = await store.read(async (tx) =>
        read.call(feature, tx, context, await current(tx, context, request.params.id)),
      )
      return sendJson(reply, result)
    })
  } else if (method === 'PUT' && act) {
    app.put<ById>(path, async (request, reply) => {
      const context = callerOf(request)
      const { id } = request.params
      const { body } = request
      if (!isObject(body)) throw badRequest('Resource body required')
      const expected = expectedRevision(request)
      const result = await store.write(writeOptions(context), async (tx) => {
        const view = await current(tx, context, id, expected)
        const outcome = await act.call(feature, tx, context, view, body)
        if (answer === 'result') return outcome
        const [shown] = await showObjects({ tx, context }, policy, served, [id])
        return answer === 'object' ? shown : { [served.name]: shown }
      })
      return sendJson(reply, result)
    })
  } else throw new TypeError(`the feature ${served.name} does not serve ${method} ${name}`)
  refuseOtherMethods(app, path, [method])
}

/** How many of the inputs are each project's. */
function ownersOf(inputs: readonly Input[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const { project_id } of inputs) {
    if (typeof project_id === 'string') counts.set(project_id, (counts.get(project_id) ?? 0) + 1)
  }
  return counts
}

/** Tags that came with new objects. */
function tagsOfNew(ids: readonly string[], inputs: readonly Input[]): Map<string, string[]> {
  return new Map(ids.map((id, i) => [id, (inputs[i]?.tags ?? []) as string[]]))
}

export function writeOptions(context: Context, serialize?: readonly string[]) {
  return { requestId: context.requestId, userId: context.userId, ...(serialize && { serialize }) }
}

export function listRules(tools: RouteTools, served: Served) {
  return { attributes: served.attributes, validateFilters: tools.validateFilters, maxLimit: tools.maxLimit }
}

/** A page as it is written to the client, and, where its size is limited, the ids of what is on it: for links. */
export interface Listed {
  written: Buffer[]
  ids: string[]
}

/** One page of what the caller may read; only of `ids` where a collection below another object is listed. */
export async function listObjects(
  scope: QueryScope,
  { policy }: Pick<RouteTools, 'policy'>,
  served: Served,
  query: ListQuery,
  ids?: readonly string[],
): Promise<Listed> {
  const { feature, attributes, name } = served
  const access = policy.access(scope.context)
  const residual = access.residual(`get_${name}`)
  const listed: Listed = { written: [], ids: [] }
  if (residual === false) return listed
  const projection = projectionOf(policy, access, name, attributes)
  const names = columnNames(feature.reader, attributes, projection.asksFor)
  const page = await pageOf(feature.reader, scope, {
    query,
    residual,
    names,
    attributes,
    ...(ids && { ids }),
  })
  if (!page) throw notFound(served.resource.notFound, query.marker ?? '')
  const wanted = wantedOf(projection, query.fields)
  const show = shower(projection, query.fields)
  for await (const rows of page) {
    const views = await viewsOf(feature.reader, scope, rows, wanted)
    listed.written.push(writeObjects(views.map((view, i) => show(view, rows[i] ?? view))))
    if (query.limit !== undefined) for (const row of rows) listed.ids.push(row.id)
  }
  return listed
}

/** The objects of these ids as the caller sees them; with `check`, one that it may not read is not there. */
export async function showObjects(
  scope: QueryScope,
  policy: Policy,
  served: Served,
  ids: readonly string[],
  options: { fields?: ReadonlySet<string> | undefined; check?: boolean } = {},
): Promise<Record<string, unknown>[]> {
  const { feature, attributes, name } = served
  const access = policy.access(scope.context)
  const projection = projectionOf(policy, access, name, attributes)
  const readable = options.check ? access.residual(`get_${name}`) : true
  const names = columnNames(feature.reader, attributes, [...projection.asksFor, ...attributesOf(readable)])
  const found = await served.rowsOf(scope, names, ids)
  const rows = ids.map((id) => {
    const row = found.get(id)
    if (!row || !decide(readable, row)) throw notFound(served.resource.notFound, id)
    return row
  })
  const views = await viewsOf(feature.reader, scope, rows, wantedOf(projection, options.fields))
  return views.map((view, i) => project(projection, options.fields, view, rows[i] ?? view))
}

/** The whole row of an object, with all that policy may ask for. Throws 404. */
export async function objectRow(tx: ReadTx, context: Context, served: Served, id: string): Promise<Row> {
  const { reader } = served.feature
  const row = (await served.rowsOf({ tx, context }, Object.keys(reader.columns), [id])).get(id)
  if (!row) throw notFound(served.resource.notFound, id)
  return row
}

/** The same object as a view, with every attribute. */
export async function currentView(
  tx: Tx | ReadTx,
  context: Context,
  served: Served,
  row: Row,
): Promise<View> {
  const all = new Set(served.attributes.keys())
  const [view] = await viewsOf(served.feature.reader, { tx, context }, [row], all)
  return view ?? row
}

/** The row of an object that a collection is below, for a caller who must be able to read it. Throws 404. */
export async function readableRow(
  tx: ReadTx,
  context: Context,
  access: Access,
  served: Served,
  id: string,
): Promise<Row> {
  const row = await objectRow(tx, context, served, id)
  if (!access.may(`get_${served.name}`, row)) throw notFound(served.resource.notFound, id)
  return row
}

export function refuseBody(request: FastifyRequest): void {
  if (request.body !== undefined && request.body !== null) throw badRequest('Body is not supported in DELETE')
}

/** The revision that the client demands: `If-Match: revision_number=5`. */
function expectedRevision(request: FastifyRequest): number | undefined {
  const header = request.headers['if-match']
  if (header === undefined) return undefined
  const matches = [...header.matchAll(/revision_number=([^,;\s"]*)/g)]
  if (matches.length === 0) return undefined
  const number = matches[0]?.[1] ?? ''
  if (matches.length > 1 || !/^\d{1,15}$/.test(number)) {
    throw badRequest('If-Match takes one revision_number, an integer')
  }
  return Number(number)
}

function checkRevision(row: Row, expected: number | undefined): void {
  if (expected === undefined) return
  const found = Number(row.revision_number)
  if (found !== expected) throw revisionNumberConstraintFailed(expected, found)
}
