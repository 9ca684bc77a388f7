/** Where the feed lies on HTTP. Bodies and replies are JSON in the shapes of feed.ts; errors are 4xx and 5xx. */

export const feedPaths = {
  /** POST {since: Position | null} -> FeedPage */
  pull: '/feed/pull',
  /** POST Heartbeat -> HeartbeatReply */
  heartbeat: '/feed/heartbeat',
  /** POST {facts: Fact[]} -> 204 */
  report: '/feed/report',
  /** POST {buckets: BucketDigests} -> {[bucket]: {key, hash}[]} */
  compare: '/feed/compare',
  /** POST {keys: DocumentKey[]} -> {documents: Envelope[]} */
  fetch: '/feed/fetch',
  /** GET -> a stream that does not end: one Hint a line (NDJSON), an empty line as a sign of life. */
  hints: '/feed/hints',
} as const

/** How often a stream of hints shows a sign of life. A client that has seen none for three times that connects anew. */
export const hintKeepAliveSeconds = 15

/** Names a call in the logs of both sides. */
export const requestIdHeader = 'x-openstack-request-id'
