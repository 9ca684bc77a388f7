/**
 * The agent's side of the feed over HTTP: any server by `http(s)://host:port`, the one of this machine by
 * `unix:/path/feed.sock`. Connections are kept; a call that gets no answer in time fails, and the caller tries again.
 */
import { Pool } from 'undici'
import type { BucketDigests, Fact, Feed, Heartbeat, Hint, Position } from './feed.ts'
import { feedPaths, hintKeepAliveSeconds, requestIdHeader } from './paths.ts'

export interface HttpFeedOptions {
  /** `http://host:9696`, `https://…` or `unix:/path/feed.sock`. */
  url: string
  /** The host's credential (credential.ts). */
  credential: string
  /** Milliseconds until a call that got no answer fails. */
  timeout?: number
}

/** The server refused a call: it will not be better with the next try unless something changes there. */
export class FeedRefused extends Error {
  override name = 'FeedRefused'
  readonly status: number

  constructor(status: number, path: string, text: string) {
    super(`${path}: ${status} ${text.slice(0, 200)}`)
    this.status = status
  }
}

export interface HttpFeed extends Feed {
  close(): Promise<void>
}

/**
 * Connects with the first call. Calls reject with FeedRefused when the server answers 300 or above, and with undici's
 * errors when none comes in time. `hints` ends or throws with its stream; whoever wants another asks for it.
 */
export function httpFeed(options: HttpFeedOptions): HttpFeed {
  const { timeout = 20_000 } = options
  const pool = makePool(options.url, timeout)

  function headers(): Record<string, string> {
    return {
      authorization: `Bearer ${options.credential}`,
      'content-type': 'application/json',
      [requestIdHeader]: `req-${crypto.randomUUID()}`,
    }
  }

  async function post<T>(path: string, body: unknown): Promise<T> {
    const reply = await pool.request({
      method: 'POST',
      path,
      headers: headers(),
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(timeout),
    })
    const text = await reply.body.text()
    if (reply.statusCode >= 300) throw new FeedRefused(reply.statusCode, path, text)
    return (text === '' ? undefined : JSON.parse(text)) as T
  }

  /** The first hint is our own: what changed while there was no stream is asked for at once. */
  async function* hints(signal: AbortSignal): AsyncIterable<Hint> {
    const path = feedPaths.hints
    const reply = await pool.request({
      method: 'GET',
      path,
      headers: headers(),
      signal,
      bodyTimeout: 3 * hintKeepAliveSeconds * 1000,
    })
    if (reply.statusCode >= 300) throw new FeedRefused(reply.statusCode, path, await reply.body.text())
    yield { sequence: 0 }
    let rest = ''
    for await (const chunk of reply.body.setEncoding('utf8')) {
      const lines = (rest + String(chunk)).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) if (line.trim() !== '') yield JSON.parse(line) as Hint
    }
  }

  return {
    pull: (since: Position | null) => post(feedPaths.pull, { since }),
    heartbeat: (beat: Heartbeat) => post(feedPaths.heartbeat, beat),
    report: (facts: Fact[]) => post(feedPaths.report, { facts }),
    compare: (buckets: BucketDigests) => post(feedPaths.compare, { buckets }),
    async fetch(keys) {
      const reply = await post<{ documents: Awaited<ReturnType<Feed['fetch']>> }>(feedPaths.fetch, { keys })
      return reply.documents
    },
    hints,
    close: () => pool.destroy(),
  }
}

/** A pool of few connections: one is held by the stream of hints. */
function makePool(url: string, timeout: number): Pool {
  const limits = { connections: 4, headersTimeout: timeout, keepAliveTimeout: 60_000 }
  if (!url.startsWith('unix:')) return new Pool(url, limits)
  return new Pool('http://feed', { ...limits, connect: { socketPath: url.slice('unix:'.length), timeout } })
}
