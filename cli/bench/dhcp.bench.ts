/** What DHCP costs: until a new network's first answer, and one port more on a network of 5,000. */
import { existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Client, createClient } from '../../client/http.ts'
import { create, type Port } from '../../client/networking.ts'
import { run } from '../../host/run.ts'
import { makeNamespace, plug, unplug } from '../instance/plug.ts'
import { repository } from '../paths.ts'
import { runningIn } from '../state/control.ts'
import { type Layout, readCloud, requireMemory } from '../state/layout.ts'
import { type Bench, type Figure, round, startUp, stopUp } from './bench.place.ts'
import { benchNetwork, binding, recordOf, timeOf } from './plug.bench.ts'
import { percentile } from './rate.ts'

const repetitions = 10
const largeNetwork = 5000
/** Ports in one request. */
const bulk = 500
/** Ports that come at once to a network whose clients have leases. */
const someMore = 100

/** From the request for a network, through subnet, port and plug, until a DHCP server offers the port its address. */
export async function measureFirstAnswer({ layout }: Bench): Promise<Figure[]> {
  const { host, ovs } = requireMemory(layout)
  const client = createClient(readCloud(layout, 'admin'))
  const times: number[] = []
  for (let n = 0; n < repetitions; n += 1) {
    const begun = performance.now()
    const network_id = await benchNetwork(client, `bench-dhcp-${n}`, '10.7.0.0/24')
    const port = await create(client, 'port', { network_id, ...binding(host, `dhcp-${n}`) })
    const record = recordOf(port, `bench-dhcp-${n}`)
    await makeNamespace(record)
    await plug(ovs.ovsdb, record)
    const ask = ['perl', `${repository}/cli/bench/discover.pl`, 'eth0', record.mac, '20'] as const
    const offered = (await run(['ip', 'netns', 'exec', record.namespace, ...ask])).trim()
    times.push(performance.now() - begun)
    if (offered !== port.fixed_ips[0]?.ip_address) throw new Error(`DHCP offers ${offered}`)
    await unplug(ovs.ovsdb, record)
    await client.request('DELETE', `/ports/${port.id}`)
    await client.request('DELETE', `/networks/${network_id}`)
  }
  await client.close()
  return [
    { what: 'network created until DHCP answers, p50', value: round(percentile(times, 0.5)), unit: 'ms' },
    { what: 'network created until DHCP answers, worst', value: round(Math.max(...times)), unit: 'ms' },
  ]
}

/** What dnsmasq reads of its clients, by path: size and time of the last write. */
function filesOf(directory: string): Map<string, string> {
  const files = new Map<string, string>()
  for (const name of ['hosts', 'addn_hosts', 'opts']) {
    for (const file of readdirSync(join(directory, name))) {
      const { size, mtimeMs, ino } = statSync(join(directory, name, file))
      files.set(join(name, file), `${size} ${mtimeMs} ${ino}`)
    }
  }
  return files
}

/** Characters that a process has passed to read or write calls (proc(5), io). */
function throughput(pid: number, what: 'rchar' | 'wchar'): number {
  return Number(new RegExp(`^${what}: (\\d+)$`, 'm').exec(readFileSync(`/proc/${pid}/io`, 'utf8'))?.[1])
}

/** The newest process id of this box: each process and thread that starts takes the next. */
function newestPid(): number {
  return Number(readFileSync('/proc/loadavg', 'utf8').trim().split(' ').at(-1))
}

async function pidsOf(layout: Layout, directory: string): Promise<{ agent: number; dnsmasq: number }> {
  const agent = (await runningIn(layout))?.parts.agent.pid
  if (typeof agent !== 'number') throw new Error('the agent does not run')
  return { agent, dnsmasq: Number(readFileSync(join(directory, 'pid'), 'utf8')) }
}

/** Waits until neither has read or written for three seconds; for a minute at most. */
async function quiet(pids: { agent: number; dnsmasq: number }): Promise<void> {
  const state = () => `${throughput(pids.agent, 'wchar')} ${throughput(pids.dnsmasq, 'rchar')}`
  for (let rounds = 0; rounds < 20; rounds += 1) {
    const before = state()
    await sleep(3000)
    if (state() === before) return
  }
}

async function fill(client: Client, network_id: string): Promise<void> {
  for (let made = 0; made < largeNetwork; made += bulk) {
    const ports = Array.from({ length: bulk }, (_, n) => ({
      network_id,
      device_owner: 'compute:nova',
      name: `${made + n}`,
    }))
    await client.request('POST', '/ports', { ports })
  }
}

