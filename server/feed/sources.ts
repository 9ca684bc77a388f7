/**
 * What the relay asks of the features: from changed objects to documents, their content and whom they concern.
 * All of it is read from the CURRENT state, a constant number of queries for a batch.
 */
import type { DocumentBodies, DocumentType } from '../../model/documents/documents.ts'
import type { Change, ReadTx } from '../store/store.ts'

export interface DocumentSource<T extends DocumentType = DocumentType> {
  type: T
  /** Ids of the documents whose content or audience these changes may have altered (also of those now gone). */
  affected(tx: ReadTx, changes: readonly Change[]): Promise<Set<string>>
  /** The documents as they are now; an id without one is left out. */
  bodies(tx: ReadTx, ids: readonly string[]): Promise<Map<string, DocumentBodies[T]>>
  /** The hosts that each document concerns now; an id that concerns none may be left out. */
  audience(tx: ReadTx, ids: readonly string[]): Promise<Map<string, Set<string>>>
  /**
   * The next ids in their order, after `after` ('' for the first), of all that may be a document: the audit walks
   * over them to find what was never told.
   */
  page(tx: ReadTx, after: string, limit: number): Promise<string[]>
}

/** One source a type, as plain data; features fill it in server/assembly.ts. */
export type DocumentSources = { [T in DocumentType]: DocumentSource<T> }
