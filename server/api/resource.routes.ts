/** List, show, create, update and delete of one resource; each request in one transaction. */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import {
  badRequest,
  badResourceRequest,
  methodNotAllowed,
  revisionNumberConstraintFailed,
} from '../../lib/errors.ts'
import { isObject } from '../../model/fields/kind.ts'
import type { MemberAction } from '../../model/resource.ts'
import type { Context } from '../context.ts'
import type { Input, View } from '../resource.ts'
import type { ReadTx } from '../store/store.ts'
import { addTags } from '../tag/tags.ts'
import { authorizeAction, authorizeCreate, authorizeUpdate } from './authorize.ts'
import { readCreate, readUpdate } from './body.ts'
import { callerOf, refuseOtherMethods, sendJson, sendList } from './http.ts'
import { fieldsOf, readListQuery } from './list-query.ts'
import { currentView, listObjects, objectRow, showObjects } from './objects.ts'
import { pageLinks } from './paging.ts'
import type { Row } from './reader.ts'
import { listRules, type RouteTools, refuseBody, writeOptions } from './route-tools.ts'
import type { Served } from './served.ts'

type ById = { Params: { id: string } }
type Query = Record<string, unknown>

/** Adds the routes of a resource. */
export function resourceRoutes(app: FastifyInstance, tools: RouteTools, served: Served): void {
  const { resource } = served
  const can = (operation: (typeof resource.operations)[number]) => resource.operations.includes(operation)
  if (can('list')) listRoute(app, tools, served)
  if (can('create')) createRoute(app, tools, served)
  if (can('show')) showRoute(app, tools, served)
  if (can('update')) updateRoute(app, tools, served)
  if (can('delete')) deleteRoute(app, tools, served)
  for (const [action, declared] of Object.entries(resource.actions)) {
    actionRoute(app, tools, served, action, declared)
  }
  refuseOtherMethods(app, pathOf(served), [
    ...(can('list') ? ['GET'] : []),
    ...(can('create') ? ['POST'] : []),
  ])
  refuseOtherMethods(app, `${pathOf(served)}/:id`, [
    ...(can('show') ? ['GET'] : []),
    ...(can('update') ? ['PUT'] : []),
    ...(can('delete') ? ['DELETE'] : []),
  ])
}

const pathOf = ({ resource }: Served): string => `/v2.0/${resource.path}`

/** GET of the collection. What a feature makes on demand is there when it is asked for. */
function listRoute(app: FastifyInstance, tools: RouteTools, served: Served): void {
  const { store, policy } = tools
  const { resource, feature } = served
  app.get(pathOf(served), async (request, reply) => {
    const context = callerOf(request)
    const query = readListQuery(listRules(tools, served), request.query as Query)
    const list = (tx: ReadTx) => listObjects({ tx, context }, policy, served, query)
    const { onDemand } = feature
    const found = await store.read(async (tx) =>
      (await onDemand?.missing(tx, context)) ? undefined : list(tx),
    )
    if (!found) await store.write(writeOptions(context), async (tx) => onDemand?.make(tx, context))
    const { written, ids } = found ?? (await store.read(list))
    return sendList(reply, resource.collection, written, pageLinks(request, resource.collection, query, ids))
  })
}

/** POST of the collection: one object, or several in one transaction. */
function createRoute(app: FastifyInstance, tools: RouteTools, served: Served): void {
  const { store, policy } = tools
  const { resource, feature, name } = served
  app.post(pathOf(served), async (request, reply) => {
    const context = callerOf(request)
    const { create } = feature
    if (!create) throw badResourceRequest(name, 'it cannot be created')
    const { inputs, bulk } = readCreate(served.body, request.body, context)
    if (bulk && !tools.allowBulk) throw badRequest('Bulk operation not supported')
    const access = policy.access(context)
    const keys = [...(feature.serialize?.(inputs) ?? []), ...tools.quotas.keys(name, ownersOf(inputs).keys())]
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

/** GET of one object. */
function showRoute(app: FastifyInstance, tools: RouteTools, served: Served): void {
  const { store, policy } = tools
  const { name } = served
  app.get<ById>(`${pathOf(served)}/:id`, async (request, reply) => {
    const context = callerOf(request)
    const fields = fieldsOf(request.query as Query)
    const shown = await store.read((tx) =>
      showObjects({ tx, context }, policy, served, [request.params.id], { fields, check: true }),
    )
    return sendJson(reply, { [name]: shown[0] })
  })
}

/** PUT of one object. */
function updateRoute(app: FastifyInstance, tools: RouteTools, served: Served): void {
  const { store, policy } = tools
  const { feature, name } = served
  app.put<ById>(`${pathOf(served)}/:id`, async (request, reply) => {
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

/** DELETE of one object. */
function deleteRoute(app: FastifyInstance, tools: RouteTools, served: Served): void {
  const { store, policy } = tools
  const { feature, name } = served
  app.delete<ById>(`${pathOf(served)}/:id`, async (request, reply) => {
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
