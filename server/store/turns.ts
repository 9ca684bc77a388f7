/** Turns: callers that name a common key go one after another, in the order in which they came. */
export interface Turns {
  take<T>(keys: readonly string[], work: () => Promise<T>): Promise<T>
}

/** In this process alone. Work that names no key waits for nobody; work that throws ends its turn all the same. */
export function createTurns(): Turns {
  /** The end of the last turn that was promised for a key. */
  const last = new Map<string, Promise<void>>()
  return {
    async take(keys, work) {
      const unique = [...new Set(keys)]
      if (unique.length === 0) return work()
      const before = unique.map((key) => last.get(key))
      let end = () => {}
      const turn = new Promise<void>((resolve) => {
        end = resolve
      })
      for (const key of unique) last.set(key, turn)
      // All keys are queued for in one step, so no two callers can wait for each other.
      await Promise.all(before)
      try {
        return await work()
      } finally {
        for (const key of unique) if (last.get(key) === turn) last.delete(key)
        end()
      }
    },
  }
}
