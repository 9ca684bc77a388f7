/**
 * A whole cloud for tests: one server process, and any number of test hosts with an Open vSwitch and an agent daemon
 * each, as separate processes that can be killed. Instances are namespaces plugged as a compute service does it.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { createWriteStream, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, readlink, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { makeCredential } from '../../bus/credential.ts'
import type { AgentState } from '../../bus/feed.ts'
import { httpFeed } from '../../bus/http.ts'
import { type Client, type Cloud as CloudEntry, createClient } from '../../client/http.ts'
import { create, type Port, show } from '../../client/networking.ts'
import { processesWhere } from '../../runtime/process-stat.ts'
import { freePort } from '../free-port.ts'
import {
  createFabric,
  createTestHost,
  type Fabric,
  ownPlace,
  type TestHost,
  type TestProcess,
} from '../kernel/sandbox.ts'

const root = new URL('../..', import.meta.url).pathname

export interface Instance {
  namespace: string
  device: string
  port: Port
  /** Runs a program inside. Throws CommandError. */
  run(argv: readonly string[]): Promise<string>
  /** Asks for an address by DHCP until it has one (or throws), and sets it. */
  dhcp(): Promise<void>
  /** Makes namespace and devices anew, as after a boot of the host: its port stands in the switch's database. */
  rebuild(): Promise<void>
  unplug(): Promise<void>
}

export interface CloudHost extends TestHost {
  /** The fabric's ends of its wires: where tunnels go, and physnet1. */
  wires: { underlay: string; physnet1: string }
  /** Where the agent keeps its documents, its records and what its daemons read. */
  state: string
  /** Resolves when the agent is ready; with `wait: false` as soon as it has been started (no server may be there). */
  startAgent(start?: { wait?: boolean }): Promise<void>
  /** The agent's pid. */
  agentPid(): number
  /** Ends the agent with SIGKILL and waits until it is gone. */
  killAgent(): Promise<void>
  plug(port: Port): Promise<Instance>
}

/** What the hosts' cards are plugged into. */
export interface Fabrics {
  underlay: Fabric
  /** Behind br-physnet1 of each host. */
  physnet1: Fabric
}

const userNames = ['admin', 'blue', 'red', 'nova'] as const
type UserName = (typeof userNames)[number]

/** A client for each user; `nova` is the compute service's own. */
export type Clients = Record<UserName, Client>

export interface WholeCloud extends Clients {
  dir: string
  clouds: Record<UserName, CloudEntry>
  /** There from the first host on. */
  fabrics(): Fabrics
  startServer(env?: NodeJS.ProcessEnv): Promise<void>
  serverPid(): number
  /** Resolves when the server process has ended by itself. */
  serverEnded(): Promise<void>
  killServer(): Promise<void>
  /** Starts another server process on the same database (PostgreSQL); answers clients that talk to it. */
  addServer(ports: { apiPort: number; identityPort: number }): Promise<Clients>
  /** Tells the server of agents on a host that does not exist; of an Open vSwitch agent if none are given. */
  beat(host: string, agents?: readonly AgentState[]): Promise<void>
  addHost(name: string, options?: HostOptions): Promise<CloudHost>
  destroy(): Promise<void>
}

export interface HostOptions {
  /** Where its agent finds the server, if not where others do. */
  feed?: (server: string) => Promise<string>
  /** More lines of configuration for its agent, per section. */
  config?: string
}

export interface CloudOptions {
  /** Agents reach the server over the underlay by TCP, as on machines of their own; else by its unix socket. */
  remote?: true
  /** Ports on 127.0.0.1; free ones if not given. */
  apiPort?: number
  identityPort?: number
  /** More lines of configuration, per section. */
  config?: string
  /** IP version of tunnel endpoints; 4 if absent. */
  overlay?: 4 | 6
  /** More of the environment of server and agents. */
  env?: NodeJS.ProcessEnv
}

