/**
 * Tells the server what this host has found and done. Facts are states, not events: the newest of each subject is sent
 * in batches, and again until the server has acknowledged it; all are sent again to a server that may have forgotten them.
 */
import type { Fact, Feed } from '../../bus/feed.ts'
import { FeedRefused } from '../../bus/http.ts'
import type { Logger } from '../../runtime/log.ts'
import { backoff, createWake } from './retry.ts'

export interface Reporter {
  /** Makes a fact the newest of its subject. Sends nothing if it is what was told last. */
  tell(fact: Fact): void
  /** The last fact of this kind about the port, sent or not. */
  last(kind: Fact['kind'], portId: string): Fact | undefined
  /** The port is no longer ours to speak of. */
  forget(portId: string): void
  /** Everything has to be told again. */
  again(): void
  /** Facts not acknowledged. */
  pending(): number
  /** Runs until the signal aborts. */
  run(signal: AbortSignal): Promise<void>
}

interface Entry {
  fact: Fact
  acknowledged: boolean
}

interface Unsent {
  key: string
  entry: Entry
}

/** Refused for what it says; the same facts are refused again for ever. */
const isRefused = (error: unknown): boolean =>
  error instanceof FeedRefused && [400, 413, 422].includes(error.status)

/** Facts in one call. */
const batchSize = 250

export interface ReporterOptions {
  feed: Feed
  log: Logger
  /** Told of facts that the server will never take. */
  onRefused?(count: number): void
}

/** Facts are in memory alone: a daemon that starts finds them anew, and tells all. Sends nothing before `run`. */
export function createReporter(options: ReporterOptions): Reporter {
  const { feed, log } = options
  const entries = new Map<string, Entry>()
  /** Keys of entries not acknowledged, oldest first. */
  const unsent = new Set<string>()
  const wake = createWake()

  async function sendBatch(): Promise<void> {
    const batch = [...unsent].slice(0, batchSize).flatMap((key): Unsent[] => {
      const entry = entries.get(key)
      return entry === undefined ? [] : [{ key, entry }]
    })
    await send(batch)
  }

  /** Sends facts; where they are refused, halves them until what is at fault stands alone, and drops that. */
  async function send(batch: readonly Unsent[]): Promise<void> {
    try {
      await feed.report(batch.map(({ entry }) => entry.fact))
    } catch (error) {
      if (!isRefused(error)) throw error
      const [only] = batch
      if (batch.length > 1) {
        const middle = batch.length >> 1
        await send(batch.slice(0, middle))
        await send(batch.slice(middle))
        return
      }
      log.error({ err: error, fact: only?.entry.fact }, 'the server refuses this fact: it is not sent again')
      options.onRefused?.(1)
    }
    for (const { key, entry } of batch) {
      // What became newer meanwhile is another entry, and stays.
      if (entries.get(key) !== entry) continue
      entry.acknowledged = true
      unsent.delete(key)
    }
  }

  return {
    tell(fact) {
      const key = keyOf(fact.kind, fact.port_id)
      const before = entries.get(key)
      if (before !== undefined && JSON.stringify(before.fact) === JSON.stringify(fact)) return
      entries.set(key, { fact, acknowledged: false })
      unsent.add(key)
      wake.set()
    },
    last: (kind, portId) => entries.get(keyOf(kind, portId))?.fact,
    forget(portId) {
      for (const kind of ['port-wired', 'dhcp-served'] as const) {
        entries.delete(keyOf(kind, portId))
        unsent.delete(keyOf(kind, portId))
      }
    },
    again() {
      for (const [key, { fact }] of entries) {
        entries.set(key, { fact, acknowledged: false })
        unsent.add(key)
      }
      wake.set()
    },
    pending: () => unsent.size,
    async run(signal) {
      for (let failures = 0; !signal.aborted; ) {
        try {
          while (unsent.size > 0 && !signal.aborted) {
            await sendBatch()
            failures = 0
          }
          await wake.wait(60_000, signal)
        } catch (error) {
          if (signal.aborted) return
          failures += 1
          log.debug({ err: error, pending: unsent.size }, 'facts not accepted')
          await wake.wait(backoff(failures), signal)
        }
      }
    },
  }
}

function keyOf(kind: Fact['kind'], portId: string): string {
  return `${kind} ${portId}`
}
