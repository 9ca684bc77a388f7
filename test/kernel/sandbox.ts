/**
 * Test hosts: each its own network, mount and process namespace with a private /run, and its own Open vSwitch.
 * Ending the host's first process ends everything in it, also when the test itself is killed.
 */
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type OvsDirectories, startOvs } from '../../host/ovs/daemons.ts'
import { type RunOptions, run } from '../../host/run.ts'

export interface TestProcess {
  child: ChildProcess
  /** The program's own pid, in the caller's process namespace (`child.pid` is that of nsenter). */
  pid: number
  kill(signal?: NodeJS.Signals): void
  /** Resolves when the program has ended. */
  ended: Promise<void>
}

export interface TestHost {
  name: string
  /** A directory of this host's own, at the same path inside and outside. */
  dir: string
  /** The first process of the host, as the caller sees it. Its namespaces are /proc/PID/ns/{net,mnt,pid}. */
  pid: number
  /** OVS_RUNDIR; also found at /run/openvswitch inside, so that plain `ovs-vsctl` works there. */
  ovsRunDir: string
  /** unix socket of ovsdb-server. */
  ovsdbSocket: string
  /** For host/ovs/daemons.ts: its daemons' directories, entered through nsenter. */
  ovs: OvsDirectories
  /** Runs a program inside to its end. Throws CommandError. */
  run(argv: readonly string[], options?: RunOptions): Promise<string>
  /** The same inside a network namespace of this host. */
  runIn(namespace: string, argv: readonly string[], options?: RunOptions): Promise<string>
  /** Starts a program inside; a node program too: `spawn([process.execPath, 'agents/main.ts', …])`. */
  spawn(argv: readonly string[], options?: SpawnOptions): Promise<TestProcess>
  destroy(): Promise<void>
}

/** Why test hosts cannot be made here, or undefined when they can. For the `skip` of a test. */
export function whyNoTestHosts(): string | undefined {
  if (process.getuid?.() !== 0) return 'needs root'
  for (const program of ['unshare', 'nsenter', 'ip', 'ovs-vswitchd', 'ovsdb-server', 'ovs-ofctl']) {
    const found = (process.env.PATH ?? '').split(':').concat('/usr/sbin', '/sbin')
    if (!found.some((dir) => existsSync(join(dir, program)))) return `needs ${program}`
  }
  return undefined
}

const prepare = `
mount -t tmpfs tmpfs /run || exit 1
mkdir -p /run/netns /run/openvswitch /run/lock
mount --bind "$1" /run/openvswitch || exit 1
mount -t sysfs sysfs /sys 2>/dev/null
ip link set lo up || exit 1
echo ready
while read -r _; do :; done`

/** Makes a test host; with `ovs: false` one without a switch. Destroy it in `after`. */
export async function createTestHost(name: string, options: { ovs?: boolean } = {}): Promise<TestHost> {
  const dir = await mkdtemp(join(tmpdir(), `nh-${name}-`))
  const ovsRunDir = join(dir, 'ovs')
  await run(['mkdir', '-p', ovsRunDir])
  const holder = spawn(
    'unshare',
    [
      '--net',
      '--mount',
      '--pid',
      '--fork',
      '--kill-child',
      '--mount-proc',
      'bash',
      '-c',
      prepare,
      'host',
      ovsRunDir,
    ],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  )
  const gone = new Promise<void>((resolve) => holder.once('close', () => resolve()))
  await new Promise<void>((resolve, reject) => {
    holder.stdout.once('data', () => resolve())
    holder.once('error', reject)
    holder.once('close', (status) => reject(new Error(`test host ${name} did not start (${status})`)))
  })
  const pid = firstChild(holder.pid ?? 0)
  const enter = ['nsenter', '-t', String(pid), '--net', '--mount', '--pid', '--']
  const inside = (argv: readonly string[]): [string, ...string[]] => ['nsenter', ...enter.slice(1), ...argv]
  const ovs: OvsDirectories = { runDir: ovsRunDir, via: enter }
  const host: TestHost = {
    name,
    dir,
    pid,
    ovsRunDir,
    ovsdbSocket: join(ovsRunDir, 'db.sock'),
    ovs,
    run: (argv, runOptions) => run(inside(argv), runOptions),
    runIn: (namespace, argv, runOptions) =>
      run(inside(['ip', 'netns', 'exec', namespace, ...argv]), runOptions),
    spawn: (argv, spawnOptions) => spawnInside(inside(argv), spawnOptions),
    async destroy() {
      holder.stdin.end()
      holder.kill('SIGKILL')
      await gone
      await rm(dir, { recursive: true, force: true, maxRetries: 5 })
    },
  }
  try {
    if (options.ovs !== false) await startOvs(ovs)
  } catch (error) {
    await host.destroy()
    throw error
  }
  return host
}

