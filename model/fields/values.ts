/** One of a fixed set of words; null may be among them. */
import { type Kind, refuse, sameText, shown } from './kind.ts'

/** Neutron: type:values of words. */
export function values<const T extends string | null>(allowed: readonly T[]): Kind<T> {
  return {
    name: 'values',
    schema: { enum: allowed },
    parse(value) {
      return allowed.includes(value as T)
        ? (value as T)
        : refuse(`${shown(value)} is not in [${allowed.join(', ')}]`)
    },
    filter: sameText,
  }
}
