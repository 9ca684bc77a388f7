/** Lists as ONE parameter, so that the text of a statement does not depend on their length. */
import { type Expression, type RawBuilder, type SqlBool, sql } from 'kysely'
import type { Engine } from './store.ts'

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
