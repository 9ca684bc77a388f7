/** What a check is, and how one fails: with what was expected, what was seen, and where to look. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { World } from './world.ts'

export interface Check {
  name: string
  /** Answers what was proved, in a few words, or throws. */
  run(world: World): Promise<string>
}

export class CheckFailure extends Error {
  readonly expected: unknown
  readonly seen: unknown
  readonly look: string
  constructor(message: string, expected: unknown, seen: unknown, look: string) {
    super(message)
    this.name = 'CheckFailure'
    this.expected = expected
    this.seen = seen
    this.look = look
  }
}

/** Throws unless both are the same JSON. */
export function expectSame(what: string, seen: unknown, expected: unknown, look: string): void {
  if (JSON.stringify(seen) !== JSON.stringify(expected)) throw new CheckFailure(what, expected, seen, look)
}

/** Asks again and again until the answer is as expected, or throws with the last one after so many milliseconds. */
export async function expectSoon(
  what: string,
  ask: () => Promise<unknown>,
  expected: unknown,
  within: number,
  look: string,
): Promise<void> {
  const deadline = performance.now() + within
  for (;;) {
    const seen = await ask()
    if (JSON.stringify(seen) === JSON.stringify(expected)) return
    if (performance.now() > deadline) {
      throw new CheckFailure(`${what}, within ${within} ms`, expected, seen, look)
    }
    await sleep(20)
  }
}