/** Adds one port, and many at once, to a network of 5,000 whose clients all have leases. */
async function measureLeased(bench: Bench, client: Client): Promise<Figure[]> {
  const { layout } = bench
  const { host, ovs } = requireMemory(layout)
  const network_id = await benchNetwork(client, 'bench-leased', '10.33.0.0/16')
  const directory = join(layout.agent, 'run', 'dhcp', network_id)
  const hosts = () => readdirSync(join(directory, 'hosts')).length
  await fill(client, network_id)
  await timeOf(() => hosts() === largeNetwork, `not all of ${largeNetwork} clients are served`)
  // A server that begins without a lease file is told the leases of all clients.
  await stopUp(bench.up)
  const server = readFileSync(join(directory, 'pid'), 'utf8').trim()
  process.kill(Number(server))
  await timeOf(() => !existsSync(`/proc/${server}`), 'dnsmasq does not end')
  rmSync(join(directory, 'leases'))
  Object.assign(bench, await startUp(layout))
  const leases = () => readFileSync(join(directory, 'leases'), 'utf8').split('\n').length
  await timeOf(() => existsSync(join(directory, 'leases')) && leases() > largeNetwork, 'no leases')
  await quiet(await pidsOf(layout, directory))

  const served = async (count: number) => {
    const ports = Array.from({ length: count }, (_, n) => ({
      network_id,
      ...binding(host, `leased-${count}-${n}`),
    }))
    const begun = performance.now()
    const made = (await client.request('POST', '/ports', { ports })) as { ports: Port[] }
    const last = made.ports.at(-1)
    if (last === undefined) throw new Error('no port was made')
    const record = recordOf(last, `bench-leased-${count}`)
    await makeNamespace(record)
    await plug(ovs.ovsdb, record)
    const ask = ['perl', `${repository}/cli/bench/discover.pl`, 'eth0', record.mac, '300'] as const
    await run(['ip', 'netns', 'exec', record.namespace, ...ask], { timeout: 310_000 })
    const took = performance.now() - begun
    await unplug(ovs.ovsdb, record)
    await quiet(await pidsOf(layout, directory))
    return round(took)
  }
  const what = `beside ${largeNetwork} leases, until offered its address:`
  return [
    { what: `${what} a port more`, value: await served(1), unit: 'ms' },
    { what: `${what} the last of ${someMore}`, value: await served(someMore), unit: 'ms' },
  ]
}

/** Adds one port to a network of 5,000, and removes one; each after nothing has happened for a while. */
export async function measureLargeNetwork(bench: Bench): Promise<Figure[]> {
  const { layout } = bench
  const { host } = requireMemory(layout)
  const client = createClient(readCloud(layout, 'admin'))
  const network_id = await benchNetwork(client, 'bench-large', '10.32.0.0/16')
  const directory = join(layout.agent, 'run', 'dhcp', network_id)
  const hosts = () => readdirSync(join(directory, 'hosts')).length
  await fill(client, network_id)
  const from = performance.now()
  const all = await timeOf(() => hosts() === largeNetwork, `not all of ${largeNetwork} clients are served`)
  await quiet(await pidsOf(layout, directory))

  const cost = async (work: () => Promise<unknown>, served: number) => {
    const pids = await pidsOf(layout, directory)
    const before = {
      files: filesOf(directory),
      wrote: throughput(pids.agent, 'wchar'),
      read: throughput(pids.dnsmasq, 'rchar'),
    }
    const idle = newestPid()
    await sleep(1500)
    const [noise, pid] = [newestPid() - idle, newestPid()]
    const begun = performance.now()
    await work()
    const done = await timeOf(() => hosts() === served, 'the change is not served')
    await sleep(1500)
    const after = filesOf(directory)
    const touched = [...after].filter(([path, state]) => before.files.get(path) !== state)
    const same = await pidsOf(layout, directory)
    return {
      took: done - begun,
      files: touched.length,
      bytes: touched.reduce((sum, [, state]) => sum + Number(state.split(' ')[0]), 0),
      wrote: throughput(pids.agent, 'wchar') - before.wrote,
      read: same.dnsmasq === pids.dnsmasq ? throughput(pids.dnsmasq, 'rchar') - before.read : Number.NaN,
      processes: Math.max(0, newestPid() - pid - noise),
      restarts: Number(same.dnsmasq !== pids.dnsmasq),
    }
  }
  let extra = ''
  const added = await cost(async () => {
    extra = (await create(client, 'port', { network_id, ...binding(host, 'one-more') })).id
  }, largeNetwork + 1)
  const removed = await cost(() => client.request('DELETE', `/ports/${extra}`), largeNetwork)
  await client.request('DELETE', `/ports/${extra}`).catch(() => {})
  const leased = await measureLeased(bench, client)
  await client.close()
  const figures = (what: string, seen: typeof added): Figure[] => [
    { what: `${what}: until its file is there or gone`, value: round(seen.took), unit: 'ms' },
    { what: `${what}: files written for dnsmasq`, value: seen.files, unit: '' },
    { what: `${what}: bytes of these`, value: seen.bytes, unit: 'bytes' },
    { what: `${what}: bytes written by the agent in all`, value: seen.wrote, unit: 'bytes' },
    { what: `${what}: bytes read by dnsmasq`, value: seen.read, unit: 'bytes' },
    { what: `${what}: processes started`, value: seen.processes, unit: '' },
    { what: `${what}: restarts of dnsmasq`, value: seen.restarts, unit: '', aim: '0' },
  ]
  return [
    { what: `after ${largeNetwork} creations, until all are served`, value: round(all - from), unit: 'ms' },
    ...figures(`one port added to ${largeNetwork}`, added),
    ...figures(`one port removed from ${largeNetwork}`, removed),
    ...leased,
  ]
}
