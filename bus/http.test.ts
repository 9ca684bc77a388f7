import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { makeCredential } from './credential.ts'
import type { Feed, Hint } from './feed.ts'
import { FeedRefused, httpFeed } from './http.ts'
import { serveFeed } from './testing/feed.http.ts'

/** A feed that answers with what it was asked, and has one hint and then no more. */
const echo: Feed = {
  pull: async (since) => ({
    position: { epoch: 'e', sequence: (since?.sequence ?? 0) + 1 },
    snapshot: since === null,
    complete: true,
    upserts: [],
    removals: [{ type: 'port', id: 'ü' }],
  }),
  heartbeat: async (beat) => ({
    agrees: beat.digest === 'd',
    position: { epoch: beat.started_at, sequence: 1 },
  }),
  report: async (facts) => {
    if (facts.length === 0) throw new Error('nothing to report')
  },
  compare: async (buckets) => Object.fromEntries(Object.entries(buckets).map(([bucket]) => [bucket, []])),
  fetch: async (keys) =>
    keys.map(({ id }) => ({
      type: 'tunnel-endpoint',
      id,
      schema: 1,
      hash: '',
      body: { id, host: 'h', tunnel_type: 'gre', ip_address: '192.0.2.1', udp_port: null },
    })),
  async *hints(signal) {
    yield { sequence: 7 }
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
  },
}

async function connect(
  t: TestContext,
  over: 'unix' | 'tcp',
  credential = makeCredential('secret', 'host-a'),
) {
  const directory = mkdtempSync(join(tmpdir(), 'nucleon-feed-'))
  t.after(() => rmSync(directory, { recursive: true }))
  const socket = join(directory, 'feed.sock')
  const asked: string[] = []
  const feedOf = (host: string) => {
    asked.push(host)
    return echo
  }
  const server = await serveFeed('secret', feedOf, over === 'unix' ? socket : undefined)
  t.after(() => server.close())
  const url = over === 'unix' ? `unix:${socket}` : `http://127.0.0.1:${server.port}`
  const feed = httpFeed({ url, credential, timeout: 2000 })
  t.after(() => feed.close())
  return { feed, server, asked }
}

for (const over of ['unix', 'tcp'] as const) {
  test(`every call goes over ${over} and back`, async (t) => {
    const { feed, asked } = await connect(t, over)
    const page = await feed.pull({ epoch: 'e', sequence: 4 })
    assert.deepEqual(page.position, { epoch: 'e', sequence: 5 })
    assert.deepEqual(page.removals, [{ type: 'port', id: 'ü' }])
    assert.equal((await feed.pull(null)).snapshot, true)
    const beat = { started_at: 'now', agents: [], position: null, digest: 'd' }
    assert.deepEqual(await feed.heartbeat(beat), { agrees: true, position: { epoch: 'now', sequence: 1 } })
    assert.equal(await feed.report([{ kind: 'dhcp-served', port_id: 'p', generation: 1 }]), undefined)
    assert.deepEqual(await feed.compare({ '0a': 'x' }), { '0a': [] })
    assert.equal((await feed.fetch([{ type: 'tunnel-endpoint', id: 'h/gre' }]))[0]?.id, 'h/gre')
    assert.deepEqual([...new Set(asked)], ['host-a'])
  })
}

test('a stream of hints begins with one of our own, and ends when it is aborted or the server goes', async (t) => {
  const { feed, server } = await connect(t, 'unix')
  for (const end of ['abort', 'server'] as const) {
    const abort = new AbortController()
    const hints: Hint[] = []
    const stream = (async () => {
      for await (const hint of feed.hints(abort.signal)) hints.push(hint)
    })()
    while (hints.length < 2) await sleep(5)
    assert.deepEqual(hints, [{ sequence: 0 }, { sequence: 7 }])
    if (end === 'abort') abort.abort()
    else await server.close()
    await stream.catch(() => {})
  }
})

test('a wrong credential and an error of the server are refusals, a missing server is none', async (t) => {
  const { feed } = await connect(t, 'unix', makeCredential('other', 'host-a'))
  await assert.rejects(feed.pull(null), (error) => error instanceof FeedRefused && error.status === 401)
  const right = await connect(t, 'unix')
  await assert.rejects(right.feed.report([]), (error) => error instanceof FeedRefused && error.status === 500)
  const nobody = httpFeed({ url: 'unix:/nonexistent/feed.sock', credential: 'x' })
  t.after(() => nobody.close())
  await assert.rejects(nobody.pull(null), (error) => !(error instanceof FeedRefused))
})
