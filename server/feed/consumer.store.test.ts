import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { silentLogger } from '../../runtime/log.ts'
import { processIdentity } from '../../runtime/process-identity.ts'
import type { Store } from '../store/store.ts'
import { forEachEngine, onPostgres } from '../store/testing.ts'
import { beginning, readChanges } from './changes.ts'
import { type ConsumerOptions, startConsumer } from './consumer.ts'
import { note } from './testing.ts'

const log = silentLogger

function commit(store: Store, ...ids: string[]): Promise<void> {
  return store.write({ requestId: 'req-1', userId: 'u' }, async (tx) => {
    for (const id of ids) note(tx, 'thing', id, 'update')
  })
}

/** A consumer that notes what it was given. */
function collector(store: Store, seen: string[], more: Partial<ConsumerOptions> = {}) {
  return startConsumer({
    store,
    log,
    name: 'test',
    poll: 50,
    handle: async (changes) => {
      seen.push(...changes.map(({ id }) => id))
      return {}
    },
    ...more,
  })
}

onPostgres('a change that commits after a later one is not missed', async ({ store, options }) => {
  if (options.engine !== 'postgres') return
  const [slow, quick] = [new pg.Client(options.url), new pg.Client(options.url)]
  await Promise.all([slow.connect(), quick.connect()])
  const insert = (id: string) =>
    `insert into changes (object, id, operation, request_id, at) values ('thing', '${id}', 'update', 'r', 'now')`
  try {
    await slow.query('begin')
    await slow.query(insert('first'))
    await quick.query(insert('second'))
    const early = await store.read((tx) => readChanges(tx, beginning, 10))
    assert.deepEqual(early.changes, [])
    assert.equal(early.held, true, 'a change waits for a transaction in flight')
    await slow.query('commit')
    // Transactions of other databases on the same PostgreSQL hold changes back as well, for as long as they run.
    const released = async () => {
      for (;;) {
        const page = await store.read((tx) => readChanges(tx, beginning, 10))
        if (!page.held) return page.changes
        await sleep(2)
      }
    }
    assert.deepEqual(
      (await released()).map(({ id }) => id),
      ['first', 'second'],
    )
  } finally {
    await Promise.all([slow.end(), quick.end()])
  }
})

onPostgres('writers of two servers at once: a consumer sees each change', async ({ store, open }) => {
  const other = await open()
  const seen: string[] = []
  const consumer = collector(store, seen, { batch: 7 })
  const ids = Array.from({ length: 200 }, (_, index) => `c${index}`)
  await Promise.all(ids.map((id, index) => commit(index % 2 === 0 ? store : other, id)))
  await consumer.caughtUp()
  await consumer.stop()
  assert.deepEqual(new Set(seen), new Set(ids))
  assert.equal(seen.length, ids.length)
})

forEachEngine('changes come in order, in batches, with what they name', async ({ store }) => {
  const seen: string[] = []
  const sizes: number[] = []
  await commit(store, 'a', 'b', 'c', 'd', 'e')
  const consumer = startConsumer({
    store,
    log,
    name: 'test',
    batch: 2,
    handle: async (changes) => {
      sizes.push(changes.length)
      seen.push(...changes.map(({ id, requestId, userId }) => `${id} ${requestId} ${userId}`))
      return {}
    },
  })
  await consumer.caughtUp()
  await consumer.stop()
  assert.deepEqual(seen, ['a req-1 u', 'b req-1 u', 'c req-1 u', 'd req-1 u', 'e req-1 u'])
  assert.deepEqual(sizes, [2, 2, 1])
})

forEachEngine('a batch whose cursor did not move is handled again', async ({ store }) => {
  const seen: string[] = []
  let failures = 1
  const consumer = collector(store, seen, {
    handle: async (changes) => {
      seen.push(...changes.map(({ id }) => id))
      return {
        write: async () => {
          if (failures-- > 0) throw new Error('a crash between effect and cursor')
        },
      }
    },
  })
  await commit(store, 'a')
  await consumer.caughtUp()
  await consumer.stop()
  assert.deepEqual(seen, ['a', 'a'])
})

forEachEngine(
  'one consumer of a name works at a time; the next goes on where it stopped',
  async ({ store, open }) => {
    const other = await open()
    const first: string[] = []
    const second: string[] = []
    const one = collector(store, first)
    await commit(store, 'a')
    await one.caughtUp()
    const two = collector(other, second)
    await commit(store, 'b')
    await one.caughtUp()
    assert.deepEqual([first, second], [['a', 'b'], []])
    await one.stop()
    await commit(store, 'c')
    await two.caughtUp()
    await two.stop()
    assert.deepEqual([first, second], [['a', 'b'], ['c']])
  },
)

forEachEngine('who has lost the lease writes nothing any more', async ({ store, open }) => {
  const other = await open()
  const written: string[] = []
  let release = () => {}
  let entered = () => {}
  const inside = new Promise<void>((resolve) => {
    entered = resolve
  })
  const stalled = new Promise<void>((resolve) => {
    release = resolve
  })
  const slow = collector(store, [], {
    lease: 40,
    handle: async () => {
      entered()
      await stalled
      return { write: async () => void written.push('slow') }
    },
  })
  await commit(store, 'a')
  await inside
  const quick = collector(other, [], {
    handle: async () => ({ write: async () => void written.push('quick') }),
  })
  await quick.caughtUp()
  release()
  await slow.stop()
  await quick.stop()
  assert.deepEqual(written, ['quick'])
})

/** Leaves a lease as a server leaves it that was killed. */
function leave(store: Store, owner: string, until: number): Promise<unknown> {
  return store.write({ requestId: 'req-1', userId: 'u' }, ({ db }) =>
    db
      .insertInto('consumers')
      .values({ name: 'test', xid: 0, seq: 0, lease_owner: owner, lease_until: until })
      .execute(),
  )
}

const nobody = (identity: string) => `${identity.replace(/\d+$/, '1')} some-id`

for (const [what, owner, ahead, atOnce] of [
  ['of a process that was killed is taken over at once', nobody(processIdentity()), 10_000, true],
  ['that a clock set back has put a day ahead is void', 'elsewhere some-id', 86_400_000, true],
  ['of a server elsewhere is respected', 'elsewhere some-id', 600, false],
] as const) {
  forEachEngine(`a lease ${what}`, async ({ store }) => {
    await leave(store, owner, Date.now() + ahead)
    await commit(store, 'a')
    const seen: string[] = []
    const began = performance.now()
    const consumer = collector(store, seen)
    await consumer.caughtUp()
    const took = performance.now() - began
    await consumer.stop()
    assert.deepEqual(seen, ['a'])
    assert.equal(took < 500, atOnce, `after ${took} ms`)
  })
}
