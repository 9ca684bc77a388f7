/** The server process as its supervisor sees it: ready, healthy, ended, or refusing to start and saying why. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { request } from 'undici'
import { contentOf } from '../../cli/test/packages.ts'
import { isKnownOption } from '../../runtime/config/roles.ts'
import { servicePluginNames } from '../../server/plugins.ts'
import { freePort } from '../free-port.ts'

interface More {
  argv?: readonly string[]
  /** Its policy.yaml. */
  policy?: string
  /** Configuration files that are read before. */
  files?: readonly string[]
}

/** The process with a configuration; its output, its end, and where it listens. */
async function start(
  t: TestContext,
  configuration: string | ((state: string) => string),
  { argv = [], policy, files = [] }: More = {},
) {
  const state = await mkdtemp(join(tmpdir(), 'nucleon-server-'))
  await mkdir(join(state, 'server'))
  const file = join(state, 'nucleon.conf')
  await writeFile(file, typeof configuration === 'string' ? configuration : configuration(state))
  if (policy !== undefined) await writeFile(join(state, 'policy.yaml'), policy)
  await writeFile(join(state, 'secret'), 'the-secret')
  const [api, identity] = [await freePort(), await freePort()]
  const child = spawn(
    process.execPath,
    [
      new URL('../../server/main.ts', import.meta.url).pathname,
      ...[...files, file].flatMap((path) => ['--config-file', path]),
      ...['--state', state, '--identity', `127.0.0.1:${identity}`],
      ...['--feed', `unix:${state}/server/feed.sock`, '--feed-secret-file', join(state, 'secret')],
      ...(argv.includes('--api') ? [] : ['--api', `127.0.0.1:${api}`]),
      ...argv,
    ],
    { stdio: ['ignore', 'pipe', 'pipe', 'ipc'] },
  )
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk) => {
      output += chunk
    })
  }
  const ended = once(child, 'exit').then(([code]) => code as number | null)
  t.after(async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
    await ended
    await rm(state, { recursive: true, force: true })
  })
  /** Its first message; fails with what it said when it ends instead. */
  const ready = () =>
    Promise.race([
      once(child, 'message').then(([message]) => message as unknown),
      ended.then((code) => assert.fail(`ended with ${code}: ${output}`)),
    ])
  return { child, ended, ready, output: () => output, url: `http://127.0.0.1:${api}`, state }
}

test('a server says when it is ready, answers, and ends cleanly', async (t) => {
  const server = await start(t, '[DEFAULT]\nauth_strategy = noauth\nprot = 1\n')
  assert.deepEqual(await server.ready(), { ready: true })
  const networks = await request(`${server.url}/v2.0/networks`)
  assert.deepEqual([networks.statusCode, await networks.body.json()], [200, { networks: [] }])
  const health = await request(`${server.url}/healthcheck`)
  assert.deepEqual([health.statusCode, await health.body.text()], [200, 'OK'])
  const mode = (path: string) => stat(join(server.state, 'server', path)).then((found) => found.mode & 0o777)
  assert.deepEqual([await mode('feed.sock'), await mode('nucleon.db')], [0o600, 0o600])
  assert.match(server.output(), /nucleon\.conf:3.*unknown option \[DEFAULT\] prot/)
  server.child.kill('SIGTERM')
  assert.equal(await server.ended, 0)
})

test('a server ends with its supervisor', async (t) => {
  const server = await start(t, '[DEFAULT]\nauth_strategy = noauth\n')
  await server.ready()
  server.child.disconnect()
  assert.equal(await server.ended, 0)
})

test('noauth is refused where others reach it', async (t) => {
  const server = await start(t, '[DEFAULT]\nauth_strategy = noauth\n', { argv: ['--api', '0.0.0.0:0'] })
  assert.equal(await server.ended, 1)
  assert.match(server.output(), /bind_host must be a loopback/)
})

test('what is wrong in the configuration is told with file and line, status 2', async (t) => {
  const server = await start(t, '[ml2]\npath_mtu = many\n')
  assert.equal(await server.ended, 2)
  assert.match(server.output(), /nucleon\.conf:2: \[ml2\] path_mtu = many: expected an integer of at least 0/)
})

test('what is wrong in policy.yaml is told with file, rule and column, status 2', async (t) => {
  const rules = '"get_network": "rule:missing"\n"get_port": "role:member and"\n'
  const server = await start(t, '[DEFAULT]\nauth_strategy = noauth\n', { policy: rules })
  assert.equal(await server.ended, 2)
  assert.match(server.output(), /policy\.yaml: rule 'get_port': expected a check \(column 16\)/)
  assert.match(server.output(), /policy\.yaml: rule 'get_network': there is no rule 'missing'/)
  assert.doesNotMatch(server.output(), /rulebook\.ts/, 'no stack')
})

