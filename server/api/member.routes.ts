/** Collections below one object: DHCP agents of a network, networks of a DHCP agent, bindings of a port. */
import type { FastifyInstance } from 'fastify'
import { badRequest, httpNotFound } from '../../lib/errors.ts'
import { isObject } from '../../model/fields/kind.ts'
import type { Attribute, SubResource } from '../../model/resource.ts'
import type { Context } from '../context.ts'
import type { Member, View } from '../resource.ts'
import type { ReadTx } from '../store/store.ts'
import { authorizeAction, requireAttribute } from './authorize.ts'
import { bodyPlan, readCreate, readUpdate } from './body.ts'
import { callerOf, refuseOtherMethods, sendJson, sendList, writeObjects } from './http.ts'
import { pageInMemory } from './in-memory.ts'
import { fieldsOf, readListQuery } from './list-query.ts'
import { currentView, listObjects, readableRow } from './objects.ts'
import { pageLinks } from './paging.ts'
import { project, projectionOf } from './projection.ts'
import { listRules, type RouteTools, refuseBody, writeOptions } from './route-tools.ts'
import { attributeRules, type Served } from './served.ts'

type ByKey = { Params: { id: string; key: string } }
type Query = Record<string, unknown>
type MemberAct = NonNullable<Member['actions']>[string]

/** A collection below the objects of `parent`. */
interface Below {
  tools: RouteTools
  parent: Served
  declared: SubResource
  member: Member
  /** The resource that it lists, where that is one of its own. */
  listed: Served | undefined
  path: string
  /** As rules of policy name one of it. */
  name: string
  attributes: ReadonlyMap<string, Attribute>
}

/** Adds the routes of a collection below the objects of `parent`; `listed` is what it lists, if another resource. */
export function memberRoutes(
  app: FastifyInstance,
  tools: RouteTools,
  parent: Served,
  declared: SubResource,
  member: Member,
  listed: Served | undefined,
): void {
  const below: Below = {
    tools,
    parent,
    declared,
    member,
    listed,
    path: `/v2.0/${parent.resource.path}/:id/${dashed(declared.name)}`,
    name: `${parent.name}_${declared.singular}`,
    attributes: new Map(Object.entries(declared.attributes)),
  }
  const can = (operation: (typeof declared.operations)[number]) => declared.operations.includes(operation)
  const { create, update, remove, actions = {} } = member
  const creates = can('create') && create !== undefined
  const updates = can('update') && update !== undefined
  const removes = can('delete') && remove !== undefined
  if (can('list')) listRoute(app, below)
  if (can('show')) showRoute(app, below)
  if (creates) createRoute(app, below, create)
  if (updates) updateRoute(app, below, update)
  if (removes) deleteRoute(app, below, remove)
  for (const action of declared.actions) {
    const act = actions[action]
    if (act) actionRoute(app, below, action, act)
  }
  refuseOtherMethods(app, below.path, [...(can('list') ? ['GET'] : []), ...(creates ? ['POST'] : [])])
  refuseOtherMethods(app, `${below.path}/:key`, [
    ...(can('show') ? ['GET'] : []),
    ...(updates ? ['PUT'] : []),
    ...(removes ? ['DELETE'] : []),
  ])
}

const dashed = (text: string): string => text.replaceAll('_', '-')

/** The object above, after the policy of an operation: 404 for who may not read it, 403 for who may not do it. */
async function above(
  { tools: { policy }, parent, declared }: Below,
  tx: ReadTx,
  context: Context,
  id: string,
  operation: string,
): Promise<View> {
  const access = policy.access(context)
  const row = await readableRow(tx, context, access, parent, id)
  const rule = declared.policy[operation] ?? 'default'
  // What belongs to nobody (a flavor) is everybody's.
  const owner = row.project_id === undefined ? context.projectId : row.project_id
  const target = {
    ...row,
    project_id: owner,
    'ext_parent:project_id': owner,
    'ext_parent:tenant_id': owner,
  }
  authorizeAction(parent, access, rule, target)
  return currentView(tx, context, parent, row)
}

async function membersOf({ member }: Below, tx: ReadTx, context: Context, view: View): Promise<View[]> {
  return (await member.views?.(tx, context, view)) ?? []
}

/** One of the collection as the caller sees it. */
function shownOf(
  { tools: { policy }, name, attributes }: Below,
  context: Context,
  view: View,
  one: View,
  fields?: ReadonlySet<string>,
): Record<string, unknown> {
  const projection = projectionOf(policy, policy.access(context), name, attributes)
  return project(projection, fields, one, { ...view, ...one })
}

/** The same by its key. Throws 404. */
async function one(
  below: Below,
  tx: ReadTx,
  context: Context,
  view: View,
  key: string,
  fields?: ReadonlySet<string>,
): Promise<Record<string, unknown>> {
  const { member, declared } = below
  const found = (await membersOf(below, tx, context, view)).find((candidate) => candidate.id === key)
  if (!found) {
    throw member.missing?.(view, key) ?? httpNotFound(`${declared.singular} ${key} could not be found.`)
  }
  return shownOf(below, context, view, found, fields)
}

