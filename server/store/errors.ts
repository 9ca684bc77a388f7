/** What went wrong in the database, in the terms of both engines. */

/** Thrown by a work that wants to be run again from the start, in a new transaction (a random choice was taken). */
export class RetryTransaction extends Error {
  constructor(reason: string) {
    super(reason)
    this.name = 'RetryTransaction'
  }
}

const sqliteUnique = new Set([1555, 2067, 2579])
const sqliteForeignKey = 787
const sqliteBusy = new Set([5, 6])

/** A unique index or primary key refused a row. On PostgreSQL the transaction can only be left then. */
export function isUniqueViolation(error: unknown): boolean {
  return sqliteUnique.has(sqliteCode(error) ?? 0) || postgresCode(error) === '23505'
}

/**
 * A row was named that is not there, or one was to go that others name. On PostgreSQL the transaction can only be left
 * then.
 */
export function isForeignKeyViolation(error: unknown): boolean {
  return sqliteCode(error) === sqliteForeignKey || postgresCode(error) === '23503'
}

/** Another process holds SQLite's one write lock. */
export function isBusy(error: unknown): boolean {
  return sqliteBusy.has((sqliteCode(error) ?? 0) & 0xff)
}

/** Two transactions of PostgreSQL could not both stand; or one has waited as long for a lock as it said it would. */
export function isConflict(error: unknown): boolean {
  const code = postgresCode(error)
  return code === '40001' || code === '55P03'
}

/** Transactions of PostgreSQL waited for each other, a second or more: this one was given up for the others. */
export function isDeadlock(error: unknown): boolean {
  return postgresCode(error) === '40P01'
}

/** PostgreSQL has ended a statement that took longer than `statement_timeout` allows, or that somebody cancelled. */
export function isCancelled(error: unknown): boolean {
  return postgresCode(error) === '57014'
}

/** The connection to PostgreSQL is gone or was not made: nothing is known of what it last did. */
export function isConnectionLoss(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const code = postgresCode(error) ?? ''
  return (
    code.startsWith('08') ||
    code.startsWith('57P') ||
    code === '53300' ||
    ['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ENOENT', 'ETIMEDOUT'].includes(code) ||
    /connection terminated|timeout exceeded when trying to connect|not queryable/i.test(error.message)
  )
}

function sqliteCode(error: unknown): number | undefined {
  return error instanceof Error && 'errcode' in error && typeof error.errcode === 'number'
    ? error.errcode
    : undefined
}

function postgresCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}
