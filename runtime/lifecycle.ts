/**
 * Start and stop of a process: parts start one after another, stop in reverse, under one AbortSignal and a deadline;
 * a failed start stops what had started.
 */
import { once } from 'node:events'
import { flushCompileCache } from 'node:module'
import { setTimeout as timeout } from 'node:timers/promises'
import type { Logger } from './log.ts'

export interface Lifecycle {
  /** Aborts when stopping begins: loops end, waits are cut short. */
  readonly signal: AbortSignal
  /** Starts a part and notes how it is stopped. Throws when stopping has begun meanwhile. */
  start<T>(name: string, start: () => T | Promise<T>, stop?: (part: T) => void | Promise<void>): Promise<T>
  /** Stops all parts in reverse order. Answers whether each stopped without error and in time. Once only. */
  stop(): Promise<boolean>
}

export interface LifecycleOptions {
  log: Logger
  /** Milliseconds that stopping may take in all. Default 10000. */
  deadline?: number
}

interface Started {
  name: string
  stop: () => void | Promise<void>
}

/** Without signals and exit codes, for what lives inside a process; runProcess adds these. Nothing is started yet. */
export function createLifecycle(options: LifecycleOptions): Lifecycle {
  const { log, deadline = 10_000 } = options
  const abort = new AbortController()
  const started: Started[] = []
  const starting = new Set<Promise<unknown>>()
  let stopping: Promise<boolean> | undefined

  async function stopAll(): Promise<boolean> {
    abort.abort(new Error('stopping'))
    const end = performance.now() + deadline
    const inTime = (name: string, work: () => unknown) =>
      within(Math.max(0, end - performance.now()), name, work)
    let clean = true
    const attempt = async (name: string, work: () => unknown) => {
      try {
        await inTime(name, work)
        log.debug({ part: name }, 'stopped')
      } catch (error) {
        clean = false
        log.error({ part: name, err: error }, 'did not stop cleanly')
      }
    }
    if (starting.size > 0) await attempt('what is starting', () => Promise.allSettled(starting))
    for (let part = started.pop(); part !== undefined; part = started.pop())
      await attempt(part.name, part.stop)
    return clean
  }

  return {
    signal: abort.signal,
    async start(name, start, stop) {
      abort.signal.throwIfAborted()
      const starts = Promise.resolve()
        .then(start)
        .then((part) => {
          if (stop !== undefined) started.push({ name, stop: () => stop(part) })
          log.debug({ part: name }, 'started')
          return part
        })
        .finally(() => starting.delete(starts))
      starting.add(starts)
      const part = await starts
      abort.signal.throwIfAborted()
      return part
    },
    stop() {
      stopping ??= stopAll()
      return stopping
    },
  }
}

async function within(ms: number, name: string, work: () => unknown): Promise<void> {
  const cancel = new AbortController()
  try {
    await Promise.race([
      work(),
      timeout(ms, undefined, { signal: cancel.signal }).then(() => {
        throw new Error(`${name} did not stop before the deadline`)
      }),
    ])
  } finally {
    cancel.abort()
  }
}

/**
 * Runs a process around `main`, which starts its parts and returns when it is ready. Stops on SIGTERM and SIGINT (one
 * that comes more than a second after the first ends at once), and when the IPC channel to the parent closes, so that
 * nothing outlives its supervisor. An error that nobody handles is logged and ends the process with code 1. Never
 * returns before the process is done.
 */
export async function runProcess(
  options: LifecycleOptions,
  main: (lifecycle: Lifecycle) => Promise<void>,
): Promise<never> {
  const { log } = options
  const lifecycle = createLifecycle(options)
  const unhandled = (error: unknown) => {
    log.error({ err: error }, 'unhandled error: the process ends')
    process.exit(1)
  }
  process.on('uncaughtException', unhandled)
  process.on('unhandledRejection', unhandled)

  const { promise: asked, resolve: ask } = Promise.withResolvers<string>()
  let asking: number | undefined
  for (const name of ['SIGTERM', 'SIGINT'] as const) {
    process.on(name, () => {
      // A terminal and a supervisor may both pass on one and the same wish.
      if (asking !== undefined && performance.now() - asking > 1000) process.exit(1)
      asking ??= performance.now()
      ask(name)
    })
  }
  if (process.channel !== undefined && process.channel !== null) {
    void once(process, 'disconnect').then(() => ask('supervisor gone'))
  }

  const running = main(lifecycle)
  // Node.js keeps compiled code when a process exits, and one that is killed would compile all of it again.
  void running.then(flushCompileCache, () => {})
  try {
    const first = await Promise.race([running, asked])
    const reason = typeof first === 'string' ? first : await asked
    log.info({ reason }, 'stopping')
  } catch (error) {
    log.error({ err: error }, 'could not start')
    await lifecycle.stop()
    process.exit(1)
  }
  const clean = await lifecycle.stop()
  process.exit(clean ? 0 : 1)
}
