/**
 * Long-running programs that outlive the agent. Each has a record (pid, start time, what was started) in
 * runDir/processes by which the next agent adopts it; it runs in a session of its own and is restarted when it ends.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  unlinkSync,
} from 'node:fs'
import { uptime } from 'node:os'
import { join } from 'node:path'
import { replaceFile } from '../../runtime/files.ts'
import { isRunning, processStat } from '../../runtime/process-stat.ts'
import type { Change, Facility, FacilityEvents, Observed, Verdict } from '../facility.ts'
import { reasonOf } from '../keeper.ts'
import type { Log } from '../log.ts'
import { type HostObject, objectKey, type Process } from '../objects.ts'
import { entering } from './netns.ts'

export interface ProcessesOptions {
  runDir: string
  log: Log
  /** Identity of a thing that a process needs: changes when it is made anew; undefined when it is not there. */
  generationOf(key: string): string | undefined
  /** Prepares what a process finds when it starts; it does not run now. */
  starting(process: Process): Promise<void>
  /** Told once of each process that is ready, with its id. */
  begun(id: string): void
  /** False while more may be wanted than is known: what is left of a process that has ended is kept. */
  removing(): boolean
}

export type SignalOutcome = 'sent' | 'later' | 'absent'

export interface ProcessesFacility extends Facility {
  /** Signals a running process. `later`: it has just been started and may not be ready for signals. */
  signal(id: string, signal: NodeJS.Signals): SignalOutcome
  /** True for a process that has just been started, and would be signalled later. */
  isYoung(id: string): boolean
  /** A thing has come, or was made anew: processes that need it may have to be restarted. */
  renewed(key: string): void
  /** The processes that are wanted. */
  list(): Iterable<Process>
  isWanted(id: string): boolean
  /** Of a process that runs. */
  pidOf(id: string): number | undefined
}

interface Record_ {
  id: string
  /** null between the decision to start and the start. */
  pid: number | null
  startTime: string
  /** The boot that pid and start time are of. */
  boot: string
  namespace: string | null
  argv: [string, ...string[]]
  /** The needs' identities when it was started. */
  needs: Record<string, string>
}

interface Crash {
  count: number
  /** By the monotonic clock: a wall clock that jumps must not keep a server down. */
  notBefore: number
  reason: string
}

/** Milliseconds that a process has to end by itself. */
const grace = 3000
/** A process younger than this may not have its signal handlers yet. */
const youth = 400
/** One that lived longer than this is restarted at once. */
const healthyLife = 10_000
/** Milliseconds before one that ends again and again is started again; and where somebody ends it, which is no fault of it. */
const longestPause = 10_000
const pauseAfterKill = 1000
const largestLog = 4 << 20
const mark = 'NUCLEON_PROCESS'

