/** Column expressions that several resources have in common (see Reader in resource.ts). */
import { type Expression, type RawBuilder, type SqlBool, sql } from 'kysely'
import { everybody, type SharingAction } from './rbac/sharing.ts'
import type { Column, QueryScope } from './resource.ts'
import { isAmong } from './store/lists.ts'
import type { Tables } from './store/tables.ts'

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
export function accessColumn(action: SharingAction, objectId: string) {
  const column = ({ context }: QueryScope) => openFor(context.projectId ?? everybody, action, objectId)
  const equals = (scope: QueryScope, value: unknown): Expression<SqlBool> => {
    const entries = entriesFor(scope.context.projectId ?? everybody, action)
    const open = sql`select r.object_id from rbac_policies r where ${entries}`
    const among = isAmong(scope.tx.engine, objectId, open)
    return value === 1 ? among : sql<SqlBool>`not (${among})`
  }
  return Object.assign(column, { equals })
}

/** 1 where the object is open to that project, or to all, by an RBAC entry of that action. */
export function openFor(project: string, action: SharingAction, objectId: string): RawBuilder<number> {
  return sql<number>`case when exists (select 1 from rbac_policies r
    where r.object_id = ${sql.ref(objectId)} and ${entriesFor(project, action)}) then 1 else 0 end`
}

function entriesFor(project: string, action: SharingAction): Expression<unknown> {
  return sql`r.action = ${action} and r.target_project in (${sql.lit(everybody)}, ${project})`
}

/** A column of the object that `id` names. */
export function parentColumn(table: keyof Tables, name: string, id: string): Column {
  const [parents, value] = [sql.table(table), sql.ref(`p.${name}`)]
  const column: Column = () => sql`(select ${value} from ${parents} p where p.id = ${sql.ref(id)})`
  const equals = ({ tx }: QueryScope, wanted: unknown): Expression<SqlBool> =>
    isAmong(tx.engine, id, sql`select p.id from ${parents} p where ${value} = ${wanted}`)
  return Object.assign(column, { equals })
}

/** What policy asks of the network that a port or subnet is on. `networkId` is the column that names it. */
export function parentNetworkColumns(networkId: string): Record<string, Column> {
  return {
    'network:project_id': parentColumn('networks', 'project_id', networkId),
    'network:shared': accessColumn('access_as_shared', networkId),
    'network:router:external': accessColumn('access_as_external', networkId),
  }
}

/** A 0 or 1 of the database as the API shows it. */
export function flag(value: unknown): boolean {
  return value === 1 || value === true
}
