/**
 * Plain stored resources: an object is a row whose columns are called as the attributes. From the declaration and
 * the table come the reader, create, update, remove and tags, with revision numbers, timestamps and notes of changes;
 * what more a resource means is said in hooks. README.md of server shows how little a feature needs then.
 */
import { randomUUID } from 'node:crypto'
import type { NeutronError } from '../../lib/errors.ts'
import type { Attribute, Attributes, Resource, SubResource } from '../../model/resource.ts'
import { plainColumns } from '../columns.ts'
import type { Context } from '../context.ts'
import type { Sharing } from '../rbac/sharing.ts'
import type { Feature, Input, Member, QueryScope, Reader, View } from '../resource.ts'
import type { ReadTx, Tx } from '../store/store.ts'
import type { Tables } from '../store/tables.ts'
import { removeTags, replaceTags, tagFilters, tagsOf } from '../tag/tags.ts'
import { type Columns, deleteRow, insertRow, noteRow, requireRow, rowsWith, updateRow } from './rows.ts'
import { shown, stored } from './values.ts'

/** An attribute that names an object of another table, and the fault where that is not there. */
export interface Reference {
  table: keyof Tables
  missing: (id: string) => NeutronError
}

/** What a resource means beyond its row. Everything runs in the request's transaction; what refuses is thrown. */
export interface Hooks {
  /** Before the row is inserted. Answers columns beside (or instead of) those of the input. */
  creating?(tx: Tx, context: Context, input: Input, id: string): Promise<Columns | undefined>
  created?(tx: Tx, context: Context, input: Input, id: string): Promise<void>
  /**
   * Before the row is changed. Answers columns beside those of `changes`; an answer, even an empty one, counts as a
   * change where no column differs.
   */
  updating?(tx: Tx, context: Context, current: View, changes: Input): Promise<Columns | undefined>
  /** Before the row goes. */
  removing?(tx: Tx, context: Context, current: View): Promise<void>
}

interface RowOptions {
  table: keyof Tables
  /** Attributes that are no columns of the table: hooks write them, `complete` reads them. */
  elsewhere?: readonly string[]
  refers?: Readonly<Record<string, Reference>>
  /** The fault where rows of others still name this one (a foreign key without `on delete`). */
  inUse?: (id: string) => NeutronError
  hooks?: Hooks
}

export interface StoredOptions extends RowOptions {
  /** Column expressions beside the table's own: what policy asks for, attributes that are worked out in SQL. */
  columns?: Reader['columns']
  filters?: Reader['filters']
  /** Adds to the views of a page what is no column; a constant number of queries. */
  complete?(scope: QueryScope, views: View[], wanted: ReadonlySet<string>): Promise<void>
  /** The attribute that names what the object belongs to, for notes of changes. */
  parent?: string
  /** Which rows of the table are objects of the resource. Absent: all. */
  where?: Reader['where']
  sharing?: Sharing
  /** The object's name in notes of changes and among tags, where it is not the resource's. */
  object?: string
}

const tagNames: readonly string[] = ['tags', 'tags-any', 'not-tags', 'not-tags-any']

type Stored = readonly (readonly [string, Attribute])[]

/** The attributes that are columns. */
function storedAttributes(attributes: Attributes, elsewhere: readonly string[] = []): Stored {
  const others = new Set(['tenant_id', ...tagNames, ...elsewhere])
  return Object.entries(attributes).filter(([name]) => !others.has(name))
}

/** The feature of a plain stored resource. */
export function storedFeature(resource: Resource, options: StoredOptions): Feature {
  const { table, hooks = {}, inUse } = options
  const { attributes } = resource
  const { object: name = resource.name } = options
  const columns = storedAttributes(attributes, [
    ...(options.elsewhere ?? []),
    ...Object.keys(options.columns ?? {}),
  ])
  const tagged = attributes.tags !== undefined
  const parentOf = (view: Readonly<Record<string, unknown>>): string | null =>
    options.parent === undefined ? null : String(view[options.parent])
  const change = async (tx: Tx, current: View, row: Columns): Promise<void> => {
    const next = { ...row, ...standardChange(tx, attributes, current) }
    if (Object.keys(next).length > 0) await updateRow(tx, table, current.id, next)
    noteRow(tx, name, 'update', { ...current, ...next }, parentOf(current))
  }
  return {
    resource,
    ...(options.sharing && { sharing: options.sharing }),
    reader: {
      table,
      ...(options.where && { where: options.where }),
      columns: {
        ...plainColumns(
          table,
          columns.map(([column]) => column),
        ),
        ...options.columns,
      },
      filters: { ...(tagged && tagFilters(name, table)), ...options.filters },
      async views(scope, rows, wanted) {
        const views = rows.map((row) => viewOf(attributes, row))
        if (tagged && wanted.has('tags')) {
          const tags = await tagsOf(
            scope.tx,
            name,
            views.map((view) => view.id),
          )
          views.forEach((view, i) => {
            view.tags = tags[i]
          })
        }
        await options.complete?.(scope, views, wanted)
        return views
      },
    },
    async create(tx, context, inputs) {
      const ids: string[] = []
      for (const input of inputs) {
        const id = randomUUID()
        await checkReferences(tx, options.refers, input)
        const own = await hooks.creating?.(tx, context, input, id)
        const row = { ...rowOf(columns, input), id, ...standardStart(tx, attributes), ...own }
        await insertRow(tx, table, row)
        await hooks.created?.(tx, context, input, id)
        noteRow(tx, name, 'create', row, parentOf(row))
        ids.push(id)
      }
      return ids
    },
    async update(tx, context, current, changes) {
      await checkReferences(tx, options.refers, changes)
      const own = await hooks.updating?.(tx, context, current, changes)
      const row = { ...differing(columns, current, changes), ...own }
      if (own || Object.keys(row).length > 0) await change(tx, current, row)
    },
    async remove(tx, context, current) {
      await hooks.removing?.(tx, context, current)
      if (tagged) await removeTags(tx, name, current.id)
      await deleteRow(tx, table, current.id, inUse && (() => inUse(current.id)))
      noteRow(tx, name, 'delete', current, parentOf(current))
    },
    ...(tagged && {
      async setTags(tx: Tx, _context: Context, current: View, tags: readonly string[]) {
        await replaceTags(tx, name, current.id, tags)
        await change(tx, current, {})
      },
    }),
  }
}

