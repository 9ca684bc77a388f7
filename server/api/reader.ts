/** One SELECT for a page or an object, over what a feature's Reader says of its columns. */
import { type Expression, type RawBuilder, type SqlBool, sql } from 'kysely'
import type { JsonSchema } from '../../model/fields/kind.ts'
import { namesOf, type Residual } from '../../model/policy/residual.ts'
import type { Attribute } from '../../model/resource.ts'
import { predicateOf } from '../policy/predicate.ts'
import type { QueryScope, Reader, View } from '../resource.ts'
import { isOneOf } from '../store/lists.ts'
import type { Engine } from '../store/store.ts'
import type { Filter, ListQuery, Sort } from './list-query.ts'

/** A selected row: attribute name -> raw value; also what policy asks for and the API does not show. */
export type Row = Record<string, unknown> & { id: string }

type Columns = (name: string) => Expression<unknown> | undefined

/** `column = value`, as an index can answer it. */
function equalsOf(reader: Reader, scope: QueryScope) {
  return (name: string, value: unknown) => reader.columns[name]?.equals?.(scope, value)
}

function columnsOf(reader: Reader, scope: QueryScope): Columns {
  const made = new Map<string, Expression<unknown>>()
  return (name) => {
    let column = made.get(name)
    const make = reader.columns[name]
    if (!column && make) {
      column = make(scope)
      made.set(name, column)
    }
    return column
  }
}

/** The columns to read: those of attributes, and those that policy asks for. */
export function columnNames(
  reader: Reader,
  attributes: ReadonlyMap<string, Attribute>,
  forPolicy: Iterable<string>,
): string[] {
  const names = new Set(Object.keys(reader.columns).filter((name) => attributes.has(name)))
  for (const name of reader.unviewed ?? []) names.delete(name)
  names.add('id')
  for (const name of reader.always ?? []) names.add(name)
  for (const attribute of forPolicy) {
    for (const name of namesOf(attribute)) if (reader.columns[name]) names.add(name)
  }
  return [...names]
}

function select(reader: Reader, scope: QueryScope, columns: Columns, names: readonly string[]) {
  const selected = names.flatMap((name) => {
    const column = columns(name)
    return column ? [sql<unknown>`${column}`.as(name)] : []
  })
  const statement = scope.tx.db.selectFrom(reader.table).select(selected)
  return reader.where ? statement.where(reader.where(scope)) : statement
}

/** The rows of these ids, in no order. */
export type RowReader = (
  scope: QueryScope,
  names: readonly string[],
  ids: readonly string[],
) => Promise<Map<string, Row>>

/** Statements kept for one resource; beyond, all are forgotten. */
const maxKept = 500

/** Rows of a list that are read, viewed and written at a time. */
const piece = 80

/** Stands for the id while a statement is built. */
const idSlot = Object.freeze({})

/**
 * Reads rows by id. The statement for one id is built once for each caller's project and choice of columns: columns
 * depend on nothing else of their scope.
 */
export function rowReader(reader: Reader): RowReader {
  const kept = new Map<string, { sql: string; parameters: readonly unknown[] }>()

  function statementFor(scope: QueryScope, names: readonly string[]) {
    const { tx, context } = scope
    const key = `${tx.engine} ${context.isAdmin} ${context.projectId} ${names.join()}`
    const found = kept.get(key)
    if (found) return found
    if (kept.size >= maxKept) kept.clear()
    const columns = columnsOf(reader, scope)
    const built = select(reader, scope, columns, names).where(
      sql<SqlBool>`${required(columns, 'id')} = ${idSlot}`,
    )
    const { sql: text, parameters } = built.compile()
    const made = { sql: text, parameters }
    kept.set(key, made)
    return made
  }

  return async (scope, names, ids) => {
    const [id, ...others] = ids
    if (id !== undefined && others.length === 0) {
      const { sql: text, parameters } = statementFor(scope, names)
      const values = parameters.map((value) => (value === idSlot ? id : value))
      const [row] = (await scope.tx.run(text, values)).rows as Row[]
      return new Map(row ? [[row.id, row]] : [])
    }
    const columns = columnsOf(reader, scope)
    const rows = await select(reader, scope, columns, names)
      .where(isOneOf(scope.tx.engine, required(columns, 'id'), ids))
      .execute()
    return new Map((rows as Row[]).map((row) => [row.id, row]))
  }
}

