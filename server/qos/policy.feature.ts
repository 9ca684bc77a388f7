/** QoS policies of the API: rows with their rules, the project's default, sharing, and nobody's loss while in use. */
import { type RawBuilder, sql } from 'kysely'
import {
  qosPolicyDefaultAlreadyExists,
  qosPolicyInUse,
  qosRuleNotFound,
  rbacPolicyInUse,
} from '../../lib/errors.ts'
import type { Resource } from '../../model/resource.ts'
import { type QosRuleType, qosRules } from '../../model/resources/qos-rule.ts'
import { accessColumn } from '../columns.ts'
import {
  closeToAll,
  everybody,
  isOpenToAll,
  openToAll,
  projectsNaming,
  removeEntries,
  type Sharing,
  strandedUser,
  targetsOf,
} from '../rbac/sharing.ts'
import type { Feature, View } from '../resource.ts'
import type { ReadTx, Tx } from '../store/store.ts'
import type { QosRuleTable } from '../store/tables/qos.ts'
import { rowsWith, touchRow } from '../stored/rows.ts'
import { storedFeature, storedMember } from '../stored/stored.ts'
import { checkRule } from './rule.checks.ts'

/** Counts a change of the policy's rules as one of the policy. */
export const touchPolicy = (tx: Tx, id: string): Promise<void> => touchRow(tx, 'policy', 'qos_policies', id)

/**
 * Throws QoSPolicyDefaultAlreadyExists for a second default of a project, QosPolicyInUse while a network or port has
 * the policy, RbacPolicyInUse where unsharing would take it from somebody.
 */
export function qosPolicyFeature(resource: Resource): Feature {
  return {
    ...storedFeature(resource, {
      table: 'qos_policies',
      elsewhere: ['rules'],
      columns: { shared: accessColumn('access_as_shared', 'qos_policies.id') },
      sharing,
      inUse: (id) => qosPolicyInUse(id, 'another object', ''),
      async complete({ tx }, views, wanted) {
        if (wanted.has('rules')) await addRules(tx, views)
      },
      hooks: {
        async creating(tx, _context, input) {
          if (input.is_default === true) await requireNoDefault(tx, String(input.project_id))
          return undefined
        },
        async created(tx, _context, input, id) {
          const shared = { type: 'qos_policy', id, project_id: String(input.project_id) }
          if (input.shared === true) await openToAll(tx, shared, 'access_as_shared')
        },
        async updating(tx, _context, current, changes) {
          if (changes.is_default === true && current.is_default !== true) {
            await requireNoDefault(tx, String(current.project_id))
          }
          return (await changeSharing(tx, current, changes.shared)) ? {} : undefined
        },
        async removing(tx, _context, current) {
          await requireUnused(tx, current.id)
          await removeEntries(tx, current.id)
        },
      },
    }),
    members: Object.fromEntries(
      Object.values(resource.members).map((declared) => {
        const type = declared.name.replace(/_rules$/, '') as QosRuleType
        const member = storedMember(declared, {
          table: 'qos_rules',
          parent: 'policy_id',
          fixed: { type },
          missing: qosRuleNotFound,
          check: (tx, policyId, next, id) => checkRule(tx, type, policyId, next, id),
          touch: touchPolicy,
        })
        return [declared.name, member]
      }),
    ),
  }
}

async function addRules(tx: ReadTx, views: View[]): Promise<void> {
  const rows = await rowsWith(tx, 'qos_rules', { policy_id: views.map((view) => view.id) })
  const rules = new Map(views.map((view): [string, unknown[]] => [view.id, []]))
  for (const row of rows as unknown as QosRuleTable[]) {
    const names = Object.keys(qosRules[row.type as QosRuleType])
    const said = Object.entries(row).filter(([name]) => names.includes(name))
    rules.get(row.policy_id)?.push({
      ...Object.fromEntries(said),
      qos_policy_id: row.policy_id,
      type: row.type,
    })
  }
  for (const view of views) view.rules = rules.get(view.id)
}

/** The policy that new networks of the project get, as a value in SQL; null where there is none. */
export function defaultPolicyOf(projectId: string): RawBuilder<string | null> {
  return sql`(select d.id from qos_policies d where d.project_id = ${projectId} and d.is_default = 1)`
}

/** Throws QoSPolicyDefaultAlreadyExists. */
async function requireNoDefault(tx: ReadTx, projectId: string): Promise<void> {
  const { rows } = await sql<{ id: string | null }>`select ${defaultPolicyOf(projectId)} as id`.execute(tx.db)
  if (rows[0]?.id) throw qosPolicyDefaultAlreadyExists(projectId)
}

const sharing: Sharing = {
  type: 'qos_policy',
  actions: ['access_as_shared'],
  touch: touchPolicy,
  users: projectsNaming(['ports', 'qos_policy_id'], ['networks', 'qos_policy_id']),
}

/** True when something changed. Throws RbacPolicyInUse where another project would lose what it uses. */
async function changeSharing(tx: Tx, current: View, wanted: unknown): Promise<boolean> {
  if (typeof wanted !== 'boolean') return false
  const object = { type: 'qos_policy', id: current.id, project_id: String(current.project_id) }
  if (wanted === (await isOpenToAll(tx, object.id, 'access_as_shared'))) return false
  if (wanted) await openToAll(tx, object, 'access_as_shared')
  else {
    const targets = (await targetsOf(tx, object.id, 'access_as_shared')).filter((one) => one !== everybody)
    const stranded = await strandedUser(tx, sharing, object, 'access_as_shared', targets)
    if (stranded !== undefined) throw rbacPolicyInUse(object.id, `project ${stranded} uses the policy`)
    await closeToAll(tx, object.id, 'access_as_shared')
  }
  return true
}

/** Throws QosPolicyInUse, naming a network or port that has the policy. */
async function requireUnused(tx: ReadTx, id: string): Promise<void> {
  for (const [table, object] of [
    ['networks', 'network'],
    ['ports', 'port'],
  ] as const) {
    const user = await tx.db
      .selectFrom(table)
      .select('id')
      .where('qos_policy_id', '=', id)
      .limit(1)
      .executeTakeFirst()
    if (user) throw qosPolicyInUse(id, object, user.id)
  }
}
