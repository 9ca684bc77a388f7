/** Query strings of lists and objects: fields, filters, sorting, paging. What is wrong is 400. */
import {
  badRequest,
  badResourceRequest,
  invalidInput,
  tenantIdProjectIdFilterConflict,
} from '../../lib/errors.ts'
import type { Attribute } from '../../model/resource.ts'
import { faultOf } from './body.ts'

export interface Filter {
  name: string
  /** As the client wrote them. */
  texts: readonly string[]
  /** As they are compared; the empty string also stands for null. */
  values: readonly (string | number | null)[]
}

export interface Sort {
  name: string
  descending: boolean
}

export interface ListQuery {
  /** Names asked for; undefined: all. */
  fields: ReadonlySet<string> | undefined
  filters: readonly Filter[]
  sorts: readonly Sort[]
  limit: number | undefined
  marker: string | undefined
  reverse: boolean
  /** Only what was changed at this time or later. */
  changedSince: string | undefined
}

export interface ListRules {
  attributes: ReadonlyMap<string, Attribute>
  /** Unknown filters are 400 rather than ignored: filter-validation. */
  validateFilters: boolean
  /** [DEFAULT] pagination_max_limit; undefined: none. */
  maxLimit: number | undefined
}

type Raw = Readonly<Record<string, unknown>>

/** The query string, as Fastify parsed it, as a query. Throws what is wrong with it, each a 400. */
export function readListQuery(rules: ListRules, raw: Raw): ListQuery {
  const limit = limitOf(rules, last(raw.limit))
  return {
    fields: fieldsOf(raw),
    filters: filtersOf(rules, raw),
    sorts: sortsOf(rules, raw),
    limit,
    marker: last(raw.marker) || undefined,
    reverse: last(raw.page_reverse)?.toLowerCase() === 'true',
    changedSince: changedSinceOf(rules, last(raw.changed_since)),
  }
}

/** Only `fields`, for single objects. */
export function fieldsOf(raw: Raw): ReadonlySet<string> | undefined {
  const names = texts(raw.fields).filter((name) => name !== '')
  return names.length > 0 ? new Set(names) : undefined
}

const reserved = new Set([
  'fields',
  'sort_key',
  'sort_dir',
  'limit',
  'marker',
  'page_reverse',
  'changed_since',
])

function filtersOf(rules: ListRules, raw: Raw): Filter[] {
  const filters: Filter[] = []
  for (const given of Object.keys(raw)) {
    if (reserved.has(given)) continue
    const name = given === 'tenant_id' ? 'project_id' : given
    const one = rules.attributes.get(name)
    if (!one?.filter) {
      if (!rules.validateFilters) continue
      throw badRequest(`'${given}' is not supported for filtering`)
    }
    const values = texts(raw[given])
    const filter = one.kind.filter
    const twin = filters.find((other) => other.name === name)
    if (twin) {
      if (twin.texts.join() !== values.join()) throw tenantIdProjectIdFilterConflict()
      continue
    }
    filters.push({ name, texts: values, values: values.map((text) => compared(given, filter, text)) })
  }
  return filters
}

function compared(name: string, filter: Attribute['kind']['filter'], text: string): string | number | null {
  if (!filter || text === '') return text
  try {
    return filter(text)
  } catch (error) {
    throw faultOf(name, error)
  }
}

function sortsOf(rules: ListRules, raw: Raw): Sort[] {
  const keys = texts(raw.sort_key).filter((key) => key !== '')
  const directions = texts(raw.sort_dir).filter((direction) => direction !== '')
  if (keys.length !== directions.length) {
    throw badRequest('The number of sort_keys and sort_dirs must be same')
  }
  const sorts = keys.map((key, index) => {
    if (!rules.attributes.get(key)?.sort) throw badRequest(`'${key}' is an invalid attribute for sort keys`)
    const direction = directions[index]
    if (direction !== 'asc' && direction !== 'desc') {
      throw badRequest(`'${direction}' is an invalid sort direction: it must be 'asc' or 'desc'`)
    }
    return { name: key === 'tenant_id' ? 'project_id' : key, descending: direction === 'desc' }
  })
  // A key that came before decides nothing.
  return sorts.filter((one, index) => sorts.findIndex(({ name }) => name === one.name) === index)
}

function limitOf({ maxLimit }: ListRules, text: string | undefined): number | undefined {
  if (text === undefined || text === '') return maxLimit
  const limit = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN
  if (Number.isNaN(limit))
    throw badResourceRequest('limit', `limit must be an integer of 0 or more, not '${text}'`)
  if (limit === 0) return maxLimit
  return maxLimit === undefined ? limit : Math.min(limit, maxLimit)
}

function changedSinceOf(rules: ListRules, text: string | undefined): string | undefined {
  if (text === undefined || !rules.attributes.has('updated_at')) return undefined
  const time = /^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?$/.test(text)
    ? Date.parse(/[Zz]|[+-]\d\d:?\d\d$/.test(text.slice(10)) || text.length === 10 ? text : `${text}Z`)
    : Number.NaN
  if (Number.isNaN(time)) throw invalidInput(`the time of changed_since must be ISO 8601, '${text}' is not`)
  return `${new Date(time).toISOString().slice(0, 19)}Z`
}

function texts(value: unknown): string[] {
  const list = value === undefined ? [] : Array.isArray(value) ? value : [value]
  return list.map((one) => {
    const text = String(one)
    if (text.includes('\0') || !text.isWellFormed())
      throw badRequest('A query parameter holds a character that is not allowed')
    return text
  })
}

const last = (value: unknown): string | undefined => texts(value).at(-1)
