/** Column expressions that several resources have in common (see Reader in resource.ts). */
import { type Expression, type RawBuilder, sql } from 'kysely'
import type { SharingAction } from './rbac/sharing.ts'
import type { QueryScope } from './resource.ts'

type Column = (scope: QueryScope) => Expression<unknown>

/** Attributes that are columns of the same name. */
export function plainColumns(table: string, names: readonly string[]): Record<string, Column> {
  return Object.fromEntries(names.map((name) => [name, () => sql.ref(`${table}.${name}`)]))
}

export const standardColumns = [
  'id',
  'project_id',
  'name',
  'description',
  'revision_number',
  'created_at',
  'updated_at',
] as const

/**
 * 1 where an object is open to the caller by an RBAC entry of that action, for his project or for all; `objectId` is
 * the column that names the object.
 */
export function accessColumn(
  action: SharingAction,
  objectId: string,
): (scope: QueryScope) => RawBuilder<number> {
  return ({ context }) => sql<number>`case when exists (
    select 1 from rbac_policies r where r.object_id = ${sql.ref(objectId)} and r.action = ${action}
      and r.target_project in ('*', ${context.projectId ?? '*'})) then 1 else 0 end`
}

/** What policy asks of the network that a port or subnet is on. `networkId` is the column that names it. */
export function parentNetworkColumns(networkId: string): Record<string, Column> {
  return {
    'network:project_id': () => sql`(select n.project_id from networks n where n.id = ${sql.ref(networkId)})`,
    'network:shared': accessColumn('access_as_shared', networkId),
    'network:router:external': accessColumn('access_as_external', networkId),
  }
}

/** A 0 or 1 of the database as the API shows it. */
export function flag(value: unknown): boolean {
  return value === 1 || value === true
}
