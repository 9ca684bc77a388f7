/** The default external network: one of the cloud at most, and external as long as it is that. */
import { type SqlBool, sql } from 'kysely'
import { defaultExternalNetworkExists } from '../../lib/errors.ts'
import { prepared } from '../store/prepared.ts'
import type { ReadTx, Tx } from '../store/store.ts'

const theDefault = prepared('network-default-external', (db) =>
  db.selectFrom('networks').select('id').where('is_default', '<>', sql.lit(0)),
)

/** Its id, where there is one. */
export async function defaultExternalNetwork(tx: ReadTx): Promise<string | undefined> {
  return (await theDefault.first(tx, {}))?.id
}

/** Throws DefaultExternalNetworkExists. The unique index has the last word: who lost against it runs again. */
export async function requireNoDefault(tx: ReadTx): Promise<void> {
  const id = await defaultExternalNetwork(tx)
  if (id !== undefined) throw defaultExternalNetworkExists(id)
}

const end = prepared('network-end-default', (db, p: { id: string }) =>
  db
    .updateTable('networks')
    .set({ is_default: 0 })
    .where('id', '=', p.id)
    .where('is_default', '=', 1)
    .where(
      sql<SqlBool>`not exists (select 1 from rbac_policies r
        where r.object_id = networks.id and r.action = 'access_as_external')`,
    ),
)

/** A network that is external to nobody any more is not the default. */
export async function endDefault(tx: Tx, id: string): Promise<void> {
  await end.run(tx, { id })
}
