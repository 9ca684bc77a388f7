/**
 * Reads `changes` in an order in which nothing is missed. On SQLite the one writer commits in the order of `seq`. On
 * PostgreSQL a transaction may take its number before another and commit after it: rows are read in the order of
 * (xid, seq), and only of transactions older than any that still runs and could have written here.
 * docs/decisions (0008) shows why nothing is missed.
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

/**
 * The oldest transaction that may yet add to the log: of those that the reader's own snapshot has as running, less
 * those known to run in another database, which cannot write here. All before it are decided, and the snapshot shows
 * them. What is not known to be a stranger counts as ours, so it does not matter that the list of sessions is younger
 * than the snapshot.
 */
const oldestRunning = sql<number>`(
  select coalesce(min(running), pg_snapshot_xmax(pg_current_snapshot()))::text::bigint
  from pg_snapshot_xip(pg_current_snapshot()) as running
  where not exists (
    select from pg_stat_activity where backend_xid = running::xid and datname <> current_database())
  and not exists (
    select from pg_prepared_xacts where transaction = running::xid and database <> current_database())
)`

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

/** At most `limit` changes after a place. Fewer does not mean the end while `held`: then look again soon. */
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
