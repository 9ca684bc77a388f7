/**
 * A named reader of `changes`, on as many servers as there are: one at a time holds its lease and moves its cursor.
 * Each change is handled at least once, in commit-safe order; after a crash or a lost lease, again.
 */
import { randomUUID } from 'node:crypto'
import { type Clock, systemClock } from '../../runtime/clock.ts'
import type { Logger } from '../../runtime/log.ts'
import { isGone, processIdentity } from '../../runtime/process-identity.ts'
import { prepared } from '../store/prepared.ts'
import type { ReadTx, Store, Tx } from '../store/store.ts'
import { beginning, type ChangesPage, type Cursor, type LoggedChange, readChanges } from './changes.ts'
import { createWake } from './wake.ts'

/** What is left to do for a batch that was handled. */
export interface Handled {
  /** Runs in the transaction that moves the cursor: both stand or neither. */
  write?: ((tx: Tx) => Promise<void>) | undefined
  /** Runs after its commit; lost in a crash. */
  after?: (() => void) | undefined
}

export interface ConsumerOptions {
  store: Store
  log: Logger
  name: string
  handle(changes: readonly LoggedChange[]): Promise<Handled>
  /** Called when all changes are handled; answers what to write, or nothing; under the same lease as a batch. */
  idle?: (() => Promise<Handled | undefined>) | undefined
  /** Changes handled at a time. */
  batch?: number
  /** Milliseconds that the lease holds without a sign of its holder. */
  lease?: number
  /** Milliseconds between looks at the log when nobody has told of changes. */
  poll?: number
  clock?: Clock
}

export interface Consumer {
  /** Resolves when all changes committed before the call are handled, by whichever server. For tests and shutdown. */
  caughtUp(): Promise<void>
  stop(): Promise<void>
}

interface Place extends Cursor {
  owner: string | null
  until: number
}

/** Another server has taken over: what this one was about to write is void. */
class LeaseLost extends Error {}

const longestBackoff = 5000
/** Milliseconds until a change held back by a running transaction is looked for again. */
const heldPause = 5
/**
 * A busy consumer sleeps this many times as long as it worked, so that work gathers: at least the second figure, so
 * that a stream of single changes is not a commit each, and at most the third.
 */
const restRatio = 2
const shortestRest = 5
const longestRest = 40
/** Milliseconds for which a cursor stays unstored at most. */
const longestAhead = 1000

const findPlace = prepared('consumer-place', (db, p: { name: string }) =>
  db
    .selectFrom('consumers')
    .select(['xid', 'seq', 'lease_owner as owner', 'lease_until as until'])
    .where('name', '=', p.name),
)

const putPlace = prepared('consumer-create', (db, p: { name: string }) =>
  db
    .insertInto('consumers')
    .values({ name: p.name, xid: 0, seq: 0, lease_owner: null, lease_until: 0 })
    .onConflict((conflict) => conflict.column('name').doNothing()),
)

const takeLease = prepared(
  'consumer-lease',
  (db, p: { name: string; owner: string; gone: string; now: number; until: number; latest: number }) =>
    db
      .updateTable('consumers')
      .set({ lease_owner: p.owner, lease_until: p.until })
      .where('name', '=', p.name)
      .where((where) =>
        where.or([
          where('lease_owner', '=', p.owner),
          where('lease_owner', '=', p.gone),
          where('lease_until', '<', p.now),
          where('lease_until', '>', p.latest),
        ]),
      ),
)

const moveCursor = prepared(
  'consumer-move',
  (
    db,
    p: {
      name: string
      owner: string
      until: number
      xid: number
      seq: number
      oldXid: number
      oldSeq: number
    },
  ) =>
    db
      .updateTable('consumers')
      .set({ xid: p.xid, seq: p.seq, lease_until: p.until })
      .where('name', '=', p.name)
      .where('lease_owner', '=', p.owner)
      .where('xid', '=', p.oldXid)
      .where('seq', '=', p.oldSeq),
)

/**
 * Begins at the first change ever where `name` is new, and returns before anything is handled. What `handle` throws is
 * logged, and the same changes come again after a pause of 5 s at most: it holds up all that follow.
 */
