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
import { isConflict, isConnectionLoss, isDeadlock, RetryTransaction } from './errors.ts'
import { createListeners } from './listeners.ts'
import { migrate } from './migrate.ts'
import type { Migration } from './migrations/migration.ts'
import { createPool } from './pool.ts'
import { createSession, type PostgresSession, valueTypes } from './postgres-session.ts'
import { openSignals } from './postgres-signals.ts'
import { assertNoScope, inScope } from './scope.ts'
import type { Change, Store, Tx, WriteOptions } from './store.ts'
import { timestamp } from './timestamp.ts'
import { createTurns } from './turns.ts'

/** Milliseconds after which a transaction that finds no end gives up. */
const retryDeadline = 30_000
const longestPause = 250
/** Runs that others may spoil: the next has the database to itself. */
const patience = 3
/** Milliseconds that a transaction which wants to be alone holds up others while it waits for those that run. */
const hush = 2000
const migrationLock = 'nucleon migrations'

/**
 * How writes begin. The table is one that nobody writes meanwhile; LOCK TABLE comes before the transaction's snapshot
 * is taken, so who has waited sees what was done before him.
 */
const beginAmongOthers = 'begin isolation level serializable; lock table migrations in row share mode'
const beginAlone = `begin isolation level serializable; set local lock_timeout = ${hush};
  lock table migrations in exclusive mode; set local lock_timeout = 0`

/** Ends what was begun. */
const leave = 'rollback; select pg_advisory_unlock_all()'

/**
 * A sequential scan reads what every other writer of the table writes, and one of them has to be run again; and the
 * planner likes it best on small tables. (With it away, costs look so high that all would be compiled: no jit.)
 */
const writersPlan = '-c enable_seqscan=off -c jit=off'

/** The transaction has left no trace and may be run again. */
class Again extends Error {
  readonly reason: 'conflict' | 'deadlock' | 'unique'
  constructor(cause: unknown, reason: Again['reason']) {
    super('the transaction has to be run again', { cause })
    this.reason = reason
  }
}

export interface PostgresPoolOptions {
  /** `postgresql://user:password@host:port/database` */
  url: string
  /** Connections of this process, besides the one that listens: a half each for writers and readers. */
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
  const half = Math.max(1, Math.floor(options.connections / 2))
  const openPool = (settings: pg.PoolConfig) => {
    const pool = new pg.Pool({
      ...connect,
      ...settings,
      max: half,
      connectionTimeoutMillis: retryDeadline,
      idleTimeoutMillis: 60_000,
    })
    pool.on('error', (error) => log.warn({ err: error }, 'an idle connection to the database is lost'))
    pool.on('connect', (client) => {
      // One that is cut while in use says so twice: to its query, and here, where silence would end the process.
      client.on('error', (error) => log.debug({ err: error }, 'a connection to the database is lost'))
    })
    return pool
  }
  // Readers need not wait for a connection until writers have waited for each other.
  const writers = openPool({ options: writersPlan })
  const readers = openPool({})
  const slots = createPool(half, () => undefined)
  const sessions = new WeakMap<pg.PoolClient, PostgresSession>()
  const turns = createTurns()
  const changed = createListeners<[]>(log)
  const signalled = createListeners<[string]>(log)

  /** Gives `work` a connection; one that fails in a way that leaves its state unknown is thrown away. */
  async function withSession<T>(pool: pg.Pool, work: (session: PostgresSession) => Promise<T>): Promise<T> {
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
      broken = await client.query(leave).then(
        () => false,
        () => true,
      )
      throw error
    } finally {
      client.release(broken)
    }
  }

  /** Runs `attempt` until no connection is lost under it, or time is up. */
  async function persist<T>(attempt: () => Promise<T>): Promise<T> {
    const end = clock.monotonic() + retryDeadline
    for (let tries = 1; ; tries++) {
      try {
        return await attempt()
      } catch (error) {
        if (!isConnectionLoss(error)) throw error
        await pause(error, tries, end)
      }
    }
  }

  /** A while, longer from try to try. Throws when time is up. */
  async function pause(error: unknown, tries: number, end: number): Promise<void> {
    if (clock.monotonic() > end) {
      log.error({ err: error, tries }, 'a transaction was given up')
      throw serviceUnavailable()
    }
    await sleep(Math.random() * Math.min(longestPause, 2 ** tries))
  }

  /** Runs the transaction until it stands, or fails for a reason of its own. */
  async function writeOn<T>(
    session: PostgresSession,
    options: WriteOptions,
    locks: readonly string[],
    work: (tx: Tx) => Promise<T>,
  ): Promise<{ value: T; changes: number }> {
    const end = clock.monotonic() + retryDeadline
    for (const lock of locks) await session.client.query(`select pg_advisory_lock(${lock})`)
    let spoilt = 0
    for (let tries = 1; ; tries++) {
      const alone = spoilt >= patience
      try {
        return await writeOnce(session, options, locks, alone, work)
      } catch (error) {
        if (!(error instanceof Again)) throw error
        // With nobody else there it was no other writer's doing.
        if (error.reason === 'unique' && alone) throw error.cause
        // A deadlock has cost enough time to be the last.
        spoilt += error.reason === 'deadlock' ? patience : 1
        await session.client.query('rollback')
        await pause(error.cause, tries, end)
      }
    }
  }

  async function writeOnce<T>(
    session: PostgresSession,
    options: WriteOptions,
    locks: readonly string[],
    alone: boolean,
    work: (tx: Tx) => Promise<T>,
  ): Promise<{ value: T; changes: number }> {
    const { client, db, run, pieces } = session
    const unlock = locks.map((lock) => `; select pg_advisory_unlock(${lock})`).join('')
    const changes: Change[] = []
    let committing = false
    try {
      await client.query(alone ? beginAlone : beginAmongOthers)
      const tx: Tx = {
        db,
        run,
        pieces,
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
    const since = performance.now()
    const { value, changes } = await turns.take(keys, () =>
      // Who has waited for his turn does not wait as long again for a connection, with all the others behind him.
      slots.use(
        () => persist(() => withSession(writers, (session) => writeOn(session, options, locks, work))),
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
    return persist(() =>
      withSession(readers, async (session) => {
        await session.client.query('begin isolation level repeatable read read only')
        const { db, run, pieces } = session
        const value = await within(session, () => work({ db, run, pieces, engine: 'postgres' }))
        await session.client.query('commit')
        return value
      }),
    )
  }

  async function bringUp(): Promise<void> {
    await withSession(writers, async (session) => {
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

  const endPools = () => Promise.all([writers.end(), readers.end()])
  try {
    await bringUp()
  } catch (error) {
    await endPools()
    throw error
  }
  const signals = openSignals({
    connect,
    query: (sql, parameters) => readers.query(sql, parameters),
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
      await endPools()
    },
  }
}

async function within<T>(session: PostgresSession, work: () => Promise<T>): Promise<T> {
  const scope = { ended: false, resting: false }
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
  if (trouble === 'deadlock' || isDeadlock(error)) return new Again(error, 'deadlock')
  if (trouble === 'conflict' || isConflict(error)) return new Again(error, 'conflict')
  if (error instanceof RetryTransaction) return new Again(serviceUnavailable(), 'conflict')
  if (trouble === 'unique') return new Again(error, 'unique')
  return undefined
}

/** 64 bits for pg_advisory_lock. */
function lockNumber(key: string): string {
  return String(createHash('sha256').update(key).digest().readBigInt64BE())
}
