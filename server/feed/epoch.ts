/**
 * The name of this history of the database, which positions of hosts belong to. A copy of the database that goes on
 * elsewhere gets another, so that every host starts over.
 */
import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { documentSchema } from '../../model/documents/documents.ts'
import type { Logger } from '../../runtime/log.ts'
import type { ReadTx, Store } from '../store/store.ts'

/**
 * Answers the epoch; makes it where there is none (on a new database, or where an operator who put back a backup has
 * deleted it), and on a database that was restored on another PostgreSQL cluster.
 */
export async function ensureEpoch(store: Store, log: Logger): Promise<string> {
  const known = await store.read(async (tx) => {
    const row = await tx.db.selectFrom('feed_epoch').selectAll().executeTakeFirst()
    return row?.origin === (await originOf(tx)) ? row.epoch : undefined
  })
  if (known !== undefined) return known
  return store.write({ requestId: `req-${randomUUID()}` }, async (tx) => {
    const { db } = tx
    const origin = await originOf(tx)
    const row = await db.selectFrom('feed_epoch').selectAll().executeTakeFirst()
    if (row?.origin === origin) return row.epoch
    const epoch = randomUUID()
    // Transaction ids of another cluster order nothing here. The relay's audit finds what these changes would tell.
    await db.deleteFrom('changes').execute()
    const known = await db.updateTable('consumers').set({ xid: 0, seq: 0 }).returning('name').execute()
    await db.deleteFrom('feed_epoch').execute()
    await db.insertInto('feed_epoch').values({ id: 1, epoch, origin, schema: documentSchema }).execute()
    if (known.length > 0) log.warn({ epoch }, 'the database was restored: all hosts start over')
    return epoch
  })
}

async function originOf(tx: ReadTx): Promise<string> {
  if (tx.engine === 'sqlite') return 'sqlite'
  const { rows } = await sql<{ origin: string }>`
    select (select system_identifier from pg_control_system())::text || '/' ||
      (select timeline_id from pg_control_checkpoint())::text as origin`.execute(tx.db)
  return rows[0]?.origin ?? ''
}
