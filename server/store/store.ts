/**
 * What the rest of the server knows of the database: transactions, and the log of changes that each writes.
 * Engines: SQLite (embedded default) and PostgreSQL; the same code and the same tests on both.
 */
import type { Kysely } from 'kysely'
import type { Tables } from './tables.ts'

export type Engine = 'sqlite' | 'postgres'

export type Operation = 'create' | 'update' | 'delete'

/** One row of `changes`: names an object, never hosts. */
export interface Change {
  /** Table-like name of the object: network, subnet, port, agent … (singular, as in the API). */
  object: string
  id: string
  /** The object that it belongs to (the network of a port or a subnet), which may still be there when it is gone. */
  parentId: string | null
  operation: Operation
  /** revision_number after the change; null where the object has none. */
  revision: number | null
  projectId: string | null
}

/** What a statement answered: rows of SELECT or RETURNING, and the number of rows that it wrote. */
export interface Result {
  rows: Record<string, unknown>[]
  written: number
}

/** A consistent snapshot to read from. Only `tx` may be awaited inside: no other store call, no I/O, no timer. */
export interface ReadTx {
  readonly db: Kysely<Tables>
  readonly engine: Engine
  /**
   * Runs SQL as it stands, with the engine's placeholders. `name` lets the engine keep it prepared. Features use
   * `db`, and prepared() (prepared.ts) where it is hot.
   */
  run(sql: string, parameters: readonly unknown[], name?: string): Promise<Result>
  /**
   * The rows of a SELECT, some at a time (`size` where that costs nothing): what a large answer is made of need not all
   * be there at once. Other statements may run between two pieces, and so may others than this work where it only reads.
   */
  pieces(sql: string, parameters: readonly unknown[], size: number): AsyncIterable<Record<string, unknown>[]>
}

/** A transaction. `tx` only: no other connection, no I/O, no timer inside. It may be run again from the start. */
export interface Tx extends ReadTx {
  /** ISO 8601 time in UTC with seconds (`2026-01-31T12:00:00Z`), one for the whole transaction. */
  readonly now: string
  /** Notes a change; written once, with the commit. */
  change(change: Change): void
}

export interface WriteOptions {
  /** Request and user to note in `changes`. */
  requestId: string
  userId?: string | null
  /**
   * Writers that name the same key run one after another, across processes too: cheap avoidance of conflicts where
   * many ask for the same scarce thing (`subnet:<id>`). Correctness never rests on it.
   */
  serialize?: readonly string[]
}

export interface Store {
  readonly engine: Engine
  /**
   * Runs `work` in one serialisable transaction and commits it durably; on a conflict the whole is run again.
   * On SQLite, writers that wait together share one commit (each in a savepoint of its own: one that throws is
   * undone alone).
   */
  write<T>(options: WriteOptions, work: (tx: Tx) => Promise<T>): Promise<T>
  /** Runs `work` on one snapshot of what is committed. */
  read<T>(work: (tx: ReadTx) => Promise<T>): Promise<T>
  /** Called soon after commits (of this process; on PostgreSQL of others too) that wrote changes. May be spurious. */
  onChanges(listener: () => void): () => void
  /** Tells all servers on this database, this one too, something short and soon. May be lost; never waits. */
  signal(text: string): void
  onSignal(listener: (text: string) => void): () => void
  close(): Promise<void>
}
