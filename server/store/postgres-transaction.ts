/**
 * One write on PostgreSQL: a SERIALIZABLE transaction, run again as a whole until it stands. One that others keep
 * spoiling has the database to itself in the end (docs/decisions/0009-alone-in-the-end.md).
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import { serviceUnavailable } from '../../lib/errors.ts'
import type { Clock } from '../../runtime/clock.ts'
import { crashPoint } from '../../runtime/crash-point.ts'
import type { Logger } from '../../runtime/log.ts'
import { writeChanges } from './changes.ts'
import { isConflict, isConnectionLoss, isDeadlock, RetryTransaction } from './errors.ts'
import type { PostgresSession } from './postgres-session.ts'
import { inScope } from './scope.ts'
import type { Change, Tx, WriteOptions } from './store.ts'
import { timestamp } from './timestamp.ts'

/** Milliseconds after which a transaction that finds no end gives up. */
export const retryDeadline = 30_000
const longestPause = 250
/** Runs that others may spoil: the next has the database to itself. */
const patience = 3
/** Milliseconds that a transaction which wants to be alone holds up others while it waits for those that run. */
const hush = 2000
/**
 * How writes begin. The table is one that nobody writes meanwhile; LOCK TABLE comes before the transaction's snapshot
 * is taken, so who has waited sees what was done before him.
 */
const beginAmongOthers = 'begin isolation level serializable; lock table migrations in row share mode'
const beginAlone = `begin isolation level serializable; set local lock_timeout = ${hush};
  lock table migrations in exclusive mode; set local lock_timeout = 0`

/** The transaction has left no trace and may be run again. */
class Again extends Error {
  readonly reason: 'conflict' | 'deadlock' | 'unique'
  constructor(cause: unknown, reason: Again['reason']) {
    super('the transaction has to be run again', { cause })
    this.reason = reason
  }
}

export interface Transactions {
  /** Runs `attempt` until no connection is lost under it. Throws ServiceUnavailable when time is up. */
  persist<T>(attempt: () => Promise<T>): Promise<T>
  /** Runs the transaction until it stands, or fails for a reason of its own; holds the advisory locks meanwhile. */
  write<T>(
    session: PostgresSession,
    options: WriteOptions,
    locks: readonly string[],
    work: (tx: Tx) => Promise<T>,
  ): Promise<{ value: T; changes: number }>
}

/** What finds no end gives up 30 s after its first try. */
export function createTransactions(log: Logger, clock: Clock): Transactions {
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

  async function write<T>(
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

  return { persist, write }
}

/** Runs a transaction's work on the session, in a scope of its own. */
export async function within<T>(session: PostgresSession, work: () => Promise<T>): Promise<T> {
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
