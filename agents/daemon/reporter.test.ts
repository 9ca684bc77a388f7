/** Facts that the server refuses for good do not hold up the others, and are not sent for ever. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Fact } from '../../bus/feed.ts'
import { FeedRefused } from '../../bus/http.ts'
import { silentLogger } from '../../runtime/log.ts'
import { scriptedFeed } from '../testing/feed.server.ts'
import { createReporter } from './reporter.ts'

const fact = (n: number): Fact => ({ kind: 'port-wired', port_id: `port-${n}`, generation: 1, wired: true })

/** Reports 600 facts until the server has all or was called `enough` times, and then a little longer. */
async function reported(refuses: (facts: Fact[]) => Error | undefined, enough = Number.POSITIVE_INFINITY) {
  const feed = scriptedFeed()
  const taken: Fact[] = []
  let calls = 0
  let refused = 0
  const reporter = createReporter({
    feed: {
      ...feed,
      async report(facts) {
        calls += 1
        const error = refuses(facts)
        if (error) throw error
        taken.push(...facts)
      },
    },
    log: silentLogger,
    onRefused: (count) => {
      refused += count
    },
  })
  for (let n = 0; n < 600; n++) reporter.tell(fact(n))
  const abort = new AbortController()
  const running = reporter.run(abort.signal)
  const end = performance.now() + 20_000
  while (reporter.pending() > 0 && calls < enough && performance.now() < end) await sleep(5)
  const before = calls
  await sleep(200)
  abort.abort()
  await running
  return { taken, refused, pending: reporter.pending(), calls: before, later: calls - before }
}

test('two facts of six hundred are refused: the others arrive, and these are given up', async () => {
  const bad = new Set(['port-3', 'port-401'])
  const { taken, refused, pending, later } = await reported((facts) =>
    facts.some(({ port_id }) => bad.has(port_id)) ? new FeedRefused(400, '/report', 'no') : undefined,
  )
  assert.equal(taken.length, 598)
  assert.deepEqual({ refused, pending, later }, { refused: 2, pending: 0, later: 0 })
})

test('a server that is away or does not know the host is tried again, and nothing is given up', async () => {
  for (const error of [new FeedRefused(401, '/report', 'no'), new FeedRefused(503, '/report', 'no')]) {
    const { taken, refused, pending, calls } = await reported(() => error, 4)
    assert.deepEqual([taken.length, refused, pending], [0, 0, 600])
    assert.ok(calls >= 4, 'it is tried again')
  }
})
