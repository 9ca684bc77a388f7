/**
 * RBAC policies of the API: entries by which objects of any shareable type may be used by other projects. An entry
 * cannot go while somebody needs it.
 */
import { sql } from 'kysely'
import {
  duplicateRbacPolicy,
  invalidActionForType,
  invalidInput,
  rbacPolicyInUse,
  rbacPolicyNotFound,
} from '../../lib/errors.ts'
import type { Resource } from '../../model/resource.ts'
import { plainColumns } from '../columns.ts'
import type { Context } from '../context.ts'
import type { Feature, Input, Reader } from '../resource.ts'
import type { Operation, ReadTx, Tx } from '../store/store.ts'
import type { RbacPolicyTable } from '../store/tables/rbac.ts'
import type { Tables } from '../store/tables.ts'
import {
  addEntry,
  type Shared,
  type Sharing,
  type SharingAction,
  strandedUser,
  targetsOf,
} from './sharing.ts'

/** A validated body of a policy. */
interface RbacInput {
  project_id: string
  object_type: string | null
  object_id: string
  action: string
  target_tenant: string
}

interface Shareable {
  table: keyof Tables
  sharing: Sharing
}

/** `features` are those whose objects may be shared, among others. */
export function rbacFeature(resource: Resource, features: readonly Feature[]): Feature {
  const shareables = new Map<string, Shareable>(
    features.flatMap(({ resource: { name }, reader, sharing }) =>
      sharing ? [[sharing.type ?? name, { table: reader.table, sharing }]] : [],
    ),
  )
  return {
    resource,
    reader,
    async create(tx, context, inputs) {
      const ids: string[] = []
      for (const input of inputs) {
        ids.push(await createEntry(tx, context, shareables, input as unknown as RbacInput))
      }
      return ids
    },
    update: (tx, context, current, changes) => retarget(tx, context, shareables, current.id, changes),
    remove: (tx, _context, current) => removeEntry(tx, shareables, current.id),
  }
}

const reader: Reader = {
  table: 'rbac_policies',
  columns: {
    ...plainColumns('rbac_policies', ['id', 'project_id', 'object_type', 'object_id', 'action']),
    target_tenant: () => sql.ref('rbac_policies.target_project'),
  },
  views: async (_scope, rows) => rows.map((row) => ({ ...row, id: String(row.id) })),
}

async function createEntry(
  tx: Tx,
  context: Context,
  shareables: ReadonlyMap<string, Shareable>,
  input: RbacInput,
): Promise<string> {
  const { object_id, action, target_tenant } = input
  const type = input.object_type ?? ''
  const shareable = shareables.get(type)
  if (!shareable) {
    const known = [...shareables.keys()].sort().join(', ')
    throw invalidInput(`'${type}' is not an object type that can be shared: these are ${known}`)
  }
  const { actions } = shareable.sharing
  if (!actions.some((one) => one === action)) throw invalidActionForType(action, type, actions.join(', '))
  const object = await sharedObject(tx, shareable, type, object_id)
  if (!object) throw invalidInput(`${type} ${object_id} could not be found`)
  requireOwner(context, object)
  const id = await addEntry(tx, object, input.project_id, action, target_tenant)
  if (id === undefined) throw duplicateRbacPolicy()
  await shareable.sharing.touch?.(tx, object_id)
  noteEntry(tx, 'create', { id, project_id: input.project_id, object_id })
  return id
}

/** Throws InvalidInput: an object's owner and the administrator alone say who may use it. */
function requireOwner(context: Context, object: Shared): void {
  if (context.isAdmin || object.project_id === context.projectId) return
  throw invalidInput('Only admins can manipulate policies on objects they do not own')
}

async function sharedObject(
  tx: ReadTx,
  { table }: Shareable,
  type: string,
  id: string,
): Promise<Shared | undefined> {
  const { rows } = await sql<{ project_id: string }>`
    select project_id from ${sql.table(table)} where id = ${id}`.execute(tx.db)
  return rows[0] && { type, id, project_id: rows[0].project_id }
}

async function retarget(
  tx: Tx,
  context: Context,
  shareables: ReadonlyMap<string, Shareable>,
  id: string,
  changes: Input,
): Promise<void> {
  const entry = await entryRow(tx, id)
  const target = String(changes.target_tenant ?? entry.target_project)
  if (target === entry.target_project) return
  const { shareable, object } = await objectOf(tx, shareables, entry)
  if (object) requireOwner(context, object)
  const targets = await targetsOf(tx, entry.object_id, entry.action)
  if (targets.includes(target)) throw duplicateRbacPolicy()
  const then = [...targets.filter((one) => one !== entry.target_project), target]
  await requireNobodyStranded(tx, shareable, object, entry, then)
  await tx.db.updateTable('rbac_policies').set({ target_project: target }).where('id', '=', id).execute()
  await shareable?.sharing.touch?.(tx, entry.object_id)
  noteEntry(tx, 'update', entry)
}

async function removeEntry(tx: Tx, shareables: ReadonlyMap<string, Shareable>, id: string): Promise<void> {
  const entry = await entryRow(tx, id)
  const { shareable, object } = await objectOf(tx, shareables, entry)
  const targets = await targetsOf(tx, entry.object_id, entry.action)
  const then = targets.filter((one) => one !== entry.target_project)
  await requireNobodyStranded(tx, shareable, object, entry, then)
  await tx.db.deleteFrom('rbac_policies').where('id', '=', id).execute()
  await shareable?.sharing.touch?.(tx, entry.object_id)
  noteEntry(tx, 'delete', entry)
}

/** What an entry is about; nothing where its type is not served any more. */
async function objectOf(
  tx: ReadTx,
  shareables: ReadonlyMap<string, Shareable>,
  entry: RbacPolicyTable,
): Promise<{ shareable: Shareable | undefined; object: Shared | undefined }> {
  const shareable = shareables.get(entry.object_type)
  const object = shareable && (await sharedObject(tx, shareable, entry.object_type, entry.object_id))
  return { shareable, object }
}

/** Throws RbacPolicyInUse where somebody could not use the object any more with these targets. */
async function requireNobodyStranded(
  tx: ReadTx,
  shareable: Shareable | undefined,
  object: Shared | undefined,
  entry: RbacPolicyTable,
  targets: readonly string[],
): Promise<void> {
  if (!shareable || !object) return
  const project = await strandedUser(tx, shareable.sharing, object, entry.action as SharingAction, targets)
  if (project !== undefined) throw rbacPolicyInUse(entry.object_id, `project ${project} uses it`)
}

async function entryRow(tx: ReadTx, id: string): Promise<RbacPolicyTable> {
  const row = await tx.db.selectFrom('rbac_policies').selectAll().where('id', '=', id).executeTakeFirst()
  if (!row) throw rbacPolicyNotFound(id)
  return row
}

function noteEntry(
  tx: Tx,
  operation: Operation,
  entry: Pick<RbacPolicyTable, 'id' | 'project_id' | 'object_id'>,
): void {
  tx.change({
    object: 'rbac_policy',
    id: entry.id,
    parentId: entry.object_id,
    operation,
    revision: null,
    projectId: entry.project_id,
  })
}
