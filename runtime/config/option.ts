/**
 * An option of the configuration, declared once: kind, default, help. Sections are records of options under their
 * INI names, so that `config.ml2.path_mtu` is `[ml2] path_mtu`.
 */
import { splitList } from '../../lib/ini.ts'

/** A kind of value: how text becomes a value and back. `parse` throws when the text is none of the kind. */
export interface Kind<T> {
  /** What a right value looks like: `an integer of at least 0`. */
  expected: string
  /** For the sample file: `integer value`. */
  label: string
  parse(text: string): T
  print(value: T): string
}

export interface Option<T> {
  kind: Kind<T>
  default: T
  help: string
  /** True: the key may repeat, and `parse` sees the repetitions one by one; the value is an array. */
  multi: boolean
  /** True: the value never shows in messages. */
  secret: boolean
}

export type Section = Readonly<Record<string, Option<unknown>>>
export type Sections = Readonly<Record<string, Section>>

/** The values that a set of sections has, as a frozen object. */
export type Values<S extends Sections> = {
  readonly [Name in keyof S]: {
    readonly [Key in keyof S[Name]]: S[Name][Key] extends Option<infer T> ? T : never
  }
}

interface Declaration<T> {
  default: T
  help: string
  secret?: boolean
}

function declare<T>(kind: Kind<T>, declaration: Declaration<T>, multi = false): Option<T> {
  const { secret = false, help } = declaration
  return { kind, default: declaration.default, help, multi, secret }
}

function refuse(): never {
  throw new Error('not of this kind')
}

// --- kinds ---

export const anyText: Kind<string> = {
  expected: 'a text',
  label: 'string value',
  parse: (value) => value,
  print: (value) => value,
}

/** One of the listed words; upper and lower case are the same. */
export function oneOf<const C extends string>(choices: readonly C[]): Kind<C> {
  return {
    expected: `one of ${choices.join(', ')}`,
    label: 'string value',
    parse: (value) => choices.find((choice) => choice.toLowerCase() === value.toLowerCase()) ?? refuse(),
    print: (value) => value,
  }
}

interface Bounds {
  min?: number
  max?: number
}

function describe(what: string, { min, max }: Bounds): string {
  if (min !== undefined && max !== undefined) return `${what} from ${min} to ${max}`
  if (min !== undefined) return `${what} of at least ${min}`
  return max === undefined ? what : `${what} of at most ${max}`
}

/**
 * Whole numbers in decimal, with a sign or without; both bounds belong to them. Unbounded, what a double holds
 * exactly.
 */
export function wholeNumber(bounds: Bounds = {}): Kind<number> {
  const { min = Number.MIN_SAFE_INTEGER, max = Number.MAX_SAFE_INTEGER } = bounds
  return {
    expected: describe('an integer', bounds),
    label: 'integer value',
    parse(text) {
      const value = /^[+-]?\d+$/.test(text) ? Number(text) : Number.NaN
      return value >= min && value <= max ? value : refuse()
    },
    print: String,
  }
}

/** Numbers with or without a fraction and an exponent; both bounds belong to them. */
export function decimal(bounds: Bounds = {}): Kind<number> {
  const { min = -Infinity, max = Infinity } = bounds
  return {
    expected: describe('a number', bounds),
    label: 'floating point value',
    parse(text) {
      const value = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : Number.NaN
      return value >= min && value <= max ? value : refuse()
    },
    print: String,
  }
}

/** An inclusive range, `100:199`, as VNI and VLAN ranges are written. */
export interface NumberRange {
  first: number
  last: number
}

/** `100:199`, the first no greater than the last; `bounds` are those of either end. */
export function numberRange(bounds: Required<Bounds>): Kind<NumberRange> {
  const end = wholeNumber(bounds)
  return {
    expected: `FIRST:LAST with ${describe('integers', bounds)}`,
    label: 'range',
    parse(text) {
      const [first, last, ...rest] = text.split(':').map((part) => end.parse(part.trim()))
      if (first === undefined || last === undefined || rest.length > 0 || first > last) return refuse()
      return { first, last }
    },
    print: ({ first, last }) => `${first}:${last}`,
  }
}

/** A physical network and, when given, a range of VLAN ids on it that tenant networks are taken from. */
export interface VlanRange {
  physicalNetwork: string
  range: NumberRange | null
}

/** `physnet1:100:199`, or `physnet1` alone: usable for provider networks only. */
export function vlanRange(): Kind<VlanRange> {
  const ids = numberRange({ min: 1, max: 4094 })
  return {
    expected: 'PHYSICAL_NETWORK or PHYSICAL_NETWORK:FIRST:LAST with VLAN ids from 1 to 4094',
    label: 'range',
    parse(text) {
      const [, name, range] = /^([^:]+)(?::(.+))?$/.exec(text) ?? refuse()
      if (name === undefined) return refuse()
      return { physicalNetwork: name.trim(), range: range === undefined ? null : ids.parse(range) }
    },
    print: ({ physicalNetwork, range }) =>
      range === null ? physicalNetwork : `${physicalNetwork}:${ids.print(range)}`,
  }
}

