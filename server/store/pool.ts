/** A bounded set of reusable things: makes them when asked, up to a limit, then lets callers wait in turn. */
export interface Pool<T> {
  /** `since` (performance.now()): when the caller began to wait, for this or before; the eldest is served first. */
  use<R>(work: (item: T) => Promise<R>, since?: number): Promise<R>
  /** The items made, when none is in use any more; nothing is made afterwards. */
  drain(): Promise<T[]>
}

/** Makes an item only when all that there are are in use. An item is used again whatever became of the work with it. */
export function createPool<T>(limit: number, make: () => T): Pool<T> {
  const all: T[] = []
  const idle: T[] = []
  let drained: (() => void) | undefined
  const waiting: { since: number; serve: (item: T) => void }[] = []

  function take(since: number): T | Promise<T> {
    if (idle.length > 0) return idle.pop() as T
    if (all.length < limit) {
      const made = make()
      all.push(made)
      return made
    }
    return new Promise((serve) => {
      const elder = waiting.findLastIndex((one) => one.since <= since)
      waiting.splice(elder + 1, 0, { since, serve })
    })
  }

  return {
    async use(work, since = performance.now()) {
      const item = await take(since)
      try {
        return await work(item)
      } finally {
        const next = waiting.shift()
        if (next !== undefined) next.serve(item)
        else if (idle.push(item) === all.length) drained?.()
      }
    },
    async drain() {
      if (idle.length < all.length) await new Promise<void>((resolve) => (drained = resolve))
      return all.splice(0)
    },
  }
}
