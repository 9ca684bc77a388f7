/** One of a fixed set of words. */
import { type Kind, refuse, sameText, shown } from './kind.ts'

/** Neutron: type:values of words. */
export function values<const T extends string>(allowed: readonly T[]): Kind<T> {
  return {
    name: 'values',
    schema: { enum: allowed },
    parse: (value) =>
      allowed.find((one) => one === value) ?? refuse(`${shown(value)} is not in [${allowed.join(', ')}]`),
    filter: sameText,
  }
}
