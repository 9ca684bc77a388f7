/** Rules of QoS policies by the routes that name a rule by its id alone. */
import { sql } from 'kysely'
import { qosRuleNotFound } from '../../lib/errors.ts'
import type { Resource } from '../../model/resource.ts'
import type { QosRuleType } from '../../model/resources/qos-rule.ts'
import type { Feature } from '../resource.ts'
import type { ReadTx } from '../store/store.ts'
import { requireRow } from '../stored/rows.ts'
import { storedFeature } from '../stored/stored.ts'
import { touchPolicy } from './policy.feature.ts'
import { checkRule } from './rule.checks.ts'

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
