/**
 * Security groups as rows: made with the rules that new groups start with, the default group of a project among them,
 * which comes into being when something of the project first needs it.
 */
import { randomUUID } from 'node:crypto'
import { RetryTransaction } from '../store/errors.ts'
import { prepared } from '../store/prepared.ts'
import type { Operation, ReadTx, Tx } from '../store/store.ts'
import type { SecurityGroupTable } from '../store/tables/security-groups.ts'
import { defaultStateful } from './default-statefulness.feature.ts'
import { insertRule, type NewRule } from './rule.store.ts'

/** The name that no other group may have. */
const defaultName = 'default'

/** In a template: the group that the rule becomes one of. */
export const parentGroup = 'PARENT'

const byId = prepared('security-group-by-id', (db, p: { id: string }) =>
  db.selectFrom('security_groups').selectAll().where('id', '=', p.id),
)

/** Undefined where there is none; whose it is is not looked at. */
export const groupRow = (tx: ReadTx, id: string): Promise<SecurityGroupTable | undefined> =>
  byId.first(tx, { id })

const defaultOf = prepared('security-group-default', (db, p: { project: string }) =>
  db
    .selectFrom('security_groups')
    .select('id')
    .where('project_id', '=', p.project)
    .where('is_default', '=', 1),
)

/** The id of a project's default group, if it has one by now. */
export async function defaultGroup(tx: ReadTx, project: string): Promise<string | undefined> {
  return (await defaultOf.first(tx, { project }))?.id
}

/** The id of a project's default group, which is made where it is missing. */
export async function ensureDefaultGroup(tx: Tx, project: string): Promise<string> {
  const found = await defaultGroup(tx, project)
  if (found !== undefined) return found
  const { id } = await createGroup(tx, {
    project_id: project,
    name: defaultName,
    description: 'Default security group',
    stateful: await defaultStateful(tx, project),
    is_default: 1,
  })
  return id
}

export type NewGroup = Pick<
  SecurityGroupTable,
  'project_id' | 'name' | 'description' | 'stateful' | 'is_default'
>

/** Makes a group with the rules that groups of its kind start with. */
export async function createGroup(tx: Tx, group: NewGroup): Promise<SecurityGroupTable> {
  const row: SecurityGroupTable = {
    ...group,
    id: randomUUID(),
    revision_number: 1,
    created_at: tx.now,
    updated_at: tx.now,
  }
  const { numInsertedOrUpdatedRows } = await tx.db
    .insertInto('security_groups')
    .values(row)
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst()
  if (Number(numInsertedOrUpdatedRows) === 0) {
    throw new RetryTransaction('the default group was made meanwhile')
  }
  for (const rule of await templatesFor(tx, row)) await insertRule(tx, row.id, rule)
  noteGroup(tx, 'create', row)
  return row
}

/** How many rules a new group starts with that is not its project's default one. */
export async function templateCount(tx: ReadTx): Promise<number> {
  const { count } = await tx.db
    .selectFrom('default_security_group_rules')
    .select((eb) => eb.fn.countAll().as('count'))
    .where('used_in_non_default_sg', '=', 1)
    .executeTakeFirstOrThrow()
  return Number(count)
}

/** Templates whose remote group, or address group, is not there (any more) make no rule. */
async function templatesFor(tx: ReadTx, group: SecurityGroupTable): Promise<NewRule[]> {
  const templates = await tx.db
    .selectFrom('default_security_group_rules')
    .selectAll()
    .where(group.is_default === 1 ? 'used_in_default_sg' : 'used_in_non_default_sg', '=', 1)
    .where((eb) =>
      eb.or([
        eb('remote_group_id', 'is', null),
        eb('remote_group_id', '=', parentGroup),
        eb('remote_group_id', 'in', eb.selectFrom('security_groups').select('security_groups.id')),
      ]),
    )
    .where((eb) =>
      eb.or([
        eb('remote_address_group_id', 'is', null),
        eb('remote_address_group_id', 'in', eb.selectFrom('address_groups').select('address_groups.id')),
      ]),
    )
    .orderBy('id')
    .execute()
  return templates.map((template) => ({
    ...template,
    project_id: group.project_id,
    remote_group_id: template.remote_group_id === parentGroup ? group.id : template.remote_group_id,
  }))
}

const touch = prepared('security-group-touch', (db, p: { id: string; now: string }) =>
  db
    .updateTable('security_groups')
    .set((eb) => ({ revision_number: eb('revision_number', '+', 1), updated_at: p.now }))
    .where('id', '=', p.id),
)

/** Counts a change of what hangs on the group: its rules, its tags, who may use it. */
export async function touchGroup(tx: Tx, id: string): Promise<void> {
  await touch.run(tx, { id, now: tx.now })
  const row = await groupRow(tx, id)
  if (row) noteGroup(tx, 'update', row)
}

/** Notes a change of a group, as it is after it; of one that goes, as it was. */
export function noteGroup(
  tx: Tx,
  operation: Operation,
  group: Pick<SecurityGroupTable, 'id' | 'project_id' | 'revision_number'>,
): void {
  tx.change({
    object: 'security_group',
    id: group.id,
    parentId: null,
    operation,
    revision: group.revision_number,
    projectId: group.project_id,
  })
}
