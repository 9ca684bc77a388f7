/**
 * Kysely on a connection of ours: it builds and compiles SQL, `run` executes it. Transactions are the store's, so
 * Kysely's own are refused.
 */
import {
  type DatabaseConnection,
  type Dialect,
  type Driver,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely'
import type { Engine, Result } from './store.ts'
import type { Tables } from './tables.ts'

export type Run = (sql: string, parameters: readonly unknown[]) => Promise<Result>

/** Everything goes through `run`, one statement at a time. Transactions and streams of Kysely throw. */
export function kyselyOn(engine: Engine, run: Run): Kysely<Tables> {
  const postgres = engine === 'postgres'
  const dialect: Dialect = {
    createDriver: () => pinnedDriver(run),
    createQueryCompiler: () => (postgres ? new PostgresQueryCompiler() : new SqliteQueryCompiler()),
    createAdapter: () => (postgres ? new PostgresAdapter() : new SqliteAdapter()),
    createIntrospector: (db) => (postgres ? new PostgresIntrospector(db) : new SqliteIntrospector(db)),
  }
  return new Kysely<Tables>({ dialect })
}

function pinnedDriver(run: Run): Driver {
  const connection: DatabaseConnection = {
    async executeQuery<R>(query: { sql: string; parameters: readonly unknown[] }): Promise<QueryResult<R>> {
      const { rows, written } = await run(query.sql, query.parameters)
      return { rows: rows as R[], numAffectedRows: BigInt(written) }
    },
    streamQuery() {
      throw new Error('the store does not stream: read pages')
    },
  }
  const refuse = () => Promise.reject(new Error('transactions are store.write and store.read'))
  return {
    init: async () => {},
    acquireConnection: async () => connection,
    releaseConnection: async () => {},
    beginTransaction: refuse,
    commitTransaction: refuse,
    rollbackTransaction: refuse,
    destroy: async () => {},
  }
}
