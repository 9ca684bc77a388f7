/** Hints: which hosts have something new, told to all servers, and by each to the hosts that listen there. */
import type { Hint } from '../../bus/feed.ts'
import type { Store } from '../store/store.ts'

const prefix = 'hosts '
/** Characters of a signal: well below what PostgreSQL carries. */
const signalLimit = 6000

/** Tells that these hosts have a newer sequence. */
export function announce(store: Store, hosts: ReadonlyMap<string, { sequence: number }>): void {
  let entries: [string, number][] = []
  let length = 0
  const send = () => {
    if (entries.length > 0) store.signal(prefix + JSON.stringify(entries))
    entries = []
    length = 0
  }
  for (const [host, { sequence }] of hosts) {
    entries.push([host, sequence])
    length += host.length + 24
    if (length > signalLimit) send()
  }
  send()
}

export interface Hints {
  /** Hints for a host until the signal aborts. Several that come together are one. */
  of(host: string, signal: AbortSignal): AsyncIterable<Hint>
  close(): void
}

interface Listener {
  sequence: number | undefined
  wake(): void
}

/** Hears of all servers' announcements until closed; that also ends every stream of hints. */
export function createHints(store: Store): Hints {
  const listeners = new Map<string, Set<Listener>>()
  const closed = new AbortController()
  const unsubscribe = store.onSignal((text) => {
    if (!text.startsWith(prefix)) return
    for (const [host, sequence] of JSON.parse(text.slice(prefix.length)) as [string, number][]) {
      for (const listener of listeners.get(host) ?? []) {
        listener.sequence = sequence
        listener.wake()
      }
    }
  })

  async function* listen(host: string, signal: AbortSignal): AsyncIterable<Hint> {
    const ended = AbortSignal.any([signal, closed.signal])
    const listener: Listener = { sequence: undefined, wake: () => {} }
    ended.addEventListener('abort', () => listener.wake())
    const group = listeners.get(host) ?? new Set()
    listeners.set(host, group.add(listener))
    try {
      while (!ended.aborted) {
        if (listener.sequence === undefined) {
          await new Promise<void>((resolve) => {
            listener.wake = resolve
          })
        }
        const { sequence } = listener
        listener.sequence = undefined
        if (sequence !== undefined && !ended.aborted) yield { sequence }
      }
    } finally {
      group.delete(listener)
      if (group.size === 0) listeners.delete(host)
    }
  }

  return {
    of: listen,
    close() {
      unsubscribe()
      closed.abort()
    },
  }
}
