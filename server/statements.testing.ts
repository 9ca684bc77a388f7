/** For tests: a store that notes the statements that run through it. */
import type { KyselyPlugin } from 'kysely'
import type { ReadTx, Store, Tx } from './store/store.ts'

export interface CountedStore {
  store: Store
  /** How many statements `work` runs, transaction control and the log of changes aside. */
  count(work: () => Promise<unknown>): Promise<number>
  /** How many rows they answer. */
  rows(work: () => Promise<unknown>): Promise<number>
}

export function countStatements(store: Store): CountedStore {
  let statements = 0
  let rows = 0
  const plugin: KyselyPlugin = {
    transformQuery: ({ node }) => node,
    async transformResult({ result }) {
      statements++
      rows += result.rows.length
      return result
    },
  }
  const counted = <T extends ReadTx>(tx: T): T =>
    Object.create(tx, {
      db: { value: tx.db.withPlugin(plugin) },
      run: {
        value: async (...query: Parameters<ReadTx['run']>) => {
          statements++
          const result = await tx.run(...query)
          rows += result.rows.length
          return result
        },
      },
      ...('change' in tx && {
        change: { value: (change: Parameters<Tx['change']>[0]) => (tx as unknown as Tx).change(change) },
      }),
    })
  const through: Store = {
    engine: store.engine,
    write: (options, work) => store.write(options, (tx) => work(counted(tx))),
    read: (work) => store.read((tx) => work(counted(tx))),
    onChanges: (listener) => store.onChanges(listener),
    signal: (text) => store.signal(text),
    onSignal: (listener) => store.onSignal(listener),
    close: () => store.close(),
  }
  return {
    store: through,
    async count(work) {
      const before = statements
      await work()
      return statements - before
    },
    async rows(work) {
      const before = rows
      await work()
      return rows - before
    },
  }
}
