/** A bounded set of reusable things: makes them when asked, up to a limit, then lets callers wait in turn. */
export interface Pool<T> {
  use<R>(work: (item: T) => Promise<R>): Promise<R>
  /** The items made; nothing is made afterwards. Call when none is in use. */
  drain(): T[]
}

export function createPool<T>(limit: number, make: () => T): Pool<T> {
  const all: T[] = []
  const idle: T[] = []
  const waiting: ((item: T) => void)[] = []

  function take(): T | Promise<T> {
    const item = idle.pop()
    if (item !== undefined) return item
    if (all.length < limit) {
      const made = make()
      all.push(made)
      return made
    }
    return new Promise((resolve) => waiting.push(resolve))
  }

  return {
    async use(work) {
      const item = await take()
      try {
        return await work(item)
      } finally {
        const next = waiting.shift()
        if (next !== undefined) next(item)
        else idle.push(item)
      }
    },
    drain: () => all.splice(0),
  }
}
