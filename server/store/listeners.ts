/** A set of callbacks; one that throws is logged and does not keep the others from being called. */
import type { Logger } from '../../runtime/log.ts'

export interface Listeners<A extends unknown[]> {
  add(listener: (...args: A) => void): () => void
  call(...args: A): void
}

/** Listeners are called in the order in which they came; `add` answers what removes the listener again. */
export function createListeners<A extends unknown[]>(log: Logger): Listeners<A> {
  const listeners = new Set<{ call: (...args: A) => void }>()
  return {
    add(call) {
      const entry = { call }
      listeners.add(entry)
      return () => void listeners.delete(entry)
    },
    call(...args) {
      for (const entry of [...listeners]) {
        try {
          entry.call(...args)
        } catch (error) {
          log.error({ err: error }, 'a listener of the store failed')
        }
      }
    },
  }
}
