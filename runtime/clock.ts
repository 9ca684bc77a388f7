/** Time as a collaborator, so that what waits or expires can be tested without waiting. */
import { setTimeout as timeout } from 'node:timers/promises'

export interface Clock {
  /** Wall-clock time: for timestamps and expiry that others see. */
  now(): Date
  /** Milliseconds since some fixed point; never goes back. For durations. */
  monotonic(): number
  /** Resolves after `ms` milliseconds, or at once when the signal aborts: look at the signal afterwards. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

export const systemClock: Clock = {
  now: () => new Date(),
  monotonic: () => performance.now(),
  async sleep(ms, signal) {
    try {
      await timeout(ms, undefined, signal === undefined ? {} : { signal })
    } catch (error) {
      if (signal?.aborted !== true) throw error
    }
  },
}
