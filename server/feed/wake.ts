/** A flag that a loop sleeps on: set before or during the wait, it ends the wait at once. */
import { type Clock, systemClock } from '../../runtime/clock.ts'

export interface Wake {
  set(): void
  /** Waits until set, aborted or `ms` have passed; clears the flag. */
  wait(ms: number, signal: AbortSignal): Promise<void>
}

/** Not set at first. For one loop: of two that wait at once, only the later is woken. */
export function createWake(clock: Clock = systemClock): Wake {
  let wanted = false
  let interrupt: AbortController | undefined
  return {
    set() {
      wanted = true
      interrupt?.abort()
    },
    async wait(ms, signal) {
      if (!wanted && !signal.aborted) {
        interrupt = new AbortController()
        await clock.sleep(ms, AbortSignal.any([interrupt.signal, signal]))
        interrupt = undefined
      }
      wanted = false
    },
  }
}
