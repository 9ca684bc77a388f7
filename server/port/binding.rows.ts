/** Rows of bindings: a port has one that is ACTIVE (its host '' while unbound), and any number of INACTIVE ones. */
import type { BindingOutcome, BindingWish } from '../ml2/binding.ts'
import { prepared } from '../store/prepared.ts'
import type { Tx } from '../store/store.ts'
import type { PortBindingTable, PortTable } from '../store/tables/networking.ts'

/** What a binding needs of its port. */
export type BoundPort = Pick<PortTable, 'id' | 'network_id' | 'project_id'>

const insertBinding = prepared('binding-insert', (db, p: PortBindingTable) =>
  db.insertInto('port_bindings').values({
    port_id: p.port_id,
    network_id: p.network_id,
    host: p.host,
    status: p.status,
    vif_type: p.vif_type,
    vnic_type: p.vnic_type,
    profile: p.profile,
    vif_details: p.vif_details,
    segment_id: p.segment_id,
    wired: p.wired,
  }),
)

export const activeBinding = prepared('binding-active', (db, p: { port_id: string }) =>
  db
    .selectFrom('port_bindings')
    .select(['host', 'vif_type', 'vnic_type', 'profile', 'segment_id'])
    .where('port_id', '=', p.port_id)
    .where('status', '=', 'ACTIVE'),
)

export const bindingsOfPort = prepared('bindings-of-port', (db, p: { port_id: string }) =>
  db.selectFrom('port_bindings').selectAll().where('port_id', '=', p.port_id).orderBy('host'),
)

export const deleteBindings = prepared(
  'bindings-delete',
  (db, p: { port_id: string; host: string; other: string }) =>
    db
      .deleteFrom('port_bindings')
      .where('port_id', '=', p.port_id)
      .where((eb) => eb.or([eb('host', '=', p.host), eb('host', '=', p.other)])),
)

/** `wired`: whether its host has said already that it is. A host without an agent has nothing to wait for. */
export async function storeBinding(
  tx: Tx,
  port: BoundPort,
  wish: BindingWish,
  outcome: BindingOutcome,
  status: PortBindingTable['status'] = 'ACTIVE',
  wired = outcome.segment_id !== null && !outcome.needsAgent,
): Promise<void> {
  await insertBinding.run(tx, {
    port_id: port.id,
    network_id: port.network_id,
    host: wish.host,
    status,
    vif_type: outcome.vif_type,
    vnic_type: wish.vnic_type,
    profile: JSON.stringify(wish.profile),
    vif_details: JSON.stringify(outcome.vif_details),
    segment_id: outcome.segment_id,
    wired: Number(wired),
  })
  if (wish.host !== '') noteBinding(tx, port)
}

/** Hosts came to a port or left it: more than the port's own document may depend on that. */
export function noteBinding(tx: Tx, port: BoundPort): void {
  tx.change({
    object: 'port-binding',
    id: port.id,
    parentId: port.network_id,
    operation: 'update',
    revision: null,
    projectId: port.project_id,
  })
}
