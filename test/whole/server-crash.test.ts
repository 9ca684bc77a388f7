/**
 * The server is killed at chosen points and at random moments while ports come and go. Every acknowledged write is
 * there afterwards, and the host's switch and DHCP server hold what the API says.
 */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { create, list, type Network } from '../../client/networking.ts'
import type { CrashPoint } from '../../runtime/crash-point.ts'
import { whyNoTestHosts } from '../kernel/sandbox.ts'
import { type CloudHost, createCloud, until, type WholeCloud } from './cloud.ts'

const skip = whyNoTestHosts() ?? false
const randomKills = 50
let cloud: WholeCloud
let host: CloudHost
let network: Network
let writer: ChildProcess
let log: string

before(async () => {
  if (skip) return
  cloud = await createCloud({ config: '[quotas]\nquota_port = -1\n' })
  host = await cloud.addHost('one')
  await host.startAgent()
  network = await create(cloud.admin, 'network', { name: 'busy' })
  await create(cloud.admin, 'subnet', { network_id: network.id, ip_version: 4, cidr: '10.8.0.0/16' })
  log = join(cloud.dir, 'acknowledged.log')
  writeFileSync(log, '')
  writer = spawn(
    process.execPath,
    [
      new URL('acknowledged.process.ts', import.meta.url).pathname,
      ...[JSON.stringify(cloud.clouds.admin), network.id, 'one', log],
    ],
    { stdio: 'inherit' },
  )
})
after(async () => {
  writer?.kill('SIGKILL')
  await cloud?.destroy()
})

/** Answers only when acknowledgements have come in again: the server works. */
async function progress(): Promise<void> {
  const start = readFileSync(log).length
  await until('writes are acknowledged again', async () => readFileSync(log).length > start + 500)
}

const points: readonly CrashPoint[] = [
  'before-commit',
  'after-commit',
  'before-relay',
  'after-relay',
  'before-reply',
]

for (const point of points) {
  test(`killed ${point.replace('-', ' ')}`, { skip }, async () => {
    for (const pass of [1, 7]) {
      await cloud.killServer()
      await cloud.startServer({ NUCLEON_CRASH_AT: `${point}:${pass}` }).catch(() => undefined)
      await cloud.serverEnded()
      await cloud.startServer()
      await progress()
    }
  })
}

test(`killed at ${randomKills} random moments`, { skip }, async () => {
  for (let kill = 0; kill < randomKills; kill++) {
    await sleep(Math.random() * 150)
    await cloud.killServer()
    await cloud.startServer()
  }
  await progress()
})

test('afterwards database and host agree with what was acknowledged', { skip }, async () => {
  writer.kill('SIGKILL')
  await sleep(200)
  const lines = readFileSync(log, 'utf8').trim().split('\n')
  const created = new Map<string, string>()
  const maybeDeleted = new Set<string>()
  const deleted = new Set<string>()
  for (const [verb, id = '', address = ''] of lines.map((line) => line.split(' '))) {
    if (verb === 'created') created.set(id, address)
    else if (verb === 'deleting') maybeDeleted.add(id)
    else if (verb === 'deleted') deleted.add(id)
  }
  assert.deepEqual(
    lines.filter((line) => line.startsWith('refused')),
    [],
    'nothing was refused',
  )
  assert.ok(created.size > 100, `${created.size} ports were acknowledged`)

  const ports = await list(cloud.admin, 'port', { network_id: network.id })
  const stored = new Map(ports.map((port) => [port.id, port]))
  for (const [id, address] of created) {
    if (deleted.has(id)) assert.ok(!stored.has(id), `${id} was deleted and is there`)
    else if (!maybeDeleted.has(id))
      assert.equal(stored.get(id)?.fixed_ips[0]?.ip_address, address, `${id} is lost`)
  }
  const addresses = ports.map((port) => port.fixed_ips[0]?.ip_address)
  assert.equal(new Set(addresses).size, addresses.length, 'no address is used twice')

  const expected = ports
    .filter((port) => port.device_owner === 'compute:nova')
    .map((port) => `${port.mac_address} ${port.fixed_ips[0]?.ip_address}`)
    .sort()
  let held: string[] = []
  await until(
    'the DHCP server holds exactly the ports of the API',
    async () => {
      held = dhcpHosts(join(host.dir, 'agent'))
      return JSON.stringify(held.filter((entry) => expected.includes(entry))) === JSON.stringify(expected)
    },
    30,
  )
  const own = ports.filter((port) => port.device_owner === 'network:dhcp').length
  assert.ok(held.length <= expected.length + own, `${held.length} entries for ${expected.length} ports`)
})

/** `mac ip` of every dnsmasq host line below a directory, sorted. */
function dhcpHosts(directory: string): string[] {
  const entries: string[] = []
  for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    for (const line of linesOf(join(entry.parentPath, entry.name))) {
      const mac = /^([0-9a-f]{2}(?::[0-9a-f]{2}){5}),/.exec(line)?.[1]
      const ip = /,(\d+\.\d+\.\d+\.\d+)(?:,|$)/.exec(line)?.[1]
      if (mac && ip) entries.push(`${mac} ${ip}`)
    }
  }
  return [...new Set(entries)].sort()
}

/** The lines of a file; none if it has gone since it was listed. */
function linesOf(path: string): string[] {
  try {
    return readFileSync(path, 'latin1').split('\n')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}
