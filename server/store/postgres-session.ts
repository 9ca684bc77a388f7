/** One connection to PostgreSQL: values come out as on SQLite, and it knows what went wrong in its transaction. */
import type { Kysely } from 'kysely'
import pg from 'pg'
import { kyselyOn } from './dialect.ts'
import { isConflict, isDeadlock, isUniqueViolation } from './errors.ts'
import { assertInScope, type Scope } from './scope.ts'
import type { ReadTx } from './store.ts'
import type { Tables } from './tables.ts'

export interface PostgresSession {
  readonly client: pg.PoolClient
  readonly db: Kysely<Tables>
  /** The transaction that runs on this connection; `run` and `db` work inside it only. */
  scope: Scope | undefined
  /** What a statement of this transaction met, whether or not the work has passed the error on. */
  trouble: 'none' | 'conflict' | 'deadlock' | 'unique'
  run: ReadTx['run']
  pieces: ReadTx['pieces']
}

/** Rows in a piece at least: what is asked about each piece costs ways to the server and back. */
const leastPiece = 1000

/**
 * Once a connection. Begins no transaction: who does sets `scope` and clears `trouble`; outside of one, `run` throws.
 */
export function createSession(client: pg.PoolClient): PostgresSession {
  const session: PostgresSession = {
    client,
    scope: undefined,
    trouble: 'none',
    async run(sql, parameters, name) {
      if (session.scope === undefined) throw new Error('a transaction was used after its end')
      assertInScope(session.scope)
      const query = { text: sql, values: parameters.map(bound) }
      try {
        const result = await client.query(name === undefined ? query : { ...query, name })
        return { rows: result.rows as Record<string, unknown>[], written: result.rowCount ?? 0 }
      } catch (error) {
        if (isDeadlock(error)) session.trouble = 'deadlock'
        else if (isConflict(error)) session.trouble = 'conflict'
        else if (isUniqueViolation(error) && session.trouble === 'none') session.trouble = 'unique'
        throw error
      }
    },
    async *pieces(sql, parameters, size) {
      const { rows } = await session.run(sql, parameters)
      const piece = Math.max(size, leastPiece)
      for (let at = 0; at < rows.length; at += piece) yield rows.slice(at, at + piece)
    },
    db: kyselyOn('postgres', (sql, parameters) => session.run(sql, parameters)),
  }
  return session
}

function bound(value: unknown): unknown {
  return typeof value === 'boolean' ? Number(value) : value
}

const { builtins } = pg.types

/** Integers as numbers, truth as 0 or 1: as SQLite has them. */
export const valueTypes: pg.CustomTypesConfig = {
  getTypeParser(type, format) {
    if (format !== 'binary') {
      if (type === builtins.BOOL) return (text: string) => (text === 't' ? 1 : 0)
      if (type === builtins.INT8) return integer
      if (type === builtins.NUMERIC) return decimal
    }
    return pg.types.getTypeParser(type, format)
  },
}

function integer(text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value))
    throw new RangeError(`integer ${text} does not fit a number: keep it as text`)
  return value
}

/** Sums of integers are of this type. What a number cannot hold exactly stays text. */
function decimal(text: string): number | string {
  const value = Number(text)
  return String(value) === text && (!Number.isInteger(value) || Number.isSafeInteger(value)) ? value : text
}
