/**
 * Records by the thousand. An object to which key after key is added becomes a hash table for the engine, and all that
 * reads, copies or prints it takes several times as long. One that a literal makes does not; and since the keys are
 * known only when the program runs, the literal is compiled then, as validators and routers compile their rules.
 */

type Make<From> = (from: From) => Record<string, unknown>

/** Makes records that have these keys, in this order, of their values in the same order. */
export const recordsOf = compiler<readonly unknown[]>((index) => `[${index}]`)

/** Makes records that have these keys, in this order, of what another has under them. */
export const picked = compiler<Readonly<Record<string, unknown>>>((_index, key) => `[${key}]`)

/** Compiled makers that are kept; clients that ask for `fields` make new ones without end. */
const maxKept = 1000

function compiler<From>(value: (index: number, key: string) => string) {
  const kept = new Map<string, Make<From>>()
  return (keys: readonly string[]): Make<From> => {
    const known = JSON.stringify(keys)
    const found = kept.get(known)
    if (found) return found
    if (kept.size >= maxKept) kept.clear()
    const members = keys.map((key, index) => {
      // As JSON a key is a text and nothing else; in brackets it is a name and nothing else, but costs more.
      const text = JSON.stringify(key)
      return `${key === '__proto__' ? `[${text}]` : text}: from${value(index, text)}`
    })
    const make = new Function('from', `return { ${members.join()} }`) as Make<From>
    kept.set(known, make)
    return make
  }
}
