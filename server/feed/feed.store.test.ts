import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Heartbeat, Hint } from '../../bus/feed.ts'
import { bucketDigests } from '../../model/documents/digest.ts'
import type { DocumentType } from '../../model/documents/documents.ts'
import { systemClock } from '../../runtime/clock.ts'
import { silentLogger } from '../../runtime/log.ts'
import type { Store } from '../store/store.ts'
import { forEachEngine, onPostgres, type StoreTest, untilHeard } from '../store/testing.ts'
import type { Consumer } from './consumer.ts'
import { createFeed, type FeedServer } from './feed.ts'
import { readPage } from './pages.ts'
import { prune } from './prune.ts'
import { type RelayOptions, startRelay } from './relay.ts'
import {
  allThings,
  createTestHost,
  createThings,
  dropThing,
  namesFor,
  note,
  putThing,
  type Thing,
  thingSources,
} from './testing.ts'

const log = silentLogger
const write = { requestId: 'req-test' }
const never = { first: 1e9, later: 1e9 }

interface Running {
  feed: FeedServer
  relay: Consumer
}

/** Runs `body` beside a relay; its audit sleeps unless asked for. */
async function withFeed(
  { store }: StoreTest,
  body: (running: Running) => Promise<void>,
  more: Partial<RelayOptions> = {},
): Promise<void> {
  await createThings(store)
  const relay = await startRelay({ store, sources: thingSources, log, auditPace: never, ...more })
  const feed = await serve(store)
  try {
    await body({ feed, relay })
  } finally {
    feed.close()
    await relay.stop()
  }
}

function serve(store: Store): Promise<FeedServer> {
  return createFeed({ store, log, recordHeartbeat: async () => {}, recordFacts: async () => {} })
}

function put(store: Store, ...things: Thing[]): Promise<void> {
  return store.write(write, async (tx) => {
    for (const thing of things) await putThing(tx, thing)
  })
}

const port = (id: string, name: string, ...hosts: string[]): Thing => ({ type: 'port', id, name, hosts })

function beat(more: Partial<Heartbeat>): Heartbeat {
  return { started_at: '2026-01-01T00:00:00Z', agents: [], position: null, digest: null, ...more }
}

forEachEngine('a host gets what concerns it, then only what changes for it', async (tools) => {
  await withFeed(tools, async ({ feed, relay }) => {
    const { store } = tools
    const host = createTestHost(feed.of('x'))
    await host.pull()
    assert.deepEqual([host.snapshots, host.held.size], [1, 0])
    await put(store, port('p', 'one', 'x', 'y'), port('q', 'two', 'y'))
    await relay.caughtUp()
    const page = await feed.of('x').pull(host.position)
    assert.deepEqual(
      page.upserts.map(({ type, id, schema, body }) => ({ type, id, schema, body })),
      [{ type: 'port', id: 'p', schema: 1, body: { id: 'p', name: 'one' } }],
    )
    assert.deepEqual([page.snapshot, page.complete, page.position.sequence], [false, true, 1])
    await host.pull()

    await store.write(write, async (tx) => note(tx, 'port', 'p', 'update'))
    await put(store, port('q', 'three', 'y'))
    await relay.caughtUp()
    assert.equal((await feed.of('x').pull(host.position)).position.sequence, 1, 'nothing has changed for it')

    await put(store, port('p', 'one', 'y'), port('q', 'three', 'x'))
    await relay.caughtUp()
    await host.pull()
    assert.deepEqual(host.names(), { 'port q': 'three' })
    await store.write(write, (tx) => dropThing(tx, 'port', 'q'))
    await relay.caughtUp()
    await host.pull()
    assert.deepEqual([host.names(), host.snapshots], [{}, 1])
    const kept = await store.read(({ db }) => db.selectFrom('documents').select('id').execute())
    assert.deepEqual(kept, [{ id: 'p' }], 'what concerns nobody is not kept')
  })
})

forEachEngine('random walks: whatever happens, what hosts pull is the derived state', async (tools) => {
  const { store, engine } = tools
  const other = engine === 'postgres' ? await tools.open() : store
  let seed = 7
  const random = (below: number) => {
    seed = (seed * 48271) % 2147483647
    return seed % below
  }
  const names = ['x', 'y', 'z']
  const types: DocumentType[] = ['port', 'network']
  await withFeed(tools, async ({ feed, relay }) => {
    const hosts = names.map((name) => createTestHost(feed.of(name)))
    const operate = async () => {
      const from = random(2) === 0 ? store : other
      const type = types[random(2)] ?? 'port'
      const id = `t${random(12)}`
      const thing = { type, id, name: `n${random(3)}`, hosts: names.filter(() => random(2) === 0) }
      const drop = random(4) === 0
      await from.write(write, (tx) => (drop ? dropThing(tx, type, id) : putThing(tx, thing)))
    }
    for (let round = 0; round < 25; round++) {
      await Promise.all(Array.from({ length: 1 + random(8) }, operate))
      const host = hosts[random(3)]
      if (random(2) === 0) await host?.pull()
      if (random(5) === 0) {
        await prune(store, { changes: 0, tombstones: 0 }, new Date(Date.now() + 5000))
      }
    }
    await relay.caughtUp()
    const things = await store.read(allThings)
    for (const [index, host] of hosts.entries()) {
      const name = names[index] ?? ''
      await host.pull()
      assert.deepEqual(host.names(), namesFor(things, name))
      const reply = await feed.of(name).heartbeat(beat({ position: host.position, digest: host.digest() }))
      assert.deepEqual(reply, { agrees: true, position: host.position })
    }
  })
})