/** `start` adopts what runs by the records; `stop` ends no process. */
export function createProcessesFacility(options: ProcessesOptions): ProcessesFacility {
  const { log } = options
  const recordDir = join(options.runDir, 'processes')
  const logDir = join(options.runDir, 'logs')
  const wanted = new Map<string, Process>()
  const records = new Map<string, Record_>()
  const children = new Map<string, ChildProcess>()
  const crashes = new Map<string, Crash>()
  let events: FacilityEvents | undefined
  let watch: NodeJS.Timeout | undefined
  /** Generation of those that were told to have begun. */
  const begun = new Map<string, string>()
  const boot = bootId()

  const recordPath = (id: string): string => join(recordDir, `${encodeURIComponent(id)}.json`)
  const markOf = (id: string): string =>
    createHash('sha256').update(`${options.runDir}\n${id}`).digest('hex').slice(0, 32)

  function save(record: Record_): void {
    replaceFile(recordPath(record.id), JSON.stringify(record))
  }

  function drop(id: string): void {
    records.delete(id)
    begun.delete(id)
    try {
      unlinkSync(recordPath(id))
    } catch {
      // It was not there.
    }
  }

  /** Of one that is gone and not wanted nothing is left. */
  function forget(id: string): void {
    drop(id)
    try {
      rmSync(logPath(id), { force: true })
    } catch {
      // The disk cannot be written, so that its record is left too: the next agent forgets it.
    }
  }

  function load(): void {
    for (const name of readdirSync(recordDir)) {
      if (!name.endsWith('.json')) continue
      try {
        const record = JSON.parse(readFileSync(join(recordDir, name), 'utf8')) as Record_
        records.set(record.id, record)
      } catch {
        unlinkSync(join(recordDir, name))
      }
    }
    // An agent that died while it started a process has left a record without a pid: the process is known by its mark.
    const lost = [...records.values()].filter((record) => record.pid === null)
    if (lost.length === 0) return
    const marked = findMarked()
    for (const record of lost) {
      const pid = marked.get(markOf(record.id))
      const stat = pid === undefined ? undefined : processStat(pid)
      if (pid !== undefined && stat) take({ ...record, pid, startTime: stat.startTime })
      else drop(record.id)
    }
  }

  /** Takes a process that runs for ours, whether or not that can be written down: the next agent knows its mark. */
  function take(record: Record_): void {
    records.set(record.id, record)
    try {
      save(record)
    } catch (error) {
      log.warn({ process: record.id, reason: reasonOf(error) }, 'its pid cannot be written down')
    }
  }

  function running(record: Record_ | undefined): record is Record_ & { pid: number } {
    return record?.boot === boot && record.pid !== null && isRunning(record.pid, record.startTime)
  }

  function needsOf(process: Process): Record<string, string> {
    const needs: Record<string, string> = {}
    for (const key of process.needs ?? []) {
      const generation = options.generationOf(key)
      if (generation !== undefined) needs[key] = generation
    }
    return needs
  }

  function look(id: string): Observed[] {
    const record = records.get(id)
    if (!running(record)) return []
    const object: Process = { kind: 'process', id, namespace: record.namespace, argv: record.argv }
    const generation = `${record.pid}-${record.startTime}`
    const process = wanted.get(id)
    const isReady = ready(record)
    if (isReady && begun.get(id) !== generation) {
      begun.set(id, generation)
      options.begun(id)
    }
    const detail = JSON.stringify([isReady, process ? needsOf(process) : {}])
    return [{ ident: objectKey(object), object, ours: true, generation, detail }]
  }

  function verdict(observed: Observed | undefined, object: HostObject): Verdict {
    if (object.kind !== 'process') return 'differs'
    const record = records.get(object.id)
    if (!observed || !running(record)) return 'differs'
    if (record.namespace !== object.namespace || !sameArgv(record.argv, object.argv)) return 'differs'
    for (const key of object.needs ?? []) {
      const generation = options.generationOf(key)
      if (generation !== undefined && generation !== record.needs[key]) return 'differs'
    }
    return ready(record) ? 'settled' : 'pending'
  }

  function start(process: Process): void {
    const crash = crashes.get(process.id)
    if (crash && performance.now() < crash.notBefore) throw new Error(crash.reason)
    const argv: readonly [string, ...string[]] =
      process.namespace === null ? process.argv : [...entering(process.namespace), ...process.argv]
    const record: Record_ = {
      id: process.id,
      pid: null,
      startTime: '',
      boot,
      namespace: process.namespace,
      argv: [...process.argv],
      needs: needsOf(process),
    }
    save(record)
    records.set(record.id, record)
    const output = openLog(process.id)
    const child = spawn(argv[0], argv.slice(1), {
      detached: true,
      stdio: ['ignore', output, output],
      cwd: '/',
      env: {
        PATH: globalThis.process.env.PATH ?? '/usr/sbin:/usr/bin:/sbin:/bin',
        [mark]: markOf(process.id),
      },
    })
    closeSync(output)
    child.unref()
    child.once('error', (error) => ended(process.id, child, error.message, longestPause))
    child.once('exit', (status, signal) => {
      const pause = signal === 'SIGKILL' || signal === 'SIGTERM' ? pauseAfterKill : longestPause
      ended(process.id, child, signal ? `ended by ${signal}` : `ended with status ${status}`, pause)
    })
    const stat = child.pid === undefined ? undefined : processStat(child.pid)
    if (child.pid === undefined || stat === undefined) {
      child.kill('SIGKILL')
      drop(process.id)
      throw new Error(`cannot start ${argv[0]}`)
    }
    children.set(process.id, child)
    take({ ...record, pid: child.pid, startTime: stat.startTime })
    log.info({ process: process.id, pid: child.pid, argv: process.argv }, 'started')
  }

  function ended(id: string, child: ChildProcess, reason: string, longest: number): void {
    if (children.get(id) !== child) return
    children.delete(id)
    const record = records.get(id)
    const lived = record ? ageOf(record) : 0
    if (wanted.has(id)) {
      const count = lived < healthyLife ? (crashes.get(id)?.count ?? 0) + 1 : 0
      const delay = count === 0 ? 0 : Math.min(longest, 100 * 2 ** (count - 1))
      crashes.set(id, { count, notBefore: performance.now() + delay, reason: `${reason}${lastWords(id)}` })
      log.warn({ process: id, reason, lived }, 'a process has ended')
    }
    events?.changed(id)
  }

  /** The last line that it wrote, for the report. */
  function lastWords(id: string): string {
    try {
      const text = readFileSync(logPath(id), 'utf8').trimEnd()
      const line = text.slice(text.lastIndexOf('\n') + 1).slice(0, 300)
      return line === '' ? '' : `: ${line}`
    } catch {
      return ''
    }
  }

  const logPath = (id: string): string => join(logDir, `${encodeURIComponent(id)}.log`)

  function openLog(id: string): number {
    const path = logPath(id)
    const large = (statSync(path, { throwIfNoEntry: false })?.size ?? 0) > largestLog
    return openSync(path, large ? 'w' : 'a', 0o640)
  }

  async function end(id: string): Promise<void> {
    const record = records.get(id)
    children.delete(id)
    if (running(record)) {
      send(record.pid, 'SIGTERM')
      const deadline = performance.now() + grace
      while (running(record) && performance.now() < deadline) await sleep(5)
      if (running(record)) send(-record.pid, 'SIGKILL')
      while (running(record) && performance.now() < deadline + 1000) await sleep(5)
      log.info({ process: id, pid: record.pid }, 'ended')
    }
    drop(id)
  }

  async function applyOne(change: Change): Promise<void> {
    const object = change.wanted ?? change.observed?.object
    if (object?.kind !== 'process') return
    if (change.wanted?.kind !== 'process') {
      await end(object.id)
      forget(object.id)
      return
    }
    if (change.observed) await end(object.id)
    await options.starting(change.wanted)
    start(change.wanted)
  }

  return {
    name: 'processes',
    kinds: ['process'],
    removesAtOnce: false,
    scopeOf: (object) => (object.kind === 'process' ? object.id : ''),
    async start(listener) {
      events = listener
      mkdirSync(recordDir, { recursive: true })
      mkdirSync(logDir, { recursive: true })
      load()
      // Of adopted processes no end is told: one look a second at each.
      watch = setInterval(() => {
        for (const [id, record] of records) {
          if (children.has(id) || running(record)) continue
          listener.changed(id)
          if (!wanted.has(id) && options.removing()) forget(id)
        }
      }, 1000)
      watch.unref()
      return [...records.keys()]
    },
    wanted(_key, object, before) {
      if (object?.kind === 'process') {
        wanted.set(object.id, object)
        if (before?.kind === 'process' && !sameArgv(before.argv, object.argv)) crashes.delete(object.id)
      } else if (before?.kind === 'process') {
        wanted.delete(before.id)
        crashes.delete(before.id)
      }
    },
    observe: async (id) => ({ complete: true, found: look(id) }),
    verdict,
    async apply(changes) {
      const failures = new Map<string, string>()
      await Promise.all(
        changes.map((change) =>
          applyOne(change).catch((error: unknown) => {
            failures.set(change.ident, reasonOf(error))
          }),
        ),
      )
      return failures
    },
    async stop() {
      clearInterval(watch)
      for (const child of children.values()) child.removeAllListeners()
    },
    isYoung(id) {
      const record = records.get(id)
      return running(record) && ageOf(record) < youth
    },
    signal(id, signal) {
      const record = records.get(id)
      if (!running(record)) return 'absent'
      if (ageOf(record) < youth) return 'later'
      send(record.pid, signal)
      return 'sent'
    },
    renewed(key) {
      // That it has to be restarted is no drift of its own.
      for (const process of wanted.values())
        if (process.needs?.includes(key)) events?.renewed([`process ${process.id}`])
    },
    list: () => wanted.values(),
    isWanted: (id) => wanted.has(id),
    pidOf(id) {
      const record = records.get(id)
      return running(record) ? record.pid : undefined
    },
  }
}

