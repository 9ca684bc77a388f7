/**
 * Whatever fails, in a seeded order, while ports and networks go on changing: afterwards the hosts are what the API
 * says, by the system's own tools; untouched ports have lost no packet; no stranger has seen one. Each kind comes
 * five times, twenty with --soak. NUCLEON_SEED repeats a run.
 */
import assert from 'node:assert/strict'
import { existsSync, rmSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { runningPid, startOvs, startVswitchd, stopOvs } from '../../host/ovs/daemons.ts'
import { randomOf } from '../api/probe/random.ts'
import { whyNoTestHosts } from '../kernel/sandbox.ts'
import { type CloudHost, capture, until } from './cloud.ts'
import { untilEqual, wantedBy } from './faults/host.reader.ts'
import { createWorld, type World } from './faults/world.ts'

const skip = whyNoTestHosts() ?? false
const soak = process.env.NUCLEON_TEST_SOAK === '1'
const seed = Number(process.env.NUCLEON_SEED ?? (soak ? Date.now() % 1_000_000 : 1))
const rounds = Number(process.env.NUCLEON_ROUNDS ?? (soak ? 20 : 5))
const random = randomOf(seed)
let world: World

before(async () => {
  if (!skip) world = await createWorld(random)
})
after(() => world?.destroy())

/** Answers how many milliseconds the switch was away; undefined: nothing may be lost. */
type Fault = () => Promise<number | undefined>

async function killDaemon(host: CloudHost, name: 'ovs-vswitchd' | 'ovsdb-server'): Promise<void> {
  const pid = await runningPid(host.ovs, name)
  assert.ok(pid !== undefined, `${name} runs`)
  await host.run(['kill', '-9', String(pid)])
  await until(`end of ${name}`, async () => (await runningPid(host.ovs, name)) === undefined)
}

/** Milliseconds that `work` took. */
async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now()
  await work()
  return performance.now() - began
}

const cacheOf = (host: CloudHost): string => join(host.state, 'cache')

async function bootAnew(host: CloudHost, address: string): Promise<void> {
  await host.killAgent()
  await host.run(['sh', '-c', 'kill -9 $(pgrep -x dnsmasq) 2>/dev/null; true'])
  await killDaemon(host, 'ovs-vswitchd')
  await killDaemon(host, 'ovsdb-server')
  await host.run(['ip', '-all', 'netns', 'delete'])
  const links: { ifname: string }[] = JSON.parse(await host.run(['ip', '-json', 'link']))
  for (const { ifname } of links) {
    if (!/^(lo|eth\d)$/.test(ifname)) await host.run(['ip', 'link', 'delete', ifname]).catch(() => {})
  }
  // /run is empty after a boot; the switch's database is not in it.
  for (const name of await readdir(host.ovsRunDir)) {
    if (!/^conf\.db|\.log$/.test(name)) rmSync(join(host.ovsRunDir, name), { force: true })
  }
  await startOvs(host.ovs)
  for (const name of ['br-phy', 'br-physnet1']) {
    await until(`${name} is there`, async () => (await host.run(['ip', 'link'])).includes(`${name}:`))
  }
  await host.run(['ip', 'link', 'set', 'br-phy', 'mtu', '1600', 'up'])
  await host.run(['ip', 'link', 'set', 'br-physnet1', 'up'])
  await host.run(['ip', 'address', 'replace', address, 'dev', 'br-phy'])
}

const faults: Record<string, Fault> = {
  async 'server killed'() {
    await world.cloud.killServer()
    await sleep(random.below(200))
    await world.cloud.startServer()
    return undefined
  },
  async 'agent killed'() {
    await world.one.killAgent()
    await sleep(random.below(300))
    await world.one.startAgent()
    return undefined
  },
  async 'dnsmasq killed'() {
    await world.one.run(['sh', '-c', 'kill -9 $(pgrep -x dnsmasq)'])
    return undefined
  },
  async 'ovs-vswitchd killed'() {
    return timed(async () => {
      await killDaemon(world.one, 'ovs-vswitchd')
      await startVswitchd(world.one.ovs)
    })
  },
  async 'ovsdb-server killed'() {
    await killDaemon(world.one, 'ovsdb-server')
    await sleep(random.below(500))
    await startOvs(world.one.ovs)
    return undefined
  },
  async 'Open vSwitch restarted'() {
    return timed(async () => {
      await stopOvs(world.one.ovs)
      await startOvs(world.one.ovs)
    })
  },
  async 'host booted anew while the server is away'() {
    const { two, d, cloud } = world
    const wanted = await wantedBy(cloud.admin)
    await cloud.killServer()
    await bootAnew(two, '192.0.2.12/24')
    await two.startAgent({ wait: false })
    // What others had plugged is gone with the boot; the compute service makes its instance anew.
    for (const instance of [d, ...world.residentsOf(two)]) await instance.rebuild()
    await untilEqual(two, async () => wanted, { statuses: false })
    await d.dhcp()
    const server = wanted.ports.find(
      (port) => port.network_id === d.port.network_id && port.device_owner === 'network:dhcp',
    )
    await d.run(['ping', '-c', '2', '-i', '0.2', '-W', '2', server?.fixed_ips[0]?.ip_address ?? ''])
    await cloud.startServer()
    return undefined
  },
  async 'hints lost'() {
    world.proxy.mode = 'deaf'
    await world.churn(2)
    await world.agree()
    world.proxy.mode = 'open'
    return undefined
  },
  async 'server away'() {
    const { cloud, one } = world
    const wanted = await wantedBy(cloud.admin)
    await cloud.killServer()
    // The host keeps itself in order all the same.
    await one.run(['ovs-ofctl', 'del-flows', 'br-tun'])
    await one.run(['sh', '-c', 'kill -9 $(pgrep -x dnsmasq)'])
    await untilEqual(one, async () => wanted, { statuses: false })
    await sleep(soak ? 60_000 : 500)
    await cloud.startServer()
    return undefined
  },
  async 'disk full'() {
    const { one } = world
    const filler = join(cacheOf(one), 'filler')
    await one.run(['sh', '-c', `cat /dev/zero > ${filler} 2>/dev/null; true`])
    await world.churn(3)
    await world.agree()
    if (random.chance(0.6)) {
      await one.killAgent()
      await one.startAgent()
      await world.agree()
    }
    await one.run(['rm', '-f', filler])
    await world.churn(1)
    await world.agree()
    return undefined
  },
  async 'clock jumps'() {
    const hours = random.pick([-24, -1, 1, 24])
    world.setClock(hours * 3_600_000)
    await sleep(250)
    await world.one.run(['sh', '-c', 'kill -9 $(pgrep -x dnsmasq)'])
    await world.churn(2)
    return undefined
  },
}