const openvswitchAgent: AgentState = {
  agent_type: 'Open vSwitch agent',
  binary: 'neutron-openvswitch-agent',
  availability_zone: null,
  configurations: { tunnel_types: ['vxlan'] },
}

/** Makes the cloud with its server running and no host yet. */
export async function createCloud(options: CloudOptions = {}): Promise<WholeCloud> {
  const apiPort = options.apiPort ?? (await freePort())
  const identityPort = options.identityPort ?? (await freePort())
  const dir = await mkdtemp(join(tmpdir(), 'nc-'))
  const serverDir = join(dir, 'server')
  await mkdir(serverDir)
  const secret = randomBytes(32).toString('hex')
  const roles: Record<UserName, string> = { admin: 'admin', blue: 'member', red: 'member', nova: 'service' }
  await writeFile(join(dir, 'secret'), secret, { mode: 0o600 })
  await writeFile(
    join(dir, 'bootstrap.json'),
    JSON.stringify({
      projects: userNames.map((name) => ({ name })),
      users: userNames.map((name) => ({ name, password: `${name}-pass` })),
      assignments: userNames.map((name) => ({ user: name, project: name, role: roles[name] })),
    }),
  )
  const configuration = (localIp: string | null, host: string | null) => `
[DEFAULT]
${host ? `host = ${host}\n` : ''}dns_domain = cloud.test
auth_strategy = embedded
[ml2]
type_drivers = local,flat,vlan,gre,vxlan,geneve
tenant_network_types = vxlan
mechanism_drivers = openvswitch
extension_drivers = port_security,dns
overlay_ip_version = ${options.overlay ?? 4}
[ml2_type_flat]
flat_networks = public
[ml2_type_vlan]
network_vlan_ranges = physnet1:100:199
[ml2_type_gre]
tunnel_id_ranges = 1:100000
[ml2_type_vxlan]
vni_ranges = 1:100000
[ml2_type_geneve]
vni_ranges = 1:100000
[ovs]
${localIp ? `local_ip = ${localIp}\n` : ''}bridge_mappings = physnet1:br-physnet1
datapath_type = netdev
[agent]
tunnel_types = vxlan,gre,geneve
${options.config ?? ''}
`
  await writeFile(join(dir, 'server.conf'), configuration(null, null))

  const clouds = cloudsAt(identityPort)
  const clients = clientsOf(clouds)
  const socket = `unix:${join(serverDir, 'feed.sock')}`
  const feed = options.remote ? `http://${serverAddress}:9697` : socket
  let server: ChildProcess | undefined
  const others: { process: ChildProcess; clients: Clients }[] = []
  let fabrics: Fabrics | undefined
  const hosts: CloudHost[] = []

  /** A server process with its state in a directory of its own. */
  async function spawnServer(
    state: string,
    ports: { apiPort: number; identityPort: number },
    env: NodeJS.ProcessEnv = {},
  ): Promise<ChildProcess> {
    const child = spawn(
      process.execPath,
      [
        join(root, 'server/main.ts'),
        ...['--config-file', join(dir, 'server.conf'), '--state', state],
        ...['--api', `127.0.0.1:${ports.apiPort}`, '--identity', `127.0.0.1:${ports.identityPort}`],
        ...['--feed', `unix:${join(state, 'server/feed.sock')}`],
        ...(options.remote ? ['--feed', `http://${serverAddress}:9697`] : []),
        ...['--feed-secret-file', join(dir, 'secret'), '--bootstrap', join(dir, 'bootstrap.json')],
      ],
      { stdio: ['ignore', 'pipe', 'pipe', 'ipc'], env: { ...process.env, ...options.env, ...env } },
    )
    keepLog(child, join(state, 'server.log'))
    return child
  }

  async function startServer(env: NodeJS.ProcessEnv = {}): Promise<void> {
    server = await spawnServer(dir, { apiPort, identityPort }, env)
    await ready(server, 'server', join(dir, 'server.log'))
  }

  async function createFabrics(): Promise<Fabrics> {
    return { underlay: await createFabric(), physnet1: await createFabric('physnet1') }
  }

  if (options.remote) {
    fabrics = await createFabrics()
    await fabrics.underlay.attach(ownPlace, `${serverAddress}/24`)
  }
  await startServer()

  return {
    dir,
    clouds,
    ...clients,
    startServer,
    fabrics() {
      if (!fabrics) throw new Error('there is no host yet')
      return fabrics
    },
    serverPid: () => server?.pid ?? 0,
    serverEnded: () => ended(server),
    async killServer() {
      server?.kill('SIGKILL')
      await ended(server)
    },
    async addServer(ports) {
      const state = join(dir, `server-${ports.apiPort}`)
      await mkdir(join(state, 'server'), { recursive: true })
      const process = await spawnServer(state, ports)
      const clients = clientsOf(cloudsAt(ports.identityPort))
      others.push({ process, clients })
      await ready(process, 'server', join(state, 'server.log'))
      return clients
    },
    async beat(host, agents = [openvswitchAgent]) {
      const connection = httpFeed({ url: socket, credential: makeCredential(secret, host) })
      await connection.heartbeat({
        started_at: new Date().toISOString(),
        agents: [...agents],
        position: null,
        digest: null,
      })
      await connection.close()
    },
    async addHost(name, hostOptions = {}) {
      fabrics ??= await createFabrics()
      const host = await createTestHost(name)
      const number = hosts.length + 11
      const [localIp, prefix] = options.overlay === 6 ? [`fd00:2::${number}`, 64] : [`192.0.2.${number}`, 24]
      const wires = {
        underlay: await fabrics.underlay.attach(host, `${localIp}/${prefix}`, {
          bridge: 'br-phy',
          mtu: 1600,
        }),
        physnet1: await fabrics.physnet1.attach(host, null, { nic: 'eth1', bridge: 'br-physnet1' }),
      }
      const state = join(host.dir, 'agent')
      await mkdir(state)
      await writeFile(join(host.dir, 'agent.conf'), configuration(localIp, name) + (hostOptions.config ?? ''))
      await writeFile(join(host.dir, 'credential'), makeCredential(secret, name), { mode: 0o600 })
      let agent: TestProcess | undefined
      const agentFeed = (await hostOptions.feed?.(feed)) ?? feed
      const whole: CloudHost = {
        ...host,
        wires,
        agentPid: () => agent?.pid ?? 0,
        state,
        async startAgent({ wait = true } = {}) {
          agent = await host.spawn(
            [
              process.execPath,
              join(root, 'agents/main.ts'),
              ...['--host', name, '--server', agentFeed, '--credential-file', join(host.dir, 'credential')],
              ...['--config-file', join(host.dir, 'agent.conf'), '--state', state, '--roles', 'l2,dhcp'],
              ...['--ovsdb', host.ovsdbSocket, '--ovs-rundir', host.ovsRunDir],
            ],
            { stdio: ['ignore', 'pipe', 'pipe', 'ipc'], env: { ...process.env, ...options.env } },
          )
          keepLog(agent.child, join(dir, `agent-${name}.log`))
          if (wait) await ready(agent.child, `agent of ${name}`, join(dir, `agent-${name}.log`))
        },
        async killAgent() {
          agent?.kill('SIGKILL')
          await agent?.ended
        },
        plug: (port) => plug(host, port),
      }
      hosts.push(whole)
      return whole
    },
    async destroy() {
      for (const each of [clients, ...others.map((other) => other.clients)]) {
        for (const client of Object.values(each)) await client.close()
      }
      for (const process of [server, ...others.map((other) => other.process)]) {
        process?.kill('SIGKILL')
        await ended(process)
      }
      for (const host of hosts) {
        await host.killAgent()
        await host.destroy()
      }
      await fabrics?.underlay.destroy()
      await fabrics?.physnet1.destroy()
      if (!process.env.NUCLEON_KEEP) await rm(dir, { recursive: true, force: true })
    },
  }
}

