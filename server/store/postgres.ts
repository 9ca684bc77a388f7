/**
 * The store on PostgreSQL, for any number of server processes. Every write is one SERIALIZABLE transaction, run again
 * as a whole when it met another; reads are snapshots.
 */
import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { serviceUnavailable } from '../../lib/errors.ts'
import type { Clock } from '../../runtime/clock.ts'
import { crashPoint } from '../../runtime/crash-point.ts'
import type { Logger } from '../../runtime/log.ts'
import { writeChanges } from './changes.ts'
import { isConflict, isConnectionLoss, RetryTransaction } from './errors.ts'
import { createListeners } from './listeners.ts'
import { migrate } from './migrate.ts'
import type { Migration } from './migrations/migration.ts'
import { createSession, type PostgresSession, valueTypes } from './postgres-session.ts'
import { openSignals } from './postgres-signals.ts'
import { assertNoScope, inScope } from './scope.ts'
import type { Change, Store, Tx, WriteOptions } from './store.ts'
import { timestamp } from './timestamp.ts'
import { createTurns } from './turns.ts'

/** Milliseconds after which a transaction that keeps losing gives up. */
const retryDeadline = 30_000
const longestPause = 250
/** A unique violation may be another writer's doing, which the work sees when it is run again; or its own. */
const uniqueRetries = 3
const migrationLock = 'nucleon migrations'

/** The transaction has left no trace and may be run again. */
class Again extends Error {
  readonly limit: number
  constructor(cause: unknown, limit: number) {
    super('the transaction has to be run again', { cause })
    this.limit = limit
  }
}

export interface PostgresPoolOptions {
  /** `postgresql://user:password@host:port/database` */
  url: string
  /** Connections of this process, besides the one that listens. */
  connections: number
}

