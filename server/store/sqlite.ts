/**
 * The store on an SQLite file, for one server process. One connection writes, others read committed snapshots.
 * Writers that wait together share one durable commit, each in a savepoint of its own.
 */
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import { serviceUnavailable } from '../../lib/errors.ts'
import type { Clock } from '../../runtime/clock.ts'
import { crashPoint } from '../../runtime/crash-point.ts'
import type { Logger } from '../../runtime/log.ts'
import { writeChanges } from './changes.ts'
import { isBusy, RetryTransaction } from './errors.ts'
import { createListeners } from './listeners.ts'
import { migrate } from './migrate.ts'
import type { Migration } from './migrations/migration.ts'
import { createPool } from './pool.ts'
import { assertNoScope, inScope, withinMicrotasks } from './scope.ts'
import { openConnection, type SqliteConnection } from './sqlite-connection.ts'
import type { Change, Store, Tx, WriteOptions } from './store.ts'
import { timestamp } from './timestamp.ts'

/** Works that share one commit at most: they hold the event loop together. */
const batchLimit = 32
const readerLimit = 8
const retryLimit = 20
/** Milliseconds to wait for another process' write lock. */
const lockDeadline = 30_000

interface Pending {
  options: WriteOptions
  work(tx: Tx): Promise<unknown>
  resolve(value: unknown): void
  reject(error: unknown): void
}

type Outcome = { value: unknown; changes: number } | { error: unknown }

/**
 * Makes the file where there is none and migrates it. Throws when it is newer than this program; waits 30 s at most
 * for another process that writes to it, then throws ServiceUnavailable.
 */
export async function openSqlite(
  path: string,
  migrations: readonly Migration[],
  log: Logger,
  clock: Clock,
): Promise<Store> {
  const writer = openConnection(path, false)
  const readers = createPool(readerLimit, () => openConnection(path, true))
  const changed = createListeners<[]>(log)
  const signalled = createListeners<[string]>(log)
  const queue: Pending[] = []
  let draining: Promise<void> | undefined
  let closed = false

  const write = <T>(options: WriteOptions, work: (tx: Tx) => Promise<T>): Promise<T> => {
    assertNoScope()
    if (closed) return Promise.reject(serviceUnavailable())
    return new Promise<T>((resolve, reject) => {
      queue.push({ options, work, resolve: (value) => resolve(value as T), reject })
      draining ??= drain()
    })
  }

  /** Each turn of the event loop in which writers have come ends with one commit for them. */
  async function drain(): Promise<void> {
    await nextTurn()
    while (queue.length > 0) {
      await commit(queue.splice(0, batchLimit))
      await nextTurn()
    }
    draining = undefined
  }

  async function commit(batch: readonly Pending[]): Promise<void> {
    const outcomes: Outcome[] = []
    try {
      await begin()
      for (const pending of batch) outcomes.push(await attempt(pending))
      crashPoint('before-commit')
      writer.execute('commit')
      crashPoint('after-commit')
    } catch (error) {
      if (writer.database.isTransaction) writer.execute('rollback')
      if (batch.length === 1) {
        batch[0]?.reject(error)
      } else {
        // One of them has spoilt it for all (a deferred constraint, a full disk): each stands for itself now.
        log.debug({ err: error, writers: batch.length }, 'a shared commit failed; committing one by one')
        for (const pending of batch) await commit([pending])
      }
      return
    }
    for (const [index, pending] of batch.entries()) {
      const outcome = outcomes[index] as Outcome
      if ('error' in outcome) pending.reject(outcome.error)
      else pending.resolve(outcome.value)
    }
    if (outcomes.some((outcome) => 'changes' in outcome && outcome.changes > 0)) changed.call()
  }

  async function begin(): Promise<void> {
    const end = clock.monotonic() + lockDeadline
    while (true) {
      try {
        writer.execute('begin immediate')
        return
      } catch (error) {
        if (!isBusy(error)) throw error
        if (clock.monotonic() > end) throw serviceUnavailable()
        await sleep(20)
      }
    }
  }

  /** Runs one work in its savepoint. Throws only when the transaction around it is lost. */
  async function attempt(pending: Pending): Promise<Outcome> {
    for (let tries = 1; ; tries++) {
      writer.execute('savepoint work')
      try {
        const outcome = await perform(pending)
        writer.execute('release work')
        return outcome
      } catch (error) {
        if (!writer.database.isTransaction) throw error
        writer.execute('rollback to work')
        writer.execute('release work')
        if (!(error instanceof RetryTransaction)) return { error }
        if (tries === retryLimit) return { error: serviceUnavailable() }
      }
    }
  }

  async function perform({ options, work }: Pending): Promise<Outcome> {
    const changes: Change[] = []
    const tx: Tx = {
      db: writer.db,
      engine: 'sqlite',
      run: writer.run,
      pieces: writer.pieces,
      now: timestamp(clock.now()),
      change: (change) => void changes.push(change),
    }
    const value = await within(writer, async () => {
      const value = await work(tx)
      await writeChanges(tx, options, changes)
      return value
    })
    return { value, changes: changes.length }
  }

  const read: Store['read'] = async (work) => {
    assertNoScope()
    return readers.use(async (reader) => {
      reader.execute('begin')
      try {
        const { db, run, pieces } = reader
        return await within(reader, () => work({ db, run, pieces, engine: 'sqlite' }))
      } finally {
        reader.execute('rollback')
      }
    })
  }

  await begin()
  const applied = await within(writer, () =>
    migrate({ db: writer.db, engine: 'sqlite', now: timestamp(clock.now()) }, migrations),
  ).catch((error: unknown) => {
    writer.database.close()
    throw error
  })
  writer.execute('commit')
  if (applied.length > 0) log.info({ migrations: applied }, 'database migrated')

  return {
    engine: 'sqlite',
    write,
    read,
    onChanges: (listener) => changed.add(listener),
    signal: (text) => void setImmediate(() => signalled.call(text)),
    onSignal: (listener) => signalled.add(listener),
    async close() {
      closed = true
      await draining
      for (const connection of [...(await readers.drain()), writer]) connection.database.close()
    },
  }
}

/** Runs `work` as the connection's transaction; it has to end without waiting for anything else. */
async function within<T>(connection: SqliteConnection, work: () => Promise<T>): Promise<T> {
  const scope = { ended: false, resting: false }
  connection.scope = scope
  try {
    return await withinMicrotasks(scope, inScope(scope, work))
  } finally {
    scope.ended = true
    connection.scope = undefined
  }
}
