/** Network documents: for hosts that have a bound port of the network or serve its DHCP. */
import { sql } from 'kysely'
import type { HostRoute, Ipv6Mode, NetworkDocument, Segment } from '../../model/documents/documents.ts'
import { dhcpHostsOf } from '../dhcp/dhcp-scheduler.ts'
import type { DocumentSource } from '../feed/sources.ts'
import { numberOrNull } from '../ml2/segments.ts'
import type { NetworkingSettings } from '../settings.ts'
import { idsAfter, isOneOf } from '../store/lists.ts'
import type { ReadTx } from '../store/store.ts'

/**
 * A network's document changes with the network, its subnets, the bindings of its ports and the agents that serve it;
 * `dns_domain` in it is [DEFAULT] dns_domain.
 */
export function networkDocuments({ DEFAULT: options }: NetworkingSettings): DocumentSource<'network'> {
  return {
    type: 'network',
    async affected(_tx, changes) {
      const ids = changes.flatMap((change) => {
        switch (change.object) {
          case 'network':
            return [change.id]
          case 'subnet':
          case 'port-binding':
          case 'dhcp-serving':
            return change.parentId ?? []
          case 'port':
            return change.operation === 'delete' ? (change.parentId ?? []) : []
          default:
            return []
        }
      })
      return new Set(ids)
    },
    bodies: (tx, ids) => networkBodies(tx, ids, options.dns_domain),
    async audience(tx, ids) {
      const audience = await dhcpHostsOf(tx, ids)
      for (const { network_id, host } of await hostsWithPorts(tx, ids)) {
        audience.set(network_id, (audience.get(network_id) ?? new Set()).add(host))
      }
      return audience
    },
    page: (tx, after, limit) => idsAfter(tx, 'networks', after, limit),
  }
}

async function networkBodies(
  tx: ReadTx,
  ids: readonly string[],
  serverDomain: string,
): Promise<Map<string, NetworkDocument>> {
  const networks = await tx.db
    .selectFrom('networks')
    .select(['id', 'admin_state_up', 'mtu'])
    .where(isOneOf(tx.engine, 'id', ids))
    .execute()
  const segments = await tx.db
    .selectFrom('network_segments')
    .select(['id', 'network_id', 'network_type', 'physical_network', 'segmentation_id'])
    .where(isOneOf(tx.engine, 'network_id', ids))
    .orderBy('segment_index')
    .execute()
  const subnets = await tx.db
    .selectFrom('subnets')
    .selectAll()
    .where(isOneOf(tx.engine, 'network_id', ids))
    .orderBy('created_at')
    .orderBy('id')
    .execute()
  const bodies = new Map<string, NetworkDocument>(
    networks.map((row) => [
      row.id,
      {
        id: row.id,
        admin_state_up: row.admin_state_up === 1,
        mtu: row.mtu,
        dns_domain: serverDomain.replace(/\.+$/, ''),
        segments: [],
        subnets: [],
      },
    ]),
  )
  for (const row of segments) {
    bodies.get(row.network_id)?.segments.push({
      id: row.id,
      network_type: row.network_type as Segment['network_type'],
      physical_network: row.physical_network,
      segmentation_id: numberOrNull(row.segmentation_id),
    })
  }
  for (const row of subnets) {
    bodies.get(row.network_id)?.subnets.push({
      id: row.id,
      ip_version: row.ip_version === 6 ? 6 : 4,
      cidr: row.cidr,
      gateway_ip: row.gateway_ip,
      enable_dhcp: row.enable_dhcp === 1,
      dns_nameservers: JSON.parse(row.dns_nameservers) as string[],
      host_routes: JSON.parse(row.host_routes) as HostRoute[],
      ipv6_ra_mode: row.ipv6_ra_mode as Ipv6Mode | null,
      ipv6_address_mode: row.ipv6_address_mode as Ipv6Mode | null,
      segment_id: row.segment_id,
    })
  }
  return bodies
}

/**
 * Hosts with a bound port of each network. Leaps from host to host along the index, so that the cost follows the
 * number of hosts and not that of ports.
 */
async function hostsWithPorts(
  tx: ReadTx,
  ids: readonly string[],
): Promise<{ network_id: string; host: string }[]> {
  const next = (network: string, after: ReturnType<typeof sql.ref> | ReturnType<typeof sql.lit>) =>
    sql`(select min(b.host) from port_bindings b where b.network_id = ${sql.ref(network)}
      and b.segment_id is not null and b.host > ${after})`
  const result = await sql<{ network_id: string; host: string }>`
    with recursive hosts (network_id, host) as (
      select n.id, ${next('n.id', sql.lit(''))} from networks n where ${isOneOf(tx.engine, 'n.id', ids)}
      union all
      select hosts.network_id, ${next('hosts.network_id', sql.ref('hosts.host'))}
      from hosts where hosts.host is not null
    )
    select network_id, host from hosts where host is not null`.execute(tx.db)
  return result.rows
}
