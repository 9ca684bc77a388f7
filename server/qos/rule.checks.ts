/** Which rules of a QoS policy go together. */
import { qosRuleParameterConflict, qosRulesConflict } from '../../lib/errors.ts'
import type { QosRuleType } from '../../model/resources/qos-rule.ts'
import type { Input } from '../resource.ts'
import type { ReadTx } from '../store/store.ts'
import type { QosRuleTable } from '../store/tables/qos.ts'
import { rowsWith } from '../stored/rows.ts'

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
