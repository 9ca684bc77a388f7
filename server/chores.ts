/**
 * Work that no request brings about, done again and again on every server: a chore looks for itself what is to do,
 * and is safe beside its twins on other servers.
 */
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
