/** What JSON can say and a JavaScript number cannot. */

declare global {
  interface JSON {
    /** A value that JSON.stringify writes as this text (ECMAScript 2026, in Node.js since 21). */
    rawJSON(text: string): object
  }
}

/** An integer of any size, as JSON.stringify shall write it: a number where a double holds it, else its digits. */
export function exactInteger(value: bigint): number | object {
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : JSON.rawJSON(String(value))
}

type Reviver = (this: unknown, key: string, value: unknown, context?: { source?: string }) => unknown

const exact: Reviver = (_key, value, context) =>
  typeof value === 'number' && !Number.isSafeInteger(value) && /^-?\d+$/.test(context?.source ?? '')
    ? BigInt(context?.source ?? '')
    : value

/** Like JSON.parse, but integers that a double does not hold come out as bigints. */
export function parseExact(text: string): unknown {
  // Looking at every value costs time: only where some number is long enough.
  return /\d{16}/.test(text)
    ? JSON.parse(text, exact as (key: string, value: unknown) => unknown)
    : JSON.parse(text)
}

/** Like JSON.stringify, with bigints as integers. */
export function printExact(value: unknown, indent?: number): string {
  return JSON.stringify(value, (_key, one) => (typeof one === 'bigint' ? exactInteger(one) : one), indent)
}
