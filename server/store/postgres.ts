/**
 * The store on PostgreSQL, for any number of server processes. Every write is one SERIALIZABLE transaction, run again
 * as a whole when it met another; reads are snapshots.
 */
import { createHash } from 'node:crypto'
import type { Clock } from '../../runtime/clock.ts'
import type { Logger } from '../../runtime/log.ts'
import { createListeners } from './listeners.ts'
import { migrate } from './migrate.ts'
import type { Migration } from './migrations/migration.ts'
import { createPool } from './pool.ts'
import { openPools, type PostgresPoolOptions } from './postgres-pools.ts'
import { openSignals } from './postgres-signals.ts'
import { createTransactions, within } from './postgres-transaction.ts'
import { assertNoScope } from './scope.ts'
import type { Store } from './store.ts'
import { timestamp } from './timestamp.ts'
import { createTurns } from './turns.ts'

const migrationLock = 'nucleon migrations'

/**
 * Migrates first, alone among all servers of the database. Throws when it cannot be reached, or is newer than this
 * program.
 */
export async function openPostgres(
  options: PostgresPoolOptions,
  migrations: readonly Migration[],
  log: Logger,
  clock: Clock,
): Promise<Store> {
  const pools = openPools(options, log)
  const transactions = createTransactions(log, clock)
  const slots = createPool(pools.size, () => undefined)
  const turns = createTurns()
  const changed = createListeners<[]>(log)
  const signalled = createListeners<[string]>(log)

  const write: Store['write'] = async (options, work) => {
    assertNoScope()
    const keys = [...new Set(options.serialize ?? [])]
    const locks = keys.map(lockNumber).sort()
    const since = performance.now()
    const { value, changes } = await turns.take(keys, () =>
      // Who has waited for his turn does not wait as long again for a connection, with all the others behind him.
      slots.use(
        () =>
          transactions.persist(() =>
            pools.withSession('writers', (session) => transactions.write(session, options, locks, work)),
          ),
        since,
      ),
    )
    if (changes > 0) {
      changed.call()
      signals.send('')
    }
    return value
  }

  const read: Store['read'] = async (work) => {
    assertNoScope()
    return transactions.persist(() =>
      pools.withSession('readers', async (session) => {
        await session.client.query('begin isolation level repeatable read read only')
        const { db, run, pieces } = session
        const value = await within(session, () => work({ db, run, pieces, engine: 'postgres' }))
        await session.client.query('commit')
        return value
      }),
    )
  }

  async function bringUp(): Promise<void> {
    await pools.withSession('writers', async (session) => {
      const lock = lockNumber(migrationLock)
      // Large tables take their time, for this server and for those that wait for it.
      await session.client.query('set statement_timeout = 0')
      await session.client.query(`select pg_advisory_lock(${lock})`)
      await session.client.query('begin')
      const applied = await within(session, () =>
        migrate({ db: session.db, engine: 'postgres', now: timestamp(clock.now()) }, migrations),
      )
      await session.client.query(`commit; select pg_advisory_unlock(${lock}); reset statement_timeout`)
      if (applied.length > 0) log.info({ migrations: applied }, 'database migrated')
    })
  }

  try {
    await bringUp()
  } catch (error) {
    await pools.end()
    throw error
  }
  const signals = openSignals({
    connect: pools.connect,
    query: (sql, parameters) => pools.withSession('readers', ({ client }) => client.query(sql, parameters)),
    receive: (text) => (text === '' ? changed.call() : signalled.call(text)),
    log,
  })

  return {
    engine: 'postgres',
    write,
    read,
    onChanges: (listener) => changed.add(listener),
    signal(text) {
      signals.send(text)
      setImmediate(() => signalled.call(text))
    },
    onSignal: (listener) => signalled.add(listener),
    async close() {
      await signals.close()
      await pools.end()
    },
  }
}

/** 64 bits for pg_advisory_lock. */
function lockNumber(key: string): string {
  return String(createHash('sha256').update(key).digest().readBigInt64BE())
}
