/** Collections that are worked out rather than stored: a few rows, filtered and sorted here. */
import type { FastifyInstance } from 'fastify'
import type { Resource } from '../../model/resource.ts'
import type { ComputedFeature, View } from '../resource.ts'
import { notFound } from './authorize.ts'
import { callerOf, refuseOtherMethods, sendJson } from './http.ts'
import { pageInMemory } from './in-memory.ts'
import { fieldsOf, readListQuery } from './list-query.ts'
import { pageLinks } from './paging.ts'
import { project, projectionOf } from './projection.ts'
import type { RouteTools } from './route-tools.ts'

/** Adds the routes of a computed collection. */
export function computedRoutes(
  app: FastifyInstance,
  tools: RouteTools,
  resource: Resource,
  feature: ComputedFeature,
): void {
  const { store, policy } = tools
  const attributes = new Map(Object.entries(resource.attributes))
  const path = `/v2.0/${resource.path}`
  const { ownFilters = [], key } = feature
  app.get(path, async (request, reply) => {
    const context = callerOf(request)
    const access = policy.access(context)
    const query = readListQuery(
      { attributes, validateFilters: tools.validateFilters, maxLimit: tools.maxLimit },
      request.query as Record<string, unknown>,
    )
    const own = new Map(
      query.filters.filter(({ name }) => ownFilters.includes(name)).map(({ name, texts }) => [name, texts]),
    )
    const rule = `get_${resource.name}`
    const rows =
      access.residual(rule) === false ? [] : await store.read((tx) => feature.list(tx, context, own))
    const projection = projectionOf(policy, access, resource.name, attributes)
    const readable = rows.filter((row) => access.may(rule, row))
    const filters = query.filters.filter(({ name }) => !own.has(name))
    const page = pageInMemory({ ...query, filters }, readable)
    const shown = page.map((row) => project(projection, query.fields, row as View, row))
    return sendJson(reply, {
      [resource.collection]: shown,
      ...pageLinks(
        request,
        resource.collection,
        query,
        page.map(({ id }) => String(id)),
      ),
    })
  })
  refuseOtherMethods(app, path, ['GET'])
  if (key === undefined) return
  app.get<{ Params: { key: string } }>(`${path}/:key`, async (request, reply) => {
    const context = callerOf(request)
    const access = policy.access(context)
    const { params } = request
    const own = new Map(ownFilters.includes(key) ? [[key, [params.key]]] : [])
    const rows = await store.read((tx) => feature.list(tx, context, own))
    const row = rows.find((one) => one[key] === params.key)
    if (!row || !access.may(`get_${resource.name}`, row)) {
      throw notFound(resource.notFound, params.key)
    }
    const fields = fieldsOf(request.query as Record<string, unknown>)
    const whole = { ...row, ...feature.details?.(row) } as View
    const projection = projectionOf(policy, access, resource.name, attributes)
    return sendJson(reply, { [resource.name]: project(projection, fields, whole, row) })
  })
  refuseOtherMethods(app, `${path}/:key`, ['GET'])
}
