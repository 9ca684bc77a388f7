/**
 * Keeps one process running: starts it, waits for its `{ ready: true }`, starts it again with back-off when it dies,
 * and says so when it dies again and again. Its output goes to a log file of bounded size.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, copyFileSync, openSync, readFileSync, statSync, truncateSync } from 'node:fs'
import { UserError } from '../errors.ts'

export interface ProcessSpec {
  /** `server`, `agent`: for messages. */
  name: string
  argv: readonly [string, ...string[]]
  env?: NodeJS.ProcessEnv
  logFile: string
}

export interface SupervisorOptions {
  /** Tells the user of deaths. */
  say(text: string): void
  /** Milliseconds until the first restart; doubles with each quick death up to 10 s. */
  backoff?: number
  /** Deaths before the first readiness after which the start has failed. */
  attempts?: number
  /** Bytes of a log file after which it is moved to `.1`. */
  logLimit?: number
}

export interface Supervised {
  /** When the process first said that it is ready; rejects when it cannot start. */
  readonly ready: Promise<void>
  pid(): number | undefined
  /** Milliseconds from its last start until it was ready; undefined while it is not. */
  readyAfter(): number | undefined
  /** SIGTERM, and SIGKILL after 15 s. Resolves when it is gone. */
  stop(): Promise<void>
}

/** A life of so many milliseconds counts as healthy: the back-off begins anew. */
const healthyLife = 30_000

/** The last lines of a log, for a message. */
export function tailOf(file: string, lines = 5): string {
  try {
    return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-lines).join('\n')
  } catch {
    return ''
  }
}

/** Starts it at once. When `ready` has rejected it is not tried again; one that was ready once is, without end. */
export function supervise(spec: ProcessSpec, options: SupervisorOptions): Supervised {
  const { say, backoff = 200, attempts = 3, logLimit = 16 * 1024 * 1024 } = options
  const { promise: ready, resolve: becomeReady, reject: giveUp } = Promise.withResolvers<void>()
  // Whoever waits hears of it; a rejection that nobody waits for yet is none.
  ready.catch(() => {})
  let child: ChildProcess | undefined
  let timer: NodeJS.Timeout | undefined
  let stopping = false
  let wasReady = false
  let readyAfter: number | undefined
  let quickDeaths = 0
  const { promise: gone, resolve: becomeGone } = Promise.withResolvers<void>()

  function start(): void {
    const started = performance.now()
    const log = openSync(spec.logFile, 'a', 0o640)
    const [program, ...args] = spec.argv
    // A session of its own: Ctrl-C reaches the supervisor alone, which ends its processes in order.
    child = spawn(program, args, {
      env: spec.env ?? process.env,
      cwd: '/',
      detached: true,
      stdio: ['ignore', log, log, 'ipc'],
    })
    closeSync(log)
    child.on('message', (message) => {
      if ((message as { ready?: boolean }).ready === true) {
        wasReady = true
        readyAfter = performance.now() - started
        becomeReady()
      }
    })
    let ended = false
    const end = (how: string) => {
      if (ended) return
      ended = true
      died(how, performance.now() - started)
    }
    child.once('error', (error) => end(error.message))
    child.once('exit', (code, signal) => end(signal === null ? `exit code ${code}` : `signal ${signal}`))
  }

  function died(how: string, life: number): void {
    child = undefined
    readyAfter = undefined
    if (stopping) {
      becomeGone()
      return
    }
    quickDeaths = life > healthyLife ? 1 : quickDeaths + 1
    if (!wasReady && quickDeaths >= attempts) {
      const tail = tailOf(spec.logFile)
      giveUp(
        new UserError(`the ${spec.name} does not start (${how})`, `Its log ${spec.logFile} ends:\n${tail}`),
      )
      return
    }
    const wait = Math.min(backoff * 2 ** (quickDeaths - 1), 10_000)
    if (quickDeaths === attempts) {
      say(`the ${spec.name} keeps dying (${how}); its log ${spec.logFile} ends:\n${tailOf(spec.logFile)}`)
    } else if (wasReady) {
      say(`the ${spec.name} died (${how}); starting it again in ${wait} ms`)
    }
    timer = setTimeout(start, wait)
  }

  // The process holds the file open for appending: copied and cut, nothing of it moves.
  const bound = setInterval(() => {
    try {
      if (statSync(spec.logFile).size <= logLimit) return
      copyFileSync(spec.logFile, `${spec.logFile}.1`)
      truncateSync(spec.logFile)
    } catch (error) {
      say(`cannot bound ${spec.logFile}: ${String(error)}`)
    }
  }, 10_000)
  bound.unref()

  start()
  return {
    ready,
    pid: () => child?.pid,
    readyAfter: () => readyAfter,
    async stop() {
      clearInterval(bound)
      clearTimeout(timer)
      stopping = true
      const running = child
      if (running === undefined) return
      running.kill('SIGTERM')
      const late = setTimeout(() => running.kill('SIGKILL'), 15_000)
      await gone
      clearTimeout(late)
    },
  }
}
