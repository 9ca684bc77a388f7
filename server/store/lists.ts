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

/**
 * The texts as a table of one column, `value`, to cross join others to: for rows of many parents, where each of them is
 * found by an index and in no order that the query says. To SQLite this costs less than `isOneOf`, which sorts the texts
 * first.
 */
export function eachOf(engine: Engine, texts: readonly string[]) {
  return engine === 'postgres'
    ? sql<{ value: string }>`unnest(${texts}::text[])`.as<'each'>(sql`each(value)`)
    : sql<{ value: string }>`json_each(${texts})`.as<'each'>(sql`each`)
}

/** `column` is one of those that the query answers, which must not depend on the row: an index can answer it, also in an OR. */
export function isAmong(engine: Engine, column: string, query: Expression<unknown>): RawBuilder<SqlBool> {
  return engine === 'postgres'
    ? sql<SqlBool>`${sql.ref(column)} = any(array(${query}))`
    : sql<SqlBool>`${sql.ref(column)} in (${query})`
}

/** `column` holds the text somewhere, in the words that the engine is quick with: it looks at every row. */
export function holds(engine: Engine, column: string, text: string): RawBuilder<SqlBool> {
  return engine === 'postgres'
    ? sql<SqlBool>`${sql.ref(column)} like ${`%${text.replaceAll(/[\\%_]/g, '\\$&')}%`}`
    : sql<SqlBool>`instr(${sql.ref(column)}, ${text}) > 0`
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