export interface PageRequest {
  query: ListQuery
  /** What is left of the policy; constants must have been handled before. */
  residual: Residual
  names: readonly string[]
  attributes: ReadonlyMap<string, Attribute>
  /** Only these, where a collection below another object is listed. */
  ids?: readonly string[]
}

/** The rows of one page, in order, some at a time; undefined when the marker does not exist. */
export async function pageOf(
  reader: Reader,
  scope: QueryScope,
  page: PageRequest,
): Promise<AsyncIterable<Row[]> | undefined> {
  const { query } = page
  const columns = columnsOf(reader, scope)
  const sorts: Sort[] = query.sorts.some((sort) => sort.name === 'id')
    ? [...query.sorts]
    : [...query.sorts, { name: 'id', descending: false }]
  const order = sorts.map((sort) => ({
    ...sort,
    column: collated(scope, required(columns, sort.name), page.attributes.get(sort.name)),
    descending: sort.descending !== query.reverse,
  }))

  let statement = select(reader, scope, columns, page.names)
  const readable =
    page.residual === true ? undefined : predicateOf(page.residual, columns, equalsOf(reader, scope))
  if (readable) statement = statement.where(readable)
  if (page.ids) statement = statement.where(isOneOf(scope.tx.engine, required(columns, 'id'), page.ids))
  for (const filter of query.filters) {
    statement = statement.where(filterOf(reader, scope, columns, filter, page.attributes.get(filter.name)))
  }
  if (query.changedSince !== undefined) {
    const since = sql<SqlBool>`${required(columns, 'updated_at')} >= ${query.changedSince}`
    // SQLite takes a quarter of all for granted, and would rather read them all in the order of ids.
    statement = statement.where(scope.tx.engine === 'sqlite' ? sql<SqlBool>`unlikely(${since})` : since)
  }
  if (query.marker !== undefined && query.limit !== undefined) {
    const names = sorts.map((sort) => sort.name)
    let found = select(reader, scope, columns, [...new Set([...names, 'id'])])
    found = found.where(sql<SqlBool>`${required(columns, 'id')} = ${query.marker}`)
    // What the caller may not read is not there, not even as a place in an order.
    if (readable) found = found.where(readable)
    const marker = (await found.executeTakeFirst()) as Row | undefined
    if (!marker) return undefined
    statement = statement.where(beyond(order, marker))
  }
  for (const { column, descending } of order) {
    // Null is the least. SQLite has it so; to PostgreSQL it has to be said.
    const said = column.nullable && scope.tx.engine === 'postgres'
    statement = statement.orderBy(column.expression, (order) => {
      const directed = descending ? order.desc() : order.asc()
      if (!said) return directed
      return descending ? directed.nullsLast() : directed.nullsFirst()
    })
  }
  if (query.limit !== undefined) statement = statement.limit(query.limit)
  const { sql: text, parameters } = statement.compile()
  const pieces = scope.tx.pieces(text, parameters, piece) as AsyncIterable<Row[]>
  return query.reverse ? reversed(pieces) : pieces
}

async function* reversed(pieces: AsyncIterable<Row[]>): AsyncGenerator<Row[]> {
  const rows: Row[] = []
  for await (const some of pieces) rows.push(...some)
  yield rows.reverse()
}

interface SortColumn {
  expression: Expression<unknown>
  nullable: boolean
}

/** Kinds whose text is compared the same in every collation, and is never null. */
const plainKinds: readonly string[] = ['uuid', 'timestamp', 'boolean', 'integer']

/** Text is ordered by its bytes on both engines. */
function collated(
  scope: QueryScope,
  column: Expression<unknown>,
  attribute: Attribute | undefined,
): SortColumn {
  const types = attribute ? schemaTypes(attribute.kind.schema) : []
  const nullable = types.includes('null')
  if (attribute && plainKinds.includes(attribute.kind.name)) return { expression: column, nullable }
  const text = types.includes('string') || !types.includes('integer')
  return {
    expression: text && scope.tx.engine === 'postgres' ? sql`${column} collate "C"` : column,
    nullable: true,
  }
}

/** The types that a schema allows, those of its alternatives included. */
function schemaTypes({ type, anyOf }: JsonSchema): unknown[] {
  return [type, ...(Array.isArray(anyOf) ? (anyOf as JsonSchema[]).flatMap(schemaTypes) : [])]
}

