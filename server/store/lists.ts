/** Lists as ONE parameter, so that the text of a statement does not depend on their length. */
import { type Expression, type RawBuilder, type SqlBool, sql } from 'kysely'
import type { Engine, ReadTx } from './store.ts'

/** `column` is one of the values. Numbers may be greater than an integer of the column can be: none is that. */
export function isOneOf(
  engine: Engine,
  column: string | Expression<unknown>,
  values: readonly string[] | readonly number[],
): RawBuilder<SqlBool> {
  const left = typeof column === 'string' ? sql.ref(column) : column
  if (engine === 'sqlite') return sql<SqlBool>`${left} in (select value from json_each(${values}))`
  return typeof values[0] === 'number'
    ? sql<SqlBool>`${left} = any(${values}::bigint[])`
    : sql<SqlBool>`${left} = any(${values}::text[])`
}

/**
 * The texts as a table of two columns, `value` and `key`, its place in the list from 0, to cross join others to: for
 * rows of many parents, where each of them is found by an index and in no order that the query says. To SQLite this
 * costs less than `isOneOf`, which sorts the texts first; and a place comes out of it at a fifth of what a text costs.
 */
export function eachOf(engine: Engine, texts: readonly string[]) {
  type Each = { key: number; value: string }
  return engine === 'postgres'
    ? sql<Each>`(select value, cast(place - 1 as integer) as key
        from unnest(${texts}::text[]) with ordinality as listed(value, place))`.as<'each'>(sql`each`)
    : sql<Each>`json_each(${texts})`.as<'each'>(sql`each`)
}

/** Stands in the place of each list that is empty. */
const nothing: never[] = Object.freeze([]) as never

/** What the rows of a query over eachOf hold: a list for each of the `count` texts, in the order in which rows came. */
export function listsOfEach<Row extends { key: number }, T>(
  count: number,
  rows: readonly Row[],
  value: (row: Row) => T,
): (readonly T[])[] {
  const lists = new Array<T[]>(count).fill(nothing)
  for (const row of rows) {
    const list = lists[row.key]
    if (list && list.length > 0) list.push(value(row))
    else lists[row.key] = [value(row)]
  }
  return lists
}

/** As listsOfEach, each list sorted by code units; what comes in order costs only the look. */
export function textsOfEach<Row extends { key: number }>(
  count: number,
  rows: readonly Row[],
  value: (row: Row) => string,
): (readonly string[])[] {
  return listsOfEach(count, rows, value).map((list) => (isInOrder(list) ? list : list.toSorted()))
}

function isInOrder(texts: readonly string[]): boolean {
  for (let at = 1; at < texts.length; at++) if ((texts[at - 1] ?? '') > (texts[at] ?? '')) return false
  return true
}

/**
 * `column` is one of those that the query answers, which must not depend on the row: an index can answer it, also in
 * an OR.
 */
export function isAmong(engine: Engine, column: string, query: Expression<unknown>): RawBuilder<SqlBool> {
  return engine === 'postgres'
    ? sql<SqlBool>`${sql.ref(column)} = any(array(${query}))`
    : sql<SqlBool>`${sql.ref(column)} in (${query})`
}

/**
 * `column` of a table, which goes by a name of its own in the query, holds the text somewhere. Each row is looked at,
 * on SQLite in the narrowest index that has the column, and so in as few pages as can be; or only those that begin
 * with one of the texts with which a column that holds this one must begin, where that is known.
 */
export function holds(
  engine: Engine,
  [table, alias]: readonly [table: string, alias: string],
  column: string,
  text: string,
  beginnings?: readonly string[],
): RawBuilder<SqlBool> {
  if (engine === 'postgres') {
    return sql<SqlBool>`${sql.ref(`${alias}.${column}`)} like ${`%${text.replaceAll(/[\\%_]/g, '\\$&')}%`}`
  }
  const [rows, value] = [sql.table(table), sql.ref(column)]
  const found = beginnings
    ? sql`json_each(${beginnings}) as beginning cross join ${rows}
        where ${value} between beginning.value and beginning.value || char(0x10ffff) and`
    : sql`${rows} where`
  return sql<SqlBool>`${sql.ref(`${alias}.rowid`)} in
    (select ${rows}.rowid from ${found} instr(${value}, ${text}) > 0)`
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
