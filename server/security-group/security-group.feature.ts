/** Security groups of the API. */
import { type Expression, type SqlBool, sql } from 'kysely'
import {
  securityGroupCannotRemoveDefault,
  securityGroupCannotUpdateDefault,
  securityGroupInUse,
  securityGroupNotFound,
} from '../../lib/errors.ts'
import type { Resource } from '../../model/resource.ts'
import { accessColumn, flag, plainColumns, standardColumns } from '../columns.ts'
import type { Context } from '../context.ts'
import { createQuotas, type QuotaSettings, type Quotas } from '../quota/quotas.ts'
import { removeEntries, type Sharing } from '../rbac/sharing.ts'
import type { Feature, Input, QueryScope, Reader, View } from '../resource.ts'
import { isForeignKeyViolation, RetryTransaction } from '../store/errors.ts'
import { isOneOf } from '../store/lists.ts'
import type { ReadTx, Tx } from '../store/store.ts'
import type { SecurityGroupTable } from '../store/tables/security-groups.ts'
import { removeTags, replaceTags, tagFilters, tagsOf } from '../tag/tags.ts'
import { defaultStateful } from './default-statefulness.feature.ts'
import { rulesInGroups } from './rule.reader.ts'
import { noteRule } from './rule.store.ts'
import {
  createGroup,
  defaultGroup,
  ensureDefaultGroup,
  groupRow,
  noteGroup,
  templateCount,
  touchGroup,
} from './security-group.store.ts'

/**
 * The first group of a project brings its default one with it. Throws SecurityGroupInUse while ports have the group,
 * and OverQuota where its first rules are too many.
 */
export function securityGroupFeature(resource: Resource, settings: QuotaSettings): Feature {
  // The rules that a group starts with count as if its owner had made them.
  const ruleQuota = createQuotas([{ name: 'security_group_rule', table: 'security_group_rules' }], settings)
  return {
    resource,
    reader: groupReader,
    sharing: groupSharing,
    onDemand: defaultGroupOnDemand,
    serialize: (inputs) => [...new Set(inputs.map((input) => `security-groups:${input.project_id}`))],
    turns: (id) => [`security-group:${id}`],
    create: (tx, _context, inputs) => createGroups(tx, ruleQuota, inputs),
    update: updateGroup,
    remove: removeGroup,
    async setTags(tx, _context, current, tags) {
      await replaceTags(tx, 'security_group', current.id, tags)
      await touchGroup(tx, current.id)
    },
  }
}

/** Whoever lists groups or rules finds the default group of his project. */
export const defaultGroupOnDemand: NonNullable<Feature['onDemand']> = {
  missing: async (tx, { projectId }) =>
    projectId !== null && (await defaultGroup(tx, projectId)) === undefined,
  async make(tx, { projectId }) {
    if (projectId !== null) await ensureDefaultGroup(tx, projectId)
  },
}

const groupReader: Reader = {
  table: 'security_groups',
  columns: {
    ...plainColumns('security_groups', [...standardColumns, 'stateful', 'is_default']),
    shared: accessColumn('access_as_shared', 'security_groups.id'),
  },
  filters: tagFilters('security_group', 'security_groups'),
  views: groupViews,
}

async function groupViews(
  { tx }: QueryScope,
  rows: Record<string, unknown>[],
  wanted: ReadonlySet<string>,
): Promise<View[]> {
  const ids = rows.map((row) => String(row.id))
  const none = new Map<string, never[]>()
  const defaults = wanted.has('security_group_rules') ? await defaultsAmong(tx, ids) : new Set<string>()
  const rules = wanted.has('security_group_rules')
    ? await rulesInGroups(tx, ids, (id) => defaults.has(id))
    : none
  const tags = wanted.has('tags') ? await tagsOf(tx, 'security_group', ids) : []
  return rows.map((row, i) => {
    const id = String(row.id)
    return {
      ...row,
      id,
      stateful: flag(row.stateful),
      shared: flag(row.shared),
      security_group_rules: rules.get(id) ?? [],
      tags: tags[i],
    }
  })
}

async function defaultsAmong(tx: ReadTx, ids: readonly string[]): Promise<Set<string>> {
  const rows = await tx.db
    .selectFrom('security_groups')
    .select('id')
    .where(isOneOf(tx.engine, 'id', ids))
    .where('is_default', '=', 1)
    .execute()
  return new Set(rows.map((row) => row.id))
}

