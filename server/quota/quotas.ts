/**
 * Quotas: how many objects of a resource a project may have. What there is is counted in the transaction that adds
 * to it, so that no number of servers and clients passes the limit; the counting costs no more than the limit is
 * high, and nothing where there is none.
 */
import { sql } from 'kysely'
import { overQuota, tenantQuotaNotFound } from '../../lib/errors.ts'
import { type Prepared, prepared } from '../store/prepared.ts'
import type { ReadTx, Tx } from '../store/store.ts'
import type { Tables } from '../store/tables.ts'

/** The limit that stands for none. */
export const unlimited = -1

/** A resource whose objects count: rows of a table with project_id. */
export interface Counted {
  name: string
  table: keyof Tables
}

/** `[quotas]`: `quota_<resource>` and default_quota. */
export type QuotaSettings = Readonly<Record<string, unknown>> & { readonly default_quota: number }

/** By the resource's name. */
export type Limits = Record<string, number>

export interface Quotas {
  /** Limits of a project that was given none of its own. */
  readonly defaults: Readonly<Limits>
  /** Throws OverQuota where `count` more objects are too many. Of a resource without quota none are. */
  check(tx: Tx, resource: string, project: string, count: number): Promise<void>
  /** For WriteOptions.serialize: who adds to the same quota waits, rather than to run again. */
  keys(resource: string, projects: Iterable<string>): string[]
  limits(tx: ReadTx, project: string): Promise<Limits>
  /** Limits of each project that was given some. */
  allLimits(tx: ReadTx): Promise<Map<string, Limits>>
  /** How many objects a project has. */
  usage(tx: ReadTx, project: string): Promise<Limits>
  set(tx: Tx, project: string, limits: Limits): Promise<void>
  /** Back to the defaults. Throws TenantQuotaNotFound where the project has none of its own. */
  reset(tx: Tx, project: string): Promise<void>
}

/** Projects known to be unlimited that are kept in mind; beyond, all are forgotten. */
const maxKept = 10_000

/**
 * Counts rows of a project in the table of each resource; what is not among `resources` has no limit. Defaults are
 * [quotas] quota_RESOURCE, else default_quota.
 */
export function createQuotas(resources: readonly Counted[], settings: QuotaSettings): Quotas {
  const defaults = Object.fromEntries(resources.map(({ name }) => [name, defaultOf(settings, name)]))
  const rooms = new Map(resources.map((one) => [one.name, roomOf(one)]))
  /** `resource project` where the last look found no limit: they need no turns. A wrong guess costs a new run. */
  const free = new Set<string>()

  const merged = (rows: readonly { resource: string; quota_limit: number }[]): Limits => {
    const own = rows.filter((row) => row.resource in defaults)
    return { ...defaults, ...Object.fromEntries(own.map((row) => [row.resource, row.quota_limit])) }
  }

  return {
    defaults,
    async check(tx, resource, project, count) {
      const fallback = defaults[resource] ?? unlimited
      const room = await rooms.get(resource)?.first(tx, { project, fallback })
      if (!room) return
      const limit = Number(room.most)
      const key = `${resource} ${project}`
      if (limit === unlimited) {
        if (free.size >= maxKept) free.clear()
        free.add(key)
        return
      }
      free.delete(key)
      if (Number(room.used) + count > limit) throw overQuota([resource])
    },
    keys: (resource, projects) =>
      rooms.has(resource)
        ? [...projects]
            .filter((project) => !free.has(`${resource} ${project}`))
            .map((project) => `quota:${resource}:${project}`)
        : [],
    async limits(tx, project) {
      return merged(await tx.db.selectFrom('quotas').selectAll().where('project_id', '=', project).execute())
    },
    async allLimits(tx) {
      const rows = await tx.db.selectFrom('quotas').selectAll().orderBy('project_id').execute()
      const projects = Map.groupBy(rows, (row) => row.project_id)
      return new Map([...projects].map(([project, own]) => [project, merged(own)]))
    },
    usage: (tx, project) => usageOf(tx, resources, project),
    async set(tx, project, limits) {
      for (const [resource, quota_limit] of Object.entries(limits)) {
        await tx.db
          .insertInto('quotas')
          .values({ project_id: project, resource, quota_limit })
          .onConflict((conflict) => conflict.columns(['project_id', 'resource']).doUpdateSet({ quota_limit }))
          .execute()
      }
      noteQuota(tx, 'update', project)
    },
    async reset(tx, project) {
      const deleted = await tx.db.deleteFrom('quotas').where('project_id', '=', project).executeTakeFirst()
      if (Number(deleted.numDeletedRows) === 0) throw tenantQuotaNotFound(project)
      noteQuota(tx, 'delete', project)
    },
  }
}

/** The default of a resource: its own option, or that for all. */
function defaultOf(settings: QuotaSettings, name: string): number {
  const own = settings[`quota_${name}`]
  return typeof own === 'number' ? own : settings.default_quota
}

/** A limit, and how much of it is used, counted until it is passed. Big numbers may come as text. */
interface Room {
  most: unknown
  used: unknown
}

function roomOf({ name, table }: Counted): Prepared<{ project: string; fallback: number }, Room> {
  return prepared(`quota-room-${name}`, (db, p: { project: string; fallback: number }) =>
    db
      .with('room', (named) =>
        named.selectNoFrom(
          sql`cast(coalesce((select quota_limit from quotas where project_id = ${p.project}
            and resource = ${sql.lit(name)}), ${p.fallback}) as bigint)`.as('most'),
        ),
      )
      .selectFrom('room')
      .select([
        'most',
        sql`(select count(*) from (select 1 from ${sql.table(table)} where project_id = ${p.project}
          limit (select case when most < 0 then 0 else most + 1 end from room)) counted)`.as('used'),
      ]),
  )
}

async function usageOf(tx: ReadTx, resources: readonly Counted[], project: string): Promise<Limits> {
  if (resources.length === 0) return {}
  const counts = resources.map(
    ({ name, table }) =>
      sql`select ${sql.lit(name)} as resource, count(*) as used from ${sql.table(table)}
        where project_id = ${project}`,
  )
  const all = sql<{ resource: string; used: unknown }>`${sql.join(counts, sql` union all `)}`
  const { rows } = await all.execute(tx.db)
  return Object.fromEntries(rows.map((row) => [row.resource, Number(row.used)]))
}

function noteQuota(tx: Tx, operation: 'update' | 'delete', project: string): void {
  tx.change({ object: 'quota', id: project, parentId: null, operation, revision: null, projectId: project })
}
