/**
 * Sharing of objects with other projects: what a feature says of its own objects, and the entries as rows. One table
 * holds the entries of all types; an object's feature removes them with the object.
 */
import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { prepared } from '../store/prepared.ts'
import type { ReadTx, Tx } from '../store/store.ts'
import type { Tables } from '../store/tables.ts'

export type SharingAction = 'access_as_shared' | 'access_as_external'

/** The target that stands for all projects. */
export const everybody = '*'

/** How the objects of a feature are shared: a feature that has this is a type of the RBAC policies API. */
export interface Sharing {
  /** As object_type names it, where that is not the resource's name. */
  type?: string
  /** What entries may grant. */
  actions: readonly SharingAction[]
  /** Projects that use the object now in a way that the action grants; the owner's may be among them. */
  users(tx: ReadTx, id: string, action: SharingAction): Promise<string[]>
  /** Counts a change of its entries on the object (revision_number). Absent: it does not count there. */
  touch?(tx: Tx, id: string): Promise<void>
}

/** Projects with rows that name the object in one of these columns: `['subnets', 'subnetpool_id']`. */
export function projectsNaming(
  ...places: readonly (readonly [table: keyof Tables, column: string])[]
): Sharing['users'] {
  return async (tx, id) => {
    const each = places.map(
      ([table, column]) =>
        sql`select distinct project_id from ${sql.table(table)} where ${sql.ref(column)} = ${id}`,
    )
    const { rows } = await sql<{ project_id: string }>`${sql.join(each, sql` union `)}`.execute(tx.db)
    return rows.map((row) => row.project_id)
  }
}

export interface Shared {
  type: string
  id: string
  /** The owner. */
  project_id: string
}

const insertEntry = prepared(
  'rbac-insert',
  (db, p: Shared & { entry: string; owner: string; action: string; target: string }) =>
    db
      .insertInto('rbac_policies')
      .values({
        id: p.entry,
        project_id: p.owner,
        object_type: p.type,
        object_id: p.id,
        action: p.action,
        target_project: p.target,
      })
      .onConflict((conflict) => conflict.doNothing()),
)

/** Adds an entry of `owner` and answers its id; undefined where there is one for that action and target. */
export async function addEntry(
  tx: Tx,
  object: Shared,
  owner: string,
  action: string,
  target: string,
): Promise<string | undefined> {
  const entry = randomUUID()
  const written = await insertEntry.run(tx, { ...object, entry, owner, action, target })
  return written > 0 ? entry : undefined
}

/** Opens an object to all projects for that action. Opening what is open changes nothing. */
export async function openToAll(tx: Tx, object: Shared, action: SharingAction): Promise<void> {
  await addEntry(tx, object, object.project_id, action, everybody)
}

/** Takes back what openToAll gave; entries for single projects stay. */
export async function closeToAll(tx: Tx, id: string, action: SharingAction): Promise<void> {
  await tx.db
    .deleteFrom('rbac_policies')
    .where('object_id', '=', id)
    .where('action', '=', action)
    .where('target_project', '=', everybody)
    .execute()
}

/** Whether an object is open to all projects for that action. */
export async function isOpenToAll(tx: ReadTx, id: string, action: SharingAction): Promise<boolean> {
  return (await targetsOf(tx, id, action)).includes(everybody)
}

const targets = prepared('rbac-targets', (db, p: { id: string; action: string }) =>
  db
    .selectFrom('rbac_policies')
    .select('target_project')
    .where('object_id', '=', p.id)
    .where('action', '=', p.action),
)

/** The targets of an object's entries for that action. */
export async function targetsOf(tx: ReadTx, id: string, action: string): Promise<string[]> {
  return (await targets.all(tx, { id, action })).map((row) => row.target_project)
}

const deleteEntries = prepared('rbac-delete', (db, p: { id: string }) =>
  db.deleteFrom('rbac_policies').where('object_id', '=', p.id),
)

/** Removes the entries of an object that goes. */
export async function removeEntries(tx: Tx, id: string): Promise<void> {
  await deleteEntries.run(tx, { id })
}

/**
 * A project that uses the object and could not any more, had the action only these targets; undefined when all users
 * keep their right.
 */
export async function strandedUser(
  tx: ReadTx,
  sharing: Sharing,
  object: Pick<Shared, 'id' | 'project_id'>,
  action: SharingAction,
  targets: readonly string[],
): Promise<string | undefined> {
  if (targets.includes(everybody)) return undefined
  const allowed = new Set([object.project_id, '', ...targets])
  return (await sharing.users(tx, object.id, action)).find((project) => !allowed.has(project))
}