async function spawnInside(
  argv: readonly [string, ...string[]],
  options?: SpawnOptions,
): Promise<TestProcess> {
  const child = spawn(argv[0], argv.slice(1), { stdio: ['ignore', 'pipe', 'pipe'], ...options })
  // Not 'close': that never comes once an IPC channel was disconnected from here.
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  let failed: Error | undefined
  child.once('error', (error) => {
    failed = error
  })
  for (let i = 0; i < 500; i++) {
    if (failed) throw failed
    const pid = firstChild(child.pid ?? 0)
    if (pid !== 0 || child.exitCode !== null) {
      const kill = (signal: NodeJS.Signals = 'SIGTERM'): void => {
        if (child.exitCode === null && child.signalCode === null && pid !== 0) {
          try {
            process.kill(pid, signal)
          } catch {
            // It has ended meanwhile.
          }
        }
      }
      return { child, pid, kill, ended }
    }
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
  throw new Error(`${argv.join(' ')} did not start`)
}

function firstChild(pid: number): number {
  try {
    return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')[0] ?? 0)
  } catch {
    return 0
  }
}

/** What a fabric needs to know of those that are plugged into it. */
export type Member = Pick<TestHost, 'pid' | 'run'>

/** The test's own place, as a member of a fabric. */
export const ownPlace: Member = { pid: process.pid, run }

export interface Fabric {
  host: TestHost
  /**
   * Plugs a host in: its NIC (`eth0`) with that address, or none. With `bridge`, the NIC is a port of a userspace bridge
   * of that name that holds the address, as userspace tunnels need it. Answers the fabric's end of the wire.
   */
  attach(host: Member, cidr: string | null, options?: AttachOptions): Promise<string>
  /** Cuts a host off, and joins it again. */
  cut(host: Member): Promise<void>
  join(host: Member): Promise<void>
  destroy(): Promise<void>
}

export interface AttachOptions {
  nic?: string
  bridge?: string
  mtu?: number
}

/** The physical network between test hosts: a Linux bridge in a namespace of its own. */
export async function createFabric(name = 'fabric'): Promise<Fabric> {
  const host = await createTestHost(name, { ovs: false })
  await host.run(['ip', 'link', 'add', 'fabric', 'type', 'bridge'])
  await host.run(['ip', 'link', 'set', 'fabric', 'up'])
  const portOf = new Map<Member, string>()
  const set = async (member: Member, state: 'up' | 'down'): Promise<void> => {
    await host.run(['ip', 'link', 'set', portOf.get(member) ?? '', state])
  }
  return {
    host,
    async attach(member, cidr, { nic = 'eth0', bridge, mtu: bytes = 1500 } = {}) {
      const port = `host${portOf.size}`
      portOf.set(member, port)
      const mtu = String(bytes)
      // Only the network namespace is entered, so that the member's pid means the same as here.
      await run([
        ...(['nsenter', `--net=/proc/${host.pid}/ns/net`, 'ip', 'link', 'add', port, 'mtu', mtu] as const),
        ...['type', 'veth', 'peer', 'name', nic, 'mtu', mtu, 'netns', String(member.pid)],
      ])
      await host.run(['ip', 'link', 'set', port, 'master', 'fabric', 'up'])
      // No card finishes checksums on the way to a userspace switch.
      await member.run(['ethtool', '-K', nic, 'tx', 'off'])
      await member.run(['ip', 'link', 'set', nic, 'up'])
      if (bridge !== undefined) {
        await member.run([
          ...['ovs-vsctl', 'add-br', bridge, '--', 'set', 'bridge', bridge, 'datapath_type=netdev'],
          ...['--', 'add-port', bridge, nic],
        ])
        await member.run(['ip', 'link', 'set', bridge, 'mtu', mtu, 'up'])
      }
      if (cidr !== null) await member.run(['ip', 'address', 'add', cidr, 'dev', bridge ?? nic])
      return port
    },
    cut: (member) => set(member, 'down'),
    join: (member) => set(member, 'up'),
    destroy: () => host.destroy(),
  }
}
