/** What belongs to one user: projects, password, groups, application credentials. */
import { randomBytes, randomUUID } from 'node:crypto'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { isUniqueViolation } from '../../store/errors.ts'
import type { IdentityTables } from '../../store/tables/identity.ts'
import { timestamp } from '../../store/timestamp.ts'
import { demand, isReader } from './access.ts'
import { userProjects } from './auth.routes.ts'
import { type Body, flagIn, isBody, objectAt, requiredText, textIn } from './body.ts'
import { badRequest, conflict, forbidden, notFound, unauthorized } from './errors.ts'
import { hashPassword, verifyPassword } from './passwords.ts'
import { type IdentityTools, queryOf, tokenOf } from './request.ts'
import type { Token } from './tokens.ts'
import { keystoneTime, listView } from './views.ts'

type CredentialRow = IdentityTables['identity_application_credentials']

/** Serves projects, groups (none), password and application credentials at /v3/users/{id}, and /v3/groups. */
export function userRoutes(api: FastifyInstance, tools: IdentityTools): void {
  const { store, tokens, clock } = tools

  api.get<{ Params: { user: string } }>('/v3/users/:user/projects', async (request) => {
    const { user } = request.params
    const token = await tokenOf(tools, request)
    demand(isReader(token) || token.user.id === user, 'list_user_projects')
    const base = tools.baseUrl(request)
    return listView(base, `users/${user}/projects`, 'projects', await userProjects(tools, base, user))
  })

  // There are no groups, and clients ask.
  for (const path of ['/v3/groups', '/v3/users/:user/groups']) {
    api.get(path, async (request) => {
      const { user } = request.params as { user?: string }
      const token = await tokenOf(tools, request)
      demand(isReader(token) || token.user.id === user, 'list_groups')
      return listView(tools.baseUrl(request), request.url.replace(/^\/v3\//, ''), 'groups', [])
    })
  }

  api.post<{ Params: { user: string } }>('/v3/users/:user/password', async (request, reply) => {
    const { user } = request.params
    const body = objectAt(request.body, 'user')
    if (body === undefined) throw badRequest('Expecting to find user in the request body.')
    const old = requiredText(body, 'original_password', 4096)
    const hash = await hashPassword(requiredText(body, 'password', 4096))
    const found = await store.read(({ db }) =>
      db.selectFrom('identity_users').select('password_hash').where('id', '=', user).executeTakeFirst(),
    )
    // The old password is what proves the right to do it; a token may have run out.
    const known = found?.password_hash ?? null
    if (!(await verifyPassword(old, known)) || known === null) throw unauthorized()
    const changed = await store.write({ requestId: request.id, userId: user }, async ({ db }) => {
      const { numUpdatedRows } = await db
        .updateTable('identity_users')
        .set({ password_hash: hash })
        .where('id', '=', user)
        .where('password_hash', '=', known)
        .executeTakeFirstOrThrow()
      await db.deleteFrom('identity_tokens').where('user_id', '=', user).execute()
      return numUpdatedRows > 0
    })
    if (!changed) throw unauthorized()
    tokens.forgetAll()
    return reply.code(204).send()
  })

  const all = '/v3/users/:user/application_credentials'
  type All = { Params: { user: string } }
  type One = { Params: { user: string; id: string } }

  /** Only the user itself makes and removes credentials; a restricted credential does not make others. */
  async function ownerOf(request: FastifyRequest<All>, action: string): Promise<Token> {
    const token = await tokenOf(tools, request)
    demand(token.user.id === request.params.user && token.mayDelegate, action)
    return token
  }

  api.get<All>(all, async (request) => {
    const { user } = request.params
    const token = await tokenOf(tools, request)
    demand(isReader(token) || token.user.id === user, 'list_application_credentials')
    const name = queryOf(request).get('name')
    const { rows, names } = await store.read(async ({ db }) => {
      const query = db.selectFrom('identity_application_credentials').selectAll().where('user_id', '=', user)
      const named = name === undefined ? query : query.where('name', '=', name)
      return {
        rows: await named.orderBy('name').execute(),
        names: await db.selectFrom('identity_roles').select(['id', 'name']).execute(),
      }
    })
    const base = tools.baseUrl(request)
    const views = rows.map((row) => credentialView(base, row, names))
    return listView(base, `users/${user}/application_credentials`, 'application_credentials', views)
  })

  api.get<One>(`${all}/:id`, async (request) => {
    const { user, id } = request.params
    const token = await tokenOf(tools, request)
    demand(isReader(token) || token.user.id === user, 'get_application_credential')
    const { row, names } = await store.read(async ({ db }) => ({
      row: await db
        .selectFrom('identity_application_credentials')
        .selectAll()
        .where('user_id', '=', user)
        .where('id', '=', id)
        .executeTakeFirst(),
      names: await db.selectFrom('identity_roles').select(['id', 'name']).execute(),
    }))
    if (row === undefined) throw notFound('application credential', id)
    return { application_credential: credentialView(tools.baseUrl(request), row, names) }
  })

  api.post<All>(all, async (request, reply) => {
    const body = objectAt(request.body, 'application_credential')
    if (body === undefined) throw badRequest('Expecting to find application_credential in the request body.')
    const name = requiredText(body, 'name')
    const expiresAt = expiryIn(body, clock.now())
    const token = await ownerOf(request, 'create_application_credential')
    if (token.scope.kind !== 'project') throw forbidden('identity:create_application_credential')
    const secret = textIn(body, 'secret') ?? randomBytes(64).toString('base64url')
    const row: CredentialRow = {
      id: randomUUID().replaceAll('-', ''),
      user_id: token.user.id,
      project_id: token.scope.id,
      name,
      description: textIn(body, 'description', 4096) ?? '',
      secret_hash: await hashPassword(secret),
      roles: JSON.stringify(rolesIn(body, token)),
      expires_at: expiresAt,
      unrestricted: Number(flagIn(body, 'unrestricted') ?? false),
    }
    try {
      await store.write({ requestId: request.id, userId: token.user.id }, ({ db }) =>
        db.insertInto('identity_application_credentials').values(row).execute(),
      )
    } catch (error) {
      if (isUniqueViolation(error)) throw conflict('application_credential', 'Duplicate entry')
      throw error
    }
    const view = credentialView(tools.baseUrl(request), row, token.roles)
    return reply.code(201).send({ application_credential: { ...view, secret } })
  })

  api.delete<One>(`${all}/:id`, async (request, reply) => {
    const token = await ownerOf(request, 'delete_application_credential')
    const { id } = request.params
    const removed = await store.write({ requestId: request.id, userId: token.user.id }, ({ db }) =>
      db
        .deleteFrom('identity_application_credentials')
        .where('id', '=', id)
        .where('user_id', '=', token.user.id)
        .executeTakeFirstOrThrow(),
    )
    if (removed.numDeletedRows === 0n) throw notFound('application credential', id)
    tokens.forgetAll()
    return reply.code(204).send()
  })
}

/** Ids of the roles asked for, which must be the bearer's; all of the bearer's when none are named. */
function rolesIn(body: Body, token: Token): string[] {
  if (body.roles === undefined || body.roles === null) return token.roles.map(({ id }) => id)
  if (!Array.isArray(body.roles)) throw badRequest("Invalid input for field 'roles': a list is expected.")
  const ids = body.roles.map((named) => {
    if (!isBody(named))
      throw badRequest("Invalid input for field 'roles': objects with id or name are expected.")
    const [id, name] = [textIn(named, 'id'), textIn(named, 'name')]
    const role = token.roles.find((role) => (id === undefined ? role.name === name : role.id === id))
    if (role === undefined) throw notFound('role assignment', id ?? name ?? '')
    return role.id
  })
  return ids.length === 0 ? token.roles.map(({ id }) => id) : ids
}

function expiryIn(body: Body, now: Date): string | null {
  const text = textIn(body, 'expires_at')
  if (text === undefined) return null
  // Keystone's times have no zone and mean UTC.
  const time = new Date(/(Z|[+-]\d\d:?\d\d)$/.test(text) ? text : `${text}Z`)
  if (Number.isNaN(time.getTime()) || time <= now) {
    throw badRequest("Invalid input for field 'expires_at': a time in the future is expected.")
  }
  return timestamp(time)
}

function credentialView(base: string, row: CredentialRow, roles: readonly { id: string; name: string }[]) {
  const ids = new Set(JSON.parse(row.roles) as string[])
  return {
    id: row.id,
    name: row.name,
    description: row.description,
    project_id: row.project_id,
    user_id: row.user_id,
    system: null,
    unrestricted: row.unrestricted === 1,
    expires_at: row.expires_at === null ? null : keystoneTime(row.expires_at).replace(/Z$/, ''),
    roles: roles.filter(({ id }) => ids.has(id)).map(({ id, name }) => ({ id, name, domain_id: null })),
    links: { self: `${base}/v3/users/${row.user_id}/application_credentials/${row.id}` },
  }
}
