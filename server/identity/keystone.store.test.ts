/** `keystone` mode, validating at a Keystone over HTTP: the embedded service stands for it. */
import assert from 'node:assert/strict'
import { systemClock } from '../../runtime/clock.ts'
import { silentLogger } from '../../runtime/log.ts'
import { listen, urlOf } from '../listen.ts'
import { onSqlite } from '../store/testing.ts'
import { buildIdentityApi } from './embedded/api.ts'
import { applyBootstrap } from './embedded/bootstrap.ts'
import { createTokens } from './embedded/tokens.ts'
import { IdentityUnavailable, Unauthorized } from './identity.ts'
import { createKeystoneIdentity } from './keystone.ts'

const catalog = { region: 'RegionOne', endpoints: [] }
const bootstrap = {
  projects: [{ name: 'service' }, { name: 'blue' }],
  users: [
    { name: 'neutron', password: 'service-pass' },
    { name: 'blue', password: 'blue-pass' },
  ],
  assignments: [
    { user: 'neutron', project: 'service', role: 'service' },
    { user: 'blue', project: 'blue', role: 'member' },
  ],
}

onSqlite('tokens are validated at Keystone and believed for a while', async ({ store }) => {
  await applyBootstrap(store, bootstrap, catalog)
  const tokens = createTokens({ store, clock: systemClock, lifetime: 3600 })
  const api = buildIdentityApi({ store, tokens, clock: systemClock, log: silentLogger })
  let requests = 0
  api.addHook('onRequest', async () => {
    requests++
  })
  const authUrl = urlOf(await listen(api, { host: '127.0.0.1', port: 0 }))
  try {
    let offset = 0
    const clock = { ...systemClock, now: () => new Date(Date.now() + offset) }
    const settings = {
      authUrl,
      publicUrl: 'http://keystone.example:5000',
      username: 'neutron',
      password: 'service-pass',
      userDomain: { id: 'default' },
      projectName: 'service',
      projectDomain: { name: 'Default' },
      cacheTime: 60,
    }
    const identity = createKeystoneIdentity({ settings, clock, log: silentLogger })
    const { id: userId } = await store.read(({ db }) =>
      db.selectFrom('identity_users').select('id').where('name', '=', 'blue').executeTakeFirstOrThrow(),
    )
    const { id: projectId } = await store.read(({ db }) =>
      db.selectFrom('identity_projects').select('id').where('name', '=', 'blue').executeTakeFirstOrThrow(),
    )
    const scope = { kind: 'project', id: projectId } as const
    const issued = await tokens.issue('req-1', { userId, scope, methods: ['password'] })
    assert.ok(issued !== undefined)
    const headers = { 'x-auth-token': issued.text }

    const context = await identity.authenticate(headers)
    assert.deepEqual(
      [context.userId, context.projectId, context.projectName, context.scope, context.isAdmin],
      [userId, projectId, 'blue', 'project', false],
    )
    assert.deepEqual(context.roles, ['member', 'reader'])
    const before = requests
    assert.equal(await identity.authenticate(headers), context)
    assert.equal(requests, before)

    await tokens.revoke('req-2', issued.text)
    offset = 61_000
    await assert.rejects(
      identity.authenticate(headers),
      (error) => error instanceof Unauthorized && error.challenge.includes('keystone.example'),
    )
    await assert.rejects(identity.authenticate({}), Unauthorized)

    const wrong = createKeystoneIdentity({
      settings: { ...settings, password: 'wrong' },
      clock,
      log: silentLogger,
    })
    await assert.rejects(wrong.authenticate(headers), IdentityUnavailable)
  } finally {
    await api.close()
  }
  const gone = createKeystoneIdentity({
    settings: {
      authUrl,
      publicUrl: authUrl,
      username: 'neutron',
      password: 'service-pass',
      userDomain: { id: 'default' },
      projectName: 'service',
      projectDomain: { id: 'default' },
      cacheTime: 60,
    },
    clock: systemClock,
    log: silentLogger,
  })
  await assert.rejects(gone.authenticate({ 'x-auth-token': 'any' }), IdentityUnavailable)
  tokens.close()
})
