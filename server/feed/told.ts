/** Writes a plan: only the holder of the relay's lease does, in the transaction that moves its cursor. */
import { isOneOf } from '../store/lists.ts'
import { prepared } from '../store/prepared.ts'
import type { Tx } from '../store/store.ts'
import { type UpsertTarget, upsert } from '../store/upsert.ts'
import type { Plan } from './plan.ts'

const documents: UpsertTarget = {
  table: 'documents',
  columns: { type: 'text', id: 'text', hash: 'text', body: 'text' },
  key: ['type', 'id'],
  update: ['hash', 'body'],
}

const hostDocuments: UpsertTarget = {
  table: 'host_documents',
  columns: {
    host: 'text',
    type: 'text',
    id: 'text',
    seq: 'bigint',
    hash: 'text',
    present: 'bigint',
    removed_at: 'bigint',
  },
  key: ['type', 'id', 'host'],
  update: ['seq', 'hash', 'present', 'removed_at'],
}

/** `floor` is of a new host only: the pruning of tombstones raises it. */
const hosts: UpsertTarget = {
  table: 'hosts',
  columns: { host: 'text', sequence: 'bigint', floor: 'bigint', digest: 'text' },
  key: ['host'],
  update: ['sequence', 'digest'],
}

const dropDocuments = prepared('relay-drop', (db, p: { type: string; ids: readonly string[] }, engine) =>
  db
    .deleteFrom('documents')
    .where('type', '=', p.type)
    .where(isOneOf(engine, 'id', p.ids)),
)

/**
 * Overwrites documents, rows of hosts and their sequences by key; three statements, and one more for each type of
 * which documents go, however many hosts there are.
 */
export async function writePlan(tx: Tx, plan: Plan): Promise<void> {
  const gone = Map.groupBy(plan.gone, ({ type }) => type)
  for (const [type, keys] of gone) await dropDocuments.run(tx, { type, ids: keys.map(({ id }) => id) })
  await upsert(tx, documents, plan.documents)
  // A row object per column set: Kysely's interfaces have no index signature.
  await upsert(
    tx,
    hostDocuments,
    plan.rows.map((row) => ({ ...row })),
  )
  await upsert(
    tx,
    hosts,
    [...plan.hosts].map(([host, state]) => ({ host, floor: 0, ...state })),
  )
}
