/**
 * The all-in-one: writes its files, finds or starts Open vSwitch, makes the provider bridges, and keeps a server
 * process (unprivileged) and an agent process (root) running, joined by a unix socket.
 */
import { randomBytes } from 'node:crypto'
import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, statSync } from 'node:fs'
import { hostname } from 'node:os'
import { makeCredential } from '../../bus/credential.ts'
import { createClient } from '../../client/http.ts'
import { list } from '../../client/networking.ts'
import { detectDatapath, findOvs, startOvs } from '../../host/ovs/daemons.ts'
import { replaceFile } from '../../runtime/files.ts'
import { UserError } from '../errors.ts'
import { requireHostName } from '../host-name.ts'
import { programOf } from '../programs.ts'
import { requireFreePort, takeControl } from '../state/control.ts'
import {
  cloudNames,
  cloudOf,
  type Layout,
  layoutOf,
  type Memory,
  readMemory,
  readSecrets,
  type Secrets,
  writeJson,
  writeMemory,
} from '../state/layout.ts'
import { changeUplink, ensureBridges, requireUplink, tunnelAddress } from './bridges.ts'
import { barrierAbove, withinReach } from './reach.ts'
import { type Supervised, supervise } from './supervisor.ts'
import { bootstrapDocument, cloudsText, configText } from './texts.ts'

export interface UpOptions {
  state: string
  apiPort: number
  identityPort: number
  uplink?: string
  host?: string
  /** False: the agent makes but never repairs (tests show with it that a check can fail). */
  repair?: boolean
}

export interface AllInOne {
  layout: Layout
  memory: Memory
  /** Resolves when `down` asks for the end. */
  readonly askedToStop: Promise<void>
  /** Ends both processes; traffic, Open vSwitch and what the agent started stay. */
  stop(): Promise<void>
}

/** The server's user where no user `nucleon` exists: of the range that systemd leaves to dynamic users. */
const dynamicUser = 61_696

function serverUser(): number {
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((each) => each.startsWith('nucleon:'))
  return line === undefined ? dynamicUser : Number(line.split(':')[2])
}

/** Makes the directories, so that the server's user reaches its own. */
function makeDirectories(layout: Layout, user: number): void {
  for (const path of [layout.root, layout.server, layout.agent, layout.log, layout.instances, layout.code]) {
    mkdirSync(path, { recursive: true, mode: 0o755 })
  }
  chmodSync(layout.root, statSync(layout.root).mode | 0o111)
  chmodSync(layout.server, 0o750)
  chownSync(layout.server, user, user)
  const barrier = barrierAbove(layout.root)
  if (barrier !== undefined) {
    throw new UserError(
      `the server runs without privileges and cannot pass through ${barrier} to reach ${layout.root}`,
      `Choose a --state elsewhere, or allow it:  chmod o+x ${barrier}`,
    )
  }
}

function readOrMakeSecrets(layout: Layout): Secrets {
  if (existsSync(layout.secrets)) return readSecrets(layout)
  const password = () => randomBytes(15).toString('base64url')
  const secrets: Secrets = {
    admin: password(),
    blue: password(),
    red: password(),
    feed: randomBytes(32).toString('hex'),
  }
  writeJson(layout.secrets, secrets, { mode: 0o600 })
  return secrets
}

function writeFiles(layout: Layout, memory: Memory, secrets: Secrets, localIp: string): void {
  const { host, datapath, user } = memory
  const clouds = cloudNames.map((name) => [name, cloudOf(memory, secrets, name)] as const)
  const [ours, servers] = [{ mode: 0o600 }, { mode: 0o600, owner: user }]
  replaceFile(layout.config, configText({ host, datapath, localIp }))
  replaceFile(layout.clouds, cloudsText(clouds), ours)
  replaceFile(layout.credential, `${makeCredential(secrets.feed, host)}\n`, ours)
  replaceFile(layout.feedSecret, `${secrets.feed}\n`, servers)
  replaceFile(layout.bootstrap, `${JSON.stringify(bootstrapDocument(secrets), null, 2)}\n`, servers)
}

function configFiles(layout: Layout): string[] {
  const files = existsSync(layout.localConfig) ? [layout.config, layout.localConfig] : [layout.config]
  return files.flatMap((file) => ['--config-file', file])
}

/** The argument array of the server process. */
export function serverArguments(layout: Layout, memory: Memory): [string, ...string[]] {
  const argv = programOf('server', [
    ...configFiles(layout),
    '--state',
    layout.root,
    '--api',
    `127.0.0.1:${memory.apiPort}`,
    '--identity',
    `127.0.0.1:${memory.identityPort}`,
    '--feed',
    `unix:${layout.feedSocket}`,
    '--feed-secret-file',
    layout.feedSecret,
    '--bootstrap',
    layout.bootstrap,
    '--user',
    `${memory.user}:${memory.user}`,
  ])
  return withinReach(argv, layout.code)
}

