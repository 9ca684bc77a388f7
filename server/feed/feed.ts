/** The server's side of the feed: one `Feed` a host, on what the relay has written. */
import type { Fact, Feed, Heartbeat } from '../../bus/feed.ts'
import type { Logger } from '../../runtime/log.ts'
import type { Store } from '../store/store.ts'
import { ensureEpoch } from './epoch.ts'
import { createHints } from './hints.ts'
import { compareDigest, differingBuckets, readDocuments, readPage } from './pages.ts'

export interface FeedServer {
  /** The feed of one host. Who asks must have been found to be that host. */
  of(host: string): Feed
  /** Ends the streams of hints. */
  close(): void
}

export interface FeedOptions {
  store: Store
  /** Notes the agents of a host. */
  recordHeartbeat(store: Store, host: string, beat: Heartbeat): Promise<void>
  /** Takes what a host has found or done. */
  recordFacts(store: Store, host: string, facts: readonly Fact[]): Promise<void>
  log: Logger
}

/** Gives a new database its epoch. What the two recorders throw, the host's call throws. */
export async function createFeed({
  store,
  recordHeartbeat,
  recordFacts,
  log,
}: FeedOptions): Promise<FeedServer> {
  await ensureEpoch(store, log)
  const hints = createHints(store)
  return {
    of: (host) => ({
      pull: (since) => store.read((tx) => readPage(tx, host, since)),
      async heartbeat(beat) {
        await recordHeartbeat(store, host, beat)
        const reply = await store.read((tx) => compareDigest(tx, host, beat.position, beat.digest))
        if (!reply.agrees)
          log.warn({ host, ...reply.position }, 'a host holds other documents than it was told')
        return reply
      },
      report: (facts) => recordFacts(store, host, facts),
      compare: (buckets) => store.read((tx) => differingBuckets(tx, host, buckets)),
      fetch: (keys) => store.read((tx) => readDocuments(tx, host, keys)),
      hints: (signal) => hints.of(host, signal),
    }),
    close: () => hints.close(),
  }
}
