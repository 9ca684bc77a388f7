/**
 * How a feature (a folder: network/, subnet/, port/ …) serves a resource of the model. The API layer validates,
 * checks policy and quota, opens the transaction, and projects the answer; a feature reads and writes rows.
 */
import type { Expression, SqlBool } from 'kysely'
import type { Resource, SubResource } from '../model/resource.ts'
import type { Context } from './context.ts'
import type { Sharing } from './rbac/sharing.ts'
import type { ReadTx, Tx } from './store/store.ts'
import type { Tables } from './store/tables.ts'

/** One object as the API names its attributes, all of them, before policy and `fields` hide some. */
export type View = Record<string, unknown> & { id: string }

/** A validated body: converted values; attributes the client left out and that have no default are absent. */
export type Input = Record<string, unknown>

/** What column expressions may depend on; in the query the table goes by its own name. */
export interface QueryScope {
  tx: ReadTx
  context: Context
}

/** An attribute, or what policy asks for, as an expression of a query. */
export interface Column {
  (scope: QueryScope): Expression<unknown>
  /** `column = value` as an index can answer it, where the expression would be worked out for every row. */
  equals?(scope: QueryScope, value: unknown): Expression<SqlBool>
}

/**
 * How to read one resource by SQL. `columns` maps attribute names to expressions usable in SELECT, WHERE, ORDER BY
 * and in policy predicates; it may hold names that the API does not show but policy needs
 * (`network:project_id`, `network:shared`, `network:router:external`).
 */
export interface Reader {
  /** Each row of this table is an object; its primary key is `id`. */
  table: keyof Tables
  /** Columns that views need whatever is asked for, beside those of attributes. */
  always?: readonly string[]
  /** Which rows of the table are objects of the resource. Absent: all. */
  where?(scope: QueryScope): Expression<SqlBool>
  /**
   * Every value is text, a number or null on both engines: a boolean is 0 or 1 (write `case when … then 1 else 0 end`
   * for a condition), an IP address its canonical text.
   */
  columns: Record<string, Column>
  /** Columns for filters, sorting and policy alone: views take these attributes from elsewhere. */
  unviewed?: readonly string[]
  /**
   * Values that nearly all rows have, by column. The index of such a column leaves these rows out (`where column <>
   * value`), so that it costs next to nothing to keep; only filters that ask for other values can use it.
   */
  usual?: Readonly<Record<string, string | number>>
  /**
   * Filters that are not `column = value`: fixed_ips (`ip_address=10.0.0.1`), tags … Values are those of one key as
   * the client wrote them. A key here goes before the column of its name.
   */
  filters?: Record<string, (scope: QueryScope, values: readonly string[]) => Expression<SqlBool>>
  /**
   * Turns a page of selected rows (attribute name -> raw column value) into views, adding what is not a column.
   * A constant number of queries for the page; groups not in `wanted` need not be read.
   */
  views(scope: QueryScope, rows: Record<string, unknown>[], wanted: ReadonlySet<string>): Promise<View[]>
}

/** Behaviour of a resource. All of it runs inside the transaction that it is given. */
export interface Feature {
  resource: Resource
  reader: Reader
  /**
   * What policy needs to know of an object that does not exist yet (`network:project_id` …), one query for all.
   * Absent: the inputs themselves.
   */
  targets?(tx: ReadTx, context: Context, inputs: readonly Input[]): Promise<Record<string, unknown>[]>
  /** Creates them all or throws; answers their ids in order. */
  create?(tx: Tx, context: Context, inputs: readonly Input[]): Promise<string[]>
  /** `current` is the whole object as `reader` shows it; `changes` holds only what was sent. */
  update?(tx: Tx, context: Context, current: View, changes: Input): Promise<void>
  remove?(tx: Tx, context: Context, current: View): Promise<void>
  /** Makes `tags` (sorted, no repeats) all the tags that the object has: standard-attr-tag. */
  setTags?(tx: Tx, context: Context, current: View, tags: readonly string[]): Promise<void>
  /** GET actions on one object, by the name of their declaration (`get_subports`): answer the body. */
  reads?: Record<string, (tx: ReadTx, context: Context, current: View) => Promise<unknown>>
  /**
   * PUT actions (`add_subports`). `body` is what the client sent, not validated; what is answered is sent where the
   * declaration says `result`.
   */
  actions?: Record<
    string,
    (tx: Tx, context: Context, current: View, body: Record<string, unknown>) => Promise<unknown>
  >
  /** Collections below one object, by the name of their declaration (`dhcp_agents`). */
  members?: Record<string, Member>
  /** What has to be there before the caller's list is read: the default security group of its project. */
  onDemand?: {
    missing(tx: ReadTx, context: Context): Promise<boolean>
    make(tx: Tx, context: Context): Promise<void>
  }
  /** How objects are shared with other projects: the types of the RBAC policies API. */
  sharing?: Sharing
  /** Keys for WriteOptions.serialize when objects are created, from the raw inputs. */
  serialize?(inputs: readonly Input[]): string[]
  /** The same when one is changed or removed, from its id. */
  turns?(id: string): string[]
}

/** How a feature serves a collection below one object: /networks/{id}/dhcp-agents, /ports/{id}/bindings. */
export interface Member {
  /** The declaration; names what is listed and the policy rules. */
  resource: SubResource
  /** Ids of what is listed, where the declaration lists another resource (`lists: 'agent'`). */
  ids?(tx: ReadTx, context: Context, parent: View): Promise<string[]>
  /** The members themselves, where the collection has attributes of its own; each with its key as `id`. */
  views?(tx: ReadTx, context: Context, parent: View): Promise<View[]>
  /** Keys for WriteOptions.serialize: of a member that is created, from the raw input, else from its key. */
  turns?(parentId: string, member: Input | string): string[]
  /** The fault of a key that is not there; absent: HTTPNotFound. */
  missing?(parent: View, key: string): Error
  /** Answers the key of what was created, or nothing where the answer has no body. */
  create?(tx: Tx, context: Context, parent: View, input: Input): Promise<string | undefined>
  update?(tx: Tx, context: Context, parent: View, key: string, changes: Input): Promise<void>
  remove?(tx: Tx, context: Context, parent: View, key: string): Promise<void>
  /** Member actions of a member by name: `activate` of a binding. */
  actions?: Record<string, (tx: Tx, context: Context, parent: View, key: string) => Promise<void>>
}

/** A collection that is worked out rather than stored (availability zones): read only, a few rows. */
export interface ComputedFeature {
  resource: Resource
  /** `filters` are those of `ownFilters` that the client sent. */
  list(
    tx: ReadTx,
    context: Context,
    filters: ReadonlyMap<string, readonly string[]>,
  ): Promise<Record<string, unknown>[]>
  /** Filters that are no attributes of the rows: `list` minds them. */
  ownFilters?: readonly string[]
  /** The attribute by which a single one is shown, where one can be shown. */
  key?: string
  /** What only a single one has. */
  details?(row: Record<string, unknown>): Record<string, unknown>
}

/** A resource of which each project has one object, known by the project's id, that is made when it is asked for. */
export interface ProjectFeature {
  resource: Resource
  find(tx: ReadTx, project: string): Promise<View | undefined>
  make(tx: Tx, context: Context, project: string): Promise<View>
  /** What `?fields=dry-run` answers. Throws what making would, as far as that is known before. */
  rehearse(tx: ReadTx, context: Context, project: string): Promise<View>
  /** Of what is not there nothing is left either: that is no fault. */
  remove(tx: Tx, project: string): Promise<void>
  /** Keys for WriteOptions.serialize. */
  turns(project: string): string[]
}
