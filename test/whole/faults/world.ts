/**
 * A cloud under attack: two hosts, traffic that must not be touched, a stranger who listens, and people who go on
 * changing ports and networks whatever happens.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ApiError } from '../../../client/http.ts'
import { create, list, type Network, type Port, remove } from '../../../client/networking.ts'
import type { Random } from '../../api/probe/random.ts'
import {
  type CloudHost,
  capture,
  computePort,
  createCloud,
  type Instance,
  untilStatus,
  type WholeCloud,
} from '../cloud.ts'
import { type FeedProxy, startFeedProxy } from './feed.proxy.ts'
import { untilEqual, wantedBy } from './host.reader.ts'

export interface World {
  cloud: WholeCloud
  one: CloudHost
  /** The host that is booted anew. */
  two: CloudHost
  proxy: FeedProxy
  /** On `one`: a and b speak to each other all the time; c is a stranger with the same addresses. */
  a: Instance
  b: Instance
  c: Instance
  /** On `two`, whose DHCP server is there as well. */
  d: Instance
  /** Sets the wall clock of server and agents off by so many milliseconds. */
  setClock(offset: number): void
  /** Frames of a or b that c has seen. */
  leaked(): string
  /** Both hosts are as the API says. */
  agree(seconds?: number): Promise<void>
  /** What the compute service runs on a host beside a to d. */
  residentsOf(host: CloudHost): Instance[]
  /** Some changes, one after the other, each tried until the server has taken it. */
  churn(changes: number): Promise<void>
  destroy(): Promise<void>
}

/** Bytes that the agent's cache may have. */
export const cacheSize = 192 << 10

/** Tries until the server has answered; what it refuses for good is not tried again. */
export async function insist<T>(what: () => Promise<T>): Promise<T> {
  for (let end = performance.now() + 60_000; ; ) {
    try {
      return await what()
    } catch (error) {
      const away = !(error instanceof ApiError) || error.status === 401 || error.status >= 500
      if (!away || performance.now() > end) throw error
      await sleep(50)
    }
  }
}

export async function createWorld(random: Random): Promise<World> {
  const clock = new URL('clock.preload.ts', import.meta.url).href
  const env: NodeJS.ProcessEnv = { NODE_OPTIONS: `--import=${clock}` }
  const cloud = await createCloud({
    config: 'report_interval = 1\n[quotas]\nquota_port = -1\nquota_network = -1\nquota_subnet = -1\n',
    env,
  })
  const clockFile = join(cloud.dir, 'clock')
  writeFileSync(clockFile, '0')
  env.NUCLEON_TEST_CLOCK = clockFile
  // The server was started before there was a clock.
  await cloud.killServer()
  await cloud.startServer()

  let proxy: FeedProxy | undefined
  const one = await cloud.addHost('one', {
    async feed(server) {
      const path = join(cloud.dir, 'proxy.sock')
      proxy = await startFeedProxy(path, server.replace('unix:', ''))
      return `unix:${path}`
    },
  })
  const two = await cloud.addHost('two')
  if (!proxy) throw new Error('there is no proxy')
  const cache = join(one.state, 'cache')
  await one.run(['mkdir', '-p', cache])
  await one.run(['mount', '-t', 'tmpfs', '-o', `size=${cacheSize}`, 'tmpfs', cache])
  await Promise.all([one.startAgent(), two.startAgent()])

  const { admin } = cloud
  const makeNetwork = async (name: string): Promise<Network> => {
    const network = await create(admin, 'network', { name })
    await create(admin, 'subnet', { network_id: network.id, ip_version: 4, cidr: '10.1.0.0/22' })
    return network
  }
  const [blue, red] = [await makeNetwork('blue'), await makeNetwork('red')]
  const bind = (host: string, network: Network) => computePort(admin, host, { network_id: network.id })
  const settle = async (host: CloudHost, network: Network): Promise<Instance> => {
    const port = await bind(host.name, network)
    const instance = await host.plug(port)
    await untilStatus(admin, port.id, 'ACTIVE')
    await instance.dhcp()
    return instance
  }
  const a = await settle(one, blue)
  const b = await settle(one, blue)
  const c = await settle(one, red)
  let there: Network | undefined
  for (let n = 0; there === undefined && n < 6; n++) {
    const network = await makeNetwork(`there-${n}`)
    await computePort(admin, 'two', { network_id: network.id })
    for (let wait = 0; wait < 40 && there === undefined; wait++) {
      const ports = await list(admin, 'port', { network_id: network.id, device_owner: 'network:dhcp' })
      if (ports.some((port) => port['binding:host_id'] === 'two')) there = network
      else if (ports.length > 0) break
      else await sleep(50)
    }
  }
  if (!there) throw new Error('no network is served by the host two')
  const d = await settle(two, there)

  const strangers = `ether src ${a.port.mac_address} or ether src ${b.port.mac_address}`
  const ear = await capture(one, 'eth0', strangers, { namespace: c.namespace, inbound: true })

  const instances = new Map<string, { host: CloudHost; instance: Instance }>()
  const ports = new Map<string, Port>()
  const networks = [blue, red]

  async function change(): Promise<void> {
    const which = random.below(7)
    const network = random.pick(networks)
    if (which < 2) {
      const port = await insist(() => bind(random.pick(['one', 'two']), network))
      ports.set(port.id, port)
    } else if (which === 2 && ports.size > 0) {
      const port = random.pick([...ports.values()])
      ports.delete(port.id)
      await insist(() => removed(port.id))
    } else if (which === 3 && ports.size > 0) {
      const port = random.pick([...ports.values()])
      const body = {
        port: { name: `name-${random.below(1000)}`, fixed_ips: [{ ip_address: addressOf(port) }] },
      }
      await insist(() => admin.request('PUT', `/ports/${port.id}`, body)).catch(ignoreTaken)
    } else if (which < 6 && instances.size < 4) {
      const host = random.pick([one, two])
      const port = await insist(() => bind(host.name, network))
      // A port that no agent took while they seemed dead stays as it is.
      if (port['binding:vif_type'] !== 'ovs') return
      instances.set(port.id, { host, instance: await host.plug(port) })
    } else {
      const [id, victim] = random.pick([...instances.entries(), [undefined, undefined]] as const)
      if (id === undefined || victim === undefined) return
      instances.delete(id)
      await victim.instance.unplug()
      await insist(() => removed(id))
    }
  }

  const removed = (id: string) =>
    remove(admin, 'port', id).catch((error: unknown) => {
      if (!(error instanceof ApiError && error.status === 404)) throw error
    })

  /** Another address of the same subnet. */
  const addressOf = (port: Port): string =>
    `10.1.${1 + random.below(3)}.${1 + random.below(200) + Number(port.fixed_ips.length > 9)}`

  const ignoreTaken = (error: unknown): void => {
    if (!(error instanceof ApiError && [400, 409].includes(error.status))) throw error
  }

  const agree = async (seconds = 20): Promise<void> => {
    for (const host of [one, two]) await untilEqual(host, () => wantedBy(admin), { seconds })
  }

  return {
    cloud,
    one,
    two,
    proxy,
    a,
    b,
    c,
    d,
    setClock: (offset) => writeFileSync(clockFile, String(offset)),
    leaked: () => ear.seen(),
    agree,
    residentsOf: (host) => {
      return [...instances.values()].filter((each) => each.host === host).map((each) => each.instance)
    },
    async churn(changes) {
      for (let n = 0; n < changes; n++) await change()
    },
    async destroy() {
      await ear.stop()
      proxy?.close()
      await cloud.destroy()
    },
  }
}
