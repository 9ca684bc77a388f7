/**
 * Turns changes into what hosts are told. It derives documents from the current state after commit, never inside the
 * writer's snapshot, where two concurrent writers would each miss the other's host; it writes under the lease of the
 * consumer `relay`, so that nothing older is ever written over something newer.
 */
import { type Clock, systemClock } from '../../runtime/clock.ts'
import { crashPoint } from '../../runtime/crash-point.ts'
import type { Logger } from '../../runtime/log.ts'
import type { Store } from '../store/store.ts'
import { createAudit } from './audit.ts'
import { type Consumer, type Handled, startConsumer } from './consumer.ts'
import { deriveAffected } from './derive.ts'
import { ensureEpoch } from './epoch.ts'
import { announce } from './hints.ts'
import { isEmpty, type Plan, planUpdates } from './plan.ts'
import { defaultRetention, prune, pruneLimit, type Retention } from './prune.ts'
import type { DocumentSources } from './sources.ts'
import { writePlan } from './told.ts'

export interface RelayOptions {
  store: Store
  sources: DocumentSources
  log: Logger
  clock?: Clock
  retention?: Retention
  /** Milliseconds from a round of pruning that has left nothing to the next. */
  pruneEvery?: number
  /** Milliseconds between steps of the audit: while it walks for the first time, and later. */
  auditPace?: { first: number; later: number }
}

/** Runs until stopped; on every server, of which one works at a time. */
export async function startRelay(options: RelayOptions): Promise<Consumer> {
  const { store, sources, log, clock = systemClock, retention = defaultRetention } = options
  const { pruneEvery = 60_000, auditPace = { first: 500, later: 30_000 } } = options
  await ensureEpoch(store, log)
  const audit = createAudit({ store, sources, log, clock, pace: auditPace })
  let pruneDue = clock.monotonic() + pruneEvery

  function tell(plan: Plan): Handled {
    if (isEmpty(plan)) return {}
    return {
      write: (tx) => writePlan(tx, plan),
      after() {
        crashPoint('after-relay')
        announce(store, plan.hosts)
      },
    }
  }

  return startConsumer({
    store,
    log,
    clock,
    name: 'relay',
    async handle(changes) {
      crashPoint('before-relay')
      const now = clock.now().getTime()
      const plan = await store.read(async (tx) => {
        const { derived, hosts } = await deriveAffected(tx, sources, changes)
        return planUpdates(derived, hosts, now)
      })
      log.debug(
        { changes: changes.length, rows: plan.rows.length, hosts: plan.hosts.size },
        'changes relayed',
      )
      return tell(plan)
    },
    async idle() {
      if (clock.monotonic() >= pruneDue) {
        pruneDue = clock.monotonic() + pruneEvery
        // What one round leaves is for the next idle moment.
        if ((await prune(store, retention, clock.now())) >= pruneLimit) pruneDue = clock.monotonic()
      }
      return audit(tell)
    },
  })
}
