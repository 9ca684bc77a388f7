/** What a host is told when it asks: pages of its rows, and the documents as the relay last derived them. */
import type { BucketDigests, FeedPage, HeartbeatReply, Position } from '../../bus/feed.ts'
import { bucketDigests, emptyDigest, keyBucket } from '../../model/documents/digest.ts'
import {
  type DocumentKey,
  type DocumentType,
  documentSchema,
  type Envelope,
} from '../../model/documents/documents.ts'
import { isOneOf } from '../store/lists.ts'
import { prepared } from '../store/prepared.ts'
import type { ReadTx } from '../store/store.ts'

/** Documents on a page. */
export const pageSize = 500

interface Standing {
  /** The epoch of this snapshot: another server may have begun a new one. */
  epoch: string
  sequence: number
  floor: number
  digest: string
}

const standingOf = prepared('feed-host', (db, p: { host: string }) =>
  db
    .selectFrom('feed_epoch as history')
    .leftJoin('hosts as host', (join) => join.on('host.host', '=', p.host))
    .select(['history.epoch', 'host.sequence', 'host.floor', 'host.digest']),
)

const rowsAfter = prepared('feed-rows', (db, p: { host: string; after: number; limit: number }) =>
  db
    .selectFrom('host_documents as told')
    .leftJoin('documents as document', (join) =>
      join
        .onRef('document.type', '=', 'told.type')
        .onRef('document.id', '=', 'told.id')
        .on('told.present', '=', 1),
    )
    .select(['told.type', 'told.id', 'told.seq', 'document.hash', 'document.body'])
    .where('told.host', '=', p.host)
    .where('told.seq', '>', p.after)
    .orderBy('told.seq')
    .limit(p.limit),
)

const presentRows = prepared('feed-present', (db, p: { host: string }) =>
  db
    .selectFrom('host_documents')
    .select(['type', 'id', 'hash'])
    .where('host', '=', p.host)
    .where('present', '=', 1),
)

const documentsOf = prepared(
  'feed-fetch',
  (db, p: { host: string; type: string; ids: readonly string[] }, engine) =>
    db
      .selectFrom('host_documents as told')
      .innerJoin('documents as document', (join) =>
        join.onRef('document.type', '=', 'told.type').onRef('document.id', '=', 'told.id'),
      )
      .select(['document.type', 'document.id', 'document.hash', 'document.body'])
      .where('told.host', '=', p.host)
      .where('told.type', '=', p.type)
      .where('told.present', '=', 1)
      .where(isOneOf(engine, 'told.id', p.ids)),
)

async function standing(tx: ReadTx, host: string): Promise<Standing> {
  const row = await standingOf.first(tx, { host })
  if (row === undefined) throw new Error('the database has no epoch')
  return {
    epoch: row.epoch,
    sequence: row.sequence ?? 0,
    floor: row.floor ?? 0,
    digest: row.digest ?? emptyDigest,
  }
}

/**
 * The page after a position. One that this history does not know, or that is older than what tombstones tell, gets the
 * first page of a snapshot; until its last page the position is the negative of the sequence reached, so that a floor
 * above it does not begin another one.
 */
export async function readPage(
  tx: ReadTx,
  host: string,
  since: Position | null,
  limit = pageSize,
): Promise<FeedPage> {
  const { epoch, sequence, floor } = await standing(tx, host)
  const known = since !== null && since.epoch === epoch && Math.abs(since.sequence) <= sequence
  const within = known && since.sequence < 0
  const snapshot = !known || (!within && since.sequence < floor)
  const after = snapshot ? 0 : Math.abs(since?.sequence ?? 0)
  const rows = after === sequence ? [] : await rowsAfter.all(tx, { host, after, limit })
  const last = rows.at(-1)
  const complete = rows.length < limit || last === undefined || last.seq >= sequence
  const reached = snapshot || within ? -(last?.seq ?? 0) : (last?.seq ?? 0)
  const page: FeedPage = {
    position: { epoch, sequence: complete ? sequence : reached },
    snapshot,
    complete,
    upserts: [],
    removals: [],
  }
  for (const { type, id, hash, body } of rows) {
    if (hash !== null && body !== null) page.upserts.push(envelope(type, id, hash, body))
    else if (!snapshot) page.removals.push({ type: type as DocumentType, id })
  }
  return page
}

/** Compares positions and digests: they disagree only where a host that is up to date holds something else. */
export async function compareDigest(
  tx: ReadTx,
  host: string,
  position: Position | null,
  digest: string | null,
): Promise<HeartbeatReply> {
  const now = await standing(tx, host)
  const same = position !== null && position.epoch === now.epoch && position.sequence === now.sequence
  return {
    agrees: !same || digest === null || digest === now.digest,
    position: { epoch: now.epoch, sequence: now.sequence },
  }
}

/** What the host should hold in those buckets that differ from the given ones. */
export async function differingBuckets(
  tx: ReadTx,
  host: string,
  buckets: BucketDigests,
): Promise<Record<string, { key: DocumentKey; hash: string }[]>> {
  const rows = (await presentRows.all(tx, { host })).map(({ type, id, hash }) => ({
    type: type as DocumentType,
    id,
    hash,
  }))
  const mine = bucketDigests(rows)
  const names = new Set([...Object.keys(mine), ...Object.keys(buckets)])
  const differing = Object.fromEntries(
    [...names]
      .filter((name) => mine[name] !== buckets[name])
      .map((name): [string, { key: DocumentKey; hash: string }[]] => [name, []]),
  )
  for (const { type, id, hash } of rows) differing[keyBucket({ type, id })]?.push({ key: { type, id }, hash })
  return differing
}

/** The named documents, of those that concern the host. */
export async function readDocuments(
  tx: ReadTx,
  host: string,
  keys: readonly DocumentKey[],
): Promise<Envelope[]> {
  const envelopes: Envelope[] = []
  for (const [type, named] of Map.groupBy(keys, (key) => key.type)) {
    const rows = await documentsOf.all(tx, { host, type, ids: named.map(({ id }) => id) })
    envelopes.push(...rows.map((row) => envelope(row.type, row.id, row.hash, row.body)))
  }
  return envelopes
}

function envelope(type: string, id: string, hash: string, body: string): Envelope {
  return { type, id, hash, schema: documentSchema, body: JSON.parse(body) } as Envelope
}