/** The server on the underlay, where agents are remote. */
const serverAddress = '192.0.2.1'

function cloudsAt(identityPort: number): WholeCloud['clouds'] {
  const entry = (name: UserName): CloudEntry => ({
    authUrl: `http://127.0.0.1:${identityPort}/v3`,
    username: name,
    password: `${name}-pass`,
    projectName: name,
    domainId: 'default',
  })
  return { admin: entry('admin'), blue: entry('blue'), red: entry('red'), nova: entry('nova') }
}

function clientsOf(clouds: WholeCloud['clouds']): Clients {
  return {
    admin: createClient(clouds.admin),
    blue: createClient(clouds.blue),
    red: createClient(clouds.red),
    nova: createClient(clouds.nova),
  }
}

function keepLog(child: ChildProcess, path: string): void {
  const log = createWriteStream(path, { flags: 'a' })
  child.stdout?.pipe(log, { end: false })
  child.stderr?.pipe(log, { end: false })
}

function ended(child: ChildProcess | undefined): Promise<void> {
  if (!child || child.exitCode !== null || child.signalCode !== null) return Promise.resolve()
  return new Promise((resolve) => child.once('exit', () => resolve()))
}

/** Waits for the process to say that it is ready; when it ends or 30 s pass instead, throws with its last words. */
function ready(child: ChildProcess, name: string, log: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (why: string): void => {
      clearTimeout(timer)
      const said = readFileSync(log, 'utf8').split('\n').slice(-12).join('\n')
      reject(new Error(`${name} ${why}:\n${said}`))
    }
    const timer = setTimeout(() => fail('was not ready in 30 s'), 30_000)
    child.once('exit', (code, signal) => fail(`ended (${code ?? signal})`))
    child.on('message', (message) => {
      if ((message as { ready?: boolean }).ready !== true) return
      clearTimeout(timer)
      resolve()
    })
  })
}

