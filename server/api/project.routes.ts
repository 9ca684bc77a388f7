/** Objects of which a project has one, known by the project's id, that come into being when they are asked for. */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { badRequest, policyNotAuthorized } from '../../lib/errors.ts'
import type { Resource } from '../../model/resource.ts'
import { rehearsal } from '../../model/resources/auto-allocated-topology.ts'
import type { ProjectFeature, View } from '../resource.ts'
import { callerOf, refuseOtherMethods, sendJson } from './http.ts'
import { fieldsOf } from './list-query.ts'
import { projectionOf, project as shownOf } from './projection.ts'
import { type RouteTools, refuseBody, writeOptions } from './route-tools.ts'

type ByProject = { Params: { project: string } }

/** What clients write for their own project. */
const own: readonly string[] = ['null', 'None']

/** Adds the routes of such a resource. */
export function projectRoutes(
  app: FastifyInstance,
  { store, policy }: RouteTools,
  resource: Resource,
  feature: ProjectFeature,
): void {
  const path = `/v2.0/${resource.path}`
  const attributes = new Map(Object.entries(resource.attributes))

  /** Who asks, and the project that is named; he must be allowed to do that with its object. */
  const asked = (request: FastifyRequest<ByProject>, verb: 'get' | 'delete') => {
    const context = callerOf(request)
    const named = request.params.project
    const project = own.includes(named) ? context.projectId : named
    if (project === null) throw badRequest('The token has no project: one must be named')
    const rule = `${verb}_${resource.name}`
    const access = policy.access(context)
    if (!access.may(rule, { project_id: project, tenant_id: project })) throw policyNotAuthorized(rule)
    return { context, project, access }
  }

  app.get<ByProject>(`${path}/:project`, async (request, reply) => {
    const { context, project, access } = asked(request, 'get')
    const fields = fieldsOf(request.query as Record<string, unknown>)
    const projection = projectionOf(policy, access, resource.name, attributes)
    const send = (view: View, only?: ReadonlySet<string>) =>
      sendJson(reply, { [resource.name]: shownOf(projection, only, view, view) })
    if (fields?.has(rehearsal.field)) {
      return send(await store.read((tx) => feature.rehearse(tx, context, project)))
    }
    const view =
      (await store.read((tx) => feature.find(tx, project))) ??
      (await store.write(
        writeOptions(context, feature.turns(project)),
        async (tx) => (await feature.find(tx, project)) ?? feature.make(tx, context, project),
      ))
    return send(view, fields)
  })
  app.delete<ByProject>(`${path}/:project`, async (request, reply) => {
    refuseBody(request)
    const { context, project } = asked(request, 'delete')
    await store.write(writeOptions(context, feature.turns(project)), (tx) => feature.remove(tx, project))
    return reply.code(204).send()
  })
  refuseOtherMethods(app, path, [])
  refuseOtherMethods(app, `${path}/:project`, ['GET', 'DELETE'])
}
