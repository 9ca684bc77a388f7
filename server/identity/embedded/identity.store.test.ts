/** The Identity API as a whole, by `inject`, on both engines. */
import assert from 'node:assert/strict'
import { type Clock, systemClock } from '../../../runtime/clock.ts'
import { silentLogger } from '../../../runtime/log.ts'
import type { Store } from '../../store/store.ts'
import { forEachEngine } from '../../store/testing.ts'
import { Unauthorized } from '../identity.ts'
import { buildIdentityApi } from './api.ts'
import { applyBootstrap, type Bootstrap } from './bootstrap.ts'
import { createEmbeddedIdentity } from './embedded.ts'
import { createTokens } from './tokens.ts'

const bootstrap: Bootstrap = {
  projects: [{ name: 'admin' }, { name: 'blue' }, { name: 'red' }],
  users: [
    { name: 'admin', password: 'root-secret' },
    { name: 'blue', password: 'blue-secret', defaultProject: 'blue' },
  ],
  assignments: [
    { user: 'admin', project: 'admin', role: 'admin' },
    { user: 'admin', system: 'all', role: 'admin' },
    { user: 'admin', domain: 'default', role: 'admin' },
    { user: 'blue', project: 'blue', role: 'member' },
  ],
}

const catalog = {
  region: 'RegionOne',
  endpoints: [
    { type: 'identity', name: 'keystone', url: 'http://127.0.0.1:5000/v3' },
    { type: 'network', name: 'neutron', url: 'http://127.0.0.1:9696' },
  ],
}

// biome-ignore lint/suspicious/noExplicitAny: answers are looked into at will.
type Answer = { status: number; body: any; headers: Record<string, unknown> }

async function startService(store: Store, clock: Clock = systemClock) {
  await applyBootstrap(store, bootstrap, catalog)
  const tokens = createTokens({ store, clock, lifetime: 3600 })
  const api = buildIdentityApi({ store, tokens, clock, log: silentLogger })
  const identity = createEmbeddedIdentity(tokens, 'http://127.0.0.1:5000')

  async function call(
    method: string,
    path: string,
    token?: string,
    body?: object,
    subject?: string,
  ): Promise<Answer> {
    const reply = await api.inject({
      method: method as 'GET',
      url: path,
      headers: {
        'content-type': 'application/json',
        ...(token === undefined ? {} : { 'x-auth-token': token }),
        ...(subject === undefined ? {} : { 'x-subject-token': subject }),
      },
      ...(body === undefined ? {} : { payload: body }),
    })
    const text = reply.body
    return {
      status: reply.statusCode,
      body: text === '' ? undefined : JSON.parse(text),
      headers: reply.headers,
    }
  }

  const byPassword = (name: string, password: string) => ({
    methods: ['password'],
    password: { user: { name, domain: { id: 'default' }, password } },
  })

  async function login(name: string, password: string, scope?: unknown): Promise<Answer> {
    const auth = { identity: byPassword(name, password), ...(scope === undefined ? {} : { scope }) }
    return call('POST', '/v3/auth/tokens', undefined, { auth })
  }

  async function tokenFor(name: string, password: string, scope?: unknown): Promise<string> {
    const answer = await login(name, password, scope)
    assert.equal(answer.status, 201, JSON.stringify(answer.body))
    return String(answer.headers['x-subject-token'])
  }
  const adminScope = { project: { name: 'admin', domain: { name: 'Default' } } }
  const admin = await tokenFor('admin', 'root-secret', adminScope)
  const blue = await tokenFor('blue', 'blue-secret')
  return { api, tokens, identity, call, login, tokenFor, admin, blue, byPassword }
}

const projectNamed = (name: string) => ({ project: { name, domain: { id: 'default' } } })
const roleNames = (answer: Answer) => answer.body.token.roles.map(({ name }: { name: string }) => name)

