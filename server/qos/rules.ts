/** Rules of QoS policies: which of them go together, and the routes that name a rule by its id alone. */
import { sql } from 'kysely'
import { qosRuleNotFound, qosRuleParameterConflict, qosRulesConflict } from '../../lib/errors.ts'
import type { Resource } from '../../model/resource.ts'
import type { QosRuleType } from '../../model/resources/qos-rule.ts'
import type { Feature, Input } from '../resource.ts'
import type { ReadTx } from '../store/store.ts'
import type { QosRuleTable } from '../store/tables/qos.ts'
import { requireRow, rowsWith } from '../stored/rows.ts'
import { storedFeature } from '../stored/stored.ts'
import { touchPolicy } from './policy.feature.ts'

/**
 * A policy has one rule of a kind and direction (`any` is both), and guarantees no more than it allows. Throws
 * QoSRulesConflict, QoSRuleParameterConflict.
 */
export async function checkRule(
  tx: ReadTx,
  type: QosRuleType,
  policyId: string,
  next: Input,
  id?: string,
): Promise<void> {
  const rows = (await rowsWith(tx, 'qos_rules', { policy_id: policyId })) as unknown as QosRuleTable[]
  const others = rows.filter((other) => other.id !== id && meets(other.direction, next.direction))
  const twin = others.find((other) => other.type === type)
  if (twin) throw qosRulesConflict(type, twin.id, policyId)
  for (const other of others) {
    if (type === 'bandwidth_limit' && other.min_kbps !== null && other.min_kbps > Number(next.max_kbps)) {
      throw qosRuleParameterConflict(Number(next.max_kbps), policyId, other.type, other.min_kbps)
    }
    if (type === 'minimum_bandwidth' && other.max_kbps !== null && other.max_kbps < Number(next.min_kbps)) {
      throw qosRuleParameterConflict(Number(next.min_kbps), policyId, other.type, other.max_kbps)
    }
  }
}

function meets(one: string, other: unknown): boolean {
  return one === (other ?? '') || one === 'any' || other === 'any'
}

/** /qos/alias-bandwidth-limit-rules/{id} and its like: show, update and delete of a rule without its policy. */
export function aliasFeature(resource: Resource): Feature {
  const object = resource.name.replace(/^alias_/, '')
  const type = object.replace(/_rule$/, '') as QosRuleType
  const policyOf = async (tx: ReadTx, id: string): Promise<string> =>
    (await requireRow(tx, 'qos_rules', id, () => qosRuleNotFound(id, ''))).policy_id
  return storedFeature(resource, {
    table: 'qos_rules',
    object,
    where: () => sql`qos_rules.type = ${type}`,
    elsewhere: ['project_id'],
    columns: {
      'ext_parent:project_id': () =>
        sql`(select p.project_id from qos_policies p where p.id = qos_rules.policy_id)`,
    },
    hooks: {
      async updating(tx, _context, current, changes) {
        const policyId = await policyOf(tx, current.id)
        await checkRule(tx, type, policyId, { ...current, ...changes }, current.id)
        await touchPolicy(tx, policyId)
        return undefined
      },
      removing: async (tx, _context, current) => touchPolicy(tx, await policyOf(tx, current.id)),
    },
  })
}
