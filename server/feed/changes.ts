/**
 * Reads `changes` in an order in which nothing is missed. On SQLite the one writer commits in the order of `seq`. On
 * PostgreSQL a transaction may take its number before another and commit after it: rows are read in the order of
 * (xid, seq), and only of transactions older than any that still runs.
 */
import { sql } from 'kysely'
import { prepared } from '../store/prepared.ts'
import type { Change, Operation, ReadTx } from '../store/store.ts'

/** A place in `changes`: all up to it have been dealt with. */
export interface Cursor {
  xid: number
  seq: number
}

export const beginning: Cursor = { xid: 0, seq: 0 }

/** A change as it stands in the log. */
export interface LoggedChange extends Change {
  requestId: string
  userId: string | null
  at: string
}

export interface ChangesPage {
  changes: LoggedChange[]
  /** Where the reader stands after this page. */
  cursor: Cursor
  /** There are committed changes that may be read only when a transaction that still runs has ended. */
  held: boolean
}

/** The oldest transaction that still runs; all before it are decided. */
const oldestRunning = sql<number>`pg_snapshot_xmin(pg_current_snapshot())::text::bigint`

const nextChanges = prepared('changes-next', (db, p: Cursor & { limit: number }, engine) => {
  const query = db.selectFrom('changes').selectAll().limit(p.limit)
  return engine === 'postgres'
    ? query
        .where(sql<boolean>`(xid, seq) > (${p.xid}::bigint, ${p.seq}::bigint)`)
        .where('xid', '<', oldestRunning)
        .orderBy('xid')
        .orderBy('seq')
    : query.where('seq', '>', p.seq).orderBy('seq')
})

const heldChange = prepared('changes-held', (db, p: Cursor) =>
  db
    .selectFrom('changes')
    .select('seq')
    .where(sql<boolean>`(xid, seq) > (${p.xid}::bigint, ${p.seq}::bigint)`)
    .where('xid', '>=', oldestRunning)
    .limit(1),
)

export async function readChanges(tx: ReadTx, from: Cursor, limit: number): Promise<ChangesPage> {
  const rows = await nextChanges.all(tx, { ...from, limit })
  const last = rows.at(-1)
  const cursor = last === undefined ? from : { xid: last.xid, seq: last.seq }
  const held =
    tx.engine === 'postgres' && rows.length < limit && (await heldChange.first(tx, cursor)) !== undefined
  const changes = rows.map((row) => ({
    object: row.object,
    id: row.id,
    parentId: row.parent_id,
    operation: row.operation as Operation,
    revision: row.revision,
    projectId: row.project_id,
    requestId: row.request_id,
    userId: row.user_id,
    at: row.at,
  }))
  return { changes, cursor, held }
}
