/**
 * What a kind of attribute knows: how a value of the API is converted and checked (in Neutron's order: convert, then
 * validate), how a filter's text is read, and its JSON schema. Pure; what a kind means as a column, an option or a
 * form control stands in server/store, cli and dashboard.
 */

export type JsonSchema = Readonly<Record<string, unknown>>

export interface Kind<T> {
  /** `boolean`, `uuid` …: other rooms key their own tables by it. */
  readonly name: string
  readonly schema: JsonSchema
  /** The schema of answers, where they hold something else than requests. */
  readonly shown?: JsonSchema
  /** The value as it is stored. Throws ConversionError or ValidationError. */
  parse(value: unknown): T
  /** The text of a filter as the value that is compared. Throws like parse; absent where no filter makes sense. */
  readonly filter?: (text: string) => string | number | null
  /** Names of the parts that have policy rules of their own: fixed_ips:ip_address. */
  readonly parts?: readonly string[]
}

/** A converter refused the value; clients see InvalidInput. */
export class ConversionError extends Error {}

/** A validator refused the value; clients see HTTPBadRequest with the attribute's name. */
export class ValidationError extends Error {}

/** The value as a short text for messages. */
export function shown(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value))
  return `'${text.length > 120 ? `${text.slice(0, 120)}…` : text}'`
}

/** Throws ValidationError, which the API answers as HTTPBadRequest with that reason. */
export function refuse(reason: string): never {
  throw new ValidationError(reason)
}

/** A filter that compares the text as it is. */
export const sameText = (text: string): string => text

/** The kind that also takes null, which stays null. */
export function orNull<T>(kind: Kind<T>): Kind<T | null> {
  return {
    ...kind,
    schema: { anyOf: [{ type: 'null' }, kind.schema] },
    parse: (value) => (value === null ? null : kind.parse(value)),
  }
}

/** The kind after another conversion: null becomes an empty list, for one. */
export function converted<T>(convert: (value: unknown) => unknown, kind: Kind<T>): Kind<T> {
  return { ...kind, parse: (value) => kind.parse(convert(value)) }
}

/** True for an object that is neither null nor a list. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The list, or a refusal. */
export function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : refuse(`${shown(value)} is not a list`)
}

/** Refuses keys of an object that are not among `known`. */
export function onlyKeys(value: Record<string, unknown>, known: readonly string[]): void {
  for (const key of Object.keys(value)) {
    if (!known.includes(key)) refuse(`Unexpected keys supplied: ${shown(key)}; known are ${known.join(', ')}`)
  }
}

/** Refuses a list with two members of the same text. */
export function noRepeats(texts: readonly string[], what: string): void {
  const seen = new Set<string>()
  for (const text of texts) {
    if (seen.has(text)) refuse(`Duplicate ${what} ${shown(text)}`)
    seen.add(text)
  }
}