test('metrics are told where the options say, and count requests by route, writes and the relay', async (t) => {
  const port = await freePort()
  const configuration = `[DEFAULT]\nauth_strategy = noauth\n[nucleon]\nserver_metrics = 127.0.0.1:${port}\n`
  const server = await start(t, configuration)
  await server.ready()
  const call = async (method: 'GET' | 'POST', path: string, body?: unknown) => {
    const reply = await request(`${server.url}${path}`, {
      method,
      headers: { 'content-type': 'application/json', 'x-project-id': 'p', 'x-roles': 'admin' },
      body: body === undefined ? null : JSON.stringify(body),
    })
    await reply.body.dump()
    return reply.statusCode
  }
  for (const name of ['a', 'b'])
    assert.equal(await call('POST', '/v2.0/networks', { network: { name } }), 201)
  assert.equal(await call('GET', '/v2.0/networks/nobody'), 404)
  const read = async () => (await request(`http://127.0.0.1:${port}/metrics`)).body.text()
  let text = await read()
  for (let n = 0; !/^nucleon_relay_changes_behind\{.*\} 0$/m.test(text); n++) {
    assert.ok(n < 100, text)
    text = await read()
  }
  const value = (pattern: RegExp) => Number(pattern.exec(text)?.[1])
  assert.equal(
    value(/^nucleon_requests_seconds_count\{.*method="POST",route="\S*networks",status="201".* (\d+)$/m),
    2,
  )
  assert.equal(value(/^nucleon_requests_seconds_count\{.*method="GET",.*status="404".* (\d+)$/m), 1)
  assert.ok(value(/^nucleon_writes_seconds_count\{.*outcome="committed".* (\d+)$/m) >= 2)
  assert.equal(value(/^nucleon_feed_streams\{.*\} (\d+)$/m), 0)
  assert.doesNotMatch(text, /nobody/, 'nothing that somebody chose is a label')
  assert.equal((await request(`http://127.0.0.1:${port}/other`)).statusCode, 404)
})

/** Where Debian's packages keep the configuration that they install. */
const stockFiles: Record<string, readonly string[]> = {
  'neutron-common': [
    'usr/share/neutron-common/neutron.conf',
    'usr/share/neutron-common/plugins/ml2/ml2_conf.ini',
    'usr/share/neutron-common/plugins/ml2/openvswitch_agent.ini',
    'usr/share/neutron-common/dhcp_agent.ini',
    'usr/share/neutron-common/l3_agent.ini',
    'usr/share/neutron-common/ovn.ini',
  ],
  'neutron-metadata-agent': ['usr/share/neutron-metadata-agent/metadata_agent.ini'],
  'neutron-linuxbridge-agent': ['etc/neutron/plugins/ml2/linuxbridge_agent.ini'],
}

const stock = Object.entries(stockFiles).flatMap(([name, files]) =>
  files.map((file) => join(contentOf(name), file)),
)
const noStock = stock.every((path) => existsSync(path)) ? false : 'needs what is in the neutron packages'

test("Debian's configuration of Neutron starts the server without a false warning", {
  skip: noStock,
}, async (t) => {
  const directory = join(contentOf('neutron-common'), 'etc/neutron/policy.d')
  // What an operator has to say besides: a database, a password, and here where the package's rules are.
  const own = (state: string) =>
    `[keystone_authtoken]\npassword = secret\n[oslo_policy]\npolicy_dirs = ${directory}\n` +
    `[database]\nconnection = sqlite:////${state}/server/neutron.db\nconection = a slip\n[DEFAULT]\nvlan_transparent = true\n`
  const server = await start(t, own, { files: stock })
  assert.deepEqual(await server.ready(), { ready: true })
  const lines = server.output().trim().split('\n')
  const warnings = lines.map((line) => JSON.parse(line)).filter(({ level }) => level !== 'info')
  assert.deepEqual(
    warnings.map(({ msg, plugin, driver, option }) => [msg, plugin ?? driver ?? option]),
    [
      ['unknown option [database] conection is ignored', undefined],
      // True until they are served: the packages' configuration asks for them.
      ...(servicePluginNames.includes('router') ? [] : [['this service plugin is not served yet', 'router']]),
      ['this mechanism driver is not served yet', 'l2population'],
      ['this option is not served: it stays false', 'vlan_transparent'],
    ],
  )
})

test("every option that Debian's configuration mentions is known", {
  skip: noStock,
}, async (t) => {
  let count = 0
  for (const path of stock) {
    let section = 'DEFAULT'
    for (const line of (await readFile(path, 'utf8')).split('\n')) {
      section = /^\[(.+)\]/.exec(line)?.[1] ?? section
      const [, name] = /^#?([a-z]\w*) ?=/.exec(line) ?? []
      if (name === undefined) continue
      count++
      assert.ok(isKnownOption(section, name), `${path}: [${section}] ${name}`)
    }
  }
  t.diagnostic(`${count} options`)
  assert.ok(count > 900, `${count}`)
})
