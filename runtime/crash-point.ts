/**
 * Named points at which a test may end the process as kill -9 would: NUCLEON_CRASH_AT=<name>:<n> does so the n-th
 * time that the point is passed. Without the variable a point costs one comparison.
 */

export type CrashPoint =
  /** A write transaction is complete but not committed. */
  | 'before-commit'
  /** It is durable, and nobody knows it yet. */
  | 'after-commit'
  /** The relay is about to handle a batch of changes. */
  | 'before-relay'
  /** The relay has written what hosts need, and not yet told them. */
  | 'after-relay'
  /** The answer of a writing API request is ready and not yet sent. */
  | 'before-reply'

const [wanted, count] = (process.env.NUCLEON_CRASH_AT ?? '').split(':')
let passes = 0

/** Ends the process here if a test has asked for it. */
export function crashPoint(name: CrashPoint): void {
  if (wanted !== name) return
  passes += 1
  if (passes === Number(count ?? 1)) process.kill(process.pid, 'SIGKILL')
}