forEachEngine('a token lists implied roles, catalogue and times', async ({ store }) => {
  const { login } = await startService(store)
  const admin = await login('admin', 'root-secret', projectNamed('admin'))
  assert.deepEqual(roleNames(admin), ['admin', 'manager', 'member', 'reader'])
  const { token } = admin.body
  assert.deepEqual(token.methods, ['password'])
  assert.equal(token.project.domain.id, 'default')
  assert.match(token.expires_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000000Z$/)
  const network = token.catalog.find(({ type }: { type: string }) => type === 'network')
  assert.deepEqual(
    network.endpoints.map((e: Record<string, string>) => [e.interface, e.region, e.url]),
    [
      ['admin', 'RegionOne', 'http://127.0.0.1:9696'],
      ['internal', 'RegionOne', 'http://127.0.0.1:9696'],
      ['public', 'RegionOne', 'http://127.0.0.1:9696'],
    ],
  )
})

forEachEngine('scopes: project, domain, system, none, and the default project', async ({ store }) => {
  const { login } = await startService(store)
  const blue = await login('blue', 'blue-secret')
  assert.equal(blue.body.token.project.name, 'blue')
  assert.deepEqual(roleNames(blue), ['member', 'reader'])
  assert.equal((await login('blue', 'blue-secret', 'unscoped')).body.token.roles, undefined)
  assert.deepEqual((await login('admin', 'root-secret', { system: { all: true } })).body.token.system, {
    all: true,
  })
  assert.equal(
    (await login('admin', 'root-secret', { domain: { id: 'default' } })).body.token.domain.name,
    'Default',
  )
  assert.equal((await login('admin', 'root-secret')).body.token.project, undefined)
  assert.equal((await login('blue', 'blue-secret', projectNamed('red'))).status, 401)
  assert.equal((await login('blue', 'blue-secret', projectNamed('nowhere'))).status, 401)
  assert.equal((await login('blue', 'blue-secret', { system: { all: true } })).status, 401)
})

