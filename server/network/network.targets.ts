/** What policy asks of the network that something is to be created on, one query for all. */
import { networkNotFound } from '../../lib/errors.ts'
import { openFor } from '../columns.ts'
import type { Context } from '../context.ts'
import { everybody, type SharingAction } from '../rbac/sharing.ts'
import type { Input } from '../resource.ts'
import { isOneOf } from '../store/lists.ts'
import { prepared } from '../store/prepared.ts'
import type { ReadTx } from '../store/store.ts'

const askedOf = prepared('network-targets', (db, p: { ids: readonly string[]; project: string }, engine) => {
  const open = (action: SharingAction) => openFor(p.project, action, 'networks.id')
  return db
    .selectFrom('networks')
    .select([
      'id',
      'project_id',
      open('access_as_shared').as('shared'),
      open('access_as_external').as('external'),
    ])
    .where(isOneOf(engine, 'id', p.ids))
})

/** Each input with `network:project_id`, `network:shared` and `network:router:external`. Throws NetworkNotFound. */
export async function networkTargets(
  tx: ReadTx,
  context: Context,
  inputs: readonly Input[],
): Promise<Record<string, unknown>[]> {
  const ids = [...new Set(inputs.map((input) => String(input.network_id)))]
  const rows = await askedOf.all(tx, { ids, project: context.projectId ?? everybody })
  const networks = new Map(rows.map((row) => [row.id, row]))
  return inputs.map((input) => {
    const network = networks.get(String(input.network_id))
    if (!network) throw networkNotFound(String(input.network_id))
    return {
      ...input,
      'network:project_id': network.project_id,
      'network:shared': network.shared === 1,
      'network:router:external': network.external === 1,
    }
  })
}
