/** Reads rules of security groups, in their own lists and inside their groups. */
import { accessColumn, flag, parentColumn, plainColumns } from '../columns.ts'
import type { Reader, View } from '../resource.ts'
import { isOneOf } from '../store/lists.ts'
import { prepared } from '../store/prepared.ts'
import type { ReadTx } from '../store/store.ts'
import type { SecurityGroupRuleTable } from '../store/tables/security-groups.ts'

const ownColumns = [
  'id',
  'project_id',
  'security_group_id',
  'description',
  'revision_number',
  'created_at',
  'updated_at',
  'direction',
  'ethertype',
  'protocol',
  'port_range_min',
  'port_range_max',
  'remote_ip_prefix',
  'normalized_cidr',
  'remote_group_id',
  'remote_address_group_id',
] as const

const ofGroup = (column: string) =>
  parentColumn('security_groups', column, 'security_group_rules.security_group_id')

export const ruleReader: Reader = {
  table: 'security_group_rules',
  columns: {
    ...plainColumns('security_group_rules', ownColumns),
    belongs_to_default_sg: ofGroup('is_default'),
    'security_group:project_id': ofGroup('project_id'),
    'security_group:shared': accessColumn('access_as_shared', 'security_group_rules.security_group_id'),
  },
  views: async (_scope, rows) => rows.map(ruleView),
}

function ruleView(row: Record<string, unknown>): View {
  return { ...row, id: String(row.id), belongs_to_default_sg: flag(row.belongs_to_default_sg) }
}

const rulesOfGroups = prepared('security-group-views-rules', (db, p: { ids: readonly string[] }, engine) =>
  db
    .selectFrom('security_group_rules')
    .selectAll()
    .where(isOneOf(engine, 'security_group_id', p.ids))
    .orderBy('created_at')
    .orderBy('id'),
)

/** The rules of several groups as they are shown in them; `isDefault` tells which of them are default groups. */
export async function rulesInGroups(
  tx: ReadTx,
  ids: readonly string[],
  isDefault: (id: string) => boolean,
): Promise<Map<string, Record<string, unknown>[]>> {
  const rules = await rulesOfGroups.all(tx, { ids })
  return Map.groupBy(rules.map(shownInGroup), (rule) => String(rule.security_group_id))

  function shownInGroup({ match_key: _key, ...rule }: SecurityGroupRuleTable): Record<string, unknown> {
    return {
      ...rule,
      tenant_id: rule.project_id,
      belongs_to_default_sg: isDefault(rule.security_group_id),
    }
  }
}
