/** GET, POST, PATCH and DELETE of the plain collections, from their declarations. */
import { randomUUID } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import { type RawBuilder, sql } from 'kysely'
import { isForeignKeyViolation, isUniqueViolation } from '../../store/errors.ts'
import type { ReadTx } from '../../store/store.ts'
import { demand } from './access.ts'
import { type Body, flagIn, objectAt, requiredText, textIn } from './body.ts'
import { type Collection, type Column, mayWrite } from './collections.ts'
import { badRequest, conflict, notFound } from './errors.ts'
import { type IdentityTools, queryOf, tokenOf } from './request.ts'
import { listView } from './views.ts'

type Row = Record<string, unknown> & { id: string }

/** Serves list and show at /v3/{name}, and create, update and delete of those that are writable. */
export function collectionRoutes(api: FastifyInstance, tools: IdentityTools, collection: Collection): void {
  const { name, singular, table } = collection
  const { store } = tools
  const one = `/v3/${name}/:id`

  api.get(`/v3/${name}`, async (request) => {
    const token = await tokenOf(tools, request)
    demand(collection.mayList(token), `list_${name}`)
    const filters = filtersOf(collection, queryOf(request))
    const rows = await store.read(async ({ db }) => {
      const where = filters.length === 0 ? sql`` : sql`where ${sql.join(filters, sql` and `)}`
      return (await sql<Row>`select * from ${sql.table(table)} ${where} order by id`.execute(db)).rows
    })
    const base = tools.baseUrl(request)
    return listView(
      base,
      name,
      name,
      rows.map((row) => view(collection, base, row)),
    )
  })

  api.get<{ Params: { id: string } }>(one, async (request) => {
    const token = await tokenOf(tools, request)
    const { id } = request.params
    demand(collection.mayShow(token, id), `get_${singular}`)
    const row = await store.read((tx) => readRow(tx, collection, id))
    return { [singular]: view(collection, tools.baseUrl(request), row) }
  })

  if (!collection.writable) return

  api.post(`/v3/${name}`, async (request, reply) => {
    const token = await tokenOf(tools, request)
    const body = bodyOf(collection, request.body)
    const values = {
      id: (collection.namedByClient && textIn(body, 'id')) || randomUUID().replaceAll('-', ''),
      ...createValues(collection, { ...collection.defaults?.(token), ...body }),
    }
    demand(mayWrite(token), `create_${singular}`)
    Object.assign(values, await collection.derive?.(body))
    const row = await naming(collection, () =>
      store.write({ requestId: request.id, userId: token.user.id }, async (tx) => {
        const columns = Object.keys(values).map((column) => sql.ref(column))
        await sql`insert into ${sql.table(table)} (${sql.join(columns)})
          values (${sql.join(Object.values(values))})`.execute(tx.db)
        return readRow(tx, collection, values.id)
      }),
    )
    tools.tokens.forgetAll()
    return reply.code(201).send({ [singular]: view(collection, tools.baseUrl(request), row) })
  })

  api.patch<{ Params: { id: string } }>(one, async (request) => {
    const token = await tokenOf(tools, request)
    const { id } = request.params
    const body = bodyOf(collection, request.body)
    const changes: Record<string, unknown> = updateValues(collection, body)
    demand(mayWrite(token), `update_${singular}`)
    Object.assign(changes, await collection.derive?.(body))
    const row = await naming(collection, () =>
      store.write({ requestId: request.id, userId: token.user.id }, async (tx) => {
        const before = await readRow(tx, collection, id)
        if (Object.keys(changes).length === 0) return before
        const sets = Object.entries(changes).map(([column, value]) => sql`${sql.ref(column)} = ${value}`)
        await sql`update ${sql.table(table)} set ${sql.join(sets)} where id = ${id}`.execute(tx.db)
        await collection.altered?.(tx, id, changes)
        return readRow(tx, collection, id)
      }),
    )
    tools.tokens.forgetAll()
    return { [singular]: view(collection, tools.baseUrl(request), row) }
  })

  api.delete<{ Params: { id: string } }>(one, async (request, reply) => {
    const token = await tokenOf(tools, request)
    const { id } = request.params
    demand(mayWrite(token), `delete_${singular}`)
    await naming(collection, () =>
      store.write({ requestId: request.id, userId: token.user.id }, async (tx) => {
        await readRow(tx, collection, id)
        await collection.release?.(tx, id)
        await sql`delete from ${sql.table(table)} where id = ${id}`.execute(tx.db)
      }),
    )
    tools.tokens.forgetAll()
    return reply.code(204).send()
  })
}

