/** For tests: how much of the database an operation needs. */
import { recording } from './store/plans.testing.ts'
import type { Store } from './store/store.ts'

export interface CountedStore {
  store: Store
  /** How many statements `work` runs, transaction control and the log of changes aside. */
  count(work: () => Promise<unknown>): Promise<number>
  /** How many rows they answer. */
  rows(work: () => Promise<unknown>): Promise<number>
}

export function countStatements(store: Store): CountedStore {
  const { store: through, statements } = recording(store)
  const during = async (work: () => Promise<unknown>) => {
    const before = statements.length
    await work()
    return statements.slice(before)
  }
  return {
    store: through,
    count: async (work) => (await during(work)).length,
    rows: async (work) => (await during(work)).reduce((sum, { rows }) => sum + rows, 0),
  }
}