/** Pings from a to b while `work` goes on. Answers how many were sent, and the longest time without an answer (ms). */
async function underPing(work: () => Promise<unknown>): Promise<{ sent: number; lost: number; gap: number }> {
  const { one, a, b } = world
  const address = b.port.fixed_ips[0]?.ip_address ?? ''
  const ping = await one.spawn(['ip', 'netns', 'exec', a.namespace, 'ping', '-i', '0.05', address])
  let said = ''
  ping.child.stdout?.on('data', (data) => {
    said += data
  })
  await sleep(100)
  try {
    await work()
    await sleep(300)
  } finally {
    ping.kill('SIGINT')
    await ping.ended
  }
  const [, sent] = /(\d+) packets transmitted/.exec(said) ?? []
  const answered = new Set([...said.matchAll(/icmp_seq=(\d+) ttl/g)].map(([, number]) => Number(number)))
  let [lost, gap, run] = [0, 0, 0]
  // The last may be on its way when ping ends.
  for (let n = 1; n < Number(sent); n++) {
    run = answered.has(n) ? 0 : run + 1
    if (run > 0) lost += 1
    gap = Math.max(gap, run * 50)
  }
  return { sent: Number(sent), lost, gap }
}

const order = random.shuffled(
  Object.keys(faults).flatMap((name) => Array.from({ length: rounds }, () => name)),
)
const only = process.env.NUCLEON_FAULT
const chosen = only === undefined ? order : order.filter((name) => name.includes(only))

test(`${chosen.length} faults, seed ${seed}`, { skip }, async (t) => {
  const times = new Map<string, number[]>()
  let sentInAll = 0
  let back = 0
  for (const [number, name] of chosen.entries()) {
    const began = performance.now()
    const told = `fault ${number + 1} of ${chosen.length} (${name}, seed ${seed})`
    let away: number | undefined
    const loss = await underPing(async () => {
      // Nobody plugs anything into a host that boots, and no host knows what it was not told.
      const changes = name.includes('away') ? undefined : world.churn(2)
      await Promise.all([
        changes,
        sleep(random.below(150)).then(async () => {
          away = await faults[name]?.()
        }),
      ])
      await world.churn(1)
      await world.agree()
    }).catch((error: Error) => {
      throw new Error(`${told}: ${error.message}`, { cause: error })
    })
    sentInAll += loss.sent
    if (away === undefined) assert.equal(loss.lost, 0, `${told}: packets lost of ${loss.sent}`)
    else {
      back = Math.max(back, loss.gap - away)
      assert.ok(loss.gap - away < 2000, `${told}: service is back ${loss.gap - away} ms after the switch`)
    }
    assert.equal(world.leaked(), '', `${told}: frames of another network`)
    times.set(name, [...(times.get(name) ?? []), performance.now() - began])
  }
  for (const [name, all] of times) {
    const mean = Math.round(all.reduce((sum, each) => sum + each, 0) / all.length)
    t.diagnostic(`${name}: ${all.length} times, ${mean} ms each until all was as the API says`)
  }
  t.diagnostic(
    `${sentInAll} packets sent; service back at most ${Math.max(0, Math.round(back))} ms after the switch`,
  )
  assert.ok(existsSync(join(cacheOf(world.two), 'documents.journal')))
})

test('the ear hears: a frame of the same network arrives at the stranger’s side of the wall', {
  skip,
}, async () => {
  const { one, b, a } = world
  const ear = await capture(one, 'eth0', `ether src ${a.port.mac_address}`, {
    namespace: b.namespace,
    inbound: true,
  })
  await a.run(['ping', '-c', '3', '-i', '0.2', b.port.fixed_ips[0]?.ip_address ?? ''])
  await until('b hears a', async () => ear.seen().includes(a.port.mac_address))
  await ear.stop()
})
