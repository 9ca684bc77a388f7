/**
 * The rule of transactions, enforced: `tx` is used inside its `work` only, and a work makes no other store call.
 * Which scope a call belongs to follows the asynchronous context.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import { setImmediate as nextTurn } from 'node:timers/promises'

/** One run of one work. */
export interface Scope {
  ended: boolean
  /** The store itself lets others have their turn of the event loop. */
  resting: boolean
}

const current = new AsyncLocalStorage<Scope | undefined>()

/** Runs `work` in a scope of its own; the scope ends with it. */
export async function inScope<T>(scope: Scope, work: () => Promise<T>): Promise<T> {
  try {
    return await current.run(scope, work)
  } finally {
    scope.ended = true
  }
}

/** Throws unless the caller runs inside this scope. */
export function assertInScope(scope: Scope): void {
  if (scope.ended) throw new Error('a transaction was used after its end: await all that its work starts')
  if (current.getStore() !== scope) throw new Error('a transaction was used outside its work')
}

/** Throws when the caller runs inside a transaction: a store call there would wait for itself. */
export function assertNoScope(): void {
  const scope = current.getStore()
  if (scope !== undefined && !scope.ended) {
    throw new Error('a store call inside a transaction: use the tx that the work was given')
  }
}

/** Lets others have a turn of the event loop in the middle of a work. For the store alone. */
export async function rest(scope: Scope): Promise<void> {
  scope.resting = true
  await nextTurn()
  scope.resting = false
}

/**
 * The promise's outcome if nothing but microtasks and rests stand between, else an error: what runs on an embedded
 * database is finished by then, so the work has awaited something that it must not.
 */
export function withinMicrotasks<T>(scope: Scope, promise: Promise<T>): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    let immediate: NodeJS.Immediate
    const watch = (): void => {
      immediate = setImmediate(() => {
        if (scope.resting) watch()
        else reject(new Error('a transaction awaited something other than its tx (I/O, a timer, a lock)'))
      })
    }
    watch()
    promise.then(
      (value) => {
        clearImmediate(immediate)
        resolve(value)
      },
      (error: unknown) => {
        clearImmediate(immediate)
        reject(error)
      },
    )
  })
}
