/** Lists as ONE parameter, so that the text of a statement does not depend on their length. */
import { type Expression, type RawBuilder, type SqlBool, sql } from 'kysely'
import type { Engine, ReadTx } from './store.ts'

/** `column` is one of the texts. */
export function isOneOf(
  engine: Engine,
  column: string | Expression<unknown>,
  texts: readonly string[],
): RawBuilder<SqlBool> {
  const left = typeof column === 'string' ? sql.ref(column) : column
  return engine === 'postgres'
    ? sql<SqlBool>`${left} = any(${texts}::text[])`
    : sql<SqlBool>`${left} in (select value from json_each(${texts}))`
}

/** `column` is one of those that the query answers, which must not depend on the row: an index can answer it, also in an OR. */
export function isAmong(engine: Engine, column: string, query: Expression<unknown>): RawBuilder<SqlBool> {
  return engine === 'postgres'
    ? sql<SqlBool>`${sql.ref(column)} = any(array(${query}))`
    : sql<SqlBool>`${sql.ref(column)} in (${query})`
}

/** The next ids of a table, in their order, after `after` ('' for the first). */
export async function idsAfter(
  tx: ReadTx,
  table: 'networks' | 'ports',
  after: string,
  limit: number,
): Promise<string[]> {
  const rows = await tx.db
    .selectFrom(table)
    .select('id')
    .where('id', '>', after)
    .orderBy('id')
    .limit(limit)
    .execute()
  return rows.map((row) => row.id)
}
