/** How the loops of the daemon wait: for a wake-up, for a while, or longer and longer while something is away. */

export interface Wake {
  /** Ends the present wait, or else the next one. */
  set(): void
  /** Resolves when set, after `ms` milliseconds, or when the signal aborts. */
  wait(ms: number, signal: AbortSignal): Promise<void>
}

/** Not set at first. For one loop: of two that wait at once, only the later is woken. */
export function createWake(): Wake {
  let set = false
  let release = () => {}
  return {
    set() {
      set = true
      release()
    },
    async wait(ms, signal) {
      if (!set && !signal.aborted) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, ms)
          release = () => {
            clearTimeout(timer)
            resolve()
          }
          signal.addEventListener('abort', release, { once: true })
        })
        signal.removeEventListener('abort', release)
        release = () => {}
      }
      set = false
    },
  }
}

/** Milliseconds to wait after so many failures in a row: 100 ms doubled up to 10 s, spread so that hosts part. */
export function backoff(failures: number): number {
  return Math.min(10_000, 100 * 2 ** Math.min(failures - 1, 10)) * (0.5 + Math.random() / 2)
}
