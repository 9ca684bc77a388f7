/** One connection to an SQLite file: statements stay prepared, rows come out as plain objects. */
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import type { Kysely } from 'kysely'
import { recordsOf } from '../../lib/records.ts'
import { kyselyOn } from './dialect.ts'
import { assertInScope, rest, type Scope } from './scope.ts'
import type { ReadTx, Result } from './store.ts'
import type { Tables } from './tables.ts'

export interface SqliteConnection {
  readonly database: DatabaseSync
  readonly db: Kysely<Tables>
  /** The transaction that runs on this connection; `run` and `db` work inside it only. */
  scope: Scope | undefined
  run(sql: string, parameters: readonly unknown[]): Promise<Result>
  pieces: ReadTx['pieces']
  /** As `run`, for the store itself. */
  execute(sql: string, parameters?: readonly unknown[]): Result
}

interface Statement {
  statement: StatementSync
  /** Makes a record of a row; undefined for a statement that answers no rows. */
  record: ((row: readonly unknown[]) => Record<string, unknown>) | undefined
}

/**
 * Pages of the log (WAL) at which a commit also writes it into the file: some hundred pages all over that, and two waits
 * for the disk. SQLite's own value is 1000, which is every thirtieth creation of a port; in four times as many commits
 * more of them have written the same pages.
 */
const longestLog = 4000

/** Texts of SQL that stay prepared on a connection: lists with many filters make new ones without end. */
const cacheSize = 1000

/**
 * Milliseconds that a statement blocks this thread for another process' lock before it fails with SQLITE_BUSY; what
 * has to wait longer waits without blocking.
 */
const busyTimeout = 50

/** Milliseconds that a reader of a large answer keeps the event loop for itself. */
const longestTurn = 10

/** Throws where the file cannot be opened; a writer makes it. Commits are durable (synchronous = full, WAL). */
export function openConnection(path: string, readOnly: boolean): SqliteConnection {
  const database = new DatabaseSync(path, {
    readOnly,
    timeout: busyTimeout,
    enableForeignKeyConstraints: true,
    enableDoubleQuotedStringLiterals: false,
  })
  database.exec('pragma synchronous = full')
  if (!readOnly) {
    database.exec(`pragma journal_mode = wal; pragma wal_autocheckpoint = ${longestLog}`)
    // What a savepoint needs to undo its work: a port's 30 pages are more than SQLite keeps in memory by itself.
    database.exec('pragma temp_store = memory')
    // KiB, twice SQLite's own: what is above the leaves of all indexes of 100,000 ports is not read again and again.
    database.exec('pragma cache_size = -4000')
  }
  const cache = new Map<string, Statement>()

  function prepare(sql: string): Statement {
    const cached = cache.get(sql)
    if (cached !== undefined) return cached
    const statement = database.prepare(sql)
    const columns = statement.columns().map((column) => column.name)
    if (columns.length > 0) statement.setReturnArrays(true)
    for (const oldest of cache.keys()) {
      if (cache.size < cacheSize) break
      cache.delete(oldest)
    }
    const prepared = { statement, record: columns.length > 0 ? recordsOf(columns) : undefined }
    cache.set(sql, prepared)
    return prepared
  }

  function execute(sql: string, parameters: readonly unknown[] = []): Result {
    const { statement, record } = prepare(sql)
    const values = parameters.map(bound)
    if (!record) return { rows: [], written: Number(statement.run(...values).changes) }
    const rows = (statement.all(...values) as unknown as unknown[][]).map(record)
    return { rows, written: rows.length }
  }

  const connection: SqliteConnection = {
    database,
    scope: undefined,
    execute,
    async run(sql, parameters) {
      if (connection.scope === undefined) throw new Error('a transaction was used after its end')
      assertInScope(connection.scope)
      return execute(sql, parameters)
    },
    async *pieces(sql, parameters, size) {
      const { scope } = connection
      if (scope === undefined) throw new Error('a transaction was used after its end')
      assertInScope(scope)
      const { statement, record } = prepare(sql)
      if (!record) throw new Error(`no rows to read in pieces: ${sql}`)
      let rows: Record<string, unknown>[] = []
      let since = performance.now()
      for (const row of statement.iterate(...parameters.map(bound)) as unknown as Iterable<unknown[]>) {
        if (rows.push(record(row)) < size) continue
        yield rows
        rows = []
        if (!readOnly || performance.now() - since < longestTurn) continue
        await rest(scope)
        since = performance.now()
      }
      if (rows.length > 0) yield rows
    },
    db: kyselyOn('sqlite', (sql, parameters) => connection.run(sql, parameters)),
  }
  return connection
}

function bound(value: unknown): SQLInputValue {
  if (typeof value === 'boolean') return value ? 1 : 0
  if (Array.isArray(value)) return JSON.stringify(value)
  return value as SQLInputValue
}