const groupSharing: Sharing = {
  actions: ['access_as_shared'],
  touch: touchGroup,
  async users(tx, id) {
    const rows = await tx.db
      .selectFrom('port_security_groups as b')
      .innerJoin('ports', 'ports.id', 'b.port_id')
      .select('ports.project_id')
      .distinct()
      .where('b.security_group_id', '=', id)
      .execute()
    return rows.map((row) => row.project_id)
  },
}

async function createGroups(tx: Tx, ruleQuota: Quotas, inputs: readonly Input[]): Promise<string[]> {
  const rules = await templateCount(tx)
  const ids: string[] = []
  for (const input of inputs) {
    const project = String(input.project_id)
    await ensureDefaultGroup(tx, project)
    await ruleQuota.check(tx, 'security_group_rule', project, rules)
    const group = await createGroup(tx, {
      project_id: project,
      name: String(input.name),
      description: String(input.description ?? ''),
      stateful: Number(input.stateful ?? (await defaultStateful(tx, project))),
      is_default: 0,
    })
    ids.push(group.id)
  }
  return ids
}

async function updateGroup(tx: Tx, _context: Context, current: View, changes: Input): Promise<void> {
  const row = await requireGroup(tx, current.id)
  if (row.is_default === 1 && changes.name !== undefined) throw securityGroupCannotUpdateDefault()
  const next: SecurityGroupTable = {
    ...row,
    name: changes.name === undefined ? row.name : String(changes.name),
    description: changes.description === undefined ? row.description : String(changes.description),
    stateful: Number(changes.stateful ?? row.stateful),
  }
  if (next.stateful !== row.stateful && (await isOnPorts(tx, row.id))) throw securityGroupInUse(row.id)
  if (!Object.entries(next).some(([key, value]) => row[key as keyof SecurityGroupTable] !== value)) return
  const { id, ...rest } = { ...next, revision_number: row.revision_number + 1, updated_at: tx.now }
  await tx.db.updateTable('security_groups').set(rest).where('id', '=', id).execute()
  noteGroup(tx, 'update', { id, ...rest })
}

async function requireGroup(tx: ReadTx, id: string): Promise<SecurityGroupTable> {
  const row = await groupRow(tx, id)
  if (!row) throw securityGroupNotFound(id)
  return row
}

async function isOnPorts(tx: ReadTx, id: string): Promise<boolean> {
  const port = await tx.db
    .selectFrom('port_security_groups')
    .select('port_id')
    .where('security_group_id', '=', id)
    .limit(1)
    .executeTakeFirst()
  return port !== undefined
}

/** Rules of other groups that name this one as their remote go with it. */
async function removeGroup(tx: Tx, context: Context, current: View): Promise<void> {
  const row = await requireGroup(tx, current.id)
  if (await isOnPorts(tx, row.id)) throw securityGroupInUse(row.id)
  if (row.is_default === 1 && !context.isAdmin) throw securityGroupCannotRemoveDefault()
  const orphans = await tx.db
    .selectFrom('security_group_rules')
    .select(['id', 'security_group_id', 'revision_number', 'project_id'])
    .where('remote_group_id', '=', row.id)
    .where('security_group_id', '<>', row.id)
    .execute()
  await removeTags(tx, 'security_group', row.id)
  await removeEntries(tx, row.id)
  try {
    await tx.db.deleteFrom('security_groups').where('id', '=', row.id).execute()
  } catch (error) {
    // A port took it since the look above: run again, and find it.
    throw isForeignKeyViolation(error) ? new RetryTransaction('the group was used meanwhile') : error
  }
  for (const rule of orphans) noteRule(tx, 'delete', rule)
  for (const id of new Set(orphans.map((rule) => rule.security_group_id))) await touchGroup(tx, id)
  noteGroup(tx, 'delete', row)
}

/** Lists of ports by their groups: any of these. */
export function portGroupsFilter({ tx }: QueryScope, values: readonly string[]): Expression<SqlBool> {
  return sql<SqlBool>`ports.id in (select b.port_id from port_security_groups b
    where ${isOneOf(tx.engine, 'b.security_group_id', values)})`
}