forEachEngine('what is not proven is 401, what makes no sense is 400', async ({ store }) => {
  const { login, call, identity } = await startService(store)
  for (const [name, password] of [
    ['blue', 'wrong'],
    ['nobody', 'blue-secret'],
    ['blue', ''],
  ] as const) {
    const answer = await login(name, password)
    assert.equal(answer.status, 401)
    assert.deepEqual(answer.body, {
      error: {
        code: 401,
        message: 'The request you have made requires authentication.',
        title: 'Unauthorized',
      },
    })
    assert.match(String(answer.headers['www-authenticate']), /^Keystone uri="/)
  }
  for (const body of [
    {},
    { auth: {} },
    { auth: { identity: { methods: [] } } },
    { auth: { identity: { methods: ['password'], password: {} } } },
    { auth: { identity: { methods: ['password'], password: { user: { name: 'blue', password: 'x' } } } } },
    { auth: { identity: { methods: ['password'], password: { user: { name: 7, password: 'x' } } } } },
  ]) {
    assert.equal((await call('POST', '/v3/auth/tokens', undefined, body)).status, 400, JSON.stringify(body))
  }
  assert.equal((await call('GET', '/v3/auth/projects', 'no-such-token')).status, 401)
  await assert.rejects(identity.authenticate({}), Unauthorized)
  await assert.rejects(identity.authenticate({ 'x-auth-token': 'no-such-token' }), Unauthorized)
})

forEachEngine('a token is validated by services and by itself, and revoked for good', async ({ store }) => {
  const { call, admin, blue, identity } = await startService(store)
  const seen = await call('GET', '/v3/auth/tokens?nocatalog', admin, undefined, blue)
  assert.equal(seen.status, 200)
  assert.equal(seen.body.token.user.name, 'blue')
  assert.equal(seen.body.token.catalog, undefined)
  assert.equal((await call('HEAD', '/v3/auth/tokens', blue, undefined, blue)).status, 200)
  assert.equal((await call('GET', '/v3/auth/tokens', blue, undefined, admin)).status, 403)
  assert.equal((await call('GET', '/v3/auth/tokens', admin, undefined, 'unknown')).status, 404)

  const context = await identity.authenticate({ 'x-auth-token': blue })
  assert.deepEqual(
    [context.userName, context.projectName, context.scope, context.isAdmin, context.roles],
    ['blue', 'blue', 'project', false, ['member', 'reader']],
  )
  assert.equal((await call('DELETE', '/v3/auth/tokens', blue, undefined, blue)).status, 204)
  await assert.rejects(identity.authenticate({ 'x-auth-token': blue }), Unauthorized)
})

forEachEngine('another server on the same database forgets a revoked token', async ({ store, open }) => {
  const { tokens, blue } = await startService(store)
  if (store.engine === 'sqlite') return assert.ok(await tokens.validate(blue)) // one process alone
  const other = createTokens({ store: await open(), clock: systemClock, lifetime: 3600 })
  assert.ok(await other.validate(blue))
  assert.ok(other.remembered(blue))
  // The other server may only be about to listen: it is told until it has heard.
  const end = Date.now() + 60_000
  while (other.remembered(blue) !== undefined && Date.now() < end) {
    await tokens.revoke('req-1', blue)
    await systemClock.sleep(20)
  }
  assert.equal(await other.validate(blue), undefined)
})

forEachEngine('a token made from a token keeps its expiry', async ({ store }) => {
  let offset = 0
  const clock = { ...systemClock, now: () => new Date(Date.now() + offset) }
  const { call, login } = await startService(store, clock)
  const first = await login('blue', 'blue-secret', 'unscoped')
  const text = String(first.headers['x-subject-token'])
  offset = 600_000
  const identity = { methods: ['token'], token: { id: text } }
  const second = await call('POST', '/v3/auth/tokens', undefined, {
    auth: { identity, scope: projectNamed('blue') },
  })
  assert.equal(second.status, 201)
  assert.equal(second.body.token.expires_at, first.body.token.expires_at)
  assert.deepEqual(second.body.token.methods, ['token', 'password'])
  assert.equal(second.body.token.audit_ids[1], first.body.token.audit_ids[0])
  offset = 3_601_000
  assert.equal((await call('GET', '/v3/auth/projects', text)).status, 401)
})

forEachEngine('a role that is taken away is gone from tokens at once', async ({ store }) => {
  const { call, admin, tokenFor } = await startService(store)
  const { body: users } = await call('GET', '/v3/users?name=blue', admin)
  const { body: projects } = await call('GET', '/v3/projects?name=red', admin)
  const { body: roles } = await call('GET', '/v3/roles?name=reader', admin)
  const path = `/v3/projects/${projects.projects[0].id}/users/${users.users[0].id}/roles/${roles.roles[0].id}`
  assert.equal((await call('HEAD', path, admin)).status, 404)
  assert.equal((await call('PUT', path, admin)).status, 204)
  assert.equal((await call('PUT', path, admin)).status, 204)
  assert.equal((await call('HEAD', path, admin)).status, 204)
  const red = await tokenFor('blue', 'blue-secret', projectNamed('red'))
  assert.equal((await call('GET', '/v3/auth/projects', red)).body.projects.length, 2)
  assert.equal((await call('DELETE', path, admin)).status, 204)
  assert.equal((await call('DELETE', path, admin)).status, 404)
  assert.equal((await call('GET', '/v3/auth/projects', red)).status, 401)
})

forEachEngine('without the right everything is 403, also what does not exist', async ({ store }) => {
  const { call, blue, admin } = await startService(store)
  const own = (await call('GET', '/v3/auth/projects', blue)).body.projects[0].id
  assert.equal((await call('GET', `/v3/projects/${own}`, blue)).status, 200)
  for (const [method, path] of [
    ['GET', '/v3/projects/blue'],
    ['GET', '/v3/projects/none'],
    ['GET', '/v3/projects'],
    ['GET', '/v3/users'],
    ['GET', '/v3/users/none'],
    ['GET', '/v3/roles'],
    ['GET', '/v3/role_assignments'],
    ['DELETE', `/v3/projects/${own}`],
    ['PUT', `/v3/projects/${own}/users/x/roles/y`],
  ] as const) {
    assert.equal((await call(method, path, blue)).status, 403, `${method} ${path}`)
  }
  assert.equal((await call('POST', '/v3/projects', blue, { project: { name: 'mine' } })).status, 403)
  assert.equal((await call('GET', '/v3/projects/none', admin)).status, 404)
})

forEachEngine('projects and users: create, alter, conflict, remove', async ({ store }) => {
  const { call, admin, login, tokenFor } = await startService(store)
  const made = await call('POST', '/v3/projects', admin, { project: { name: 'green', description: 'new' } })
  assert.equal(made.status, 201)
  const { id, ...rest } = made.body.project
  assert.deepEqual(rest, {
    name: 'green',
    domain_id: 'default',
    description: 'new',
    enabled: true,
    parent_id: 'default',
    is_domain: false,
    options: {},
    tags: [],
    links: { self: `http://localhost:80/v3/projects/${id}` },
  })
  assert.equal((await call('POST', '/v3/projects', admin, { project: { name: 'green' } })).status, 409)
  assert.equal((await call('POST', '/v3/projects', admin, { project: { name: '' } })).status, 400)
  assert.equal(
    (await call('POST', '/v3/projects', admin, { project: { name: 'x', domain_id: 'no' } })).status,
    400,
  )
  const user = await call('POST', '/v3/users', admin, {
    user: { name: 'gina', password: 'p1', default_project_id: id, email: 'g@example.org' },
  })
  assert.equal(user.status, 201)
  assert.doesNotMatch(JSON.stringify(user.body), /p1|password_hash|scrypt/)
  const userId = user.body.user.id
  const member = (await call('GET', '/v3/roles?name=member', admin)).body.roles[0].id
  await call('PUT', `/v3/projects/${id}/users/${userId}/roles/${member}`, admin)
  const gina = await tokenFor('gina', 'p1')

  const change = { user: { original_password: 'p1', password: 'p2' } }
  assert.equal((await call('POST', `/v3/users/${userId}/password`, gina, change)).status, 204)
  assert.equal((await call('GET', '/v3/auth/projects', gina)).status, 401)
  assert.equal((await login('gina', 'p1')).status, 401)
  const again = await tokenFor('gina', 'p2')

  assert.equal((await call('PATCH', `/v3/users/${userId}`, admin, { user: { enabled: false } })).status, 200)
  assert.equal((await call('GET', '/v3/auth/projects', again)).status, 401)
  assert.equal((await login('gina', 'p2')).status, 401)
  assert.equal(
    (await call('PATCH', `/v3/users/${userId}`, admin, { user: { enabled: true } })).body.user.enabled,
    true,
  )
  assert.equal((await login('gina', 'p2')).status, 201)

  assert.equal((await call('DELETE', `/v3/projects/${id}`, admin)).status, 204)
  assert.equal((await login('gina', 'p2')).body.token.project, undefined)
  assert.equal((await call('DELETE', `/v3/users/${userId}`, admin)).status, 204)
  assert.equal((await call('GET', `/v3/users/${userId}`, admin)).status, 404)
  assert.equal((await login('gina', 'p2')).status, 401)
})

forEachEngine(
  'application credentials: limited, single project, removed with their tokens',
  async ({ store }) => {
    const { call, blue, admin } = await startService(store)
    const user = (await call('GET', '/v3/auth/tokens', blue, undefined, blue)).body.token.user.id
    const path = `/v3/users/${user}/application_credentials`
    const body = { application_credential: { name: 'terraform', roles: [{ name: 'reader' }] } }
    const made = await call('POST', path, blue, body)
    assert.equal(made.status, 201)
    assert.equal((await call('POST', path, blue, body)).status, 409)
    assert.equal((await call('POST', path, admin, body)).status, 403)
    const greedy = { application_credential: { name: 'x', roles: [{ name: 'admin' }] } }
    assert.equal((await call('POST', path, blue, greedy)).status, 404)
    const { id, secret } = made.body.application_credential
    const listed = (await call('GET', path, blue)).body.application_credentials
    assert.deepEqual(
      listed.map((c: Record<string, unknown>) => [c.name, c.secret]),
      [['terraform', undefined]],
    )

    const loginWith = (given: object, scope?: object) =>
      call('POST', '/v3/auth/tokens', undefined, {
        auth: {
          identity: { methods: ['application_credential'], application_credential: given },
          ...(scope === undefined ? {} : { scope }),
        },
      })
    const byId = await loginWith({ id, secret })
    assert.equal(byId.status, 201)
    assert.deepEqual(roleNames(byId), ['reader'])
    assert.equal(byId.body.token.project.name, 'blue')
    const named = { name: 'terraform', user: { name: 'blue', domain: { id: 'default' } } }
    assert.equal((await loginWith({ ...named, secret })).status, 201)
    assert.equal((await loginWith({ id, secret: 'wrong' })).status, 401)
    assert.equal((await loginWith({ id, secret }, projectNamed('red'))).status, 401)

    const token = String(byId.headers['x-subject-token'])
    assert.equal(
      (await call('POST', path, token, { application_credential: { name: 'second' } })).status,
      403,
    )
    const rescope = { auth: { identity: { methods: ['token'], token: { id: token } } } }
    assert.equal((await call('POST', '/v3/auth/tokens', undefined, rescope)).status, 403)
    assert.equal((await call('DELETE', `${path}/${id}`, blue)).status, 204)
    assert.equal((await call('GET', '/v3/auth/projects', token)).status, 401)
  },
)

forEachEngine('role assignments: as given, effective, with names', async ({ store }) => {
  const { call, admin } = await startService(store)
  const user = (await call('GET', '/v3/users?name=blue', admin)).body.users[0].id
  const path = `/v3/role_assignments?user.id=${user}&include_names`
  const given = (await call('GET', path, admin)).body.role_assignments
  assert.equal(given.length, 1)
  const [{ role, user: who, scope }] = given
  assert.deepEqual([role.name, who.name, who.domain.name], ['member', 'blue', 'Default'])
  assert.deepEqual([scope.project.name, scope.project.domain.id], ['blue', 'default'])
  const effective = (await call('GET', `${path}&effective=True`, admin)).body.role_assignments
  assert.deepEqual(
    effective.map((row: { role: { name: string } }) => row.role.name),
    ['member', 'reader'],
  )
  const system = (await call('GET', '/v3/role_assignments?scope.system=all', admin)).body.role_assignments
  assert.deepEqual(system[0].scope, { system: { all: true } })
})

forEachEngine('the bootstrap may be applied again; a new password takes effect', async ({ store }) => {
  const { login, call, blue, admin, tokens } = await startService(store)
  const count = async () => (await call('GET', '/v3/endpoints', admin)).body.endpoints.length
  const before = await count()
  await applyBootstrap(store, bootstrap, catalog)
  assert.equal(await count(), before)
  assert.ok(await tokens.validate(blue))
  const [admin0, blue0] = bootstrap.users
  assert.ok(admin0 !== undefined && blue0 !== undefined)
  await applyBootstrap(store, { ...bootstrap, users: [admin0, { ...blue0, password: 'changed' }] }, catalog)
  assert.equal((await login('blue', 'blue-secret')).status, 401)
  assert.equal((await login('blue', 'changed')).status, 201)
})

forEachEngine('versions, regions and odd requests', async ({ store, engine }) => {
  const { call, admin, blue, api } = await startService(store)
  const root = await call('GET', '/')
  assert.equal(root.status, 300)
  assert.equal(root.body.versions.values[0].id, 'v3.14')
  assert.equal((await call('GET', '/v3/')).body.version.links[0].href, 'http://localhost:80/v3/')
  assert.equal((await call('GET', '/v3/regions', blue)).body.regions[0].id, 'RegionOne')
  assert.equal((await call('GET', '/v2.0', admin)).status, 404)
  assert.equal((await call('GET', '/v3/groups', admin)).body.groups.length, 0)
  assert.equal((await call('GET', '/v3/role_inferences', admin)).body.role_inferences.length, 3)
  const garbage = await api.inject({ method: 'POST', url: '/v3/auth/tokens', payload: '{', headers: {} })
  assert.equal(garbage.statusCode, 400, engine)
  for (const name of ['constructor', '__proto__', "x' or '1'='1"]) {
    const answer = await call('GET', `/v3/projects?name=${encodeURIComponent(name)}`, admin)
    assert.deepEqual(answer.body.projects, [])
  }
  assert.equal((await call('GET', '/v3/users/%00', admin)).status, 404)
  assert.equal((await call('GET', '/v3/projects?name=a%00', admin)).status, 400)
})
