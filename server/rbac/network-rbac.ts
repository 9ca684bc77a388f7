/** Who may use networks that are not his: entries by action and target project; `*` stands for all projects. */
import { randomUUID } from 'node:crypto'
import type { Tx } from '../store/store.ts'

export type NetworkAction = 'access_as_shared' | 'access_as_external'

export const everybody = '*'

/** Opens a network to all projects for that action. Opening what is open changes nothing. */
export async function openToAll(
  tx: Tx,
  network: { id: string; project_id: string },
  action: NetworkAction,
): Promise<void> {
  await tx.db
    .insertInto('network_rbac')
    .values({
      id: randomUUID(),
      project_id: network.project_id,
      object_id: network.id,
      action,
      target_project: everybody,
    })
    .onConflict((conflict) => conflict.doNothing())
    .execute()
}

/** Takes back what openToAll gave; entries for single projects stay. */
export async function closeToAll(tx: Tx, networkId: string, action: NetworkAction): Promise<void> {
  await tx.db
    .deleteFrom('network_rbac')
    .where('object_id', '=', networkId)
    .where('action', '=', action)
    .where('target_project', '=', everybody)
    .execute()
}
