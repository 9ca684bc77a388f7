/** Rows of a table that is known by name only. */
import { type Kysely, sql } from 'kysely'
import type { NeutronError } from '../../lib/errors.ts'
import { isForeignKeyViolation, isUniqueViolation, RetryTransaction } from '../store/errors.ts'
import { isOneOf } from '../store/lists.ts'
import type { Operation, ReadTx, Tx } from '../store/store.ts'
import type { Tables } from '../store/tables.ts'

export type Value = string | number | null

export type Columns = Record<string, Value>

type AnyTable = Record<string, Record<string, unknown>>

const loose = (tx: ReadTx) => tx.db as unknown as Kysely<AnyTable>

/** Inserts a row. Throws RetryTransaction where a unique index has its like already. */
export async function insertRow(tx: Tx, table: keyof Tables, row: Columns): Promise<void> {
  try {
    await loose(tx).insertInto(table).values(row).execute()
  } catch (error) {
    // It came since somebody looked that it is not there: run again, and find it.
    throw isUniqueViolation(error) ? new RetryTransaction(`such a row of ${table} was made meanwhile`) : error
  }
}

/** Sets these columns of the row of that id; no fault where there is none. */
export async function updateRow(tx: Tx, table: keyof Tables, id: string, columns: Columns): Promise<void> {
  await loose(tx).updateTable(table).set(columns).where('id', '=', id).execute()
}

/** Deletes a row. Throws `held` where another row names it. */
export async function deleteRow(
  tx: Tx,
  table: keyof Tables,
  id: string,
  held?: () => NeutronError,
): Promise<void> {
  try {
    await loose(tx).deleteFrom(table).where('id', '=', id).execute()
  } catch (error) {
    throw held && isForeignKeyViolation(error) ? held() : error
  }
}

/** The rows with these values, or with one of a list of values, in the order of their ids. */
export async function rowsWith(
  tx: ReadTx,
  table: keyof Tables,
  values: Readonly<Record<string, string | readonly string[]>>,
): Promise<Record<string, unknown>[]> {
  let statement = loose(tx).selectFrom(table).selectAll().orderBy('id')
  for (const [column, value] of Object.entries(values)) {
    statement =
      typeof value === 'string'
        ? statement.where(column, '=', value)
        : statement.where(isOneOf(tx.engine, column, value))
  }
  return statement.execute()
}

/** The row of that id. Throws `missing` where there is none. */
export async function requireRow<T extends keyof Tables>(
  tx: ReadTx,
  table: T,
  id: string,
  missing: (id: string) => NeutronError,
): Promise<Tables[T]> {
  const [row] = await rowsWith(tx, table, { id })
  if (!row) throw missing(id)
  return row as unknown as Tables[T]
}

/** Counts a change of something that hangs on an object with standard attributes, and notes it. */
export async function touchRow(tx: Tx, object: string, table: keyof Tables, id: string): Promise<void> {
  await loose(tx)
    .updateTable(table)
    .set({ revision_number: sql`revision_number + 1`, updated_at: tx.now })
    .where('id', '=', id)
    .execute()
  const [row] = await rowsWith(tx, table, { id })
  if (row) noteRow(tx, object, 'update', row)
}

/** Notes a change of an object; `row` has its id, and revision_number and project_id where it has such. */
export function noteRow(
  tx: Tx,
  object: string,
  operation: Operation,
  row: Readonly<Record<string, unknown>>,
  parentId: string | null = null,
): void {
  tx.change({
    object,
    id: String(row.id),
    parentId,
    operation,
    revision: typeof row.revision_number === 'number' ? row.revision_number : null,
    projectId: typeof row.project_id === 'string' ? row.project_id : null,
  })
}
