/** Collections below one object: DHCP agents of a network, networks of a DHCP agent, bindings of a port. */
import type { FastifyInstance } from 'fastify'
import { badRequest, httpNotFound } from '../../lib/errors.ts'
import { isObject } from '../../model/fields/kind.ts'
import type { SubResource } from '../../model/resource.ts'
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

/** Adds the routes of a collection below the objects of `parent`; `listed` is what it lists, if another resource. */
export function memberRoutes(
  app: FastifyInstance,
  tools: RouteTools,
  parent: Served,
  declared: SubResource,
  member: Member,
  listed: Served | undefined,
): void {
  const { store, policy } = tools
  const dashed = (text: string) => text.replaceAll('_', '-')
  const path = `/v2.0/${parent.resource.path}/:id/${dashed(declared.name)}`
  const body = bodyPlan(declared.singular, declared.name, declared.attributes)
  const can = (operation: (typeof declared.operations)[number]) => declared.operations.includes(operation)
  const attributes = new Map(Object.entries(declared.attributes))
  const name = `${parent.name}_${declared.singular}`
  const createRules = attributeRules(`create_${name}`, declared.attributes, policy)

  /** The object above, after the policy of an operation: 404 for who may not read it, 403 for who may not do it. */
  const above = async (tx: ReadTx, context: Context, id: string, operation: string): Promise<View> => {
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
  const membersOf = async (tx: ReadTx, context: Context, view: View): Promise<View[]> =>
    (await member.views?.(tx, context, view)) ?? []
  const shownOf = (context: Context, view: View, one: View, fields?: ReadonlySet<string>) =>
    project(projectionOf(policy, policy.access(context), name, attributes), fields, one, { ...view, ...one })
  const one = async (
    tx: ReadTx,
    context: Context,
    view: View,
    key: string,
    fields?: ReadonlySet<string>,
  ): Promise<Record<string, unknown>> => {
    const found = (await membersOf(tx, context, view)).find((candidate) => candidate.id === key)
    if (!found) {
      throw member.missing?.(view, key) ?? httpNotFound(`${declared.singular} ${key} could not be found.`)
    }
    return shownOf(context, view, found, fields)
  }

  if (can('list')) {
    app.get<ByKey>(path, async (request, reply) => {
      const context = callerOf(request)
      const collection = listed?.resource.collection ?? declared.name
      const { written, ids, query } = await store.read(async (tx) => {
        const view = await above(tx, context, request.params.id, 'list')
        if (!listed) {
          const query = readListQuery({ ...tools, attributes }, request.query as Query)
          const page = pageInMemory(query, await membersOf(tx, context, view))
          const shown = page.map((one) => shownOf(context, view, one, query.fields))
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
  const { create, update, remove, actions } = member
  if (can('create') && create) {
    app.post<ByKey>(path, async (request, reply) => {
      const context = callerOf(request)
      // With `lists`, the body is the bare input: {"network_id": …}.
      const wrapped = declared.lists ? { [declared.singular]: request.body } : request.body
      if (!isObject(request.body)) throw badRequest('Resource body required')
      const { inputs } = readCreate(body, wrapped, context)
      const [input] = inputs
      if (!input || inputs.length > 1) throw badRequest('One at a time')
      const { id } = request.params
      const shown = await store.write(writeOptions(context, member.turns?.(id, input)), async (tx) => {
        const view = await above(tx, context, id, 'create')
        for (const rule of createRules) {
          const value = input[rule.attribute]
          if (value !== undefined && value !== rule.default) {
            requireAttribute(policy.access(context), rule, value, { ...view, ...input })
          }
        }
        const key = await create.call(member, tx, context, view, input)
        return key === undefined ? null : { [declared.singular]: await one(tx, context, view, key) }
      })
      return sendJson(reply, shown, 201)
    })
  }
  if (can('show')) {
    app.get<ByKey>(`${path}/:key`, async (request, reply) => {
      const context = callerOf(request)
      const shown = await store.read(async (tx) =>
        one(
          tx,
          context,
          await above(tx, context, request.params.id, 'show'),
          request.params.key,
          fieldsOf(request.query as Query),
        ),
      )
      return sendJson(reply, { [declared.singular]: shown })
    })
  }
  if (can('update') && update) {
    app.put<ByKey>(`${path}/:key`, async (request, reply) => {
      const context = callerOf(request)
      const { id, key } = request.params
      const changes = readUpdate(body, request.body)
      const shown = await store.write(writeOptions(context, member.turns?.(id, key)), async (tx) => {
        const view = await above(tx, context, id, 'update')
        await update.call(member, tx, context, view, key, changes)
        return one(tx, context, view, key)
      })
      return sendJson(reply, { [declared.singular]: shown })
    })
  }
  if (can('delete') && remove) {
    app.delete<ByKey>(`${path}/:key`, async (request, reply) => {
      const context = callerOf(request)
      const { id, key } = request.params
      // openstacksdk takes networks from agents with a body, and Neutron lets it pass there.
      if (!declared.lists) refuseBody(request)
      await store.write(writeOptions(context, member.turns?.(id, key)), async (tx) => {
        await remove.call(member, tx, context, await above(tx, context, id, 'delete'), key)
      })
      return reply.code(204).send()
    })
  }
  for (const action of declared.actions) {
    const act = actions?.[action]
    if (!act) continue
    app.put<ByKey>(`${path}/:key/${dashed(action)}`, async (request, reply) => {
      const context = callerOf(request)
      const { id, key } = request.params
      const shown = await store.write(writeOptions(context, member.turns?.(id, key)), async (tx) => {
        const view = await above(tx, context, id, action)
        await act(tx, context, view, key)
        return one(tx, context, view, key)
      })
      return sendJson(reply, { [declared.singular]: shown })
    })
  }
  refuseOtherMethods(app, path, [
    ...(can('list') ? ['GET'] : []),
    ...(can('create') && create ? ['POST'] : []),
  ])
  refuseOtherMethods(app, `${path}/:key`, [
    ...(can('show') ? ['GET'] : []),
    ...(can('update') && update ? ['PUT'] : []),
    ...(can('delete') && remove ? ['DELETE'] : []),
  ])
}
