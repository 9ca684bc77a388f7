/** Text, bounded in length; never with a null character or half a surrogate pair, which no database can keep. */
import { type Kind, refuse, sameText, shown } from './kind.ts'

/** The value as text of at most `max` characters (code points; null: any number), or a refusal. */
export function textOf(value: unknown, max: number | null): string {
  if (typeof value !== 'string') return refuse(`${shown(value)} is not a valid string`)
  if (value.includes('\0') || !value.isWellFormed())
    return refuse('The string holds a character that is not allowed')
  if (max !== null && value.length > max && [...value].length > max) {
    return refuse(`${shown(value)} exceeds maximum length of ${max}`)
  }
  return value
}

/** Neutron: type:string. */
export function string(max: number | null): Kind<string> {
  return {
    name: 'string',
    schema: max === null ? { type: 'string' } : { type: 'string', maxLength: max },
    parse: (value) => textOf(value, max),
    filter: sameText,
  }
}

/** Neutron: type:not_empty_string. */
export const notEmptyString: Kind<string> = {
  name: 'not-empty-string',
  schema: { type: 'string', minLength: 1 },
  parse(value) {
    const text = textOf(value, null)
    return text.trim() === '' ? refuse(`${shown(value)} is blank`) : text
  },
  filter: sameText,
}