onPostgres('two writers at once whose documents meet at one host: neither is missed', async (tools) => {
  const { store } = tools
  const other = await tools.open()
  await withFeed(tools, async ({ feed, relay }) => {
    const second = await startRelay({ store: other, sources: thingSources, log, auditPace: never })
    const host = createTestHost(feed.of('x'))
    for (let round = 0; round < 20; round++) {
      await Promise.all([
        put(store, port(`a${round}`, 'one', 'x')),
        put(other, port(`b${round}`, 'one', 'x')),
        host.pull(),
      ])
    }
    await relay.caughtUp()
    await host.pull()
    await second.stop()
    assert.equal(host.held.size, 40)
    assert.equal(host.snapshots, 1)
  })
})

forEachEngine('a large snapshot comes in pages, though tombstones above it are pruned', async (tools) => {
  const { store } = tools
  await withFeed(tools, async ({ feed, relay }) => {
    await put(store, ...Array.from({ length: 1100 }, (_, index) => port(`p${index}`, 'n', 'x')))
    await put(store, port('gone', 'n', 'x'))
    await relay.caughtUp()
    const old = createTestHost(feed.of('x'))
    await old.pull()
    assert.deepEqual([old.pages, old.held.size, old.snapshots], [3, 1101, 1])
    await store.write(write, (tx) => dropThing(tx, 'port', 'gone'))
    await relay.caughtUp()
    await prune(store, { changes: 0, tombstones: 0 }, new Date(Date.now() + 5000))

    const fresh = createTestHost(feed.of('x'))
    await fresh.pull()
    assert.deepEqual([fresh.pages, fresh.held.size, fresh.snapshots], [3, 1100, 1])
    await old.pull()
    assert.deepEqual([old.held.size, old.snapshots], [1100, 2], 'older than the tombstones: a snapshot')
    assert.deepEqual(await store.read(({ db }) => db.selectFrom('changes').select('id').execute()), [])
  })
})

forEachEngine('however many changes there were, all are pruned in their time', async (tools) => {
  const { store } = tools
  let later = 0
  const clock = { ...systemClock, monotonic: () => performance.now() + later }
  const retention = { changes: -5000, tombstones: 0 }
  await withFeed(
    tools,
    async ({ relay }) => {
      await store.write(write, async (tx) => {
        for (let n = 0; n < 4500; n++) note(tx, 'thing', `t${n}`, 'update')
      })
      await relay.caughtUp()
      later = 61_000
      const left = () => store.read(({ db }) => db.selectFrom('changes').select('id').execute())
      const end = performance.now() + 10_000
      while ((await left()).length > 0 && performance.now() < end) await sleep(50)
      assert.deepEqual(await left(), [])
    },
    { clock, retention },
  )
})

forEachEngine('an epoch that one server begins is that of all', async (tools) => {
  const { store } = tools
  await withFeed(tools, async ({ feed }) => {
    const { position } = await feed.of('x').pull(null)
    await store.write(write, async ({ db }) => {
      await db.updateTable('feed_epoch').set({ origin: 'another cluster' }).execute()
    })
    const other = await serve(store)
    const pages = [await other.of('x').pull(position), await feed.of('x').pull(position)]
    other.close()
    assert.notEqual(pages[0]?.position.epoch, position.epoch)
    assert.deepEqual(pages[1], pages[0])
    const reply = await feed.of('x').heartbeat(beat({ position }))
    assert.equal(reply.position.epoch, pages[0]?.position.epoch)
  })
})

forEachEngine('what changes between the pages of a snapshot is in its later pages', async (tools) => {
  const { store } = tools
  await withFeed(tools, async ({ relay }) => {
    await put(store, ...['a', 'b', 'c', 'd', 'e'].map((id) => port(id, 'old', 'x')))
    await relay.caughtUp()
    const page = (since: Parameters<typeof readPage>[2]) => store.read((tx) => readPage(tx, 'x', since, 2))
    const first = await page(null)
    assert.deepEqual(
      first.upserts.map(({ id }) => id),
      ['a', 'b'],
    )
    await store.write(write, async (tx) => {
      await dropThing(tx, 'port', 'a')
      await putThing(tx, port('b', 'new', 'x'))
    })
    await relay.caughtUp()
    const second = await page(first.position)
    const third = await page(second.position)
    const fourth = await page(third.position)
    assert.deepEqual(
      [second, third, fourth].map(({ upserts, removals, snapshot, complete }) => [
        upserts.map(({ id }) => id),
        removals.map(({ id }) => id),
        snapshot,
        complete,
      ]),
      [
        [['c', 'd'], [], false, false],
        [['e'], ['a'], false, false],
        [['b'], [], false, true],
      ],
    )
    assert.equal(fourth.position.sequence, 7)
  })
})

