import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { silentLogger } from '../../runtime/log.ts'
import { processIdentity } from '../../runtime/process-identity.ts'
import type { StoreOptions } from '../store/open.ts'
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

const insert = (id: string) =>
  `insert into changes (object, id, operation, request_id, at) values ('thing', '${id}', 'update', 'r', 'now')`

/** Sessions of their own, beside the store's: `here` on its database, `nextDoor` on another of the same cluster. */
async function withSessions(
  options: StoreOptions,
  counts: { here: number; nextDoor: number },
  body: (here: pg.Client[], nextDoor: pg.Client[]) => Promise<void>,
): Promise<void> {
  assert.equal(options.engine, 'postgres')
  const { url } = options as StoreOptions & { engine: 'postgres' }
  const other = new URL(url)
  other.pathname = '/postgres'
  const sessions = (count: number, connectionString: string) =>
    Array.from({ length: count }, () => new pg.Client({ connectionString }))
  const [here, nextDoor] = [sessions(counts.here, url), sessions(counts.nextDoor, other.href)]
  try {
    await Promise.all([...here, ...nextDoor].map((client) => client.connect()))
    await body(here, nextDoor)
  } finally {
    await Promise.all([...here, ...nextDoor].map((client) => client.end()))
  }
}

/** Reads on from `from` until nothing is held back. */
async function readAll(store: Store, from = beginning): Promise<string[]> {
  const seen: string[] = []
  for (let cursor = from; ; ) {
    const page = await store.read((tx) => readChanges(tx, cursor, 7))
    seen.push(...page.changes.map(({ id }) => id))
    cursor = page.cursor
    if (page.changes.length === 0 && !page.held) return seen
    if (page.held) await sleep(2)
  }
}

onPostgres('a change that commits after a later one is not missed', async ({ store, options }) => {
  await withSessions(options, { here: 2, nextDoor: 0 }, async ([slow, quick]) => {
    await slow?.query('begin')
    await slow?.query(insert('first'))
    await quick?.query(insert('second'))
    const early = await store.read((tx) => readChanges(tx, beginning, 10))
    assert.deepEqual(early.changes, [])
    assert.equal(early.held, true, 'a change waits for a transaction in flight')
    await slow?.query('commit')
    assert.deepEqual(await readAll(store), ['first', 'second'])
  })
})

onPostgres('a transaction is waited for that has not come to its change yet', async ({ store, options }) => {
  await withSessions(options, { here: 2, nextDoor: 0 }, async ([slow, quick]) => {
    await slow?.query('begin')
    await slow?.query('select pg_current_xact_id()')
    await quick?.query(insert('second'))
    assert.equal((await store.read((tx) => readChanges(tx, beginning, 10))).held, true)
    await slow?.query(insert('first'))
    await slow?.query('commit')
    assert.deepEqual(await readAll(store), ['first', 'second'])
  })
})

onPostgres('nobody waits for transactions of other databases', async ({ store, options, t }) => {
  await withSessions(options, { here: 0, nextDoor: 2 }, async (_, [open, prepared]) => {
    await open?.query('begin')
    await open?.query('select pg_current_xact_id()')
    await commit(store, 'a')
    assert.deepEqual(await store.read(async (tx) => (await readChanges(tx, beginning, 10)).held), false)
    assert.deepEqual(await readAll(store), ['a'])

    const { rows } = (await prepared?.query('show max_prepared_transactions')) ?? { rows: [] }
    if (rows[0]?.max_prepared_transactions === '0') {
      t.diagnostic('this PostgreSQL has no prepared transactions')
      return
    }
    const name = randomUUID()
    await prepared?.query('begin')
    await prepared?.query('select pg_current_xact_id()')
    await prepared?.query(`prepare transaction '${name}'`)
    try {
      await commit(store, 'b')
      assert.deepEqual(await store.read(async (tx) => (await readChanges(tx, beginning, 10)).held), false)
      assert.deepEqual(await readAll(store), ['a', 'b'])
    } finally {
      await prepared?.query(`rollback prepared '${name}'`)
    }
  })
})

