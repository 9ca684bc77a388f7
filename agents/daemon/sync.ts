/**
 * Keeps the replica at the server's: pulls at start, at each hint, and every few seconds whatever hints say; backs off
 * while no server answers; narrows a digest that differs down to the documents that do.
 */
import type { Feed, FeedPage } from '../../bus/feed.ts'
import type { DocumentKey } from '../../model/documents/documents.ts'
import type { Logger } from '../../runtime/log.ts'
import type { Cache } from './cache.ts'
import type { DocumentChange } from './documents.ts'
import { backoff, createWake } from './retry.ts'

export interface SyncOptions {
  feed: Feed
  cache: Cache
  log: Logger
  /**
   * Called after the replica took something in, and after each pull that found nothing. `complete`: nothing more is to
   * be had now. Does not throw: of each change it is told once.
   */
  onChanges(changes: readonly DocumentChange[], complete: boolean): void
  /** What the server holds has another history than was known here: it may have forgotten what it was told. */
  onForgotten(): void
  /** Milliseconds between pulls without hints. */
  safetyPull?: number
}

export interface Sync {
  /** Runs until the signal aborts. */
  run(signal: AbortSignal): Promise<void>
  /** There may be something new. */
  pull(): void
  /** Host and server differ at the same position: finds out where, and mends it. */
  mend(): void
  /** Number of documents that were mended so far. */
  readonly mended: number
}

/** Milliseconds that pages are gathered at most before what they bring is acted upon. */
const gatherFor = 2000

/** Documents asked for in one call. */
const fetchSize = 500

/** Pulls nothing before `run`. `safetyPull` is 10 s unless given. */
export function createSync(options: SyncOptions): Sync {
  const { feed, cache, log, safetyPull = 10_000 } = options
  const wake = createWake()
  let mendWanted = false
  let mended = 0

  /** What came while nobody listened is acted upon as a whole: its end state, once. */
  async function pullAll(signal: AbortSignal): Promise<void> {
    let since = performance.now()
    let gathered: DocumentChange[] = []
    const act = (complete: boolean): void => {
      const changes = gathered
      gathered = []
      options.onChanges(changes, complete)
    }
    try {
      for (let complete = false; !complete && !signal.aborted; ) {
        const page = await feed.pull(cache.replica.position)
        if (signal.aborted) return
        gathered = gathered.concat(takeIn(page))
        complete = page.complete
        if (!complete && performance.now() - since <= gatherFor) continue
        act(complete)
        since = performance.now()
      }
    } finally {
      if (gathered.length > 0 && !signal.aborted) act(false)
    }
  }

  function takeIn(page: FeedPage): DocumentChange[] {
    const { position, inSnapshot } = cache.replica
    const newEpoch = position?.epoch !== page.position.epoch
    if (newEpoch && !page.snapshot) {
      cache.replica.restart()
      throw new Error(`epoch ${page.position.epoch} began without a snapshot`)
    }
    // A page that says nothing new is not worth a line on disk.
    const silent = page.upserts.length + page.removals.length === 0 && !page.snapshot && page.complete
    const moved = position?.sequence !== page.position.sequence || newEpoch
    const changes = silent && !moved && !inSnapshot ? [] : cache.apply(page)
    if (page.snapshot) options.onForgotten()
    if (changes.length > 0) log.debug({ documents: changes.length, ...page.position }, 'documents changed')
    return changes
  }

  async function mendAll(signal: AbortSignal): Promise<void> {
    const { documents } = cache.replica
    const differing = await feed.compare(documents.buckets())
    const held = new Map(
      documents
        .inBuckets(new Set(Object.keys(differing)))
        .map(({ key, hash }) => [keyText(key), { key, hash }]),
    )
    const wanted: DocumentKey[] = []
    for (const { key, hash } of Object.values(differing).flat()) {
      if (held.get(keyText(key))?.hash !== hash) wanted.push(key)
      held.delete(keyText(key))
    }
    const removals = [...held.values()].map(({ key }) => key)
    for (let first = 0; first < wanted.length || first === 0; first += fetchSize) {
      const keys = wanted.slice(first, first + fetchSize)
      const upserts = keys.length === 0 ? [] : await feed.fetch(keys)
      if (signal.aborted) return
      const found = new Set(upserts.map(keyText))
      const gone = keys.filter((key) => !found.has(keyText(key)) && documents.has(key))
      const changes = cache.repair({ upserts, removals: [...gone, ...(first === 0 ? removals : [])] })
      mended += changes.length
      options.onChanges(changes, cache.replica.complete)
    }
    options.onForgotten()
    log.warn(
      { fetched: wanted.length, removed: removals.length },
      'documents differed from the server: mended',
    )
  }

  async function follow(signal: AbortSignal): Promise<void> {
    for (let failures = 0; !signal.aborted; ) {
      try {
        await pullAll(signal)
        if (mendWanted && !signal.aborted) {
          await mendAll(signal)
          mendWanted = false
        }
        if (failures > 0) log.info({}, 'the server answers again')
        failures = 0
        await wake.wait(safetyPull, signal)
      } catch (error) {
        if (signal.aborted) return
        failures += 1
        if (failures === 1)
          log.warn({ err: error }, 'the server does not answer: going on with what is known')
        await wake.wait(backoff(failures), signal)
      }
    }
  }

  async function listen(signal: AbortSignal): Promise<void> {
    const pause = createWake()
    for (let failures = 0; !signal.aborted; ) {
      try {
        for await (const _ of feed.hints(signal)) {
          failures = 0
          wake.set()
        }
      } catch (error) {
        if (!signal.aborted) log.debug({ err: error }, 'the stream of hints broke')
      }
      failures += 1
      await pause.wait(backoff(failures), signal)
    }
  }

  return {
    async run(signal) {
      await Promise.all([follow(signal), listen(signal)])
    },
    pull: wake.set,
    mend() {
      mendWanted = true
      wake.set()
    },
    get mended() {
      return mended
    },
  }
}

function keyText(key: DocumentKey): string {
  return `${key.type} ${key.id}`
}
