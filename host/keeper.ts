/**
 * Keeps one facility as it is wanted: what is wanted and seen by ident, what of it is dirty, what has failed and
 * when it is tried again. Looks only where something is dirty, and writes only what differs.
 */
import { isDeepStrictEqual } from 'node:util'
import type { Change, Facility, Look, Observed } from './facility.ts'
import type { Log } from './log.ts'
import { type HostObject, objectKey } from './objects.ts'
import { plan, type Sight } from './plan.ts'

export interface KeeperOptions {
  facility: Facility
  log: Log
  /** False: what has drifted is left as it is. */
  repair: boolean
  /** Asks for a pass. */
  wake(): void
  /** Told of each thing that was made anew, or has come. */
  renewed(ident: string): void
  /** Told of each thing that has drifted. */
  drifted(kind: string, ident: string): void
}

export interface KeptState {
  settled: boolean
  failure: string | undefined
}

export interface Keeper {
  readonly facility: Facility
  start(): Promise<void>
  want(key: string, object: HostObject | undefined, before: HostObject | undefined): void
  /** Looks at what is dirty and makes what is missing or different; removes only if `removals` and at once. */
  make(removals: boolean): Promise<void>
  /** Removes what nobody wants. */
  remove(): Promise<void>
  /** Looks at a scope anew in the next pass. */
  suspect(scope: string): void
  state(key: string): KeptState
  generationOf(ident: string): string | undefined
  /** Keys whose state may have changed since this was last asked. */
  takeTouched(): Set<string>
  /** True while something is on its way, unless that takes all too long. */
  waiting(): boolean
  /** True when a pass would do something now. */
  busy(removals: boolean): boolean
  auditScopes(): string[]
  stop(): Promise<void>
}

/** Milliseconds: the first retry, and the longest. */
const firstRetry = 100
const lastRetry = 10_000
const firstGlance = 5
const lastGlance = 500
/** Glances, about two seconds, after which what is on its way is not waited for. */
const patientGlances = 10
/** Things that one pass names in its log by a line each, for one reason. */
const linesAtOnce = 10

interface Item {
  key: string
  object: HostObject
  /** The concrete form, and its ident; undefined while a symbol has no value. */
  concrete: HostObject | undefined
  ident: string | undefined
  /** Where the concrete form is looked at. */
  scope: string | undefined
  settled: boolean
  /** True until it was settled once since it was wanted in this form. */
  fresh: boolean
  failure: string | undefined
}

interface Trial {
  attempts: number
  timer: NodeJS.Timeout | undefined
}