function listOf<T>(item: Kind<T>): Kind<readonly T[]> {
  return {
    expected: `a list with commas between, each ${item.expected}`,
    label: 'list value',
    parse: (text) => Object.freeze(splitList(text.replaceAll('\n', ',')).map((part) => item.parse(part))),
    print: (values) => values.map((value) => item.print(value)).join(','),
  }
}

function dictOf<T>(item: Kind<T>): Kind<ReadonlyMap<string, T>> {
  return {
    expected: `a list of KEY:VALUE with commas between, each key once, each value ${item.expected}`,
    label: 'dict value',
    parse(text) {
      const entries = splitList(text.replaceAll('\n', ',')).map((part): [string, T] => {
        const split = part.indexOf(':')
        const key = part.slice(0, Math.max(split, 0)).trim()
        return key === '' ? refuse() : [key, item.parse(part.slice(split + 1).trim())]
      })
      const values = new Map(entries)
      return values.size === entries.length ? values : refuse()
    },
    print: (values) => [...values].map(([key, value]) => `${key}:${item.print(value)}`).join(','),
  }
}

const truth: ReadonlyMap<string, boolean> = new Map([
  ...['true', 'yes', 'on', '1'].map((word): [string, boolean] => [word, true]),
  ...['false', 'no', 'off', '0'].map((word): [string, boolean] => [word, false]),
])

const truthValue: Kind<boolean> = {
  expected: 'true or false',
  label: 'boolean value',
  parse: (value) => truth.get(value.toLowerCase()) ?? refuse(),
  print: String,
}

// --- options ---

/** An option of any kind. A default of null means: nothing set; then an empty text says the same. */
export function option<T>(kind: Kind<T>, declaration: Declaration<NoInfer<T>>): Option<T>
export function option<T>(kind: Kind<T>, declaration: Declaration<null>): Option<T | null>
export function option<T>(kind: Kind<T>, declaration: Declaration<T | null>): Option<T | null> {
  const widened: Kind<T | null> = {
    ...kind,
    parse: (value) => (value === '' && declaration.default === null ? null : kind.parse(value)),
    print: (value) => (value === null ? '<None>' : kind.print(value)),
  }
  return declare(widened, declaration)
}

/** A default of null widens the kind's own type, as it does in option(). */
function orNull<T, D extends T | null>(kind: Kind<T>, declaration: Declaration<D>): Option<T | D> {
  return option(kind, declaration as Declaration<null>) as Option<T | D>
}

/** An option that is any text. A default of null means: nothing set; then an empty text says the same. */
export function text<D extends string | null>(declaration: Declaration<D>): Option<string | D> {
  return orNull<string, D>(anyText, declaration)
}

/** An option that is a whole number, `min` and `max` included. A default of null as for `text`. */
export function integer<D extends number | null>(declaration: Declaration<D> & Bounds): Option<number | D> {
  return orNull<number, D>(wholeNumber(bounds(declaration)), declaration)
}

/** An option that is a number with or without a fraction, `min` and `max` included. A default of null as for `text`. */
export function float<D extends number | null>(declaration: Declaration<D> & Bounds): Option<number | D> {
  return orNull<number, D>(decimal(bounds(declaration)), declaration)
}

function bounds({ min, max }: Bounds): Bounds {
  return { ...(min === undefined ? {} : { min }), ...(max === undefined ? {} : { max }) }
}

/** An option that is true, yes, on or 1, or false, no, off or 0, in upper or lower case. */
export function boolean(declaration: Declaration<boolean>): Option<boolean> {
  return declare(truthValue, declaration)
}

/**
 * An option that is one value with commas or line ends between its items, blanks around them ignored; empty text is
 * none. Items are texts where `item` names no other kind.
 */
export function list(declaration: Declaration<readonly string[]>): Option<readonly string[]>
export function list<T>(declaration: Declaration<readonly T[]>, item: Kind<T>): Option<readonly T[]>
export function list<T>(
  declaration: Declaration<readonly (T | string)[]>,
  item: Kind<T | string> = anyText,
): Option<readonly (T | string)[]> {
  return declare(listOf(item), declaration)
}

/**
 * An option that is KEY:VALUE pairs with commas or line ends between; the first colon parts, and a key may stand once.
 * Its default is always the empty map.
 */
export function dict(declaration: Omit<Declaration<never>, 'default'>): Option<ReadonlyMap<string, string>>
export function dict<T>(
  declaration: Omit<Declaration<never>, 'default'>,
  item: Kind<T>,
): Option<ReadonlyMap<string, T>>
export function dict<T>(
  declaration: Omit<Declaration<never>, 'default'>,
  item: Kind<T | string> = anyText,
): Option<ReadonlyMap<string, T | string>> {
  return declare(dictOf(item), { ...declaration, default: new Map() })
}

/** A key that may stand several times; the value is all of them in the order of files and lines. */
export function multi(declaration: Declaration<readonly string[]>): Option<readonly string[]> {
  const kind: Kind<readonly string[]> = {
    expected: 'a text',
    label: 'multi valued',
    parse: (value) => [value],
    print: (values) => values.join('\n'),
  }
  return declare(kind, declaration, true)
}
