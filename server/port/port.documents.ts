/** Port documents: for the hosts that a port is bound to, by active and inactive bindings. */
import type { AddressPair, PortDocument } from '../../model/documents/documents.ts'
import type { DocumentSource } from '../feed/sources.ts'
import { idsAfter, isOneOf } from '../store/lists.ts'
import { prepared } from '../store/prepared.ts'
import type { ReadTx } from '../store/store.ts'
import { addressesOf } from './port.reader.ts'

const hostsOfPorts = prepared('port-document-hosts', (db, p: { ids: readonly string[] }, engine) =>
  db
    .selectFrom('port_bindings')
    .select(['port_id', 'host'])
    .where(isOneOf(engine, 'port_id', p.ids))
    .where('segment_id', 'is not', null),
)

export const portDocuments: DocumentSource<'port'> = {
  type: 'port',
  affected: async (_tx, changes) =>
    new Set(
      changes
        .filter((change) => change.object === 'port' || change.object === 'port-binding')
        .map((change) => change.id),
    ),
  bodies: portBodies,
  async audience(tx, ids) {
    const rows = await hostsOfPorts.all(tx, { ids })
    const audience = new Map<string, Set<string>>()
    for (const row of rows) {
      audience.set(row.port_id, (audience.get(row.port_id) ?? new Set()).add(row.host))
    }
    return audience
  },
  page: (tx, after, limit) => idsAfter(tx, 'ports', after, limit),
}

async function portBodies(tx: ReadTx, ids: readonly string[]): Promise<Map<string, PortDocument>> {
  const ports = await tx.db
    .selectFrom('ports')
    .select([
      'id',
      'network_id',
      'mac_address',
      'admin_state_up',
      'device_owner',
      'device_id',
      'port_security_enabled',
      'allowed_address_pairs',
      'generation',
    ])
    .where(isOneOf(tx.engine, 'id', ids))
    .execute()
  const bindings = await tx.db
    .selectFrom('port_bindings')
    .select(['port_id', 'host', 'status', 'vif_type', 'vnic_type', 'segment_id'])
    .where(isOneOf(tx.engine, 'port_id', ids))
    .where('host', '<>', '')
    .orderBy('host')
    .execute()
  const addresses = await addressesOf(
    tx,
    ports.map((port) => port.id),
  )
  const bodies = new Map<string, PortDocument>(
    ports.map((row, i) => [
      row.id,
      {
        id: row.id,
        network_id: row.network_id,
        mac_address: row.mac_address,
        fixed_ips: addresses[i] ?? [],
        admin_state_up: row.admin_state_up === 1,
        device_owner: row.device_owner,
        device_id: row.device_id,
        port_security_enabled: row.port_security_enabled === 1,
        allowed_address_pairs: JSON.parse(row.allowed_address_pairs) as AddressPair[],
        bindings: [],
        generation: row.generation,
      },
    ]),
  )
  for (const { port_id, ...binding } of bindings) bodies.get(port_id)?.bindings.push(binding)
  return bodies
}