const leaseScript = `#!/bin/sh
case "$1" in
  bound|renew)
    ip address replace "$ip/$mask" dev "$interface"
    if [ -n "$mtu" ]; then ip link set "$interface" mtu "$mtu"; fi
    if [ -n "$router" ]; then ip route replace default via "$router" dev "$interface"; fi
    ;;
esac
`

/** Plugs a port as the compute service does: a device on br-int that carries the port's id, and the other end inside. */
async function plug(host: TestHost, port: Port): Promise<Instance> {
  const device = `tap${port.id.slice(0, 11)}`
  const namespace = `inst-${port.id.slice(0, 8)}`
  const script = join(host.dir, 'lease.sh')
  await writeFile(script, leaseScript, { mode: 0o755 })
  const inside = (argv: readonly string[]) => host.runIn(namespace, argv)
  async function build(): Promise<void> {
    await host.run(['ip', 'netns', 'add', namespace])
    await host.run([
      ...['ip', 'link', 'add', device, 'type', 'veth', 'peer', 'name', 'eth0'],
      ...['address', port.mac_address, 'netns', namespace],
    ])
    await inside(['ip', 'link', 'set', 'lo', 'up'])
    await inside(['ethtool', '-K', 'eth0', 'tx', 'off'])
    await inside(['ip', 'link', 'set', 'eth0', 'up'])
    await host.run(['ip', 'link', 'set', device, 'up'])
  }

  await build()
  await host.run([
    ...['ovs-vsctl', '--retry', '--timeout=9', '--no-wait', '--may-exist'],
    ...['add-port', 'br-int', device, 'tag=4095', '--', 'set', 'Interface', device],
    ...[`external_ids:iface-id=${port.id}`, 'external_ids:iface-status=active'],
    `external_ids:attached-mac="${port.mac_address}"`,
  ])
  return {
    namespace,
    device,
    port,
    run: inside,
    async dhcp() {
      await inside(['busybox', 'udhcpc', '-i', 'eth0', '-f', '-q', '-n', '-t', '20', '-T', '1', '-s', script])
    },
    rebuild: build,
    async unplug() {
      await host.run([
        ...['ovs-vsctl', '--retry', '--timeout=9', '--no-wait', '--if-exists', 'del-port', 'br-int', device],
      ])
      await host.run(['ip', 'netns', 'delete', namespace])
    },
  }
}