forEachEngine('a position of another history gets a snapshot', async (tools) => {
  await withFeed(tools, async ({ feed, relay }) => {
    await put(tools.store, port('p', 'one', 'x'))
    await relay.caughtUp()
    const { position } = await feed.of('x').pull(null)
    for (const since of [
      { epoch: 'another', sequence: 1 },
      { ...position, sequence: 99 },
    ]) {
      const page = await feed.of('x').pull(since)
      assert.deepEqual([page.snapshot, page.upserts.length, page.position], [true, 1, position])
    }
  })
})

forEachEngine('a host that differs finds out where and mends only that', async (tools) => {
  await withFeed(tools, async ({ feed, relay }) => {
    const of = feed.of('x')
    await put(
      tools.store,
      ...Array.from({ length: 50 }, (_, index) => port(`p${index}`, 'n', 'x')),
      port('alien', 'n', 'y'),
    )
    await relay.caughtUp()
    const host = createTestHost(of)
    await host.pull()
    host.held.delete('port p7')
    const reply = await of.heartbeat(beat({ position: host.position, digest: host.digest() }))
    assert.equal(reply.agrees, false)
    const differing = await of.compare(bucketDigests(host.held.values()))
    assert.equal(Object.keys(differing).length, 1)
    const keys = Object.values(differing)
      .flat()
      .map(({ key }) => key)
    assert.ok(keys.some(({ id }) => id === 'p7'))
    const [document] = await of.fetch([
      { type: 'port', id: 'p7' },
      { type: 'port', id: 'alien' },
      { type: 'network', id: 'p7' },
    ])
    assert.ok(document !== undefined)
    host.held.set('port p7', document)
    assert.deepEqual(await of.heartbeat(beat({ position: host.position, digest: host.digest() })), {
      agrees: true,
      position: host.position,
    })
    assert.deepEqual(await of.compare(bucketDigests(host.held.values())), {})
    const foreign = { type: 'port' as const, id: 'no', hash: 'h' }
    const surplus = await of.compare(bucketDigests([...host.held.values(), foreign]))
    assert.equal(Object.keys(surplus).length, 1, 'a bucket with something too much differs too')
  })
})

forEachEngine('hints reach the hosts concerned, from any server', async (tools) => {
  const { store, engine } = tools
  const other = engine === 'postgres' ? await tools.open() : store
  await withFeed(tools, async ({ relay }) => {
    const feed = await serve(other)
    const abort = new AbortController()
    const heard: Record<string, Hint[]> = { x: [], y: [] }
    const listening = ['x', 'y'].map(async (host) => {
      for await (const hint of feed.of(host).hints(abort.signal)) heard[host]?.push(hint)
    })
    await untilHeard(store, other)
    await put(store, port('p', 'one', 'x'))
    for (const end = performance.now() + 60_000; heard.x?.length === 0 && performance.now() < end; )
      await sleep(10)
    await relay.caughtUp()
    abort.abort()
    await Promise.all(listening)
    feed.close()
    assert.deepEqual(heard, { x: [{ sequence: 1 }], y: [] })
  })
})

forEachEngine('the audit mends what was never noted, and what is gone', async (tools) => {
  const { store } = tools
  await withFeed(
    tools,
    async ({ feed, relay }) => {
      await put(store, port('a', 'one', 'x'), port('b', 'one', 'x'))
      await relay.caughtUp()
      await store.write(write, async (tx) => {
        await putThing(tx, port('a', 'changed in silence', 'x'), false)
        await dropThing(tx, 'port', 'b', false)
        await putThing(tx, port('c', 'made in silence', 'x'), false)
      })
      const host = createTestHost(feed.of('x'))
      const wanted = { 'port a': 'changed in silence', 'port c': 'made in silence' }
      for (const end = performance.now() + 60_000; performance.now() < end; ) {
        await host.pull()
        if (JSON.stringify(host.names()) === JSON.stringify(wanted)) break
        // The audit steps when there is nothing else to do: wake the relay, and leave it alone.
        await store.write(write, async (tx) => note(tx, 'nothing', 'n', 'update'))
        await relay.caughtUp()
        await sleep(50)
      }
      assert.deepEqual(host.names(), wanted)
    },
    { auditPace: { first: 0, later: 0 } },
  )
})
