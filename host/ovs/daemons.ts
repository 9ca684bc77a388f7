/**
 * An Open vSwitch of one's own under a run directory (for `nucleon up` where none runs, and for test hosts), and what
 * can be said of one that runs. Programs are started through `via`, an argument prefix that may enter a namespace.
 */
import { existsSync } from 'node:fs'
import { access, mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { run } from '../run.ts'

export type DatapathType = 'system' | 'netdev'

export interface OvsDirectories {
  /** Sockets, pid files and logs (OVS_RUNDIR); short enough for a unix socket's path (under 90 characters). */
  runDir: string
  /** The database file; `conf.db` in runDir unless told. */
  database?: string
  /** Arguments put before each program (`nsenter …`). */
  via?: readonly string[]
}

export interface OvsInstance {
  /** unix socket of ovsdb-server. */
  ovsdb: string
  /** Where ovs-vswitchd keeps `BRIDGE.mgmt`. */
  ovsRunDir: string
}

const schemaPath = '/usr/share/openvswitch/vswitch.ovsschema'

function command(dirs: OvsDirectories, ...argv: [string, ...string[]]): [string, ...string[]] {
  const [first, ...rest] = [...(dirs.via ?? []), ...argv]
  return [first ?? argv[0], ...rest]
}

function environment(dirs: OvsDirectories): NodeJS.ProcessEnv {
  return { ...process.env, OVS_RUNDIR: dirs.runDir, OVS_LOGDIR: dirs.runDir, OVS_DBDIR: dirs.runDir }
}

function instance(dirs: OvsDirectories): OvsInstance {
  return { ovsdb: join(dirs.runDir, 'db.sock'), ovsRunDir: dirs.runDir }
}

/** Starts ovsdb-server and ovs-vswitchd as daemons unless they run there already. Throws CommandError. */
export async function startOvs(dirs: OvsDirectories): Promise<OvsInstance> {
  const { ovsdb } = instance(dirs)
  const env = environment(dirs)
  const database = dirs.database ?? join(dirs.runDir, 'conf.db')
  await mkdir(dirs.runDir, { recursive: true })
  if (!existsSync(database)) await run(['ovsdb-tool', 'create', database, schemaPath])
  if ((await runningPid(dirs, 'ovsdb-server')) === undefined) {
    await run(
      command(
        dirs,
        'ovsdb-server',
        database,
        `--remote=punix:${ovsdb}`,
        '--remote=db:Open_vSwitch,Open_vSwitch,manager_options',
        '--detach',
        '--no-chdir',
        `--pidfile=${join(dirs.runDir, 'ovsdb-server.pid')}`,
        `--log-file=${join(dirs.runDir, 'ovsdb-server.log')}`,
        '-vconsole:off',
      ),
      { env },
    )
  }
  await run(command(dirs, 'ovs-vsctl', `--db=unix:${ovsdb}`, '--no-wait', 'init'), { env })
  await startVswitchd(dirs)
  return instance(dirs)
}

/** Starts ovs-vswitchd alone, on the database that runs there. */
export async function startVswitchd(dirs: OvsDirectories): Promise<void> {
  if ((await runningPid(dirs, 'ovs-vswitchd')) !== undefined) return
  await run(
    command(
      dirs,
      'ovs-vswitchd',
      `unix:${join(dirs.runDir, 'db.sock')}`,
      '--detach',
      '--no-chdir',
      `--pidfile=${join(dirs.runDir, 'ovs-vswitchd.pid')}`,
      `--log-file=${join(dirs.runDir, 'ovs-vswitchd.log')}`,
      '-vconsole:off',
    ),
    { env: environment(dirs) },
  )
}

/** Ends the daemons that startOvs started there, the switch first. Missing ones are no error. */
export async function stopOvs(dirs: OvsDirectories): Promise<void> {
  for (const name of ['ovs-vswitchd', 'ovsdb-server'] as const) {
    const pid = await runningPid(dirs, name)
    if (pid === undefined) continue
    await run(command(dirs, 'kill', String(pid)))
    for (let i = 0; i < 100 && (await runningPid(dirs, name)) !== undefined; i++) {
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
}

/** The pid that a daemon's pid file names while that daemon runs (as seen where `via` leads). */
export async function runningPid(
  dirs: OvsDirectories,
  name: 'ovsdb-server' | 'ovs-vswitchd',
): Promise<number | undefined> {
  try {
    const pid = Number((await readFile(join(dirs.runDir, `${name}.pid`), 'utf8')).trim())
    const comm = await run(command(dirs, 'cat', `/proc/${pid}/comm`))
    return Number.isInteger(pid) && comm.trim() === name ? pid : undefined
  } catch {
    return undefined
  }
}

/** The Open vSwitch that answers in a run directory (Debian's is /run/openvswitch), or undefined. */
export async function findOvs(runDir = '/run/openvswitch'): Promise<OvsInstance | undefined> {
  const found = instance({ runDir })
  try {
    await access(found.ovsdb)
    await run(['ovs-vsctl', `--db=unix:${found.ovsdb}`, '--timeout=2', 'get', 'Open_vSwitch', '.', '_uuid'])
    const pid = Number((await readFile(join(runDir, 'ovs-vswitchd.pid'), 'utf8')).trim())
    process.kill(pid, 0)
    return found
  } catch {
    return undefined
  }
}

/** `system` where the kernel's openvswitch datapath is there, which is loaded if need be; else `netdev` (userspace). */
export async function detectDatapath(): Promise<DatapathType> {
  if (existsSync('/sys/module/openvswitch')) return 'system'
  try {
    await run(['modprobe', 'openvswitch'])
    return existsSync('/sys/module/openvswitch') ? 'system' : 'netdev'
  } catch {
    return 'netdev'
  }
}