onPostgres(
  'writers that dawdle at every step, here and next door: each change once, in order',
  async ({ store, options }) => {
    const rounds = process.env.NUCLEON_TEST_SOAK ? 500 : 40
    const dawdle = (most: number) => sleep(Math.random() * most)
    const committed: string[] = []
    let writing = true
    async function write(client: pg.Client, writer: number): Promise<void> {
      for (let round = 0; round < rounds; round++) {
        const ids = Array.from({ length: 1 + (round % 3) }, (_, index) => `${writer} ${round} ${index}`)
        await client.query('begin')
        if (Math.random() < 0.5) await client.query('select pg_current_xact_id()')
        for (const id of ids) {
          await dawdle(6)
          await client.query(insert(id))
        }
        await dawdle(round % 10 === 0 ? 60 : 6)
        const stands = Math.random() < 0.8
        await client.query(stands ? 'commit' : 'rollback')
        if (stands) committed.push(...ids)
      }
    }
    async function disturb(client: pg.Client): Promise<void> {
      while (writing) {
        await client.query('begin')
        await client.query('select pg_current_xact_id()')
        await dawdle(40)
        await client.query('commit')
      }
    }
    const seen: string[] = []
    async function read(): Promise<void> {
      for (let cursor = beginning; ; ) {
        const last = !writing
        const page = await store.read((tx) => readChanges(tx, cursor, 5))
        seen.push(...page.changes.map(({ id }) => id))
        cursor = page.cursor
        if (last && page.changes.length === 0 && !page.held) return
        if (page.changes.length === 0) await sleep(1)
      }
    }
    await withSessions(options, { here: 8, nextDoor: 3 }, async (here, nextDoor) => {
      const others = Promise.all([read(), ...nextDoor.map(disturb)])
      await Promise.all(here.map(write)).finally(() => {
        writing = false
      })
      await others
    })
    assert.equal(seen.length, new Set(seen).size, 'none twice')
    assert.deepEqual([...seen].sort(), committed.sort())
    assert.deepEqual(seen, await readAll(store), 'in the order of the log')
  },
)

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

const lease = 60_000

for (const [what, owner, ahead, atOnce] of [
  ['of a process that was killed is taken over at once', nobody(processIdentity()), lease, true],
  ['that a clock set back has put a day ahead is void', 'elsewhere some-id', 86_400_000, true],
  ['of a server elsewhere is respected', 'elsewhere some-id', 2000, false],
] as const) {
  forEachEngine(`a lease ${what}`, async ({ store }) => {
    const until = Date.now() + ahead
    await leave(store, owner, until)
    await commit(store, 'a')
    const seen: string[] = []
    let handled = 0
    const consumer = collector(store, seen, {
      lease,
      handle: async (changes) => {
        handled = Date.now()
        seen.push(...changes.map(({ id }) => id))
        return {}
      },
    })
    await consumer.caughtUp()
    await consumer.stop()
    assert.deepEqual(seen, ['a'])
    const left = until - handled
    assert.equal(left > ahead / 2, atOnce, `with ${left} ms of it left`)
    assert.equal(left <= 0, !atOnce, `with ${left} ms of it left`)
  })
}

forEachEngine('a stream of changes that ask for nothing is not a commit each', async ({ store }) => {
  const seen: string[] = []
  let commits = 0
  const counted: Store = Object.create(store, {
    write: {
      value: (...write: Parameters<Store['write']>) => {
        commits++
        return store.write(...write)
      },
    },
  })
  const consumer = collector(counted, seen)
  const ids = Array.from({ length: 40 }, (_, n) => `${n}`)
  for (const id of ids) {
    await commit(store, id)
    await sleep(2)
  }
  await consumer.caughtUp()
  assert.deepEqual(seen, ids)
  assert.ok(commits < ids.length / 2, `${commits} commits`)
  await consumer.stop()
  const next = collector(store, seen)
  await commit(store, 'one more')
  await next.caughtUp()
  assert.deepEqual(seen, [...ids, 'one more'], 'what was handled is stored')
  await next.stop()
})
