/** True or false, and the words for them that Neutron takes. */
import { ConversionError, type Kind, shown } from './kind.ts'

const words: ReadonlyMap<unknown, boolean> = new Map<unknown, boolean>([
  ...['1', 't', 'true', 'on', 'y', 'yes'].map((word) => [word, true] as const),
  ...['0', 'f', 'false', 'off', 'n', 'no'].map((word) => [word, false] as const),
  [true, true],
  [false, false],
  [1, true],
  [0, false],
])

function parse(value: unknown): boolean {
  const found = words.get(typeof value === 'string' ? value.toLowerCase() : value)
  if (found === undefined) throw new ConversionError(`${shown(value)} cannot be converted to boolean`)
  return found
}

/** Neutron: convert_to_boolean. */
export const boolean: Kind<boolean> = {
  name: 'boolean',
  schema: { type: 'boolean' },
  parse,
  filter: (text) => (parse(text) ? 1 : 0),
}
