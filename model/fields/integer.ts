/** Whole numbers, as numbers or as decimal text. */
import { ConversionError, type Kind, refuse, shown } from './kind.ts'

/** The value as an integer that a double holds exactly. Neutron: convert_to_int. */
export function integerOf(value: unknown): number {
  const number =
    typeof value === 'number'
      ? value
      : typeof value === 'string' && /^[+-]?\d+$/.test(value)
        ? Number(value)
        : Number.NaN
  if (!Number.isSafeInteger(number)) throw new ConversionError(`${shown(value)} is not an integer`)
  return number
}

function integerKind(schema: Record<string, unknown>, check: (value: number) => void): Kind<number> {
  return {
    name: 'integer',
    schema: { type: 'integer', ...schema },
    parse(value) {
      const number = integerOf(value)
      check(number)
      return number
    },
    filter: integerOf,
  }
}

/** Neutron: convert_to_int. */
export const integer: Kind<number> = integerKind({}, () => {})

/** Neutron: convert_to_int, type:non_negative. */
export const nonNegative: Kind<number> = integerKind({ minimum: 0 }, (value) => {
  if (value < 0) refuse(`${shown(value)} should be non-negative`)
})

/** Neutron: convert_to_int, type:range. */
export function integerBetween(minimum: number, maximum: number): Kind<number> {
  return integerKind({ minimum, maximum }, (value) => {
    if (value < minimum || value > maximum) {
      refuse(`${shown(value)} is not between ${minimum} and ${maximum}`)
    }
  })
}

/** Neutron: convert_to_int, type:values. */
export function integerAmong(allowed: readonly number[]): Kind<number> {
  return integerKind({ enum: allowed }, (value) => {
    if (!allowed.includes(value)) refuse(`${shown(value)} is not in [${allowed.join(', ')}]`)
  })
}
