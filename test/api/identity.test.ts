/** The identity service alone, as the `openstack` command sees it: log-in, catalogue, and what an administrator does. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { systemClock } from '../../runtime/clock.ts'
import { createLifecycle, type Lifecycle } from '../../runtime/lifecycle.ts'
import { silentLogger } from '../../runtime/log.ts'
import { buildIdentityApi } from '../../server/identity/embedded/api.ts'
import { applyBootstrap } from '../../server/identity/embedded/bootstrap.ts'
import { createTokens } from '../../server/identity/embedded/tokens.ts'
import { listen, urlOf } from '../../server/listen.ts'
import { openStore } from '../../server/store/open.ts'

const skip = existsSync('/usr/bin/openstack') ? false : 'needs python3-openstackclient'
const run = promisify(execFile)
let lifecycle: Lifecycle
let directory: string
let url: string

type Row = Record<string, unknown>

/** One command with the given settings of a cloud; JSON where the command prints an object or a list. */
async function openstack(cloud: string, ...argv: string[]): Promise<string> {
  const env = {
    PATH: process.env.PATH,
    HOME: directory,
    OS_CLIENT_CONFIG_FILE: join(directory, 'clouds.yaml'),
  }
  const { stdout } = await run('openstack', ['--os-cloud', cloud, ...argv], { env, timeout: 60_000 })
  return stdout
}

async function json<T>(cloud: string, ...argv: string[]): Promise<T> {
  return JSON.parse(await openstack(cloud, ...argv, '-f', 'json')) as T
}

async function writeClouds(more = ''): Promise<void> {
  const password = (name: string) => `  ${name}:
    auth:
      auth_url: ${url}
      username: ${name}
      password: ${name}-pass
      project_name: ${name}
      user_domain_id: default
      project_domain_id: default
    region_name: RegionOne
    identity_api_version: 3
`
  await writeFile(join(directory, 'clouds.yaml'), `clouds:\n${password('admin')}${password('blue')}${more}`)
}

before(async () => {
  if (skip) return
  directory = await mkdtemp(join(tmpdir(), 'nucleon-identity-'))
  lifecycle = createLifecycle({ log: silentLogger })
  const store = await lifecycle.start(
    'store',
    () => openStore({ engine: 'sqlite', path: join(directory, 'identity.db') }, silentLogger),
    (store) => store.close(),
  )
  const tokens = createTokens({ store, clock: systemClock, lifetime: 3600 })
  const api = buildIdentityApi({ store, tokens, clock: systemClock, log: silentLogger })
  const address = await lifecycle.start(
    'api',
    () => listen(api, { host: '127.0.0.1', port: 0 }),
    () => api.close(),
  )
  url = `${urlOf(address)}/v3`
  await applyBootstrap(
    store,
    {
      projects: [{ name: 'admin' }, { name: 'blue' }],
      users: ['admin', 'blue'].map((name) => ({ name, password: `${name}-pass` })),
      assignments: [
        { user: 'admin', project: 'admin', role: 'admin' },
        { user: 'blue', project: 'blue', role: 'member' },
      ],
    },
    {
      region: 'RegionOne',
      endpoints: [
        { type: 'identity', name: 'keystone', url },
        { type: 'network', name: 'neutron', url: 'http://127.0.0.1:9696' },
      ],
    },
  )
  await writeClouds()
})
after(async () => {
  await lifecycle?.stop()
  if (directory) await rm(directory, { recursive: true, force: true })
})

test('token and catalogue', { skip }, async () => {
  const [token, catalog, own] = await Promise.all([
    json<Row>('blue', 'token', 'issue'),
    json<{ Name: string; Type: string; Endpoints: Row[] }[]>('blue', 'catalog', 'list'),
    json<Row>('blue', 'project', 'show', 'blue'),
  ])
  assert.match(String(token.id), /^[\w-]{43}$/)
  assert.equal(token.project_id, own.id)
  const network = catalog.find(({ Type }) => Type === 'network')
  assert.deepEqual(network?.Endpoints.map((each) => [each.interface, each.region, each.url]).sort(), [
    ['admin', 'RegionOne', 'http://127.0.0.1:9696'],
    ['internal', 'RegionOne', 'http://127.0.0.1:9696'],
    ['public', 'RegionOne', 'http://127.0.0.1:9696'],
  ])
})

test('an administrator makes a project, a user, and gives it a role', { skip }, async () => {
  const project = await json<Row>('admin', 'project', 'create', 'green', '--description', 'A new one')
  assert.deepEqual([project.name, project.description, project.domain_id], ['green', 'A new one', 'default'])
  const user = await json<Row>(
    'admin',
    'user',
    'create',
    'gina',
    '--password',
    'gina-pass',
    '--project',
    'green',
  )
  assert.equal(user.default_project_id, project.id)
  assert.equal(user.password, undefined)
  await openstack('admin', 'role', 'add', '--user', 'gina', '--project', 'green', 'member')
  const [assignments, projects, users] = await Promise.all([
    json<Row[]>('admin', 'role', 'assignment', 'list', '--names', '--project', 'green'),
    json<Row[]>('admin', 'project', 'list'),
    json<Row[]>('admin', 'user', 'list'),
  ])
  assert.deepEqual(
    assignments.map((row) => [row.Role, row.User, row.Project]),
    [['member', 'gina@Default', 'green@Default']],
  )
  assert.deepEqual(projects.map(({ Name }) => Name).sort(), ['admin', 'blue', 'green'])
  assert.deepEqual(users.map(({ Name }) => Name).sort(), ['admin', 'blue', 'gina'])
})

test('a tenant sees no more than its own', { skip }, async () => {
  await assert.rejects(openstack('blue', 'user', 'list'), /403|not authorized/)
})

test('an application credential logs in', { skip }, async () => {
  const made = await json<Row>('blue', 'application', 'credential', 'create', 'terraform', '--role', 'reader')
  await writeClouds(`  terraform:
    auth_type: v3applicationcredential
    auth:
      auth_url: ${url}
      application_credential_id: ${String(made.ID ?? made.id)}
      application_credential_secret: ${String(made.Secret ?? made.secret)}
    region_name: RegionOne
`)
  const token = await json<Row>('terraform', 'token', 'issue')
  assert.equal(token.project_id, made.Project_ID ?? made.project_id)
})
