/** What a kind of attribute means as a column: truth as 0 or 1, lists and dictionaries as JSON text. */
import type { JsonSchema, Kind } from '../../model/fields/kind.ts'
import { flag } from '../columns.ts'

type Form = 'plain' | 'boolean' | 'json'

/** The form of a kind, by the types that its schema allows beside null. */
function formOf({ schema }: Pick<Kind<unknown>, 'schema'>): Form {
  const types = typesOf(schema)
  if (types.has('boolean')) return 'boolean'
  return types.has('array') || types.has('object') ? 'json' : 'plain'
}

function typesOf(schema: JsonSchema): Set<unknown> {
  const { type, anyOf } = schema
  const inner = Array.isArray(anyOf) ? (anyOf as JsonSchema[]) : []
  return new Set([type].flat().concat(...inner.map((one) => [...typesOf(one)])))
}

/** A value of the API as its column holds it. */
export function stored(kind: Pick<Kind<unknown>, 'schema'>, value: unknown): string | number | null {
  if (value === undefined || value === null) return null
  switch (formOf(kind)) {
    case 'boolean':
      return Number(value)
    case 'json':
      return JSON.stringify(value)
    case 'plain':
      return value as string | number
  }
}

/** A column's value as the API shows it. */
export function shown(kind: Pick<Kind<unknown>, 'schema'>, value: unknown): unknown {
  if (value === undefined || value === null) return value
  switch (formOf(kind)) {
    case 'boolean':
      return flag(value)
    case 'json':
      return JSON.parse(String(value)) as unknown
    case 'plain':
      return value
  }
}
