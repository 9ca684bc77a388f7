/**
 * Two thousand changes of ports while the agent is away: when it is back it writes the end state, once, and nothing
 * of what was in between; and it goes on answering meanwhile.
 */
import assert from 'node:assert/strict'
import { createInterface } from 'node:readline'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { create, list, type Network, type Port } from '../../client/networking.ts'
import { whyNoTestHosts } from '../kernel/sandbox.ts'
import { type CloudHost, createCloud, until, type WholeCloud } from './cloud.ts'
import { untilEqual, wantedBy } from './faults/host.reader.ts'

const skip = whyNoTestHosts() ?? false
const count = 200
const metricsPort = 19_703
let cloud: WholeCloud
let host: CloudHost
let network: Network
let ports: Port[]

before(async () => {
  if (skip) return
  cloud = await createCloud({
    config: `[quotas]\nquota_port = -1\n[nucleon]\nagent_metrics = 127.0.0.1:${metricsPort}\n`,
  })
  host = await cloud.addHost('one')
  await host.startAgent()
  network = await create(cloud.admin, 'network', { name: 'burst' })
  await create(cloud.admin, 'subnet', { network_id: network.id, ip_version: 4, cidr: '10.1.0.0/20' })
  ports = await makePorts(count)
  await plugAll(ports)
  await untilEqual(host, () => wantedBy(cloud.admin), { seconds: 30 })
})
after(() => cloud?.destroy())

async function makePorts(number: number): Promise<Port[]> {
  const asked = Array.from({ length: number }, (_, n) => ({
    network_id: network.id,
    device_owner: 'compute:nova',
    device_id: `burst-${n}`,
    'binding:host_id': 'one',
  }))
  return ((await cloud.admin.request('POST', '/ports', { ports: asked })) as { ports: Port[] }).ports
}

/** Plain internal ports: what is measured is our work, not the making of devices. */
async function plugAll(these: readonly Port[]): Promise<void> {
  const words = these.flatMap((port) => {
    const name = `tap${port.id.slice(0, 11)}`
    return [
      ...['--', 'add-port', 'br-int', name, 'tag=4095', '--', 'set', 'Interface', name, 'type=internal'],
      ...[`external_ids:iface-id=${port.id}`, `external_ids:attached-mac="${port.mac_address}"`],
    ]
  })
  await host.run(['ovs-vsctl', '--no-wait', ...words.slice(1)], { timeout: 30_000 })
}

/** So many at the same time. */
async function all<T>(list_: readonly T[], work: (item: T, n: number) => Promise<unknown>): Promise<void> {
  let next = 0
  const worker = async (): Promise<void> => {
    for (let n = next++; n < list_.length; n = next++) await work(list_[n] as T, n)
  }
  await Promise.all(Array.from({ length: 16 }, worker))
}

const numberOf = async (pattern: RegExp): Promise<number> => {
  const text = await host.run(['busybox', 'wget', '-q', '-O', '-', `http://127.0.0.1:${metricsPort}/metrics`])
  return Number(pattern.exec(text)?.[1] ?? Number.NaN)
}

test('2,000 changes while the agent is stopped: the end state is written once', { skip }, async (t) => {
  await host.killAgent()
  let changes = 0
  const change = (port: Port, body: Record<string, unknown>): Promise<unknown> => {
    changes += 1
    return cloud.admin.request('PUT', `/ports/${port.id}`, { port: body })
  }
  const subnet_id = ports[0]?.fixed_ips[0]?.subnet_id
  const at = (third: number, n: number) => ({
    fixed_ips: [{ subnet_id, ip_address: `10.1.${third}.${n + 1}` }],
  })
  for (const third of [4, 5, 6, 7, 8, 9]) {
    await all(ports, (port, n) => change(port, at(third, n)))
  }
  await all(ports.slice(0, 150), (port, n) => change(port, { name: `named-${n}` }))
  await all(ports.slice(0, 50), (port) => {
    changes += 1
    return cloud.admin.request('DELETE', `/ports/${port.id}`)
  })
  changes += (await makePorts(600)).length
  assert.equal(changes, 2000)

  const told: { time: number; line: string }[] = []
  const monitor = await host.spawn(['ovs-ofctl', 'monitor', '--no-names', 'br-int', 'watch:!initial'])
  for (const input of [monitor.child.stdout, monitor.child.stderr]) {
    if (!input) continue
    createInterface({ input }).on('line', (line) => {
      if (line.includes('event=')) told.push({ time: performance.now(), line })
    })
  }
  await sleep(300)
  const config = Number(await host.run(['ovs-vsctl', 'get', 'Open_vSwitch', '.', 'next_cfg']))
  const began = performance.now()
  await host.startAgent()
  const ready = performance.now() - began
  await untilEqual(host, () => wantedBy(cloud.admin), { seconds: 30 })
  const took = performance.now() - began
  await sleep(300)
  monitor.kill('SIGINT')
  await monitor.ended

  const added = told.filter(({ line }) => line.includes('event=ADDED')).map(({ line }) => line.trim())
  const addresses = added.flatMap((line) => /arp_spa=(\S+?)(?:,| )/.exec(line)?.[1] ?? [])
  assert.equal(new Set(added).size, added.length, 'no flow is written twice')
  assert.equal(addresses.length, count - 50, 'one address of each port that is left')
  assert.ok(
    addresses.every((ip) => ip.startsWith('10.1.9.')),
    'no address that was one in between',
  )
  const spread = (told.at(-1)?.time ?? 0) - (told[0]?.time ?? 0)
  const commits = Number(await host.run(['ovs-vsctl', 'get', 'Open_vSwitch', '.', 'next_cfg'])) - config
  const lag = await numberOf(/^nucleon_agent_longest_turn_seconds\{.*\} (\S+)$/m)
  t.diagnostic(
    `ready after ${Math.round(ready)} ms, as the API says after ${Math.round(took)} ms; ${told.length} events of ` +
      `flows in ${Math.round(spread)} ms, ${commits} commits to OVSDB; longest turn of the event loop ${lag} s`,
  )
  assert.ok(spread < 1500, `flows are written within ${spread} ms`)
  assert.ok(commits <= 2, `${commits} commits to OVSDB`)
  assert.ok(lag < 0.5, `the agent does nothing else for ${lag} s`)
  const entries = await list(cloud.admin, 'port', { network_id: network.id, device_owner: 'compute:nova' })
  assert.equal(entries.length, count - 50 + 600)
})

test('and the agent goes on as ever', { skip }, async () => {
  const [port] = await makePorts(1)
  assert.ok(port)
  await plugAll([port])
  await until('the new port is ACTIVE', async () => {
    const [found] = await list(cloud.admin, 'port', { id: port.id })
    return found?.status === 'ACTIVE'
  })
})