/** Rows after the marker: greater in the first key, or equal there and greater in the next, and so on. */
function beyond(
  order: readonly { name: string; column: SortColumn; descending: boolean }[],
  marker: Row,
): RawBuilder<SqlBool> {
  const alternatives: RawBuilder<SqlBool>[] = []
  const equal: RawBuilder<SqlBool>[] = []
  for (const { name, column, descending } of order) {
    const value = marker[name] ?? null
    const { expression } = column
    alternatives.push(sql<SqlBool>`(${sql.join([...equal, after(column, value, descending)], sql` and `)})`)
    equal.push(value === null ? sql<SqlBool>`${expression} is null` : sql<SqlBool>`${expression} = ${value}`)
  }
  return sql<SqlBool>`(${sql.join(alternatives, sql` or `)})`
}

function after(
  { expression, nullable }: SortColumn,
  value: unknown,
  descending: boolean,
): RawBuilder<SqlBool> {
  if (value === null) return descending ? sql<SqlBool>`1 = 0` : sql<SqlBool>`${expression} is not null`
  if (!descending) return sql<SqlBool>`${expression} > ${value}`
  return nullable
    ? sql<SqlBool>`(${expression} < ${value} or ${expression} is null)`
    : sql<SqlBool>`${expression} < ${value}`
}

function filterOf(
  reader: Reader,
  scope: QueryScope,
  columns: Columns,
  filter: Filter,
  attribute: Attribute | undefined,
): Expression<SqlBool> {
  const own = reader.filters?.[filter.name]
  if (own) return own(scope, filter.texts)
  const name = namesOf(filter.name).find((candidate) => columns(candidate) !== undefined)
  if (name === undefined) throw new TypeError(`no column for the filter ${filter.name}`)
  const column = required(columns, name)
  const values = [...new Set(filter.values)]
  const given = values.filter((value): value is string | number => value !== '' && value !== null)
  const parts: Expression<SqlBool>[] = given.length < values.length ? [isEmpty(column, attribute)] : []
  const { equals } = reader.columns[name] ?? {}
  // Only truth has an `equals` that filters meet, and so two values at most.
  if (equals) parts.push(...given.map((value) => equals(scope, value)))
  else if (given.length > 0) parts.push(isAnyOf(scope.tx.engine, column, given))
  if (parts.length === 0) return sql<SqlBool>`1 = 0`
  const any = sql<SqlBool>`(${sql.join(parts, sql` or `)})`
  const usual = reader.usual?.[name]
  // What the index of the column leaves out is not asked for, and SQLite has to read that.
  return usual === undefined || filter.values.includes(usual)
    ? any
    : sql<SqlBool>`(${column} <> ${sql.lit(usual)} and ${any})`
}

/** `column` is one of the values, all texts or all numbers. One alone is compared, which leaves an index its order. */
function isAnyOf(engine: Engine, column: Expression<unknown>, values: readonly (string | number)[]) {
  const [only, ...others] = values
  if (others.length > 0) return isOneOf(engine, column, values as string[] | number[])
  // On PostgreSQL a number would be taken for one of the column's type, and refused where that is too narrow.
  return typeof only === 'number'
    ? sql<SqlBool>`${column} = cast(${only} as bigint)`
    : sql<SqlBool>`${column} = ${only}`
}

/** Null or the empty text, where the column can be that. */
function isEmpty(column: Expression<unknown>, attribute: Attribute | undefined): RawBuilder<SqlBool> {
  const types = attribute ? schemaTypes(attribute.kind.schema) : []
  const plainText = types.includes('string') && !types.includes('integer') && !types.includes('boolean')
  const text = plainText ? column : sql`cast(${column} as text)`
  return sql<SqlBool>`(${text} = '' or ${column} is null)`
}

function required(columns: Columns, name: string): Expression<unknown> {
  const column = columns(name)
  if (!column) throw new TypeError(`no column ${name}`)
  return column
}

/** What a reader lacks for these attributes, for a check at start. */
export function readerGaps(reader: Reader, attributes: ReadonlyMap<string, Attribute>): string[] {
  const gaps: string[] = []
  if (!reader.columns.id) gaps.push('column id')
  for (const [name, one] of attributes) {
    const column = namesOf(name).some((candidate) => reader.columns[candidate] !== undefined)
    if (one.filter && !column && !reader.filters?.[name]) gaps.push(`filter ${name}`)
    if (one.sort && !column) gaps.push(`sort key ${name}`)
  }
  return gaps
}

/** The views of rows, in the same order. */
export async function viewsOf(
  reader: Reader,
  scope: QueryScope,
  rows: Row[],
  wanted: ReadonlySet<string>,
): Promise<View[]> {
  return rows.length === 0 ? [] : reader.views(scope, rows, wanted)
}
