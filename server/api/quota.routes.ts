/** /v2.0/quotas: limits of projects, their defaults, and what is used of them. */
import type { FastifyInstance } from 'fastify'
import { badRequest, notImplemented, policyNotAuthorized, quotaMissingTenant } from '../../lib/errors.ts'
import type { Resource } from '../../model/resource.ts'
import { type Limits, unlimited } from '../quota/quotas.ts'
import { bodyPlan, readUpdate } from './body.ts'
import { callerOf, refuseOtherMethods, sendFault, sendJson } from './http.ts'
import { type RouteTools, refuseBody, writeOptions } from './route-tools.ts'

type ByProject = { Params: { project: string } }

const path = '/v2.0/quotas'

/** Adds the routes of quotas; `details` with quota_details. */
export function quotaRoutes(
  app: FastifyInstance,
  { store, policy, quotas }: RouteTools,
  resource: Resource,
  details: boolean,
): void {
  const body = bodyPlan(resource.name, resource.collection, resource.attributes)

  /** The caller, who must be allowed to do that to the project's quotas. */
  const callerFor = (request: Parameters<typeof callerOf>[0], rule: string, project?: string) => {
    const context = callerOf(request)
    const target = project === undefined ? {} : { project_id: project }
    if (!policy.access(context).may(rule, target)) throw policyNotAuthorized(rule)
    return context
  }

  app.get(path, async (request, reply) => {
    const context = callerOf(request)
    const access = policy.access(context)
    if (access.residual('get_quota') === false) throw policyNotAuthorized('get_quota')
    const all = await store.read((tx) => quotas.allLimits(tx))
    const shown = [...all]
      .filter(([project]) => access.may('get_quota', { project_id: project }))
      .map(([project, limits]) => ({ ...limits, project_id: project, tenant_id: project }))
    return sendJson(reply, { quotas: shown })
  })
  app.post(path, (_request, reply) => sendFault(reply, notImplemented('Creation of quotas')))
  refuseOtherMethods(app, path, ['GET', 'POST'])

  // Whose token is this? Asked before the quotas of that project are.
  for (const word of ['tenant', 'project']) {
    app.get(`${path}/${word}`, async (request, reply) => {
      const { projectId } = callerOf(request)
      if (projectId === null) throw quotaMissingTenant()
      return sendJson(reply, { [word]: { tenant_id: projectId, project_id: projectId } })
    })
  }

  app.get<ByProject>(`${path}/:project`, async (request, reply) => {
    const { project } = request.params
    callerFor(request, 'get_quota', project)
    return sendJson(reply, { quota: await store.read((tx) => quotas.limits(tx, project)) })
  })
  app.get<ByProject>(`${path}/:project/default`, async (request, reply) => {
    callerFor(request, 'get_quota', request.params.project)
    return sendJson(reply, { quota: quotas.defaults })
  })
  if (details) {
    app.get<ByProject>(`${path}/:project/details`, async (request, reply) => {
      const { project } = request.params
      callerFor(request, 'get_quota', project)
      const quota = await store.read(async (tx) => {
        const used = await quotas.usage(tx, project)
        const limits = Object.entries(await quotas.limits(tx, project))
        // Nothing is reserved: what is counted is what is there.
        return Object.fromEntries(
          limits.map(([name, limit]) => [name, { limit, used: used[name] ?? 0, reserved: 0 }]),
        )
      })
      return sendJson(reply, { quota })
    })
    refuseOtherMethods(app, `${path}/:project/details`, ['GET'])
  }
  app.put<ByProject>(`${path}/:project`, async (request, reply) => {
    const { project } = request.params
    const { force, check_limit: _checked, ...limits } = readUpdate(body, request.body)
    const context = callerFor(request, 'update_quota', project)
    const quota = await store.write(writeOptions(context), async (tx) => {
      if (force !== true) checkUsage(await quotas.usage(tx, project), limits as Limits)
      await quotas.set(tx, project, limits as Limits)
      return quotas.limits(tx, project)
    })
    return sendJson(reply, { quota })
  })
  app.delete<ByProject>(`${path}/:project`, async (request, reply) => {
    refuseBody(request)
    const { project } = request.params
    const context = callerFor(request, 'delete_quota', project)
    await store.write(writeOptions(context), (tx) => quotas.reset(tx, project))
    return reply.code(204).send()
  })
  refuseOtherMethods(app, `${path}/:project`, ['GET', 'PUT', 'DELETE'])
  refuseOtherMethods(app, `${path}/:project/default`, ['GET'])
}

/** Throws HTTPBadRequest for a limit below what is there: quota-check-limit-default. */
function checkUsage(used: Readonly<Limits>, limits: Readonly<Limits>): void {
  for (const [name, limit] of Object.entries(limits)) {
    const now = used[name] ?? 0
    if (limit !== unlimited && now > limit) {
      throw badRequest(
        `Quota limit ${limit} for ${name} must be greater than or equal to already used ${now}`,
      )
    }
  }
}
