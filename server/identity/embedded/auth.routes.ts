/** /v3/auth: tokens, and what the bearer of one can get. */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { timestamp } from '../../store/timestamp.ts'
import { header } from '../identity.ts'
import { demand, isService } from './access.ts'
import { readCatalog } from './catalog.ts'
import { KeystoneError, notFound, unauthorized } from './errors.ts'
import { assignedTargets } from './grants.ts'
import { login } from './login.ts'
import { type IdentityTools, isAsked, queryOf, tokenOf } from './request.ts'
import type { Token } from './tokens.ts'
import { listView, tokenView } from './views.ts'

/** Serves /v3/auth: tokens (log in, validate, revoke), and the catalogue, projects, domains and system of a token. */
export function authRoutes(api: FastifyInstance, tools: IdentityTools): void {
  const { store, tokens, clock, log } = tools

  async function catalogFor(request: FastifyRequest) {
    return isAsked(queryOf(request), 'nocatalog') ? undefined : store.read(readCatalog)
  }

  api.post('/v3/auth/tokens', async (request, reply) => {
    try {
      const now = timestamp(clock.now())
      const { text, token } = await login({ store, tokens, requestId: request.id, now }, request.body)
      const catalog = await catalogFor(request)
      return await reply.code(201).header('x-subject-token', text).send(tokenView(token, catalog))
    } catch (error) {
      if (error instanceof KeystoneError)
        log.info({ requestId: request.id, status: error.status }, 'login refused')
      throw error
    }
  })

  /** The token that X-Subject-Token names, which must be the bearer's own unless the bearer is a service. */
  async function subjectOf(request: FastifyRequest, action: string): Promise<{ text: string; token: Token }> {
    const bearer = await tokenOf(tools, request)
    const text = header(request.headers, 'x-subject-token')
    if (text === undefined) throw unauthorized()
    const own = text === header(request.headers, 'x-auth-token')
    const token = own ? bearer : await tokens.validate(text)
    demand(own || isService(bearer) || token?.user.id === bearer.user.id, action)
    if (token === undefined) throw notFound('token', 'X-Subject-Token')
    return { text, token }
  }

  // GET serves HEAD as well.
  api.get('/v3/auth/tokens', async (request, reply) => {
    const { text, token } = await subjectOf(request, 'validate_token')
    return reply.header('x-subject-token', text).send(tokenView(token, await catalogFor(request)))
  })

  api.delete('/v3/auth/tokens', async (request, reply) => {
    const { text } = await subjectOf(request, 'revoke_token')
    await tokens.revoke(request.id, text)
    return reply.code(204).send()
  })

  api.get('/v3/auth/catalog', async (request) => {
    await tokenOf(tools, request)
    return listView(tools.baseUrl(request), 'auth/catalog', 'catalog', await store.read(readCatalog))
  })

  api.get('/v3/auth/projects', async (request) => {
    const token = await tokenOf(tools, request)
    const projects = await userProjects(tools, tools.baseUrl(request), token.user.id)
    return listView(tools.baseUrl(request), 'auth/projects', 'projects', projects)
  })

  api.get('/v3/auth/domains', async (request) => {
    const token = await tokenOf(tools, request)
    const base = tools.baseUrl(request)
    const domains = await store.read(async (tx) => {
      const ids = await assignedTargets(tx, token.user.id, 'domain')
      if (ids.length === 0) return []
      return tx.db
        .selectFrom('identity_domains')
        .selectAll()
        .where('id', 'in', ids)
        .where('enabled', '=', 1)
        .execute()
    })
    const views = domains.map((domain) => ({
      ...domain,
      enabled: true,
      links: { self: `${base}/v3/domains/${domain.id}` },
    }))
    return listView(base, 'auth/domains', 'domains', views)
  })

  api.get('/v3/auth/system', async (request) => {
    const token = await tokenOf(tools, request)
    const targets = await store.read((tx) => assignedTargets(tx, token.user.id, 'system'))
    const system = targets.length === 0 ? [] : [{ all: true }]
    return listView(tools.baseUrl(request), 'auth/system', 'system', system)
  })
}

/** Enabled projects on which a user has a role. */
export async function userProjects(
  { store }: IdentityTools,
  base: string,
  userId: string,
): Promise<object[]> {
  const projects = await store.read(async (tx) => {
    const ids = await assignedTargets(tx, userId, 'project')
    if (ids.length === 0) return []
    return tx.db
      .selectFrom('identity_projects')
      .selectAll()
      .where('id', 'in', ids)
      .where('enabled', '=', 1)
      .orderBy('name')
      .execute()
  })
  return projects.map((project) => ({
    ...project,
    enabled: true,
    is_domain: false,
    parent_id: project.domain_id,
    options: {},
    tags: [],
    links: { self: `${base}/v3/projects/${project.id}` },
  }))
}
