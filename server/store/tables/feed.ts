/** Tables of the log of changes, its consumers, and what each host has been told. */
import type { Generated } from 'kysely'

/** One row a change, in the order of `seq`; on PostgreSQL in commit-safe order by (xid, seq). */
export interface ChangesTable {
  seq: Generated<number>
  /** The transaction's 64-bit id; 0 on SQLite, whose one writer commits in the order of seq. */
  xid: Generated<number>
  object: string
  id: string
  parent_id: string | null
  operation: string
  revision: number | null
  project_id: string | null
  request_id: string
  user_id: string | null
  /** ISO 8601 UTC, to the second. */
  at: string
}

/** Where a named reader of `changes` stands, and who holds its lease. */
export interface ConsumersTable {
  name: string
  xid: number
  seq: number
  lease_owner: string | null
  /** Milliseconds since 1970. */
  lease_until: number
}

/** One row: the name of this history of the database. Another one makes every host start over. */
export interface FeedEpochTable {
  id: number
  epoch: string
  /** What the epoch was made on (PostgreSQL: system identifier and timeline), to notice a restored copy. */
  origin: string
  /** documentSchema that the stored documents were derived with. */
  schema: number
}

/** A document that concerns at least one host, as the relay last derived it. */
export interface DocumentsTable {
  type: string
  id: string
  hash: string
  /** JSON text. */
  body: string
}

/** What a host has been told: a row a document; a tombstone (present = 0) where it no longer concerns the host. */
export interface HostDocumentsTable {
  host: string
  type: string
  id: string
  /** Position in the host's own sequence; no two rows of a host share one. */
  seq: number
  hash: string
  present: number
  /** Milliseconds since 1970; null while present. */
  removed_at: number | null
}

export interface HostsTable {
  host: string
  /** The newest position given to a document of this host. */
  sequence: number
  /** Tombstones up to here are pruned: older positions need a snapshot. */
  floor: number
  /** setDigest of the documents present. */
  digest: string
}

export interface FeedTables {
  changes: ChangesTable
  consumers: ConsumersTable
  feed_epoch: FeedEpochTable
  documents: DocumentsTable
  host_documents: HostDocumentsTable
  hosts: HostsTable
}
