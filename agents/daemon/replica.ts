/**
 * A host's copy of what the server wants of it: documents and the position they are of. Pages of the feed bring it
 * forward; a snapshot, however many pages it has, replaces all with its last page and loses nothing before.
 */
import type { FeedPage, Position } from '../../bus/feed.ts'
import type { DocumentKey, Envelope } from '../../model/documents/documents.ts'
import { type DocumentChange, type DocumentSet, documentSet } from './documents.ts'

/** Documents that differed from the server's at the same position. */
export interface Repair {
  upserts: Envelope[]
  removals: DocumentKey[]
}

export interface Replica {
  readonly documents: DocumentSet
  /** null: ask for a snapshot. */
  readonly position: Position | null
  /** True once a whole snapshot has been taken in: what is not held is not wanted. */
  readonly complete: boolean
  /** True between the first and the last page of a snapshot. */
  readonly inSnapshot: boolean
  apply(page: FeedPage): DocumentChange[]
  repair(repair: Repair): DocumentChange[]
  /** Forgets the position, so that the next pull brings a snapshot. Documents stay until its last page. */
  restart(): void
  /** What is held may be out of date: it is not whole until a snapshot has been taken in. */
  doubt(): void
}

/** Empty, and at no position: its first pull brings a snapshot. */
export function createReplica(): Replica {
  const documents = documentSet()
  let position: Position | null = null
  let complete = false
  /** Keys that a snapshot under way has named. */
  let seen: Set<string> | undefined

  return {
    documents,
    get position() {
      return position
    },
    get complete() {
      return complete
    },
    get inSnapshot() {
      return seen !== undefined
    },
    apply(page) {
      if (page.snapshot) seen = new Set()
      for (const envelope of page.upserts) seen?.add(keyOf(envelope))
      for (const key of page.removals) seen?.delete(keyOf(key))
      const removals = [...page.removals]
      if (page.complete && seen !== undefined) {
        for (const held of documents.envelopes()) {
          if (!seen.has(keyOf(held))) removals.push({ type: held.type, id: held.id })
        }
        seen = undefined
        complete = true
      }
      position = page.position
      return documents.change(page.upserts, removals)
    },
    repair: ({ upserts, removals }) => documents.change(upserts, removals),
    restart() {
      position = null
      seen = undefined
    },
    doubt() {
      position = null
      seen = undefined
      complete = false
    },
  }
}

function keyOf(key: DocumentKey): string {
  return `${key.type} ${key.id}`
}
