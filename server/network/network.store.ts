/** Rows of networks that other features change: their revision counts changes of their subnets. */
import { networkNotFound } from '../../lib/errors.ts'
import { prepared } from '../store/prepared.ts'
import type { Operation, ReadTx, Tx } from '../store/store.ts'
import type { NetworkTable } from '../store/tables/networking.ts'

const byId = prepared('network-by-id', (db, p: { id: string }) =>
  db.selectFrom('networks').selectAll().where('id', '=', p.id),
)

/** Throws NetworkNotFound. */
export async function networkRow(tx: ReadTx, id: string): Promise<NetworkTable> {
  const row = await byId.first(tx, { id })
  if (!row) throw networkNotFound(id)
  return row
}

const touch = prepared('network-touch', (db, p: { id: string; revision: number; now: string }) =>
  db.updateTable('networks').set({ revision_number: p.revision, updated_at: p.now }).where('id', '=', p.id),
)

/** Counts a change of something that hangs on the network (a subnet, tags). */
export async function touchNetwork(tx: Tx, id: string): Promise<void> {
  const row = await networkRow(tx, id)
  const revision = row.revision_number + 1
  await touch.run(tx, { id, revision, now: tx.now })
  noteNetwork(tx, 'update', { ...row, revision_number: revision })
}

/** Notes a change of a network, as it is after it; of one that goes, as it was. */
export function noteNetwork(
  tx: Tx,
  operation: Operation,
  network: Pick<NetworkTable, 'id' | 'project_id' | 'revision_number'>,
): void {
  tx.change({
    object: 'network',
    id: network.id,
    parentId: null,
    operation,
    revision: network.revision_number,
    projectId: network.project_id,
  })
}
