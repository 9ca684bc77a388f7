/** Roles of users on projects, domains and the system, and what roles imply. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { ReadTx } from '../../store/store.ts'
import { demand, isAdmin, isReader } from './access.ts'
import { badRequest, notFound } from './errors.ts'
import type { Target } from './grants.ts'
import { type IdentityTools, isAsked, queryOf, tokenOf } from './request.ts'
import { withImplied } from './roles.ts'
import { listView } from './views.ts'

interface AssignmentParams {
  target?: string
  user: string
  role?: string
}

/** Where each kind of target stands in a path. */
const paths: readonly { target: Target; prefix: string }[] = [
  { target: 'project', prefix: '/v3/projects/:target' },
  { target: 'domain', prefix: '/v3/domains/:target' },
  { target: 'system', prefix: '/v3/system' },
]

/** Serves …/users/{id}/roles below projects, domains and the system, /v3/role_assignments and /v3/role_inferences. */
export function assignmentRoutes(api: FastifyInstance, tools: IdentityTools): void {
  for (const { target, prefix } of paths) targetRoutes(api, tools, target, prefix)
  api.get('/v3/role_assignments', (request) => listAssignments(tools, request))
  api.get('/v3/role_inferences', (request) => listInferences(tools, request))
}

function targetRoutes(api: FastifyInstance, tools: IdentityTools, target: Target, prefix: string): void {
  const { store, tokens } = tools
  const roles = `${prefix}/users/:user/roles`

  /** Reads the parts of the path. Throws 404 for what does not exist; who may not look has had his 403 before. */
  async function partsOf(request: FastifyRequest, tx: ReadTx) {
    const { target: targetId = 'all', user, role } = request.params as AssignmentParams
    const exists = async (
      table: 'identity_users' | 'identity_roles' | 'identity_projects' | 'identity_domains',
      what: string,
      id: string,
    ) => {
      const row = await tx.db.selectFrom(table).select('id').where('id', '=', id).executeTakeFirst()
      if (row === undefined) throw notFound(what, id)
    }
    if (target === 'project') await exists('identity_projects', 'project', targetId)
    if (target === 'domain') await exists('identity_domains', 'domain', targetId)
    await exists('identity_users', 'user', user)
    if (role !== undefined) await exists('identity_roles', 'role', role)
    return { user_id: user, role_id: role ?? '', target, target_id: targetId }
  }

  api.get(roles, async (request) => {
    const token = await tokenOf(tools, request)
    demand(isReader(token), 'list_grants')
    const found = await store.read(async (tx) => {
      const parts = await partsOf(request, tx)
      return tx.db
        .selectFrom('identity_assignments as a')
        .innerJoin('identity_roles as r', 'r.id', 'a.role_id')
        .selectAll('r')
        .where('a.user_id', '=', parts.user_id)
        .where('a.target', '=', target)
        .where('a.target_id', '=', parts.target_id)
        .orderBy('r.name')
        .execute()
    })
    const base = tools.baseUrl(request)
    const views = found.map((role) => ({
      ...role,
      domain_id: null,
      options: {},
      links: { self: `${base}/v3/roles/${role.id}` },
    }))
    return listView(base, request.url.replace(/^\/v3\//, ''), 'roles', views)
  })

  api.put(`${roles}/:role`, async (request, reply) => {
    const token = await tokenOf(tools, request)
    demand(isAdmin(token), 'create_grant')
    await store.write({ requestId: request.id, userId: token.user.id }, async (tx) => {
      const parts = await partsOf(request, tx)
      await tx.db
        .insertInto('identity_assignments')
        .values(parts)
        .onConflict((clash) => clash.doNothing())
        .execute()
    })
    tokens.forgetAll()
    return reply.code(204).send()
  })

  // GET serves HEAD as well, which is what clients ask with.
  api.get(`${roles}/:role`, async (request, reply) => {
    const token = await tokenOf(tools, request)
    demand(isReader(token), 'check_grant')
    await store.read(async (tx) => {
      const parts = await partsOf(request, tx)
      const row = await assignment(tx, parts)
      if (row === undefined) throw notFound('role assignment', parts.role_id)
    })
    return noContent(reply)
  })

  api.delete(`${roles}/:role`, async (request, reply) => {
    const token = await tokenOf(tools, request)
    demand(isAdmin(token), 'revoke_grant')
    await store.write({ requestId: request.id, userId: token.user.id }, async (tx) => {
      const parts = await partsOf(request, tx)
      if ((await assignment(tx, parts)) === undefined) throw notFound('role assignment', parts.role_id)
      await tx.db
        .deleteFrom('identity_assignments')
        .where('user_id', '=', parts.user_id)
        .where('role_id', '=', parts.role_id)
        .where('target', '=', target)
        .where('target_id', '=', parts.target_id)
        .execute()
    })
    tokens.forgetAll()
    return noContent(reply)
  })
}

function noContent(reply: FastifyReply): FastifyReply {
  return reply.code(204).send()
}

function assignment(
  tx: ReadTx,
  parts: { user_id: string; role_id: string; target: Target; target_id: string },
) {
  return tx.db
    .selectFrom('identity_assignments')
    .select('role_id')
    .where('user_id', '=', parts.user_id)
    .where('role_id', '=', parts.role_id)
    .where('target', '=', parts.target)
    .where('target_id', '=', parts.target_id)
    .executeTakeFirst()
}

async function listAssignments(tools: IdentityTools, request: FastifyRequest): Promise<object> {
  const token = await tokenOf(tools, request)
  const query = queryOf(request)
  const userId = query.get('user.id')
  demand(isReader(token) || userId === token.user.id, 'list_role_assignments')
  const base = tools.baseUrl(request)
  const effective = isAsked(query, 'effective')
  if (effective && query.has('group.id')) throw badRequest('Combining effective and group.id makes no sense.')

  const found = await tools.store.read(async (tx) => {
    const implications = await tx.db.selectFrom('identity_role_implications').selectAll().execute()
    const roleNames = await tx.db.selectFrom('identity_roles').select(['id', 'name']).execute()
    let assignments = tx.db
      .selectFrom('identity_assignments as a')
      .innerJoin('identity_users as u', 'u.id', 'a.user_id')
      .innerJoin('identity_domains as ud', 'ud.id', 'u.domain_id')
      .leftJoin('identity_projects as p', (join) =>
        join.onRef('p.id', '=', 'a.target_id').on('a.target', '=', 'project'),
      )
      .leftJoin('identity_domains as d', (join) =>
        join.on((eb) =>
          eb.or([
            eb('d.id', '=', eb.ref('p.domain_id')),
            eb.and([eb('a.target', '=', 'domain'), eb('d.id', '=', eb.ref('a.target_id'))]),
          ]),
        ),
      )
      .select(['a.user_id', 'a.role_id', 'a.target', 'a.target_id', 'u.name as user_name'])
      .select(['ud.id as user_domain_id', 'ud.name as user_domain_name'])
      .select(['p.name as project_name', 'd.id as domain_id', 'd.name as domain_name'])
      .orderBy('a.user_id')
      .orderBy('a.target')
      .orderBy('a.target_id')
      .orderBy('a.role_id')
    const project = query.get('scope.project.id')
    const domain = query.get('scope.domain.id')
    if (userId !== undefined) assignments = assignments.where('a.user_id', '=', userId)
    for (const [target, id] of [
      ['project', project],
      ['domain', domain],
    ] as const) {
      if (id !== undefined)
        assignments = assignments.where('a.target', '=', target).where('a.target_id', '=', id)
    }
    if (query.has('scope.system')) assignments = assignments.where('a.target', '=', 'system')
    return { implications, roleNames, rows: query.has('group.id') ? [] : await assignments.execute() }
  })

  const names = new Map(found.roleNames.map(({ id, name }) => [id, name]))
  const named = isAsked(query, 'include_names')
  const wanted = query.get('role.id')
  const seen = new Set<string>()
  const views: object[] = []
  for (const row of found.rows) {
    const roles = effective ? withImplied([row.role_id], found.implications) : [row.role_id]
    for (const role of roles) {
      const key = `${row.user_id} ${row.target} ${row.target_id} ${role}`
      if ((wanted !== undefined && wanted !== role) || seen.has(key)) continue
      seen.add(key)
      const domain = { id: row.domain_id, name: row.domain_name }
      const place = { id: row.target_id }
      const scopes = {
        project: { project: named ? { ...place, name: row.project_name, domain } : place },
        domain: { domain: named ? domain : place },
        system: { system: { all: true } },
      }
      const userDomain = { id: row.user_domain_id, name: row.user_domain_name }
      const path = row.target === 'system' ? 'system' : `${row.target}s/${row.target_id}`
      views.push({
        role: named ? { id: role, name: names.get(role) } : { id: role },
        user: named ? { id: row.user_id, name: row.user_name, domain: userDomain } : { id: row.user_id },
        scope: scopes[row.target],
        links: { assignment: `${base}/v3/${path}/users/${row.user_id}/roles/${row.role_id}` },
      })
    }
  }
  return listView(base, 'role_assignments', 'role_assignments', views)
}

async function listInferences(tools: IdentityTools, request: FastifyRequest): Promise<object> {
  const token = await tokenOf(tools, request)
  demand(isReader(token), 'list_role_inference_rules')
  const { implications, roles } = await tools.store.read(async ({ db }) => ({
    implications: await db.selectFrom('identity_role_implications').selectAll().execute(),
    roles: await db.selectFrom('identity_roles').select(['id', 'name']).orderBy('name').execute(),
  }))
  const inferences = roles.flatMap((prior) => {
    const implied = roles.filter(({ id }) =>
      implications.some(
        ({ prior_role_id, implied_role_id }) => prior_role_id === prior.id && implied_role_id === id,
      ),
    )
    return implied.length === 0 ? [] : [{ prior_role: prior, implies: implied }]
  })
  return listView(tools.baseUrl(request), 'role_inferences', 'role_inferences', inferences)
}
