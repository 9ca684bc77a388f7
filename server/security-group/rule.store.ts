/** Rules of security groups as rows, which no group has twice. */
import { randomUUID } from 'node:crypto'
import { securityGroupRuleExists } from '../../lib/errors.ts'
import { prepared } from '../store/prepared.ts'
import type { Operation, Tx } from '../store/store.ts'
import type { SecurityGroupRuleTable } from '../store/tables/security-groups.ts'
import { canonicalMatch, type Match, matchKey, normalizedCidr } from './rule.checks.ts'

/** A rule to add, checked before. */
export interface NewRule extends Match {
  project_id: string
  description: string
}

type Row = SecurityGroupRuleTable

const insert = prepared('security-group-rule-insert', (db, p: Row) =>
  db
    .insertInto('security_group_rules')
    .values({
      id: p.id,
      project_id: p.project_id,
      security_group_id: p.security_group_id,
      description: p.description,
      revision_number: p.revision_number,
      created_at: p.created_at,
      updated_at: p.updated_at,
      direction: p.direction,
      ethertype: p.ethertype,
      protocol: p.protocol,
      port_range_min: p.port_range_min,
      port_range_max: p.port_range_max,
      remote_ip_prefix: p.remote_ip_prefix,
      normalized_cidr: p.normalized_cidr,
      remote_group_id: p.remote_group_id,
      remote_address_group_id: p.remote_address_group_id,
      match_key: p.match_key,
    })
    .onConflict((conflict) => conflict.columns(['security_group_id', 'match_key']).doNothing()),
)

/** Adds a rule and answers its id. Throws SecurityGroupRuleExists. */
export async function insertRule(tx: Tx, groupId: string, rule: NewRule): Promise<string> {
  const match = canonicalMatch(rule)
  const row: Row = {
    id: randomUUID(),
    project_id: rule.project_id,
    security_group_id: groupId,
    description: rule.description,
    revision_number: 0,
    created_at: tx.now,
    updated_at: tx.now,
    direction: match.direction,
    ethertype: match.ethertype,
    protocol: match.protocol,
    port_range_min: match.port_range_min,
    port_range_max: match.port_range_max,
    remote_ip_prefix: match.remote_ip_prefix,
    normalized_cidr: normalizedCidr(match.remote_ip_prefix),
    remote_group_id: match.remote_group_id,
    remote_address_group_id: match.remote_address_group_id ?? null,
    match_key: matchKey(match),
  }
  if ((await insert.run(tx, row)) === 0) throw securityGroupRuleExists(await twinOf(tx, row))
  noteRule(tx, 'create', row)
  return row.id
}

async function twinOf(tx: Tx, { security_group_id, match_key }: Row): Promise<string> {
  const twin = await tx.db
    .selectFrom('security_group_rules')
    .select('id')
    .where('security_group_id', '=', security_group_id)
    .where('match_key', '=', match_key)
    .executeTakeFirst()
  return twin?.id ?? ''
}

/** Notes a change below the rule's group, which is noted by itself (touchGroup). */
export function noteRule(
  tx: Tx,
  operation: Operation,
  rule: Pick<Row, 'id' | 'security_group_id' | 'revision_number' | 'project_id'>,
): void {
  tx.change({
    object: 'security_group_rule',
    id: rule.id,
    parentId: rule.security_group_id,
    operation,
    revision: rule.revision_number,
    projectId: rule.project_id,
  })
}
