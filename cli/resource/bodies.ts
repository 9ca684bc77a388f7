/** From options of the command line to bodies and filters of the API; what is named becomes an id. */
import { type AttributeOption, itemOf, scalarOf } from './options.ts'

/** Options as they were given. */
export type Given = Readonly<Record<string, string | boolean | (string | boolean)[] | undefined>>

/** The id of what is named, by its name or id. */
export type IdOf = (resource: string, name: string) => Promise<string>

/** Items of a list, with what they name by name (`subnet=s1`, or all of them `refers`) as the API's ids. */
async function itemsOf(texts: readonly string[], idOf: IdOf, refers?: string): Promise<unknown[]> {
  return Promise.all(
    texts.map(async (text) => {
      const item = itemOf(text)
      if (typeof item !== 'object' || item === null) return refers ? idOf(refers, text) : item
      const known = item as Record<string, unknown>
      const { subnet, port, gateway, ...rest } = known
      return {
        ...rest,
        ...(typeof subnet === 'string' && { subnet_id: await idOf('subnet', subnet) }),
        ...(typeof port === 'string' && { port_id: await idOf('port', port) }),
        ...(typeof gateway === 'string' && { nexthop: gateway }),
      }
    }),
  )
}

/** The body of a create or set; lists are added to those of `current`. */
export async function bodyOf(
  options: readonly AttributeOption[],
  values: Given,
  idOf: IdOf,
  current: Record<string, unknown> = {},
): Promise<Record<string, unknown>> {
  const body: Record<string, unknown> = {}
  for (const { attribute, name, off, shape, refers, choices, until, kind } of options) {
    const value = values[name] ?? choices.find((choice) => values[choice] === true)
    if (shape === 'switch') {
      if (value !== undefined || values[off] !== undefined) body[attribute] = value === true
    } else if (shape === 'list') {
      if (value === undefined && values[off] !== true) continue
      const before = values[off] === true ? [] : ((current[attribute] ?? []) as unknown[])
      body[attribute] = [...before, ...(await itemsOf(textsOf(value), idOf, refers))]
    } else if (typeof value === 'string' && until !== undefined) {
      const [first = '', last = first] = value.split(':')
      Object.assign(body, { [attribute]: scalarOf(kind, first), [until]: scalarOf(kind, last) })
    } else if (typeof value === 'string') {
      body[attribute] = refers ? await idOf(refers, value) : scalarOf(kind, value)
    }
  }
  return body
}

/** The body of an unset: lists without the named items, others null. */
export async function withoutOf(
  options: readonly AttributeOption[],
  values: Given,
  idOf: IdOf,
  current: Record<string, unknown>,
): Promise<Record<string, unknown>> {
  const body: Record<string, unknown> = {}
  for (const { attribute, name, shape, refers } of options) {
    const value = values[name]
    if (value === undefined) continue
    if (shape !== 'list') {
      body[attribute] = null
      continue
    }
    const gone = await itemsOf(textsOf(value), idOf, refers)
    const matches = (item: unknown) =>
      gone.some((one) =>
        typeof one === 'object' && one !== null
          ? Object.entries(one).every(([key, part]) => (item as Record<string, unknown>)[key] === part)
          : one === item,
      )
    body[attribute] = ((current[attribute] ?? []) as unknown[]).filter((item) => !matches(item))
  }
  return body
}

/** The query of a list. */
export async function filtersOf(
  options: readonly AttributeOption[],
  values: Given,
  idOf: IdOf,
): Promise<Record<string, string[]>> {
  const filters: Record<string, string[]> = {}
  for (const { attribute, name, off, shape, refers, choices } of options) {
    const value = values[name] ?? choices.find((choice) => values[choice] === true)
    if (shape === 'switch') {
      if (value !== undefined || values[off] !== undefined) filters[attribute] = [String(value === true)]
    } else if (value !== undefined) {
      const items = shape === 'list' ? await itemsOf(textsOf(value), idOf, refers) : []
      filters[attribute] =
        shape === 'list'
          ? items.flatMap(filterTexts)
          : await Promise.all(textsOf(value).map((text) => (refers ? idOf(refers, text) : text)))
    }
  }
  for (const [name, filter] of Object.entries({ ...tagFilters, limit: 'limit' }))
    if (typeof values[name] === 'string') filters[filter] = [values[name]]
  if (typeof values.sort === 'string') {
    const keys = values.sort.split(',').map((one) => one.split(':'))
    filters.sort_key = keys.map(([key = '']) => key)
    filters.sort_dir = keys.map(([, way = 'asc']) => way)
  }
  return filters
}

/** `{ subnet_id: ID }` -> `subnet_id=ID`, as filters of lists of objects are written. */
function filterTexts(item: unknown): string[] {
  if (typeof item !== 'object' || item === null) return [String(item)]
  return Object.entries(item).map(([key, value]) => `${key}=${value}`)
}

/** Filters of lists by tags: as `openstack` calls them, and as the API does. */
export const tagFilters = {
  tags: 'tags',
  'any-tags': 'tags-any',
  'not-tags': 'not-tags',
  'not-any-tags': 'not-tags-any',
} as const

/** The text of an option that is given once. */
export const textOf = (value: Given[string]) => (typeof value === 'string' ? value : undefined)
/** The texts of one that may be given more than once. */
export const textsOf = (value: Given[string]) =>
  (Array.isArray(value) ? value : value === undefined ? [] : [value]).map(String)
