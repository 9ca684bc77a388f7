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