/** Makes nothing by itself: it asks for passes by `wake`, and works when `make` and `remove` are called. */
export function createKeeper(options: KeeperOptions): Keeper {
  const { facility, log, wake } = options
  const items = new Map<string, Item>()
  /** ident -> keys that want it; the first is followed. */
  const claims = new Map<string, Set<string>>()
  const seen = new Map<string, Map<string, Observed>>()
  /** How many wanted objects each scope has; one without any is forgotten once nothing is in it. */
  const wantedIn = new Map<string, number>()
  const scopeOfIdent = new Map<string, string>()
  const dirtyScopes = new Set<string>()
  const dirtyKeys = new Set<string>()
  const dirtyIdents = new Set<string>()
  const removable = new Set<string>()
  const touched = new Set<string>()
  const trials = new Map<string, Trial>()
  /** Idents that are on their way. */
  const awaited = new Set<string>()
  /** Scopes whose last look failed, and the idents that wait for the next one. */
  const blind = new Map<string, Set<string>>()
  let stopped = false

  function claimant(ident: string): Item | undefined {
    const key = claims.get(ident)?.values().next().value
    return key === undefined ? undefined : items.get(key)
  }

  function observedOf(ident: string): Observed | undefined {
    const scope = scopeOfIdent.get(ident)
    return scope === undefined ? undefined : seen.get(scope)?.get(ident)
  }

  function forget(id: string): void {
    clearTimeout(trials.get(id)?.timer)
    trials.delete(id)
    awaited.delete(id)
  }

  /** Tries again after a while that grows with each attempt. */
  function tryLater(id: string, first: number, last: number, again: () => void): number {
    const trial = trials.get(id) ?? { attempts: 0, timer: undefined }
    clearTimeout(trial.timer)
    const delay = Math.min(last, first * 2 ** trial.attempts) * (0.75 + Math.random() / 2)
    trial.attempts++
    trial.timer = setTimeout(() => {
      again()
      wake()
    }, delay)
    trials.set(id, trial)
    if (stopped) clearTimeout(trial.timer)
    return trial.attempts
  }

  function retry(ident: string): number {
    return tryLater(ident, firstRetry, lastRetry, () => {
      const scope = scopeOf(ident)
      if (scope !== undefined) dirtyScopes.add(scope)
      dirtyIdents.add(ident)
    })
  }

  function scopeOf(ident: string): string | undefined {
    const concrete = claimant(ident)?.concrete
    return concrete ? facility.scopeOf(concrete) : scopeOfIdent.get(ident)
  }

  function claim(item: Item): void {
    const concrete = facility.resolve ? facility.resolve(item.key, item.object) : item.object
    const ident = concrete === undefined ? undefined : objectKey(concrete)
    if (item.ident !== undefined && item.ident !== ident) release(item)
    if (!isDeepStrictEqual(item.concrete, concrete)) item.fresh = true
    item.concrete = concrete
    item.ident = ident
    moveTo(item, concrete && facility.scopeOf(concrete))
    touched.add(item.key)
    if (ident === undefined) {
      item.settled = false
      return
    }
    const keys = claims.get(ident) ?? new Set()
    keys.add(item.key)
    claims.set(ident, keys)
    if (concrete && !seen.has(facility.scopeOf(concrete))) dirtyScopes.add(facility.scopeOf(concrete))
    dirtyIdents.add(ident)
  }

  function release(item: Item): void {
    if (item.ident === undefined) return
    const keys = claims.get(item.ident)
    keys?.delete(item.key)
    if (keys?.size === 0) claims.delete(item.ident)
    for (const other of keys ?? []) touched.add(other)
    forget(item.ident)
    dirtyIdents.add(item.ident)
    item.ident = undefined
    moveTo(item, undefined)
    item.settled = false
    item.fresh = true
  }

  function moveTo(item: Item, scope: string | undefined): void {
    countWanted(scope, 1)
    countWanted(item.scope, -1)
    item.scope = scope
  }

  function countWanted(scope: string | undefined, by: number): void {
    if (scope === undefined) return
    const count = (wantedIn.get(scope) ?? 0) + by
    if (count > 0) wantedIn.set(scope, count)
    else wantedIn.delete(scope)
  }

  function integrate(scope: string, look: Look): void {
    const before = seen.get(scope) ?? new Map<string, Observed>()
    const now = look.complete ? new Map<string, Observed>() : before
    for (const observed of look.found) {
      const { ident } = observed
      const same = look.complete && isDeepStrictEqual(before.get(ident), observed)
      if (observed.generation !== before.get(ident)?.generation) options.renewed(ident)
      now.set(ident, observed)
      scopeOfIdent.set(ident, scope)
      if (!same || !claimant(ident)?.settled) dirtyIdents.add(ident)
    }
    const vanished = look.complete ? [...before.keys()].filter((ident) => !now.has(ident)) : (look.gone ?? [])
    for (const ident of vanished) {
      now.delete(ident)
      if (scopeOfIdent.get(ident) === scope) scopeOfIdent.delete(ident)
      dirtyIdents.add(ident)
    }
    if (look.complete && now.size === 0 && !wantedIn.has(scope)) seen.delete(scope)
    else seen.set(scope, now)
    for (const ident of blind.get(scope) ?? []) dirtyIdents.add(ident)
    blind.delete(scope)
  }

  async function look(): Promise<void> {
    const scopes = [...dirtyScopes]
    dirtyScopes.clear()
    await eachOf(scopes, 16, async (scope) => {
      try {
        integrate(scope, await facility.observe(scope))
        forget(`scope ${scope}`)
      } catch (error) {
        const attempts = tryLater(`scope ${scope}`, firstRetry, lastRetry, () => dirtyScopes.add(scope))
        const message = reasonOf(error)
        if (!blind.has(scope)) blind.set(scope, new Set())
        if (attempts <= 2) log.warn({ facility: facility.name, scope, reason: message }, 'cannot observe')
        for (const item of items.values()) {
          if (item.concrete && facility.scopeOf(item.concrete) === scope) {
            item.settled = false
            item.failure = message
            touched.add(item.key)
          }
        }
      }
    })
  }

  function resolve(): void {
    for (const key of dirtyKeys) {
      const item = items.get(key)
      if (item) claim(item)
    }
    dirtyKeys.clear()
  }

  function sights(idents: Iterable<string>): Sight[] {
    const list: Sight[] = []
    for (const ident of idents) {
      list.push({ ident, observed: observedOf(ident), wanted: claimant(ident)?.concrete })
    }
    return list
  }

  /** Takes the dirty idents that can be judged; those of a scope that cannot be seen wait for its next look. */
  function takeDirty(): string[] {
    const ready: string[] = []
    for (const ident of dirtyIdents) {
      const scope = scopeOf(ident)
      const waiting = scope === undefined ? undefined : blind.get(scope)
      if (waiting) waiting.add(ident)
      else if (scope !== undefined && !seen.has(scope)) {
        dirtyScopes.add(scope)
        continue
      } else ready.push(ident)
      dirtyIdents.delete(ident)
    }
    return ready
  }

  function settle(ident: string): void {
    forget(ident)
    for (const key of claims.get(ident) ?? []) {
      const item = items.get(key)
      if (!item) continue
      const other = claimant(ident)
      const contrary = other !== item && JSON.stringify(other?.concrete) !== JSON.stringify(item.concrete)
      item.failure = contrary ? `contradicts ${other?.key}` : undefined
      item.settled = !contrary
      item.fresh = contrary
      touched.add(key)
    }
  }

  function unsettle(ident: string, failure: string | undefined): void {
    for (const key of claims.get(ident) ?? []) {
      const item = items.get(key)
      if (!item) continue
      item.settled = false
      item.failure = failure
      touched.add(key)
    }
  }

  /** Notes what has drifted, and leaves out what must stay as it is. */
  function noteDrift(makes: Change[]): Change[] {
    return makes.filter((change) => {
      const item = claimant(change.ident)
      if (!item || item.fresh) return true
      if (item.settled) {
        options.drifted(item.object.kind, change.ident)
        log.warn(
          { facility: facility.name, kind: item.object.kind, key: item.key, repair: options.repair },
          change.observed ? 'altered by somebody' : 'removed by somebody',
        )
      }
      if (options.repair) {
        item.settled = false
        return true
      }
      unsettle(change.ident, 'has drifted, and repair is off')
      return false
    })
  }

  async function apply(changes: readonly Change[]): Promise<void> {
    if (changes.length === 0) return
    let failures: Map<string, string>
    try {
      failures = await facility.apply(changes)
    } catch (error) {
      failures = new Map(changes.map((change) => [change.ident, reasonOf(error)]))
    }
    const looks = await facility.review?.(changes).catch(() => undefined)
    if (looks) {
      for (const [scope, found] of looks) integrate(scope, found)
    } else {
      for (const change of changes) {
        const object = change.wanted ?? change.observed?.object
        if (object) dirtyScopes.add(facility.scopeOf(object))
      }
      await look()
    }
    const failed: { ident: string; attempts: number; reason: string }[] = []
    const after = plan(sights(changes.map((change) => change.ident)), facility.verdict.bind(facility))
    for (const ident of after.settled) {
      dirtyIdents.delete(ident)
      settle(ident)
    }
    for (const ident of after.pending) {
      dirtyIdents.delete(ident)
      wait(ident)
    }
    for (const change of [...after.make, ...after.remove]) {
      dirtyIdents.delete(change.ident)
      if (!change.wanted && change.observed && facility.spares?.(change.observed)) {
        forget(change.ident)
        continue
      }
      if (!failures.has(change.ident) && !trials.has(change.ident)) {
        // A thing may come about in two steps.
        wait(change.ident)
        continue
      }
      const attempts = retry(change.ident)
      awaited.delete(change.ident)
      const reason = failures.get(change.ident) ?? 'is not in place after it was made'
      unsettle(change.ident, reason)
      if (attempts <= 2 || attempts % 10 === 0) failed.push({ ident: change.ident, attempts, reason })
    }
    for (const alike of Map.groupBy(failed, (one) => `${one.attempts} ${one.reason}`).values()) {
      const [{ attempts, reason } = {}] = alike
      const idents = alike.map(({ ident }) => ident)
      tell('warn', idents, 'cannot apply', { attempts, reason })
    }
  }

  /** A line for each where they are few; thousands that have the same to say are one. */
  function tell(level: 'info' | 'warn', idents: readonly string[], what: string, fields = {}): void {
    const about = { facility: facility.name, ...fields }
    if (idents.length <= linesAtOnce) for (const key of idents) log[level]({ ...about, key }, what)
    else log[level]({ ...about, count: idents.length, keys: idents.slice(0, linesAtOnce) }, what)
  }

  function wait(ident: string): void {
    unsettle(ident, undefined)
    awaited.add(ident)
    const attempts = tryLater(ident, firstGlance, lastGlance, () => {
      const scope = scopeOf(ident)
      if (scope !== undefined) dirtyScopes.add(scope)
      dirtyIdents.add(ident)
    })
    if (attempts > patientGlances) awaited.delete(ident)
  }

  async function make(removals: boolean): Promise<void> {
    resolve()
    if (dirtyScopes.size > 0) await look()
    resolve()
    const idents = takeDirty()
    const steps = plan(sights(idents), facility.verdict.bind(facility))
    for (const ident of steps.settled) settle(ident)
    for (const ident of steps.pending) wait(ident)
    for (const ident of idents) removable.delete(ident)
    for (const change of steps.remove) removable.add(change.ident)
    const makes = noteDrift(steps.make)
    await apply(facility.removesAtOnce && removals ? [...makes, ...takeRemovals()] : makes)
  }

  function takeRemovals(): Change[] {
    const ours = plan(sights(removable), facility.verdict.bind(facility)).remove
    const changes = ours.filter(({ observed }) => !(observed && facility.spares?.(observed)))
    removable.clear()
    tell(
      'info',
      changes.map(({ ident }) => ident),
      'removing',
    )
    return changes
  }

  return {
    facility,
    async start() {
      const scopes = await facility.start({
        changed(scope) {
          dirtyScopes.add(scope)
          wake()
        },
        resolved(keys) {
          for (const key of keys) dirtyKeys.add(key)
          wake()
        },
        renewed(keys) {
          for (const key of keys) {
            const item = items.get(key)
            if (item) item.fresh = true
            dirtyKeys.add(key)
          }
          wake()
        },
      })
      for (const scope of scopes) dirtyScopes.add(scope)
      await look()
    },
    want(key, object, before) {
      facility.wanted?.(key, object, before)
      const item = items.get(key)
      if (object === undefined) {
        if (item) release(item)
        items.delete(key)
        dirtyKeys.delete(key)
        touched.add(key)
      } else if (item) {
        item.object = object
        item.settled = false
        item.fresh = true
        item.failure = undefined
        if (item.ident !== undefined) forget(item.ident)
        dirtyKeys.add(key)
      } else {
        const fresh = {
          concrete: undefined,
          ident: undefined,
          scope: undefined,
          settled: false,
          fresh: true,
          failure: undefined,
        }
        items.set(key, { key, object, ...fresh })
        dirtyKeys.add(key)
      }
      wake()
    },
    make,
    async remove() {
      if (removable.size > 0) await apply(takeRemovals())
    },
    suspect(scope) {
      dirtyScopes.add(scope)
      wake()
    },
    state(key) {
      const item = items.get(key)
      return { settled: item?.settled ?? false, failure: item?.failure }
    },
    generationOf: (ident) => observedOf(ident)?.generation,
    takeTouched() {
      const keys = new Set(touched)
      touched.clear()
      return keys
    },
    waiting: () => awaited.size > 0,
    busy: (removals) =>
      dirtyKeys.size + dirtyScopes.size + dirtyIdents.size > 0 || (removals && removable.size > 0),
    auditScopes: () => [...(facility.auditScopes?.() ?? seen.keys())],
    async stop() {
      stopped = true
      for (const trial of trials.values()) clearTimeout(trial.timer)
      await facility.stop()
    },
  }
}

/** Runs `task` for each item, at most `width` at a time. */
export async function eachOf<T>(
  list: readonly T[],
  width: number,
  task: (item: T) => Promise<void>,
): Promise<void> {
  let next = 0
  const worker = async (): Promise<void> => {
    for (let item = list[next++]; item !== undefined; item = list[next++]) await task(item)
  }
  await Promise.all(Array.from({ length: Math.min(width, list.length) }, worker))
}

/** The message of whatever was thrown. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
