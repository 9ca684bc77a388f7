import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fastify from 'fastify'
import { makeCredential } from '../../bus/credential.ts'
import type { Fact, Heartbeat } from '../../bus/feed.ts'
import { httpFeed } from '../../bus/http.ts'
import { feedPaths } from '../../bus/paths.ts'
import { silentLogger } from '../../runtime/log.ts'
import { onSqlite, type StoreTest } from '../store/testing.ts'
import { createFeed } from './feed.ts'
import { startRelay } from './relay.ts'
import { feedRoutes } from './routes.ts'
import { createTestHost, createThings, putThing, thingSources } from './testing.ts'

const log = silentLogger
const secret = 'of the servers'

interface Told {
  beats: [string, Heartbeat][]
  facts: [string, readonly Fact[]][]
}

async function serve({ store }: StoreTest) {
  const directory = await mkdtemp(join(tmpdir(), 'nucleon-feed-'))
  const path = join(directory, 'feed.sock')
  const told: Told = { beats: [], facts: [] }
  await createThings(store)
  const relay = await startRelay({ store, sources: thingSources, log })
  const feed = await createFeed({
    store,
    log,
    recordHeartbeat: async (_store, host, beat) => void told.beats.push([host, beat]),
    recordFacts: async (_store, host, facts) => void told.facts.push([host, facts]),
  })
  const app = fastify()
  await app.register(feedRoutes({ feed, secret, log }))
  await app.listen({ path })
  return {
    app,
    told,
    relay,
    client: (host: string, key = secret) =>
      httpFeed({ url: `unix:${path}`, credential: makeCredential(key, host) }),
    async close() {
      await app.close()
      feed.close()
      await relay.stop()
      await rm(directory, { recursive: true })
    },
  }
}

onSqlite('the feed over a unix socket, with the agents’ client', async (tools) => {
  const server = await serve(tools)
  const client = server.client('host.example')
  const abort = new AbortController()
  try {
    const hints = client.hints(abort.signal)[Symbol.asyncIterator]()
    assert.deepEqual(await hints.next(), { done: false, value: { sequence: 0 } })
    const host = createTestHost(client)
    await host.pull()
    const hinted = hints.next()
    await tools.store.write({ requestId: 'req-1' }, (tx) =>
      putThing(tx, { type: 'port', id: 'p', name: 'one', hosts: ['host.example'] }),
    )
    assert.deepEqual(await hinted, { done: false, value: { sequence: 1 } })
    await host.pull()
    assert.deepEqual(host.names(), { 'port p': 'one' })

    const beat: Heartbeat = {
      started_at: '2026-01-01T00:00:00Z',
      agents: [
        { agent_type: 'DHCP agent', binary: 'b', availability_zone: null, configurations: { a: [1] } },
      ],
      position: host.position,
      digest: host.digest(),
    }
    assert.deepEqual(await client.heartbeat(beat), { agrees: true, position: host.position })
    assert.deepEqual(server.told.beats, [['host.example', beat]])
    const facts: Fact[] = [{ kind: 'port-wired', port_id: 'p', generation: 3, wired: true }]
    await client.report(facts)
    assert.deepEqual(server.told.facts, [['host.example', facts]])
    assert.equal((await client.fetch([{ type: 'port', id: 'p' }])).length, 1)
    assert.equal(Object.values(await client.compare({})).flat().length, 1)
  } finally {
    abort.abort()
    await client.close()
    await server.close()
  }
})

onSqlite('one host’s credential never reads another’s, and a stranger’s nothing', async (tools) => {
  const server = await serve(tools)
  await tools.store.write({ requestId: 'req-1' }, (tx) =>
    putThing(tx, { type: 'port', id: 'p', name: 'one', hosts: ['x'] }),
  )
  await server.relay.caughtUp()
  const [x, y, stranger] = [server.client('x'), server.client('y'), server.client('x', 'guessed')]
  try {
    assert.equal((await x.pull(null)).upserts.length, 1)
    assert.equal((await y.pull(null)).upserts.length, 0)
    assert.deepEqual(await y.fetch([{ type: 'port', id: 'p' }]), [])
    assert.deepEqual(await y.compare({}), {})
    await assert.rejects(stranger.pull(null), { status: 401 })
    await assert.rejects(stranger.report([]), { status: 401 })
    await assert.rejects(stranger.hints(AbortSignal.timeout(1000))[Symbol.asyncIterator]().next(), {
      status: 401,
    })
  } finally {
    await Promise.all([x, y, stranger].map((client) => client.close()))
    await server.close()
  }
})

onSqlite('what is not in the shape of the contract is a 400 and changes nothing', async (tools) => {
  const server = await serve(tools)
  const headers = { authorization: `Bearer ${makeCredential(secret, 'x')}` }
  const bad: [string, unknown][] = [
    [feedPaths.pull, {}],
    [feedPaths.pull, { since: { epoch: 'e' } }],
    [feedPaths.report, { facts: [{ kind: 'other', port_id: 'p', generation: 1 }] }],
    [feedPaths.heartbeat, { started_at: 't', agents: 'none', position: null, digest: null }],
    [feedPaths.fetch, { keys: [{ id: 'p' }] }],
  ]
  try {
    for (const [url, payload] of bad) {
      const { statusCode } = await server.app.inject({
        method: 'POST',
        url,
        headers,
        payload: payload as object,
      })
      assert.equal(statusCode, 400, url)
    }
    assert.deepEqual(server.told, { beats: [], facts: [] })
  } finally {
    await server.close()
  }
})