export interface StoredMemberOptions {
  table: keyof Tables
  /** The column that names the object above. */
  parent: string
  /** Columns of the same value in all rows, and only in these: the type of a rule. */
  fixed?: Readonly<Record<string, string>>
  missing: (id: string, parentId: string) => NeutronError
  /** Refuses a member as it shall be; `id` is that of the one that is changed. */
  check?(tx: Tx, parentId: string, next: Input, id?: string): Promise<void>
  /** Counts a change of a member as one of the object above. */
  touch?(tx: Tx, parentId: string): Promise<void>
}

/** A collection of rows below one object: the rules of a QoS policy. */
export function storedMember(resource: SubResource, options: StoredMemberOptions): Member {
  const { table, parent: parentColumn, fixed = {}, missing, check, touch } = options
  const columns = storedAttributes(resource.attributes, ['project_id'])
  const all = async (tx: ReadTx, parentId: string): Promise<View[]> => {
    const rows = await rowsWith(tx, table, { [parentColumn]: parentId, ...fixed })
    return rows.map((row) => viewOf(resource.attributes, row))
  }
  const one = async (tx: ReadTx, parentId: string, id: string): Promise<View> => {
    const found = (await all(tx, parentId)).find((member) => member.id === id)
    if (!found) throw missing(id, parentId)
    return found
  }
  const note = async (tx: Tx, operation: 'create' | 'update' | 'delete', parent: View, id: string) => {
    noteRow(tx, resource.singular, operation, { id, project_id: parent.project_id }, parent.id)
    await touch?.(tx, parent.id)
  }
  return {
    resource,
    missing: (parent, id) => missing(id, parent.id),
    views: (tx, _context, parent) => all(tx, parent.id),
    async create(tx, _context, parent, input) {
      const id = randomUUID()
      await check?.(tx, parent.id, input)
      await insertRow(tx, table, { ...rowOf(columns, input), id, [parentColumn]: parent.id, ...fixed })
      await note(tx, 'create', parent, id)
      return id
    },
    async update(tx, _context, parent, id, changes) {
      const current = await one(tx, parent.id, id)
      await check?.(tx, parent.id, { ...current, ...changes }, id)
      const row = differing(columns, current, changes)
      if (Object.keys(row).length === 0) return
      await updateRow(tx, table, id, row)
      await note(tx, 'update', parent, id)
    },
    async remove(tx, _context, parent, id) {
      await one(tx, parent.id, id)
      await deleteRow(tx, table, id)
      await note(tx, 'delete', parent, id)
    },
  }
}

function viewOf(attributes: Attributes, row: Readonly<Record<string, unknown>>): View {
  const view: View = { ...row, id: String(row.id) }
  for (const name of Object.keys(row)) {
    const kind = attributes[name]?.kind
    if (kind) view[name] = shown(kind, row[name])
  }
  return view
}

function rowOf(columns: Stored, input: Input): Columns {
  return Object.fromEntries(columns.map(([name, { kind }]) => [name, stored(kind, input[name])]))
}

/** The columns of what was sent and is not so yet. */
function differing(columns: Stored, current: View, changes: Input): Columns {
  const row: Columns = {}
  for (const [name, { kind }] of columns) {
    if (changes[name] === undefined) continue
    const next = stored(kind, changes[name])
    if (next !== stored(kind, current[name])) row[name] = next
  }
  return row
}

function standardStart(tx: Tx, attributes: Attributes): Columns {
  return {
    ...(attributes.revision_number && { revision_number: 1 }),
    ...(attributes.created_at && { created_at: tx.now, updated_at: tx.now }),
  }
}

function standardChange(tx: Tx, attributes: Attributes, current: View): Columns {
  return {
    ...(attributes.revision_number && { revision_number: Number(current.revision_number) + 1 }),
    ...(attributes.created_at && { updated_at: tx.now }),
  }
}

async function checkReferences(tx: Tx, refers: RowOptions['refers'] = {}, input: Input): Promise<void> {
  for (const [name, { table, missing }] of Object.entries(refers)) {
    const id = input[name]
    if (typeof id === 'string') await requireRow(tx, table, id, missing)
  }
}