/** Start times from an earlier boot mean nothing. */
function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  } catch {
    return ''
  }
}

/** Clock ticks a second, of start times; the same on every Linux that runs Node.js. */
const ticksPerSecond = 100

/** Milliseconds since its start, whatever the wall clock says; to within a hundredth of a second. */
function ageOf({ startTime }: Record_): number {
  return startTime === '' ? 0 : (uptime() - Number(startTime) / ticksPerSecond) * 1000
}

/** A program that is told to write its pid (`--pid-file=PATH`, as dnsmasq) is ready once it has. */
function ready(record: Record_): boolean {
  const option = record.argv.find((arg) => /^--pid-?file=/.test(arg))
  if (option === undefined) return true
  try {
    return Number(readFileSync(option.slice(option.indexOf('=') + 1), 'utf8')) === record.pid
  } catch {
    return false
  }
}

function sameArgv(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((arg, i) => arg === b[i])
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // It has ended meanwhile.
  }
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** Pids by the mark in their environment; of a process and its children, which have it too, the process. */
function findMarked(): Map<string, number> {
  const found = new Map<string, number>()
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    try {
      const environment = readFileSync(`/proc/${name}/environ`, 'latin1')
      const at = `\0${environment}`.indexOf(`\0${mark}=`)
      const value = environment.slice(at + mark.length + 1).split('\0')[0] ?? ''
      if (at >= 0 && !found.has(value)) found.set(value, Number(name))
    } catch {
      // It has ended meanwhile.
    }
  }
  return found
}