export async function openPostgres(
  options: PostgresPoolOptions,
  migrations: readonly Migration[],
  log: Logger,
  clock: Clock,
): Promise<Store> {
  const connect: pg.ClientConfig = {
    connectionString: options.url,
    application_name: 'nucleon',
    types: valueTypes,
    statement_timeout: retryDeadline,
    idle_in_transaction_session_timeout: 2 * retryDeadline,
  }
  const pool = new pg.Pool({
    ...connect,
    max: options.connections,
    connectionTimeoutMillis: retryDeadline,
    idleTimeoutMillis: 60_000,
  })
  pool.on('error', (error) => log.warn({ err: error }, 'an idle connection to the database is lost'))
  // A connection that is cut while in use says so twice: to its query, and here, where silence would end the process.
  pool.on('connect', (client) => {
    client.on('error', (error) => log.debug({ err: error }, 'a connection to the database is lost'))
  })
  const sessions = new WeakMap<pg.PoolClient, PostgresSession>()
  const turns = createTurns()
  const changed = createListeners<[]>(log)
  const signalled = createListeners<[string]>(log)

  /** Gives `work` a connection; one that fails in a way that leaves its state unknown is thrown away. */
  async function withSession<T>(work: (session: PostgresSession) => Promise<T>): Promise<T> {
    const client = await pool.connect()
    let session = sessions.get(client)
    if (session === undefined) {
      session = createSession(client)
      sessions.set(client, session)
    }
    let broken = true
    try {
      const value = await work(session)
      broken = false
      return value
    } catch (error) {
      broken = await client.query('rollback; select pg_advisory_unlock_all()').then(
        () => false,
        () => true,
      )
      throw error
    } finally {
      client.release(broken)
    }
  }

  /** Runs `attempt` until it stands, or fails for a reason of its own, or time is up. */
  async function persist<T>(attempt: () => Promise<T>): Promise<T> {
    const end = clock.monotonic() + retryDeadline
    for (let tries = 1; ; tries++) {
      try {
        return await attempt()
      } catch (error) {
        const again = error instanceof Again
        if (!again && !isConnectionLoss(error)) throw error
        if (again && tries >= error.limit) throw error.cause
        if (clock.monotonic() > end) {
          log.error({ err: again ? error.cause : error, tries }, 'a transaction was given up')
          throw serviceUnavailable()
        }
      }
      await sleep(Math.random() * Math.min(longestPause, 2 ** tries))
    }
  }

  async function writeOnce<T>(
    session: PostgresSession,
    options: WriteOptions,
    locks: readonly string[],
    work: (tx: Tx) => Promise<T>,
  ): Promise<{ value: T; changes: number }> {
    const { client, db, run } = session
    const unlock = locks.map((lock) => `; select pg_advisory_unlock(${lock})`).join('')
    const changes: Change[] = []
    let committing = false
    try {
      for (const lock of locks) await client.query(`select pg_advisory_lock(${lock})`)
      await client.query('begin isolation level serializable')
      const tx: Tx = {
        db,
        run,
        engine: 'postgres',
        now: timestamp(clock.now()),
        change: (change) => void changes.push(change),
      }
      const value = await within(session, async () => {
        const value = await work(tx)
        await writeChanges(tx, options, changes)
        return value
      })
      committing = true
      crashPoint('before-commit')
      const committed: unknown = await client.query(`commit${unlock}`)
      crashPoint('after-commit')
      const [first] = Array.isArray(committed)
        ? (committed as pg.QueryResult[])
        : [committed as pg.QueryResult]
      // The work has swallowed an error of the database: nothing of it stands.
      if (first?.command === 'ROLLBACK') throw new Error('a work went on after a statement had failed')
      return { value, changes: changes.length }
    } catch (error) {
      if (isConnectionLoss(error)) {
        if (!committing) throw error
        log.error({ err: error }, 'the connection was lost during a commit: its outcome is not known')
        throw serviceUnavailable()
      }
      throw again(error, session.trouble) ?? error
    }
  }

  const write: Store['write'] = async (options, work) => {
    assertNoScope()
    const keys = [...new Set(options.serialize ?? [])]
    const locks = keys.map(lockNumber).sort()
    const { value, changes } = await turns.take(keys, () =>
      persist(() => withSession((session) => writeOnce(session, options, locks, work))),
    )
    if (changes > 0) {
      changed.call()
      signals.send('')
    }
    return value
  }

  const read: Store['read'] = async (work) => {
    assertNoScope()
    return persist(() =>
      withSession(async (session) => {
        await session.client.query('begin isolation level repeatable read read only')
        const { db, run } = session
        const value = await within(session, () => work({ db, run, engine: 'postgres' }))
        await session.client.query('commit')
        return value
      }),
    )
  }

  async function bringUp(): Promise<void> {
    await withSession(async (session) => {
      const lock = lockNumber(migrationLock)
      await session.client.query(`select pg_advisory_lock(${lock})`)
      await session.client.query('begin')
      const applied = await within(session, () =>
        migrate({ db: session.db, engine: 'postgres', now: timestamp(clock.now()) }, migrations),
      )
      await session.client.query(`commit; select pg_advisory_unlock(${lock})`)
      if (applied.length > 0) log.info({ migrations: applied }, 'database migrated')
    })
  }

  try {
    await bringUp()
  } catch (error) {
    await pool.end()
    throw error
  }
  const signals = openSignals({
    connect,
    query: (sql, parameters) => pool.query(sql, parameters),
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
      await pool.end()
    },
  }
}

async function within<T>(session: PostgresSession, work: () => Promise<T>): Promise<T> {
  const scope = { ended: false }
  session.scope = scope
  session.trouble = 'none'
  try {
    return await inScope(scope, work)
  } finally {
    session.scope = undefined
  }
}

/** What was thrown may hide what the database said, so its own word decides. */
function again(error: unknown, trouble: PostgresSession['trouble']): Again | undefined {
  if (trouble === 'conflict' || isConflict(error)) return new Again(error, Number.POSITIVE_INFINITY)
  if (error instanceof RetryTransaction) return new Again(serviceUnavailable(), Number.POSITIVE_INFINITY)
  if (trouble === 'unique') return new Again(error, uniqueRetries)
  return undefined
}

/** 64 bits for pg_advisory_lock. */
function lockNumber(key: string): string {
  return String(createHash('sha256').update(key).digest().readBigInt64BE())
}
