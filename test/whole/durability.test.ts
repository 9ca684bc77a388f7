/**
 * The machine that the server runs on loses power, again and again, while ports are created and deleted. What was
 * acknowledged is there when it is back.
 */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Client, createClient } from '../../client/http.ts'
import { create, list, type Network } from '../../client/networking.ts'
import { until } from './cloud.ts'
import { bootGuest, type Guest, whyNoGuest } from './guest.ts'

const skip = whyNoGuest() ?? false
const resets = process.env.NUCLEON_TEST_SOAK === '1' ? 20 : 1
const [apiPort, identityPort] = [19_796, 15_796]
/** Seconds that an emulated machine may take to boot and start the server. */
const patience = 180
let directory: string
let guest: Guest
let client: Client
let network: Network
let writer: ChildProcess | undefined

const cloud = {
  authUrl: `http://127.0.0.1:${identityPort}/v3`,
  username: 'admin',
  password: 'admin-pass',
  projectName: 'admin',
  domainId: 'default',
}

const configuration = `[DEFAULT]
auth_strategy = embedded
dns_domain = cloud.test
[ml2]
type_drivers = vxlan
tenant_network_types = vxlan
[ml2_type_vxlan]
vni_ranges = 1:1000
[quotas]
quota_port = -1
[nucleon]
public_endpoint = http://127.0.0.1:${apiPort}
`

const bootstrap = {
  projects: [{ name: 'admin' }],
  users: [{ name: 'admin', password: 'admin-pass' }],
  assignments: [{ user: 'admin', project: 'admin', role: 'admin' }],
}

before(
  async () => {
    if (skip) return
    directory = mkdtempSync(join(tmpdir(), 'guest-'))
    guest = await bootGuest({
      directory,
      forward: new Map([
        [apiPort, 9696],
        [identityPort, 5000],
      ]),
      files: { 'nucleon.conf': configuration, 'bootstrap.json': JSON.stringify(bootstrap) },
      start: `cd /nucleon && NODE_COMPILE_CACHE=/state/compiled exec node --disable-warning=ExperimentalWarning server/main.ts \\
  --config-file /etc/nucleon/nucleon.conf --state /state --bootstrap /etc/nucleon/bootstrap.json \\
  --api 0.0.0.0:9696 --identity 0.0.0.0:5000
`,
    })
    client = createClient(cloud)
    await answers()
    network = await create(client, 'network', { name: 'durable' })
    await create(client, 'subnet', { network_id: network.id, ip_version: 4, cidr: '10.8.0.0/16' })
  },
  { timeout: 2000 * patience },
)
after(async () => {
  writer?.kill('SIGKILL')
  await client?.close()
  await guest?.end()
  if (directory) rmSync(directory, { recursive: true, force: true })
})

/** The guest's server answers an authenticated request. */
async function answers(): Promise<void> {
  const asks = () =>
    list(client, 'network').then(
      () => true,
      () => false,
    )
  await until('the server in the guest answers', asks, patience).catch((error: Error) => {
    throw new Error(`${error.message}\n${guest.console().slice(-3000)}`)
  })
}

test(`every acknowledged write outlives a reset of the machine (times ${resets})`, {
  skip,
  timeout: 2000 * patience * (resets + 1),
}, async (t) => {
  const log = join(directory, 'acknowledged.log')
  writeFileSync(log, '')
  writer = spawn(
    process.execPath,
    [
      new URL('acknowledged.process.ts', import.meta.url).pathname,
      JSON.stringify(cloud),
      network.id,
      'nowhere',
      log,
    ],
    { stdio: 'inherit' },
  )
  const acknowledged = () =>
    readFileSync(log, 'utf8')
      .split('\n')
      .filter((line) => /^(created|deleted) /.test(line)).length
  for (let reset = 0; reset < resets; reset++) {
    const before_ = acknowledged()
    await until('writes are acknowledged', async () => acknowledged() > before_ + 15, patience)
    await sleep(Math.random() * 500)
    await guest.reset()
    await answers()
  }
  const last = acknowledged()
  await until('writes are acknowledged again', async () => acknowledged() > last + 5, patience)
  writer.kill('SIGKILL')
  // What was on its way arrives or does not.
  await sleep(1000)

  const created = new Map<string, string>()
  const [asked, deleted] = [new Set<string>(), new Set<string>()]
  const lines = readFileSync(log, 'utf8').trim().split('\n')
  for (const [verb, id = '', address = ''] of lines.map((line) => line.split(' '))) {
    if (verb === 'created') created.set(id, address)
    else if (verb === 'deleting') asked.add(id)
    else if (verb === 'deleted') deleted.add(id)
  }
  assert.deepEqual(
    lines.filter((line) => line.startsWith('refused')),
    [],
    'nothing was refused',
  )
  const ports = new Map(
    (await list(client, 'port', { network_id: network.id })).map((port) => [port.id, port]),
  )
  for (const [id, address] of created) {
    if (deleted.has(id)) assert.ok(!ports.has(id), `${id} was deleted and is there`)
    else if (!asked.has(id)) assert.equal(ports.get(id)?.fixed_ips[0]?.ip_address, address, `${id} is lost`)
  }
  t.diagnostic(
    `${created.size} ports created and ${deleted.size} deleted were acknowledged over ${resets} resets`,
  )
  assert.ok(created.size > 8 * resets && deleted.size > 2 * resets)
})
