/**
 * Loaded before a process of ours (`--import`): its wall clock is the machine's plus the milliseconds that the file
 * NUCLEON_TEST_CLOCK holds, read ten times a second. Timers and the monotonic clock go on, as when a real clock is set.
 */
import { readFileSync } from 'node:fs'

const file = process.env.NUCLEON_TEST_CLOCK
const real = Date
let offset = 0

function read(): void {
  try {
    offset = Number(readFileSync(file ?? '', 'utf8')) || 0
  } catch {
    // It is being written.
  }
}

const now = (): number => real.now() + offset

if (file !== undefined) {
  read()
  setInterval(read, 100).unref()
  globalThis.Date = new Proxy(real, {
    construct: (target, args, newTarget) =>
      Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget),
    apply: () => new real(now()).toString(),
    get: (target, name, receiver) => (name === 'now' ? now : Reflect.get(target, name, receiver)),
  })
}
