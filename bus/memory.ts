/**
 * The feed inside one process, as unkind as a network: all that passes goes through JSON; hints are dropped, doubled,
 * delayed and so reordered; calls fail before or after they took effect. Seeded, so that a failing run can be had again.
 */
import type { Feed, Hint } from './feed.ts'

export interface MemoryFeedOptions {
  seed?: number
  /** Probabilities, 0 to 1. */
  dropHints?: number
  doubleHints?: number
  /** Each hint is delayed by up to so many milliseconds, so that later ones overtake it. */
  delayHints?: number
  /** A call fails and the server never hears of it. */
  failCalls?: number
  /** A call takes effect, and its reply is lost. */
  cutCalls?: number
}

export class FeedUnreachable extends Error {
  override name = 'FeedUnreachable'
}

export interface MemoryFeed extends Feed {
  /** False: nothing gets through and streams of hints end, until it is set to true again. */
  connected: boolean
}

/** Wraps the server's side of the feed of one host. Perfect delivery unless the options say otherwise. */
export function memoryFeed(server: Feed, options: MemoryFeedOptions = {}): MemoryFeed {
  const { dropHints = 0, doubleHints = 0, delayHints = 0, failCalls = 0, cutCalls = 0 } = options
  const random = generator(options.seed ?? 1)
  let connection = new AbortController()

  async function call<T>(work: () => Promise<T>): Promise<T> {
    if (connection.signal.aborted) throw new FeedUnreachable('not connected')
    if (random() < failCalls) throw new FeedUnreachable('the call was lost')
    const reply = await work()
    if (connection.signal.aborted || random() < cutCalls) throw new FeedUnreachable('the reply was lost')
    return overJson(reply)
  }

  async function* hints(signal: AbortSignal): AsyncIterable<Hint> {
    if (connection.signal.aborted) throw new FeedUnreachable('not connected')
    const ended = AbortSignal.any([signal, connection.signal])
    const arrived: Hint[] = []
    const timers = new Set<NodeJS.Timeout>()
    let wake = () => {}
    const deliver = (hint: Hint) => {
      const timer = setTimeout(
        () => {
          timers.delete(timer)
          arrived.push(hint)
          wake()
        },
        Math.floor(random() * delayHints),
      )
      timers.add(timer)
    }
    let over = false
    const source = (async () => {
      try {
        for await (const hint of server.hints(ended)) {
          if (random() < dropHints) continue
          deliver(overJson(hint))
          if (random() < doubleHints) deliver(overJson(hint))
        }
      } finally {
        over = true
        wake()
      }
    })()
    // Its failure is seen where it is awaited below.
    source.catch(() => {})
    ended.addEventListener('abort', () => wake(), { once: true })
    try {
      while (!ended.aborted && !over) {
        const hint = arrived.shift()
        if (hint !== undefined) yield hint
        else
          await new Promise<void>((resolve) => {
            wake = resolve
          })
      }
      if (over) await source
    } finally {
      for (const timer of timers) clearTimeout(timer)
    }
  }

  return {
    get connected() {
      return !connection.signal.aborted
    },
    set connected(value) {
      if (!value) connection.abort()
      else if (connection.signal.aborted) connection = new AbortController()
    },
    pull: (since) => call(() => server.pull(overJson(since))),
    heartbeat: (beat) => call(() => server.heartbeat(overJson(beat))),
    report: (facts) => call(() => server.report(overJson(facts))),
    compare: (buckets) => call(() => server.compare(overJson(buckets))),
    fetch: (keys) => call(() => server.fetch(overJson(keys))),
    hints,
  }
}

function overJson<T>(value: T): T {
  return value === undefined ? value : (JSON.parse(JSON.stringify(value)) as T)
}

/** Numbers from 0 up to 1, the same row for the same seed (mulberry32). */
export function generator(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
