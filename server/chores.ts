/**
 * Work that no request brings about, done again and again on every server: a chore looks for itself what is to do,
 * and is safe beside its twins on other servers.
 */
import { NeutronError } from '../lib/errors.ts'
import type { Logger } from '../runtime/log.ts'

export interface Chore {
  name: string
  /** Seconds between the end of one round and the start of the next. */
  interval: number
  run(): Promise<unknown>
}

export interface Chores {
  /** Resolves when no round is under way any more. */
  stop(): Promise<void>
}

/**
 * Does `work` for one object after the other. What was deleted since it was listed needs nothing any more; another
 * failure is told, and the others have their turn all the same. Answers whether there was none. Throws
 * ServiceUnavailable, which the next object would meet as well.
 */
export async function attemptEach<T>(
  objects: Iterable<T>,
  log: Logger,
  work: (object: T) => Promise<unknown>,
): Promise<boolean> {
  let failures = 0
  for (const object of objects) {
    try {
      await work(object)
    } catch (error) {
      const status = error instanceof NeutronError ? error.status : undefined
      if (status === 404) continue
      if (status === 503) throw error
      failures += 1
      log.error({ object, err: error }, 'this one failed and is tried again later')
    }
  }
  return failures === 0
}

/** Starts all chores; the first round of each begins somewhere within its interval, so that servers spread. */
export function startChores(chores: readonly Chore[], log: Logger): Chores {
  const timers = new Map<string, NodeJS.Timeout>()
  const running = new Set<Promise<void>>()
  let stopped = false

  async function round(chore: Chore): Promise<void> {
    try {
      await chore.run()
    } catch (error) {
      log.error({ chore: chore.name, err: error }, 'a chore failed and is tried again later')
    }
  }

  function plan(chore: Chore, seconds: number): void {
    if (stopped) return
    const timer = setTimeout(() => {
      const work = round(chore).finally(() => {
        running.delete(work)
        plan(chore, chore.interval)
      })
      running.add(work)
    }, seconds * 1000)
    timers.set(chore.name, timer)
  }

  for (const chore of chores) plan(chore, chore.interval * (0.5 + Math.random() / 2))
  return {
    async stop() {
      stopped = true
      for (const timer of timers.values()) clearTimeout(timer)
      await Promise.all(running)
    },
  }
}