function bodyOf({ singular }: Collection, body: unknown): Body {
  const found = objectAt(body, singular)
  if (found === undefined) throw badRequest(`Expecting to find ${singular} in the request body.`)
  return found
}

function createValues({ columns }: Collection, body: Body): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(columns).map(([name, column]) => {
      if (column.create === 'required') return [name, requiredValue(name, column, body)]
      const value = givenValue(name, column, body)
      return [name, toColumn(value === undefined ? column.create : value)]
    }),
  )
}

/** Attributes that may not be altered are let pass while clients send them along. */
function updateValues({ columns }: Collection, body: Body): Record<string, unknown> {
  const values: Record<string, unknown> = {}
  for (const [name, column] of Object.entries(columns)) {
    const sent = [name, column.alias].find((key) => key !== undefined && Object.hasOwn(body, key))
    if (column.update !== true || sent === undefined) continue
    if (column.create === 'required') values[name] = requiredValue(name, column, body)
    else values[name] = toColumn(givenValue(name, column, body) ?? column.create)
  }
  return values
}

function requiredValue(name: string, column: Column, body: Body): string {
  const key = column.alias !== undefined && !Object.hasOwn(body, name) ? column.alias : name
  return allowed(name, column, requiredText(body, key, column.max))
}

function givenValue(name: string, column: Column, body: Body): string | boolean | undefined {
  if (column.kind === 'flag') return flagIn(body, name)
  const key = column.alias !== undefined && !Object.hasOwn(body, name) ? column.alias : name
  const value = textIn(body, key, column.max)
  return value === undefined ? undefined : allowed(name, column, value)
}

function allowed(name: string, { oneOf }: Column, value: string): string {
  if (oneOf !== undefined && !oneOf.includes(value)) {
    throw badRequest(`Invalid input for field '${name}': it is none of ${oneOf.join(', ')}.`)
  }
  return value
}

function toColumn(value: string | boolean | null): string | number | null {
  return typeof value === 'boolean' ? Number(value) : value
}

function filtersOf({ columns }: Collection, query: ReadonlyMap<string, string>): RawBuilder<unknown>[] {
  return Object.entries(columns).flatMap(([name, { kind, filter, alias }]) => {
    const value = query.get(name) ?? (alias === undefined ? undefined : query.get(alias))
    if (filter !== true || value === undefined) return []
    const wanted = kind === 'flag' ? Number(!/^(false|0|no)$/i.test(value)) : value
    return [sql`${sql.ref(name)} = ${wanted}`]
  })
}

async function readRow(tx: ReadTx, { table, singular }: Collection, id: string): Promise<Row> {
  const { rows } = await sql<Row>`select * from ${sql.table(table)} where id = ${id}`.execute(tx.db)
  if (rows[0] === undefined) throw notFound(singular, id)
  return rows[0]
}

function view({ name, columns, constants }: Collection, base: string, row: Row): object {
  const shown: Record<string, unknown> = { id: row.id }
  for (const [column, { kind, alias }] of Object.entries(columns)) {
    shown[column] = kind === 'flag' ? row[column] === 1 : row[column]
    if (alias !== undefined) shown[alias] = row[column]
  }
  if (name === 'projects') shown.parent_id = row.domain_id
  return { ...shown, ...constants, links: { self: `${base}/v3/${name}/${encodeURIComponent(row.id)}` } }
}

/** Turns what the database refuses into what Keystone says of it. */
async function naming<T>({ singular }: Collection, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (isUniqueViolation(error)) throw conflict(singular, 'Duplicate entry')
    if (isForeignKeyViolation(error)) {
      throw badRequest(`The ${singular} refers to something that does not exist, or is still referred to.`)
    }
    throw error
  }
}
