/** Collections that are worked out rather than stored: a few rows, filtered and sorted here. */
import type { FastifyInstance } from 'fastify'
import type { Resource } from '../../model/resource.ts'
import type { ComputedFeature, View } from '../resource.ts'
import { callerOf, refuseOtherMethods, sendJson } from './http.ts'
import { pageInMemory } from './in-memory.ts'
import { readListQuery } from './list-query.ts'
import { pageLinks } from './paging.ts'
import { project, projectionOf } from './projection.ts'
import type { RouteTools } from './resource.routes.ts'

/** Adds the one route of a computed collection. */
export function computedRoutes(
  app: FastifyInstance,
  tools: RouteTools,
  resource: Resource,
  feature: ComputedFeature,
): void {
  const { store, policy } = tools
  const attributes = new Map(Object.entries(resource.attributes))
  const path = `/v2.0/${resource.path}`
  app.get(path, async (request, reply) => {
    const context = callerOf(request)
    const access = policy.access(context)
    const query = readListQuery(
      { attributes, validateFilters: tools.validateFilters, maxLimit: tools.maxLimit },
      request.query as Record<string, unknown>,
    )
    const rows = await store.read((tx) => feature.list(tx, context))
    const projection = projectionOf(policy, access, resource.name, attributes)
    const readable = rows.filter((row) => access.may(`get_${resource.name}`, row))
    const page = pageInMemory(query, readable)
    const shown = page.map((row) => project(projection, query.fields, row as View, row))
    return sendJson(reply, {
      [resource.collection]: shown,
      ...pageLinks(request, resource.collection, query, page),
    })
  })
  refuseOtherMethods(app, path, ['GET'])
}