export function startConsumer(options: ConsumerOptions): Consumer {
  const { store, name, handle, idle, batch = 500, lease = 10_000, poll = 1000, clock = systemClock } = options
  const log = options.log.child({ consumer: name })
  const id = randomUUID()
  const owner = `${processIdentity()} ${id}`
  const request = { requestId: `req-${id}` }
  const abort = new AbortController()
  const { signal } = abort
  const wake = createWake(clock)
  const unsubscribe = store.onChanges(wake.set)

  /** Handled and not stored yet, since nothing had to be written with it: from which stored place, how far, since when. */
  let ahead: { from: Cursor; to: Cursor; since: number } | undefined

  const look = (tx: ReadTx) => lookAt(tx, name, batch)
  const lookAhead = (tx: ReadTx) =>
    lookAt(tx, name, batch, (place) => {
      const { from } = ahead ?? {}
      const ours = place.owner === owner && place.xid === from?.xid && place.seq === from.seq
      if (!ours) ahead = undefined
      return ahead?.to ?? place
    })
  const milliseconds = () => clock.now().getTime()

  /** No lease reaches so far, unless a clock was set back since it was taken: such a one is void. */
  const latest = (now: number) => now + 2 * lease

  const isGoneOwner = ({ owner: other }: Place) => other !== null && isGone(other.split(' ')[0] ?? '')

  /** True when another server holds the lease, or may. */
  const isOthers = (place: Place, now: number) =>
    place.owner !== owner && place.until >= now && place.until <= latest(now) && !isGoneOwner(place)

  /** Answers 0 when the lease is ours for a while, else the milliseconds after which it may be. */
  async function hold(place: Place): Promise<number> {
    const now = milliseconds()
    const left = place.until - now
    if (place.owner === owner && left > lease / 2 && left <= lease) return 0
    if (isOthers(place, now)) return Math.min(poll, left + 1)
    const gone = isGoneOwner(place) ? (place.owner ?? owner) : owner
    const taken = await store.write(request, async (tx) => {
      await putPlace.run(tx, { name })
      const until = now + lease
      return takeLease.run(tx, { name, owner, gone, now, until, latest: latest(now) })
    })
    return taken === 1 ? 0 : poll
  }

  async function finish(from: Cursor, to: Cursor, { write, after }: Handled): Promise<void> {
    await store.write(request, async (tx) => {
      const until = milliseconds() + lease
      const moved = await moveCursor.run(tx, {
        name,
        owner,
        until,
        ...to,
        oldXid: from.xid,
        oldSeq: from.seq,
      })
      if (moved !== 1) throw new LeaseLost(`the lease of ${name} is lost`)
      await write?.(tx)
    })
    ahead = undefined
    after?.()
  }

  /** As `finish`, but a stream of changes that ask for nothing is not a commit each. */
  async function conclude(place: Place, to: Cursor, handled: Handled): Promise<void> {
    const now = clock.monotonic()
    const since = ahead?.since ?? now
    if (handled.write || handled.after || now - since > longestAhead) return finish(place, to, handled)
    ahead = { from: { xid: place.xid, seq: place.seq }, to, since }
  }

  /** One pass; answers how many milliseconds to sleep at most. */
  async function pass(): Promise<{ sleep: number; rest: number }> {
    const start = clock.monotonic()
    const { place, changes, cursor, held } = await store.read(lookAhead)
    const quiet = { sleep: held ? heldPause : poll, rest: 0 }
    if (changes.length === 0 && ahead) {
      const wait = await hold(place)
      if (wait > 0) return { sleep: wait, rest: 0 }
      await finish(place, ahead.to, {})
      return { sleep: 0, rest: 0 }
    }
    if (changes.length === 0) {
      const handled =
        held || isOthers(place, milliseconds()) || place.until === 0 ? undefined : await idle?.()
      if (handled === undefined || (await hold(place)) > 0) return quiet
      await finish(place, cursor, handled)
      return quiet
    }
    const wait = await hold(place)
    if (wait > 0) return { sleep: wait, rest: 0 }
    await conclude(place, cursor, await handle(changes))
    const rest = restRatio * (clock.monotonic() - start)
    return { sleep: 0, rest: Math.min(longestRest, Math.max(shortestRest, rest)) }
  }

  async function loop(): Promise<void> {
    for (let failures = 0; !signal.aborted; ) {
      try {
        const { sleep, rest } = await pass()
        failures = 0
        if (rest > 0) await clock.sleep(rest, signal)
        else await wake.wait(sleep, signal)
      } catch (error) {
        if (signal.aborted) return
        if (error instanceof LeaseLost) {
          log.info({}, 'another server has taken over')
          continue
        }
        failures++
        log.error({ err: error, failures }, 'changes could not be handled; trying again')
        await clock.sleep(Math.min(longestBackoff, 50 * 2 ** failures) * (0.5 + Math.random() / 2), signal)
      }
    }
  }

  const running = loop()

  return {
    async caughtUp() {
      while (!signal.aborted) {
        const { changes, held } = await store.read(look)
        if (changes.length === 0 && !held) return
        await clock.sleep(2, signal)
      }
    },
    async stop() {
      if (signal.aborted) return
      unsubscribe()
      abort.abort()
      await running
      await store
        .write(request, ({ db }) =>
          db
            .updateTable('consumers')
            .set({ lease_until: 1 })
            .where('name', '=', name)
            .where('lease_owner', '=', owner)
            .execute(),
        )
        .catch((error: unknown) => log.debug({ err: error }, 'the lease was not given back'))
    },
  }
}

async function lookAt(
  tx: ReadTx,
  name: string,
  limit: number,
  from: (place: Place) => Cursor = (place) => place,
): Promise<ChangesPage & { place: Place }> {
  const row = await findPlace.first(tx, { name })
  const place = row ?? { ...beginning, owner: null, until: 0 }
  return { place, ...(await readChanges(tx, from(place), limit)) }
}