/** GET of the collection. */
function listRoute(app: FastifyInstance, below: Below): void {
  const { policy, store } = below.tools
  const { tools, declared, member, listed, attributes } = below
  app.get<ByKey>(below.path, async (request, reply) => {
    const context = callerOf(request)
    const collection = listed?.resource.collection ?? declared.name
    const { written, ids, query } = await store.read(async (tx) => {
      const view = await above(below, tx, context, request.params.id, 'list')
      if (!listed) {
        const query = readListQuery({ ...tools, attributes }, request.query as Query)
        const page = pageInMemory(query, await membersOf(below, tx, context, view))
        const shown = page.map((one) => shownOf(below, context, view, one, query.fields))
        return {
          query,
          ids: page.map(({ id }) => id),
          written: shown.length > 0 ? [writeObjects(shown)] : [],
        }
      }
      const query = readListQuery(listRules(tools, listed), request.query as Query)
      const ids = (await member.ids?.(tx, context, view)) ?? []
      return { query, ...(await listObjects({ tx, context }, policy, listed, query, ids)) }
    })
    return sendList(reply, collection, written, pageLinks(request, collection, query, ids))
  })
}

/** GET of one of it. */
function showRoute(app: FastifyInstance, below: Below): void {
  const { store } = below.tools
  const { declared } = below
  app.get<ByKey>(`${below.path}/:key`, async (request, reply) => {
    const context = callerOf(request)
    const { id, key } = request.params
    const fields = fieldsOf(request.query as Query)
    const shown = await store.read(async (tx) => {
      const view = await above(below, tx, context, id, 'show')
      return one(below, tx, context, view, key, fields)
    })
    return sendJson(reply, { [declared.singular]: shown })
  })
}

/** POST of the collection, one at a time. */
function createRoute(app: FastifyInstance, below: Below, create: NonNullable<Member['create']>): void {
  const { policy, store } = below.tools
  const { declared, member } = below
  const body = bodyPlan(declared.singular, declared.name, declared.attributes)
  const createRules = attributeRules(`create_${below.name}`, declared.attributes, policy)
  app.post<ByKey>(below.path, async (request, reply) => {
    const context = callerOf(request)
    // With `lists`, the body is the bare input: {"network_id": …}.
    const wrapped = declared.lists ? { [declared.singular]: request.body } : request.body
    if (!isObject(request.body)) throw badRequest('Resource body required')
    const { inputs } = readCreate(body, wrapped, context)
    const [input] = inputs
    if (!input || inputs.length > 1) throw badRequest('One at a time')
    const { id } = request.params
    const shown = await store.write(writeOptions(context, member.turns?.(id, input)), async (tx) => {
      const view = await above(below, tx, context, id, 'create')
      for (const rule of createRules) {
        const value = input[rule.attribute]
        if (value !== undefined && value !== rule.default) {
          requireAttribute(policy.access(context), rule, value, { ...view, ...input })
        }
      }
      const key = await create.call(member, tx, context, view, input)
      return key === undefined ? null : { [declared.singular]: await one(below, tx, context, view, key) }
    })
    return sendJson(reply, shown, 201)
  })
}

/** PUT of one of it. */
function updateRoute(app: FastifyInstance, below: Below, update: NonNullable<Member['update']>): void {
  const { store } = below.tools
  const { declared, member } = below
  const body = bodyPlan(declared.singular, declared.name, declared.attributes)
  app.put<ByKey>(`${below.path}/:key`, async (request, reply) => {
    const context = callerOf(request)
    const { id, key } = request.params
    const changes = readUpdate(body, request.body)
    const shown = await store.write(writeOptions(context, member.turns?.(id, key)), async (tx) => {
      const view = await above(below, tx, context, id, 'update')
      await update.call(member, tx, context, view, key, changes)
      return one(below, tx, context, view, key)
    })
    return sendJson(reply, { [declared.singular]: shown })
  })
}

/** DELETE of one of it. */
function deleteRoute(app: FastifyInstance, below: Below, remove: NonNullable<Member['remove']>): void {
  const { store } = below.tools
  const { declared, member } = below
  app.delete<ByKey>(`${below.path}/:key`, async (request, reply) => {
    const context = callerOf(request)
    const { id, key } = request.params
    // openstacksdk takes networks from agents with a body, and Neutron lets it pass there.
    if (!declared.lists) refuseBody(request)
    await store.write(writeOptions(context, member.turns?.(id, key)), async (tx) => {
      await remove.call(member, tx, context, await above(below, tx, context, id, 'delete'), key)
    })
    return reply.code(204).send()
  })
}

/** An action on one of it: PUT /ports/{id}/bindings/{host}/activate. */
function actionRoute(app: FastifyInstance, below: Below, action: string, act: MemberAct): void {
  const { store } = below.tools
  const { declared, member } = below
  app.put<ByKey>(`${below.path}/:key/${dashed(action)}`, async (request, reply) => {
    const context = callerOf(request)
    const { id, key } = request.params
    const shown = await store.write(writeOptions(context, member.turns?.(id, key)), async (tx) => {
      const view = await above(below, tx, context, id, action)
      await act(tx, context, view, key)
      return one(below, tx, context, view, key)
    })
    return sendJson(reply, { [declared.singular]: shown })
  })
}
