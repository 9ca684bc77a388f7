/**
 * The loop of a host: desired pieces come in, each facility's keeper makes its part in a fixed order, removals come
 * last and in the reverse order, and what has become of the pieces is told. One pass at a time, one batch a
 * facility and pass; what comes in during a turn of the event loop shares a pass.
 */
import type { HostFailure, PieceStatus } from './host.ts'
import type { Keeper } from './keeper.ts'
import { reasonOf } from './keeper.ts'
import type { Log } from './log.ts'
import type { HostObject, Kind } from './objects.ts'
import { createPieces } from './pieces.ts'

const auditTurns = 12

export interface ReconcilerOptions {
  /** Stages in the order of making; the keepers of one stage work side by side. */
  stages: readonly (readonly Keeper[])[]
  log: Log
  /** Milliseconds between two turns of the slow audit, each at a twelfth of each keeper's scopes; 0: no audit. */
  auditInterval: number
  /** Told of each pass that is over, with how long it took (ms). */
  onPass?(milliseconds: number): void
}

export interface Reconciler {
  wake(): void
  setPiece(id: string, objects: readonly HostObject[]): void
  allowRemovals(): void
  onStatus(listener: (changed: readonly PieceStatus[]) => void): void
  idle(): Promise<void>
  start(): void
  stop(): Promise<void>
}

/**
 * Makes nothing before `start`, removes nothing before `allowRemovals`. `idle` does not wait for what has failed and
 * is tried again later.
 */
export function createReconciler(options: ReconcilerOptions): Reconciler {
  const keepers = options.stages.flat()
  const keeperOf = new Map<Kind, Keeper>(
    keepers.flatMap((keeper) => keeper.facility.kinds.map((k) => [k, keeper])),
  )
  const pieces = createPieces()
  const known = new Map<string, PieceStatus>()
  /** Pieces set since the last pass: they are reported even where nothing has changed. */
  const announced = new Set<string>()
  const listeners: ((changed: readonly PieceStatus[]) => void)[] = []
  const idlers: (() => void)[] = []
  let removals = false
  let running: Promise<void> | undefined
  let scheduled = false
  let started = false
  let stopped = false
  let audit: NodeJS.Timeout | undefined
  let auditTurn = 0

  const busy = (): boolean => announced.size > 0 || keepers.some((keeper) => keeper.busy(removals))

  const waiting = (): boolean => keepers.some((keeper) => keeper.waiting())

  function wake(): void {
    if (scheduled || running || !started || stopped) return
    scheduled = true
    setImmediate(() => {
      scheduled = false
      if (!running && !stopped) running = passes().finally(after)
    })
  }

  function after(): void {
    running = undefined
    if (busy()) wake()
    else if (!waiting()) for (const resolve of idlers.splice(0)) resolve()
  }

  async function passes(): Promise<void> {
    do {
      const began = performance.now()
      try {
        await pass()
        options.onPass?.(performance.now() - began)
      } catch (error) {
        options.log.error({ reason: reasonOf(error) }, 'a pass failed')
      }
      // What came in meanwhile is seen by the next turn.
      await new Promise((resolve) => setImmediate(resolve))
    } while (busy() && !stopped)
  }

  async function pass(): Promise<void> {
    const reported = new Set(announced)
    announced.clear()
    for (const stage of options.stages) {
      await Promise.all(stage.map((keeper) => (keeper.busy(removals) ? keeper.make(removals) : undefined)))
    }
    if (removals)
      for (const stage of options.stages.toReversed()) await Promise.all(stage.map((k) => k.remove()))
    report(reported)
  }

  function report(reported: Set<string>): void {
    for (const keeper of keepers) {
      for (const key of keeper.takeTouched()) for (const id of pieces.holdersOf(key)) reported.add(id)
    }
    const changed: PieceStatus[] = []
    for (const id of reported) {
      // A piece set anew during this pass is judged by the next one.
      if (announced.has(id)) continue
      const status = statusOf(id)
      const before = known.get(id)
      known.set(id, status)
      if (!before || fresh.delete(id) || !same(before, status)) changed.push(status)
      if (pieces.keysOf(id).size === 0) known.delete(id)
    }
    if (changed.length > 0) for (const listener of listeners) listener(changed)
  }

  const fresh = new Set<string>()

  function statusOf(id: string): PieceStatus {
    let settled = true
    const failures: HostFailure[] = []
    for (const key of pieces.keysOf(id)) {
      const object = pieces.get(key)
      const state = object && keeperOf.get(object.kind)?.state(key)
      if (pieces.contradicts(id, key)) failures.push({ key, message: 'another piece wants it otherwise' })
      else if (!state?.settled) settled = false
      if (state?.failure !== undefined) failures.push({ key, message: state.failure })
    }
    return { id, settled: settled && failures.length === 0, failures }
  }

  /** Suspects some scopes of each keeper; all have had their turn after at most `auditTurns` of these. */
  function takeTurn(): void {
    for (const keeper of keepers) {
      keeper.auditScopes().forEach((scope, i, scopes) => {
        const turns = Math.min(auditTurns, scopes.length)
        if (i % turns === auditTurn % turns) keeper.suspect(scope)
      })
    }
    auditTurn++
  }

  return {
    wake,
    setPiece(id, objects) {
      for (const { key, object, before } of pieces.set(id, objects)) {
        const kind = (object ?? before)?.kind
        if (kind !== undefined) keeperOf.get(kind)?.want(key, object, before)
      }
      for (const key of pieces.keysOf(id)) {
        if (!pieces.contradicts(id, key)) continue
        options.log.error({ piece: id, key }, 'two pieces contradict each other')
      }
      announced.add(id)
      fresh.add(id)
      wake()
    },
    allowRemovals() {
      removals = true
      wake()
    },
    onStatus: (listener) => void listeners.push(listener),
    idle: () =>
      new Promise((resolve) => {
        if (started && !running && !scheduled && !busy() && !waiting()) resolve()
        else idlers.push(resolve)
      }),
    start() {
      started = true
      if (options.auditInterval > 0) audit = setInterval(takeTurn, options.auditInterval)
      if (busy()) wake()
    },
    async stop() {
      stopped = true
      clearInterval(audit)
      await running
      for (const keeper of keepers.toReversed()) await keeper.stop()
      for (const resolve of idlers.splice(0)) resolve()
    },
  }
}

function same(a: PieceStatus, b: PieceStatus): boolean {
  return (
    a.settled === b.settled &&
    a.failures.length === b.failures.length &&
    a.failures.every(
      (failure, i) => failure.key === b.failures[i]?.key && failure.message === b.failures[i]?.message,
    )
  )
}
