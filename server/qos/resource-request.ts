/**
 * What a port asks of the placement service: the guarantees of its QoS policy, or of its network's, as groups of
 * resources and traits. Neutron: port-resource-request-groups.
 */
import { sql } from 'kysely'
import { uuid5 } from '../../lib/uuid.ts'
import { isOneOf } from '../store/lists.ts'
import type { ReadTx } from '../store/store.ts'

interface GuaranteeRow {
  port_id: string
  rule_id: string
  type: 'minimum_bandwidth' | 'minimum_packet_rate'
  direction: string
  amount: number
  vnic_type: string | null
  physical_network: string | null
}

export interface ResourceRequest {
  request_groups: { id: string; required: string[]; resources: Record<string, number> }[]
  same_subtree: string[]
}

const resourceNames: Readonly<Record<string, string>> = {
  'minimum_bandwidth egress': 'NET_BW_EGR_KILOBIT_PER_SEC',
  'minimum_bandwidth ingress': 'NET_BW_IGR_KILOBIT_PER_SEC',
  'minimum_packet_rate any': 'NET_PACKET_RATE_KILOPACKET_PER_SEC',
  'minimum_packet_rate egress': 'NET_PACKET_RATE_EGR_KILOPACKET_PER_SEC',
  'minimum_packet_rate ingress': 'NET_PACKET_RATE_IGR_KILOPACKET_PER_SEC',
}

/** The requests of several ports, one query; ports that ask for nothing are left out. */
export async function resourceRequestsOf(
  tx: ReadTx,
  ports: readonly string[],
): Promise<Map<string, ResourceRequest>> {
  const { rows } = await sql<GuaranteeRow>`
    select p.id as port_id, r.id as rule_id, r.type, r.direction, coalesce(r.min_kbps, r.min_kpps) as amount,
      (select b.vnic_type from port_bindings b where b.port_id = p.id and b.status = 'ACTIVE') as vnic_type,
      (select s.physical_network from network_segments s
        where s.network_id = p.network_id and s.physical_network is not null
        order by s.segment_index limit 1) as physical_network
    from ports p join networks n on n.id = p.network_id
      join qos_rules r on r.policy_id = coalesce(p.qos_policy_id, n.qos_policy_id)
    where ${isOneOf(tx.engine, 'p.id', ports)} and r.type in ('minimum_bandwidth', 'minimum_packet_rate')
    order by p.id, r.id`.execute(tx.db)
  const byPort = Map.groupBy(rows, (row) => row.port_id)
  return new Map(
    [...byPort].flatMap(([id, guarantees]): [string, ResourceRequest][] => {
      const groups = [...Map.groupBy(guarantees, (row) => row.type).values()].flatMap(groupOf)
      const same_subtree = groups.length > 1 ? groups.map((group) => group.id) : []
      return groups.length > 0 ? [[id, { request_groups: groups, same_subtree }]] : []
    }),
  )
}

/** Guarantees of one kind; bandwidth can be had of physical networks alone. */
function groupOf(guarantees: readonly GuaranteeRow[]): ResourceRequest['request_groups'] {
  const [first] = guarantees
  if (!first || (first.type === 'minimum_bandwidth' && first.physical_network === null)) return []
  const required = [trait('VNIC_TYPE', first.vnic_type ?? 'normal')]
  if (first.type === 'minimum_bandwidth') required.unshift(trait('PHYSNET', first.physical_network ?? ''))
  const ids = guarantees.map((row) => row.rule_id)
  const resources = guarantees.map((row): [string, number] => [
    resourceNames[`${row.type} ${row.direction}`] ?? '',
    row.amount,
  ])
  return [{ id: uuid5(first.port_id, ids.join('-')), required, resources: Object.fromEntries(resources) }]
}

/** Names of traits hold upper-case letters, digits and underscores. */
function trait(kind: string, value: string): string {
  return `CUSTOM_${kind}_${value.toUpperCase().replaceAll(/[^A-Z0-9_]/g, '_')}`
}
