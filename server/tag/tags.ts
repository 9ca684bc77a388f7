/** Tags of any resource with standard attributes: kept by the object's kind and id. */
import { type Expression, type SqlBool, sql } from 'kysely'
import type { QueryScope } from '../resource.ts'
import { eachOf, isOneOf, textsOfEach } from '../store/lists.ts'
import { prepared } from '../store/prepared.ts'
import type { ReadTx, Tx } from '../store/store.ts'

const ofObjects = prepared('tags-of-objects', (db, p: { ids: readonly string[]; object: string }, engine) =>
  db
    .selectFrom(eachOf(engine, p.ids))
    .crossJoin('tags as t')
    .select(['each.key', 't.tag'])
    .whereRef('t.object_id', '=', 'each.value')
    .where('t.object', '=', p.object),
)

/** The tags of each of the objects of a kind, sorted. */
export async function tagsOf(
  tx: ReadTx,
  object: string,
  ids: readonly string[],
): Promise<(readonly string[])[]> {
  return textsOfEach(ids.length, await ofObjects.all(tx, { ids, object }), (row) => row.tag)
}

const deleteTags = prepared('tags-delete', (db, p: { object: string; id: string }) =>
  db.deleteFrom('tags').where('object_id', '=', p.id).where('object', '=', p.object),
)

/** Forgets the tags of an object that goes. */
export async function removeTags(tx: Tx, object: string, id: string): Promise<void> {
  await deleteTags.run(tx, { object, id })
}

/** Makes these all the tags that an object has. */
export async function replaceTags(
  tx: Tx,
  object: string,
  id: string,
  tags: readonly string[],
): Promise<void> {
  await removeTags(tx, object, id)
  await addTags(tx, object, new Map([[id, tags]]))
}

/** Gives tags to objects that have none. */
export async function addTags(
  tx: Tx,
  object: string,
  tags: ReadonlyMap<string, readonly string[]>,
): Promise<void> {
  const rows = [...tags].flatMap(([id, words]) => words.map((tag) => ({ object, object_id: id, tag })))
  if (rows.length > 0) await tx.db.insertInto('tags').values(rows).execute()
}

type Filter = (scope: QueryScope, values: readonly string[]) => Expression<SqlBool>

/**
 * Filters of the API: `tags` and `not-tags` ask for all of the words, `tags-any` and `not-tags-any` for one. Words
 * come separated by commas.
 */
export function tagFilters(object: string, table: string): Record<string, Filter> {
  const idColumn = sql.ref(`${table}.id`)
  const wordsOf = (values: readonly string[]): string[] => [
    ...new Set(values.flatMap((value) => value.split(','))),
  ]
  const having = ({ tx }: QueryScope, words: readonly string[]): Expression<SqlBool> =>
    sql<SqlBool>`${idColumn} in (select t.object_id from tags t where t.object = ${object}
      and ${isOneOf(tx.engine, 't.tag', words)})`
  const all: Filter = (scope, values) => {
    const words = wordsOf(values)
    if (words.length === 1) return having(scope, words)
    return sql<SqlBool>`${idColumn} in (select t.object_id from tags t where t.object = ${object}
      and ${isOneOf(scope.tx.engine, 't.tag', words)} group by t.object_id having count(*) = ${words.length})`
  }
  const any: Filter = (scope, values) => having(scope, wordsOf(values))
  const not =
    (filter: Filter): Filter =>
    (scope, values) =>
      sql<SqlBool>`not ${filter(scope, values)}`
  return { tags: all, 'tags-any': any, 'not-tags': not(all), 'not-tags-any': not(any) }
}
