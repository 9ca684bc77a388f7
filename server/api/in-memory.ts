/** Lists that are worked out rather than selected: the same filters, sorting and paging, over a few rows at hand. */
import type { Filter, ListQuery, Sort } from './list-query.ts'

type Row = Record<string, unknown>

/** The page that the query asks for. A marker that is not there answers nothing, as Neutron's emulated paging does. */
export function pageInMemory<R extends Row>(query: ListQuery, rows: readonly R[]): R[] {
  const found = rows.filter((row) => query.filters.every((filter) => fits(filter, row)))
  const sorts: Sort[] = [...query.sorts, { name: 'id', descending: false }]
  if (query.sorts.length > 0 || query.limit !== undefined) {
    found.sort((a, b) => {
      for (const { name, descending } of sorts) {
        const order = compare(a[name], b[name])
        if (order !== 0) return descending ? -order : order
      }
      return 0
    })
  }
  const { limit, marker, reverse } = query
  if (limit === undefined) return reverse ? found.reverse() : found
  const at = marker === undefined ? undefined : found.findIndex((row) => row.id === marker)
  if (at === -1) return []
  if (reverse) {
    const end = at ?? found.length
    return found.slice(Math.max(0, end - limit), end)
  }
  const start = at === undefined ? 0 : at + 1
  return found.slice(start, start + limit)
}

/** True where the attribute has one of the values, or, being a list, holds one. */
function fits({ name, values }: Filter, row: Row): boolean {
  const value = row[name]
  const members = Array.isArray(value) ? value : [value]
  return values.some((wanted) =>
    wanted === '' || wanted === null
      ? value === '' || value === null || value === undefined
      : members.some((member) => plain(member) === String(wanted)),
  )
}

/** As a filter's value is written: booleans are 0 and 1 there. */
function plain(value: unknown): string {
  return typeof value === 'boolean' ? String(Number(value)) : String(value)
}

/** Null is the least; numbers by size, text by its code units. */
function compare(a: unknown, b: unknown): number {
  if (a === b) return 0
  if (a === null || a === undefined) return b === null || b === undefined ? 0 : -1
  if (b === null || b === undefined) return 1
  if (typeof a === 'number' && typeof b === 'number') return a - b
  return plain(a) < plain(b) ? -1 : plain(a) > plain(b) ? 1 : 0
}
