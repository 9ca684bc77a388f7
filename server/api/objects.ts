/** Objects as a caller sees them: a page, some by their ids, one whole with all that policy may ask for. */
import { attributesOf, decide } from '../../model/policy/residual.ts'
import type { Context } from '../context.ts'
import type { Access, Policy } from '../policy/policy.ts'
import type { QueryScope, View } from '../resource.ts'
import type { ReadTx } from '../store/store.ts'
import { notFound } from './authorize.ts'
import { writeObjects } from './http.ts'
import type { ListQuery } from './list-query.ts'
import { project, projectionOf, shower, wantedOf } from './projection.ts'
import { columnNames, pageOf, type Row, viewsOf } from './reader.ts'
import type { Served } from './served.ts'

/** A page as it is written to the client, and, where its size is limited, the ids of what is on it: for links. */
export interface Listed {
  written: Buffer[]
  ids: string[]
}

/**
 * One page of what the caller may read; only of `ids` where a collection below another object is listed. Throws 404
 * for a marker that is not there.
 */
export async function listObjects(
  scope: QueryScope,
  policy: Policy,
  served: Served,
  query: ListQuery,
  ids?: readonly string[],
): Promise<Listed> {
  const { feature, attributes, name } = served
  const access = policy.access(scope.context)
  const residual = access.residual(`get_${name}`)
  const listed: Listed = { written: [], ids: [] }
  if (residual === false) return listed
  const projection = projectionOf(policy, access, name, attributes)
  const names = columnNames(feature.reader, attributes, projection.asksFor)
  const page = await pageOf(feature.reader, scope, {
    query,
    residual,
    names,
    attributes,
    ...(ids && { ids }),
  })
  if (!page) throw notFound(served.resource.notFound, query.marker ?? '')
  const wanted = wantedOf(projection, query.fields)
  const show = shower(projection, query.fields)
  for await (const rows of page) {
    const views = await viewsOf(feature.reader, scope, rows, wanted)
    listed.written.push(writeObjects(views.map((view, i) => show(view, rows[i] ?? view))))
    if (query.limit !== undefined) for (const row of rows) listed.ids.push(row.id)
  }
  return listed
}

/** The objects of these ids as the caller sees them; with `check`, one that it may not read is not there. */
export async function showObjects(
  scope: QueryScope,
  policy: Policy,
  served: Served,
  ids: readonly string[],
  options: { fields?: ReadonlySet<string> | undefined; check?: boolean } = {},
): Promise<Record<string, unknown>[]> {
  const { feature, attributes, name } = served
  const access = policy.access(scope.context)
  const projection = projectionOf(policy, access, name, attributes)
  const readable = options.check ? access.residual(`get_${name}`) : true
  const names = columnNames(feature.reader, attributes, [...projection.asksFor, ...attributesOf(readable)])
  const found = await served.rowsOf(scope, names, ids)
  const rows = ids.map((id) => {
    const row = found.get(id)
    if (!row || !decide(readable, row)) throw notFound(served.resource.notFound, id)
    return row
  })
  const views = await viewsOf(feature.reader, scope, rows, wantedOf(projection, options.fields))
  return views.map((view, i) => project(projection, options.fields, view, rows[i] ?? view))
}

/** The whole row of an object, with all that policy may ask for. Throws 404. */
export async function objectRow(tx: ReadTx, context: Context, served: Served, id: string): Promise<Row> {
  const { reader } = served.feature
  const row = (await served.rowsOf({ tx, context }, Object.keys(reader.columns), [id])).get(id)
  if (!row) throw notFound(served.resource.notFound, id)
  return row
}

/** The same object as a view, with every attribute. */
export async function currentView(tx: ReadTx, context: Context, served: Served, row: Row): Promise<View> {
  const all = new Set(served.attributes.keys())
  const [view] = await viewsOf(served.feature.reader, { tx, context }, [row], all)
  return view ?? row
}

/** The row of an object that a collection is below, for a caller who must be able to read it. Throws 404. */
export async function readableRow(
  tx: ReadTx,
  context: Context,
  access: Access,
  served: Served,
  id: string,
): Promise<Row> {
  const row = await objectRow(tx, context, served, id)
  if (!access.may(`get_${served.name}`, row)) throw notFound(served.resource.notFound, id)
  return row
}
