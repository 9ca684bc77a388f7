/** What policy asks of the network that something is to be created on, one query for all. */
import { networkNotFound } from '../../lib/errors.ts'
import { accessColumn } from '../columns.ts'
import type { Context } from '../context.ts'
import type { Input } from '../resource.ts'
import { isOneOf } from '../store/lists.ts'
import type { ReadTx } from '../store/store.ts'

/** Each input with `network:project_id`, `network:shared` and `network:router:external`. Throws NetworkNotFound. */
export async function networkTargets(
  tx: ReadTx,
  context: Context,
  inputs: readonly Input[],
): Promise<Record<string, unknown>[]> {
  const ids = [...new Set(inputs.map((input) => String(input.network_id)))]
  const scope = { tx, context }
  const rows = await tx.db
    .selectFrom('networks')
    .select([
      'id',
      'project_id',
      accessColumn('access_as_shared', 'networks.id')(scope).as('shared'),
      accessColumn('access_as_external', 'networks.id')(scope).as('external'),
    ])
    .where(isOneOf(tx.engine, 'id', ids))
    .execute()
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
