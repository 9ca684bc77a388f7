/**
 * DHCP entries: what the DHCP servers of a network must know of a port with an address on a subnet with DHCP, and of
 * the DHCP ports themselves.
 */
import type { DhcpEntryDocument, DhcpOption } from '../../model/documents/documents.ts'
import type { DocumentSource } from '../feed/sources.ts'
import { dnsAssigner } from '../port/dns.ts'
import { addressesOf } from '../port/port.reader.ts'
import type { NetworkingSettings } from '../settings.ts'
import { idsAfter, isOneOf } from '../store/lists.ts'
import { prepared } from '../store/prepared.ts'
import type { Change, ReadTx } from '../store/store.ts'
import { dhcpOwner, reservedDhcpPort } from './dhcp-port.ts'
import { dhcpHostsOf } from './dhcp-scheduler.ts'

/**
 * An entry has the id of its port, and goes to the hosts of the agents that serve the network. Names end in [DEFAULT]
 * dns_domain.
 */
export function dhcpEntryDocuments({ DEFAULT: options }: NetworkingSettings): DocumentSource<'dhcp-entry'> {
  return {
    type: 'dhcp-entry',
    affected,
    bodies: (tx, ids) => entryBodies(tx, ids, options.dns_domain),
    async audience(tx, ids) {
      const ports = await portsWithDhcp.all(tx, { ids })
      const hosts = await dhcpHostsOf(tx, [...new Set(ports.map((port) => port.network_id))])
      return new Map(ports.map((port) => [port.id, hosts.get(port.network_id) ?? new Set<string>()]))
    },
    page: (tx, after, limit) => idsAfter(tx, 'ports', after, limit),
  }
}

/**
 * A port's own changes, and of its bindings (they count up its generation); and all ports of a network when one of its
 * subnets changes, or who serves it.
 */
async function affected(tx: ReadTx, changes: readonly Change[]): Promise<Set<string>> {
  const ids = new Set<string>()
  const networks = new Set<string>()
  for (const change of changes) {
    if (change.object === 'port' || change.object === 'port-binding') ids.add(change.id)
    const widely = change.object === 'subnet' || change.object === 'dhcp-serving'
    if (widely && change.parentId !== null) networks.add(change.parentId)
  }
  if (networks.size === 0) return ids
  const rows = await tx.db
    .selectFrom('ports')
    .select('id')
    .where(isOneOf(tx.engine, 'network_id', [...networks]))
    .execute()
  for (const row of rows) ids.add(row.id)
  return ids
}

const portsWithDhcp = prepared('dhcp-entry-ports', (db, p: { ids: readonly string[] }, engine) =>
  db
    .selectFrom('ports')
    .select(['id', 'network_id', 'mac_address', 'device_owner', 'dns_name', 'extra_dhcp_opts', 'generation'])
    .where(isOneOf(engine, 'id', p.ids))
    .where('device_id', '<>', reservedDhcpPort)
    .where((eb) =>
      eb.or([
        eb('device_owner', '=', dhcpOwner),
        eb.exists(
          eb
            .selectFrom('ip_allocations as a')
            .innerJoin('subnets as s', 's.id', 'a.subnet_id')
            .select('a.ip')
            .whereRef('a.port_id', '=', 'ports.id')
            .where('s.enable_dhcp', '=', 1),
        ),
      ]),
    ),
)

async function entryBodies(
  tx: ReadTx,
  ids: readonly string[],
  dnsDomain: string,
): Promise<Map<string, DhcpEntryDocument>> {
  const ports = await portsWithDhcp.all(tx, { ids })
  const addresses = await addressesOf(
    tx,
    ports.map((port) => port.id),
  )
  const dnsAssignment = dnsAssigner(dnsDomain)
  return new Map(
    ports.map((row, i) => {
      const fixed_ips = addresses[i] ?? []
      const body: DhcpEntryDocument = {
        id: row.id,
        network_id: row.network_id,
        mac_address: row.mac_address,
        device_owner: row.device_owner,
        fixed_ips,
        dns_assignment: dnsAssignment(row.dns_name, fixed_ips),
        extra_dhcp_opts: JSON.parse(row.extra_dhcp_opts) as DhcpOption[],
        generation: row.generation,
      }
      return [row.id, body]
    }),
  )
}