/** Makes a port that is bound to a host as the compute service would bind it. */
export async function computePort(
  admin: Client,
  host: string,
  attributes: Record<string, unknown>,
): Promise<Port> {
  return create(admin, 'port', {
    device_owner: 'compute:nova',
    device_id: `instance-${randomBytes(6).toString('hex')}`,
    'binding:host_id': host,
    ...attributes,
  })
}

/** Waits until the port has that status; throws after `seconds`. */
export async function untilStatus(
  client: Client,
  id: string,
  status: Port['status'],
  seconds = 15,
): Promise<void> {
  await until(
    `port ${id} is ${status}`,
    async () => (await show(client, 'port', id))?.status === status,
    seconds,
  )
}

/** Waits until a condition holds; throws after `seconds`. */
export async function until(what: string, holds: () => Promise<boolean>, seconds = 15): Promise<void> {
  const end = Date.now() + seconds * 1000
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`not within ${seconds} s: ${what}`)
    await sleep(50)
  }
}

export interface Capture {
  /** What has been seen so far. */
  seen(): string
  /** Ends it and answers all that was seen. */
  stop(): Promise<string>
}

/** What tcpdump sees on a device of a test host; `inbound`: of what arrives there alone. */
export async function capture(
  host: TestHost,
  device: string,
  filter: string,
  { namespace, inbound = false }: { namespace?: string; inbound?: boolean } = {},
): Promise<Capture> {
  const prefix = namespace === undefined ? [] : ['ip', 'netns', 'exec', namespace]
  const direction = inbound ? ['-Q', 'in'] : []
  // Of each frame at once: else they are gathered for up to a second, and lost when it is stopped.
  const program = ['tcpdump', '--immediate-mode', '-nn', '-e', '-l', '-i', device, ...direction, filter]
  const process = await host.spawn([...prefix, ...program])
  let seen = ''
  process.child.stdout?.on('data', (data) => {
    seen += data
  })
  await new Promise<void>((resolve, reject) => {
    let said = ''
    process.child.stderr?.on('data', (data) => {
      said += data
      if (said.includes('listening on')) resolve()
    })
    process.child.once('exit', () => reject(new Error(`tcpdump on ${device}: ${said}`)))
  })
  const drained = new Promise<void>((resolve) => process.child.stdout?.once('end', resolve))
  return {
    seen: () => seen,
    async stop() {
      process.kill('SIGINT')
      await Promise.all([process.ended, drained])
      return seen.trim()
    },
  }
}

/** True when one of three pings is answered. */
export async function pings(from: Instance, address: string): Promise<boolean> {
  try {
    await from.run(['ping', '-c', '3', '-i', '0.2', '-W', '1', '-q', address])
    return true
  } catch {
    return false
  }
}

/** `pid start-time` of every process in a test host with that name, sorted. */
export async function processesNamed(host: TestHost, name: string): Promise<string[]> {
  const namespace = (pid: number) => readlink(`/proc/${pid}/ns/pid`).catch(() => '')
  const own = await namespace(host.pid)
  const found: string[] = []
  for (const { pid, startTime } of processesWhere(({ program }) => program === name)) {
    if ((await namespace(pid)) === own) found.push(`${pid} ${startTime}`)
  }
  return found.sort()
}
