/** Many rows in one statement and one parameter: inserts them, or updates the rows that have their key. */
import type { Engine, Tx } from './store.ts'

/** A table, its columns with their types, and which of them are the key. */
export interface UpsertTarget {
  table: string
  columns: Record<string, 'text' | 'bigint'>
  key: readonly string[]
  /** Columns that an existing row takes over. */
  update: readonly string[]
}

/** Nothing for no rows. A key may stand once among the rows: PostgreSQL throws otherwise. */
export async function upsert(
  tx: Tx,
  target: UpsertTarget,
  rows: readonly Record<string, string | number | null>[],
): Promise<void> {
  if (rows.length === 0) return
  await tx.run(upsertSql(tx.engine, target), [JSON.stringify(rows)], `upsert-${target.table}`)
}

function upsertSql(engine: Engine, { table, columns, key, update }: UpsertTarget): string {
  const names = Object.keys(columns)
  const typed = names.map((name) => `${name} ${columns[name]}`)
  const source =
    engine === 'postgres'
      ? `select ${names.join(', ')} from json_to_recordset($1::json) as given (${typed.join(', ')})`
      : `select ${names.map((name) => `value ->> '${name}'`).join(', ')} from json_each(?) where true`
  const assignments = update.map((name) => `${name} = excluded.${name}`)
  return `insert into ${table} (${names.join(', ')}) ${source}
    on conflict (${key.join(', ')}) do update set ${assignments.join(', ')}`
}