function agentArguments(layout: Layout, memory: Memory, repair: boolean): [string, ...string[]] {
  return programOf('agent', [
    '--host',
    memory.host,
    '--server',
    `unix:${layout.feedSocket}`,
    '--credential-file',
    layout.credential,
    ...configFiles(layout),
    '--state',
    layout.agent,
    '--roles',
    'l2,dhcp',
    '--ovsdb',
    memory.ovs.ovsdb,
    '--ovs-rundir',
    memory.ovs.ovsRunDir,
    ...(repair ? [] : ['--no-repair']),
  ])
}

/** Whether ports and cards are free for it. */
async function requireFitness(options: UpOptions): Promise<void> {
  if (options.apiPort === options.identityPort) {
    throw new UserError('--api-port and --identity-port are the same')
  }
  if (options.uplink !== undefined) requireUplink(options.uplink)
  await requireFreePort(options.apiPort, '--api-port')
  await requireFreePort(options.identityPort, '--identity-port')
}

/** The Open vSwitch of this network namespace, or one of our own. A path may lead to another namespace's switch. */
async function findOrStartOvs(layout: Layout): Promise<Memory['ovs']> {
  const running = await findOvs()
  if (running !== undefined) {
    const pid = readFileSync(`${running.ovsRunDir}/ovs-vswitchd.pid`, 'utf8').trim()
    const inode = (who: string) => statSync(`/proc/${who}/ns/net`).ino
    if (inode(pid) === inode('self')) return { ...running, own: false }
  }
  return { ...(await startOvs({ runDir: layout.ovs })), own: true }
}

/** Waits until an authenticated request works and this host's agents are alive in it. */
async function requireAgents(memory: Memory, secrets: Secrets): Promise<void> {
  const client = createClient(cloudOf(memory, secrets, 'admin'))
  try {
    const agents = await list(client, 'agent', { host: memory.host })
    const alive = agents.filter((agent) => agent.alive).map((agent) => agent.agent_type)
    const missing = ['Open vSwitch agent', 'DHCP agent'].filter((type) => !alive.includes(type))
    if (missing.length > 0) throw new Error(`not alive on ${memory.host}: ${missing.join(', ')}`)
  } finally {
    await client.close()
  }
}

/**
 * Starts the all-in-one and resolves when it is ready. Throws UserError where the user can mend it; whatever was
 * started is stopped again then.
 */
export async function startAllInOne(options: UpOptions, say: (text: string) => void): Promise<AllInOne> {
  if (process.getuid?.() !== 0) {
    throw new UserError('this needs root (network namespaces, Open vSwitch)', 'Run it with sudo.')
  }
  const layout = layoutOf(options.state)
  const host = requireHostName(options.host ?? hostname())
  const { promise: askedToStop, resolve: askToStop } = Promise.withResolvers<void>()
  const user = serverUser()
  makeDirectories(layout, user)
  let isReady = false
  const processes: { server?: Supervised; agent?: Supervised } = {}
  const part = (name: keyof typeof processes) => ({
    pid: processes[name]?.pid() ?? null,
    readyAfter: processes[name]?.readyAfter() ?? null,
  })
  const about = () => ({
    pid: process.pid,
    state: layout.root,
    ready: isReady,
    parts: { server: part('server'), agent: part('agent') },
  })
  const control = await takeControl(layout, about, askToStop)
  const stop = async () => {
    await Promise.all([processes.server?.stop(), processes.agent?.stop()])
    await control.close()
  }
  try {
    await requireFitness(options)
    const before = readMemory(layout)
    const secrets = readOrMakeSecrets(layout)
    const [datapath, localIp] = await Promise.all([detectDatapath(), tunnelAddress()])
    const memory: Memory = {
      host,
      apiPort: options.apiPort,
      identityPort: options.identityPort,
      user,
      ovs: before?.ovs ?? { ovsdb: '', ovsRunDir: '', own: false },
      datapath,
      uplink: before?.uplink ?? null,
    }
    writeFiles(layout, memory, secrets, localIp)
    const server = supervise(
      { name: 'server', argv: serverArguments(layout, memory), logFile: `${layout.log}/server.log` },
      { say },
    )
    processes.server = server
    // The server starts while the switch does.
    memory.ovs = await findOrStartOvs(layout)
    writeMemory(layout, memory)
    const here = { ovsdb: memory.ovs.ovsdb, state: layout.root }
    await ensureBridges(here, datapath)
    await changeUplink(here, options.uplink, memory.uplink, (uplink) => {
      memory.uplink = uplink
      writeMemory(layout, memory)
    })
    const agent = supervise(
      {
        name: 'agent',
        argv: agentArguments(layout, memory, options.repair ?? true),
        logFile: `${layout.log}/agent.log`,
      },
      { say },
    )
    processes.agent = agent
    await Promise.all([server.ready, agent.ready])
    await requireAgents(memory, secrets)
    isReady = true
    return { layout, memory, askedToStop, stop }
  } catch (error) {
    await stop()
    throw error
  }
}
