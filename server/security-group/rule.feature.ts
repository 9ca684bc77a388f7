/** Rules of security groups of the API: created, one or many of one group, and removed; never changed. */
import { sql } from 'kysely'
import {
  addressGroupNotFound,
  duplicateSecurityGroupRuleInPost,
  securityGroupNotFound,
  securityGroupNotSingleGroupRules,
  securityGroupRulesNotSingleTenant,
} from '../../lib/errors.ts'
import type { Resource } from '../../model/resource.ts'
import { accessColumn } from '../columns.ts'
import type { Context } from '../context.ts'
import type { Feature, Input, View } from '../resource.ts'
import { isOneOf } from '../store/lists.ts'
import type { ReadTx, Tx } from '../store/store.ts'
import { canonicalMatch, checkMatch, type Match, matchKey } from './rule.checks.ts'
import { ruleReader } from './rule.reader.ts'
import { insertRule, noteRule } from './rule.store.ts'
import { defaultGroupOnDemand } from './security-group.feature.ts'
import { touchGroup } from './security-group.store.ts'

/** A validated body of a rule. */
interface RuleInput extends Match {
  project_id: string
  security_group_id: string
  description?: string
}

/**
 * Rules made at once are of one group and one project, or none is made. Throws SecurityGroupNotSingleGroupRules,
 * SecurityGroupRulesNotSingleTenant, DuplicateSecurityGroupRuleInPost, SecurityGroupRuleExists.
 */
export function securityGroupRuleFeature(resource: Resource): Feature {
  return {
    resource,
    reader: ruleReader,
    onDemand: defaultGroupOnDemand,
    targets: groupTargets,
    serialize: (inputs) => [...new Set(inputs.map((input) => `security-group:${input.security_group_id}`))],
    create: (tx, context, inputs) => createRules(tx, context, inputs as unknown as RuleInput[]),
    remove: removeRule,
  }
}

/** What policy asks of the group that a rule is to be added to, one query for all. Throws SecurityGroupNotFound. */
async function groupTargets(
  tx: ReadTx,
  context: Context,
  inputs: readonly Input[],
): Promise<Record<string, unknown>[]> {
  const ids = [...new Set(inputs.map((input) => String(input.security_group_id)))]
  const rows = await tx.db
    .selectFrom('security_groups')
    .select([
      'id',
      'project_id',
      accessColumn('access_as_shared', 'security_groups.id')({ tx, context }).as('shared'),
    ])
    .where(isOneOf(tx.engine, 'id', ids))
    .execute()
  const groups = new Map(rows.map((row) => [row.id, row]))
  return inputs.map((input) => {
    const group = groups.get(String(input.security_group_id))
    if (!group) throw securityGroupNotFound(String(input.security_group_id))
    return {
      ...input,
      'security_group:project_id': group.project_id,
      'security_group:shared': group.shared === 1,
    }
  })
}

async function createRules(tx: Tx, context: Context, inputs: readonly RuleInput[]): Promise<string[]> {
  const [first] = inputs
  if (!first) return []
  const { security_group_id: groupId, project_id: project } = first
  const rules = inputs.map((input) => {
    if (input.security_group_id !== groupId) throw securityGroupNotSingleGroupRules()
    if (input.project_id !== project) throw securityGroupRulesNotSingleTenant()
    const rule = canonicalMatch(input)
    checkMatch(rule)
    return rule
  })
  if (new Set(rules.map(matchKey)).size < rules.length) throw duplicateSecurityGroupRuleInPost()
  await requireRemotes(tx, context, project, rules)
  const ids: string[] = []
  for (const rule of rules) {
    ids.push(await insertRule(tx, groupId, { ...rule, description: rule.description ?? '' }))
  }
  await touchGroup(tx, groupId)
  return ids
}

/** Throws SecurityGroupNotFound and AddressGroupNotFound where a remote side is not there for the project. */
async function requireRemotes(
  tx: ReadTx,
  context: Context,
  project: string,
  rules: readonly Match[],
): Promise<void> {
  const groups = rules.flatMap((rule) => rule.remote_group_id ?? [])
  const [group] = await missingAmong(tx, context, project, 'security_groups', groups)
  if (group !== undefined) throw securityGroupNotFound(group)
  const addressGroups = rules.flatMap((rule) => rule.remote_address_group_id ?? [])
  const [addressGroup] = await missingAmong(tx, context, project, 'address_groups', addressGroups)
  if (addressGroup !== undefined) throw addressGroupNotFound(addressGroup)
}

/** Those of the ids that the project may not use. The administrator adds what he likes. */
async function missingAmong(
  tx: ReadTx,
  { isAdmin }: Context,
  project: string,
  table: 'security_groups' | 'address_groups',
  ids: readonly string[],
): Promise<string[]> {
  if (ids.length === 0) return []
  const rows = await tx.db
    .selectFrom(table)
    .select('id')
    .where(isOneOf(tx.engine, 'id', ids))
    .$if(!isAdmin, (query) =>
      query.where((eb) => eb.or([eb('project_id', '=', project), sharedWith(project, table)])),
    )
    .execute()
  const usable = new Set(rows.map((row) => row.id))
  return ids.filter((id) => !usable.has(id))
}

/** True where an object of the table is open to a project. */
export function sharedWith(project: string, table: string) {
  return sql<boolean>`exists (select 1 from rbac_policies r where r.object_id = ${sql.ref(`${table}.id`)}
    and r.action = 'access_as_shared' and r.target_project in ('*', ${project}))`
}

async function removeRule(tx: Tx, _context: Context, current: View): Promise<void> {
  const groupId = String(current.security_group_id)
  await tx.db.deleteFrom('security_group_rules').where('id', '=', current.id).execute()
  noteRule(tx, 'delete', {
    id: current.id,
    security_group_id: groupId,
    revision_number: Number(current.revision_number),
    project_id: String(current.project_id),
  })
  await touchGroup(tx, groupId)
}
