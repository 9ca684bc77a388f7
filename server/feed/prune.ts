/** Throws away what nobody will ask for: changes that all consumers have dealt with, tombstones of long ago. */
import { sql } from 'kysely'
import { prepared } from '../store/prepared.ts'
import type { Store, Tx } from '../store/store.ts'
import { timestamp } from '../store/timestamp.ts'

export interface Retention {
  /** Milliseconds that a change is kept at least. */
  changes: number
  /** Milliseconds that a host which is away finds what was removed meanwhile; later it gets a snapshot. */
  tombstones: number
}

export const defaultRetention: Retention = { changes: 3_600_000, tombstones: 86_400_000 }

/** Rows removed in one transaction: a delete must not hold up other writers. */
export const pruneLimit = 2000

const pruneChanges = prepared('prune-changes', (db, p: { before: string; limit: number }, engine) => {
  const inSight =
    engine === 'postgres'
      ? sql<boolean>`(changes.xid, changes.seq) <= (
          select xid, seq from consumers order by xid, seq limit 1)`
      : sql<boolean>`seq <= (select min(seq) from consumers)`
  return db
    .deleteFrom('changes')
    .where('seq', 'in', (from) =>
      from
        .selectFrom('changes')
        .select('seq')
        .where(inSight)
        .where('at', '<', p.before)
        .orderBy('seq')
        .limit(p.limit),
    )
})

const dropTombstones = prepared('prune-tombstones', (db, p: { before: number; limit: number }) =>
  db
    .deleteFrom('host_documents')
    .where(({ eb, refTuple, selectFrom }) =>
      eb(
        refTuple('type', 'id', 'host'),
        'in',
        selectFrom('host_documents')
          .select(['type', 'id', 'host'])
          .where('present', '=', 0)
          .where('removed_at', '<', p.before)
          .orderBy('removed_at')
          .limit(p.limit)
          .$asTuple('type', 'id', 'host'),
      ),
    )
    .returning(['host', 'seq']),
)

const raiseFloor = prepared('prune-floor', (db, p: { host: string; floor: number }) =>
  db.updateTable('hosts').set({ floor: p.floor }).where('host', '=', p.host).where('floor', '<', p.floor),
)

/** One round; answers the number of rows removed. `now`: the present. */
export async function prune(store: Store, retention: Retention, now: Date): Promise<number> {
  const options = { requestId: 'req-prune' }
  const before = (milliseconds: number) => new Date(now.getTime() - milliseconds)
  const changes = await store.write(options, (tx) =>
    pruneChanges.run(tx, { before: timestamp(before(retention.changes)), limit: pruneLimit }),
  )
  const tombstones = await store.write(options, (tx) =>
    pruneTombstones(tx, before(retention.tombstones).getTime()),
  )
  return changes + tombstones
}

async function pruneTombstones(tx: Tx, before: number): Promise<number> {
  const old = await dropTombstones.all(tx, { before, limit: pruneLimit })
  const floors = new Map<string, number>()
  for (const { host, seq } of old) floors.set(host, Math.max(floors.get(host) ?? 0, seq))
  for (const [host, floor] of floors) await raiseFloor.run(tx, { host, floor })
  return old.length
}
