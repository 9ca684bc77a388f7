import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import pg from 'pg'
import { silentLogger } from '../../runtime/log.ts'
import { isUniqueViolation } from './errors.ts'
import { openStore } from './open.ts'
import { prepared } from './prepared.ts'
import type { Change, Store, Tx } from './store.ts'
import { forEachEngine, onPostgres, onSqlite, untilHeard } from './testing.ts'

const options = { requestId: 'req-test', userId: 'user' }

function change(id: string, object = 'thing'): Change {
  return { object, id, parentId: null, operation: 'create', revision: 0, projectId: 'p' }
}

async function changedIds(store: Store): Promise<string[]> {
  const rows = await store.read(({ db }) => db.selectFrom('changes').select('id').orderBy('seq').execute())
  return rows.map((row) => row.id)
}

forEachEngine(
  'a write commits its rows and its changes, and answers what the work answers',
  async ({ store }) => {
    const answer = await store.write(options, async (tx) => {
      tx.change({ object: 'port', id: 'a', parentId: 'n', operation: 'update', revision: 7, projectId: 'p' })
      return 42
    })
    assert.equal(answer, 42)
    const row = await store.read(({ db }) => db.selectFrom('changes').selectAll().executeTakeFirstOrThrow())
    assert.match(row.at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
    assert.equal(row.seq, 1)
    const { at: _at, seq: _seq, xid: _xid, ...rest } = row
    assert.deepEqual(rest, {
      object: 'port',
      id: 'a',
      parent_id: 'n',
      operation: 'update',
      revision: 7,
      project_id: 'p',
      request_id: 'req-test',
      user_id: 'user',
    })
  },
)

forEachEngine('of writers that come together the one that fails is undone alone', async ({ store }) => {
  const results = await Promise.allSettled(
    Array.from({ length: 40 }, (_, index) =>
      store.write(options, async (tx) => {
        tx.change(change(`x${index}`))
        await tx.db
          .insertInto('consumers')
          .values({ name: `c${index}`, xid: 0, seq: 0, lease_owner: null, lease_until: 0 })
          .execute()
        if (index % 10 === 3) throw new Error(`no ${index}`)
      }),
    ),
  )
  const failed = results.flatMap((result, index) => (result.status === 'rejected' ? [index] : []))
  assert.deepEqual(failed, [3, 13, 23, 33])
  assert.equal((await changedIds(store)).length, 36)
  const rows = await store.read(({ db }) => db.selectFrom('consumers').select('name').execute())
  assert.equal(rows.length, 36)
  assert.ok(!rows.some((row) => row.name === 'c13'))
})

forEachEngine('a constraint that fails in one work leaves the works around it', async ({ store }) => {
  const put = (name: string) =>
    store.write(options, async ({ db }) => {
      await db
        .insertInto('consumers')
        .values({ name, xid: 0, seq: 0, lease_owner: null, lease_until: 0 })
        .execute()
    })
  const results = await Promise.allSettled([put('a'), put('a'), put('b'), put('c')])
  const [one, other, ...rest] = results.map((result) => result.status)
  // Which of the two comes first is theirs to settle.
  assert.deepEqual([one, other].sort(), ['fulfilled', 'rejected'])
  assert.deepEqual(rest, ['fulfilled', 'fulfilled'])
})

forEachEngine('a read sees one snapshot, without what is being written', async ({ store }) => {
  await store.write(options, async (tx) => tx.change(change('a')))
  const counts = await store.read(async ({ db }) => {
    const count = () =>
      db
        .selectFrom('changes')
        .select(({ fn }) => fn.countAll<number>().as('n'))
        .executeTakeFirstOrThrow()
    const first = await count()
    const second = await count()
    return [first.n, second.n]
  })
  assert.deepEqual(counts, [1, 1])
})

forEachEngine('values come out alike: counts, sums, truth, lists, none', async ({ store }) => {
  const row = await store.read(async ({ db, engine }) => {
    const list =
      engine === 'postgres'
        ? sql`'b' = any(${['a', 'b']}::text[])`
        : sql`'b' in (select value from json_each(${['a', 'b']}))`
    const { rows } = await sql`
      select count(*) as count, sum(v.n) as sum, 1 = 1 as yes, 1 = 2 as no, ${list} as listed, null as none,
        cast(9007199254740991 as bigint) as largest, cast(${true} as integer) as flag
      from (select 2 as n union all select 3 as n) as v`.execute(db)
    return rows[0]
  })
  assert.deepEqual(row, {
    count: 2,
    sum: 5,
    yes: 1,
    no: 0,
    listed: 1,
    none: null,
    largest: Number.MAX_SAFE_INTEGER,
    flag: 1,
  })
})

forEachEngine('an integer that a number cannot hold is refused, never rounded', async ({ store }) => {
  await assert.rejects(
    store.read(({ db }) => sql`select cast(9007199254740993 as bigint) as n`.execute(db)),
    RangeError,
  )
})

forEachEngine(
  'a transaction is refused after its end, outside its work, and around another',
  async ({ store }) => {
    let leaked: Parameters<Parameters<Store['write']>[1]>[0] | undefined
    await store.write(options, async (tx) => {
      leaked = tx
    })
    await assert.rejects(async () => leaked?.db.selectFrom('changes').selectAll().execute(), /after its end/)
    await assert.rejects(
      store.write(options, () => store.read(async () => {})),
      /store call inside a transaction/,
    )
    await assert.rejects(
      store.read(() => store.write(options, async () => {})),
      /store call inside a transaction/,
    )
    await store.write(options, async (tx) => tx.change(change('after')))
    assert.deepEqual(await changedIds(store), ['after'])
  },
)

forEachEngine('an answer in pieces is all of it, and other statements run in between', async ({ store }) => {
  const numbers = { sqlite: 'json_each(?)', postgres: 'json_array_elements_text($1::json) as each' }
  const all = Array.from({ length: 25 }, (_, n) => String(n))
  await store.read(async (tx) => {
    const statement = `select value from ${numbers[tx.engine]}`
    const read = async (limit = Number.POSITIVE_INFINITY) => {
      const found: unknown[] = []
      for await (const rows of tx.pieces(statement, [JSON.stringify(all)], 10)) {
        assert.ok(rows.length > 0 && (tx.engine === 'postgres' || rows.length <= 10))
        await tx.run('select 1 as one', [])
        found.push(...rows.map((row) => row.value))
        if (found.length >= limit) break
      }
      return found
    }
    assert.deepEqual(await read(), all)
    // One that is left half-way does not keep the next from starting anew.
    await read(1)
    assert.deepEqual(await read(), all)
    for await (const rows of tx.pieces(statement, ['[]'], 10)) assert.fail(`${rows.length} rows of none`)
  })
})

forEachEngine('an answer in pieces ends with its transaction', async ({ store }) => {
  const kept = await store.read(async (tx) => tx.pieces('select 1 as one', [], 10))
  await assert.rejects(async () => {
    for await (const rows of kept) assert.fail(`${rows.length} rows`)
  }, /after its end/)
})

onSqlite('a reader of a large answer lets others have their turn, in its own snapshot', async ({ store }) => {
  const numbers = `with recursive n(i) as (select 1 union all select i + 1 from n where i < 200000)
    select i, (select count(*) from changes) as changes from n`
  const events: string[] = []
  const other = new Promise((resolve) => {
    setImmediate(() => resolve(store.write(options, async (tx) => tx.change(change('between')))))
  }).then(() => events.push('written'))
  const read = await store.read(async (tx) => {
    const seen = new Set<unknown>()
    let count = 0
    for await (const rows of tx.pieces(numbers, [], 100)) {
      count += rows.length
      for (const row of rows) seen.add(row.changes)
    }
    const [last] = (await tx.run('select count(*) as n from changes', [])).rows
    return [count, [...seen], last?.n]
  })
  events.push('read')
  await other
  assert.deepEqual(events, ['written', 'read'])
  assert.deepEqual(read, [200_000, [0], 0])
  assert.deepEqual(await changedIds(store), ['between'])
})

onSqlite('a work that awaits something else is stopped and undone; others go on', async ({ store }) => {
  let later: Promise<unknown> | undefined
  const late = store.write(options, async (tx) => {
    tx.change(change('late'))
    await new Promise((resolve) => setTimeout(resolve, 5))
    later = tx.db.selectFrom('changes').selectAll().execute()
    await later
  })
  const good = store.write(options, async (tx) => tx.change(change('good')))
  await assert.rejects(late, /awaited something other than its tx/)
  await good
  await new Promise((resolve) => setTimeout(resolve, 20))
  await assert.rejects(later ?? Promise.resolve(), /after its end/)
  assert.deepEqual(await changedIds(store), ['good'])
})

onSqlite('writers that wait together share one commit', async ({ store }) => {
  const before = await pageCommits(store)
  await Promise.all(
    Array.from({ length: 20 }, (_, i) => store.write(options, async (tx) => tx.change(change(`${i}`)))),
  )
  assert.equal((await pageCommits(store)) - before, 1)
  assert.equal((await changedIds(store)).length, 20)
})

/** data_version of a reader grows with each commit of another connection. */
async function pageCommits(store: Store): Promise<number> {
  const { rows } = await store.read(({ run }) => run('pragma data_version', []))
  return Number(rows[0]?.data_version)
}

onSqlite('a deferred constraint that spoils a shared commit fails its own writer only', async ({ store }) => {
  await store.write(options, async ({ db }) => {
    await sql`create table parent (id text primary key)`.execute(db)
    await sql`create table child (id text references parent (id) deferrable initially deferred)`.execute(db)
  })
  const put = (id: string) =>
    store.write(options, async (tx) => {
      await sql`insert into child values (${id})`.execute(tx.db)
      tx.change(change(id))
    })
  await store.write(
    options,
    async ({ db }) => void (await sql`insert into parent values ('here')`.execute(db)),
  )
  const results = await Promise.allSettled([put('here'), put('gone'), put('here')])
  assert.deepEqual(
    results.map((result) => result.status),
    ['fulfilled', 'rejected', 'fulfilled'],
  )
  assert.deepEqual(await changedIds(store), ['here', 'here'])
})

forEachEngine(
  'listeners hear of changes, here and through another store',
  async ({ store, open, engine }) => {
    const other = engine === 'postgres' ? await open() : store
    await untilHeard(store, other)
    const heard = new Promise<void>((resolve) => other.onChanges(resolve))
    await store.write(options, async (tx) => tx.change(change('a')))
    await heard
    const signal = new Promise<void>((resolve) => {
      other.onSignal((text) => text === 'host-1 7' && resolve())
    })
    store.signal('host-1 7')
    await signal
  },
)

forEachEngine('prepared statements are filled with values and keep constants', async ({ store }) => {
  const put = prepared('test-put', (db, p: { name: string; seq: number }) =>
    db
      .insertInto('consumers')
      .values({ name: p.name, xid: 5, seq: p.seq, lease_owner: null, lease_until: 0 }),
  )
  const find = prepared('test-find', (db, p: { from: number; count: number }) =>
    db
      .selectFrom('consumers')
      .select(['name', 'xid'])
      .where('seq', '>=', p.from)
      .orderBy('seq')
      .limit(p.count),
  )
  await store.write(options, async (tx) => {
    for (const seq of [3, 1, 2]) assert.equal(await put.run(tx, { name: `n${seq}`, seq }), 1)
    assert.deepEqual(await find.first(tx, { from: 2, count: 1 }), { name: 'n2', xid: 5 })
  })
  const rows = await store.read((tx) => find.all(tx, { from: 2, count: 9 }))
  assert.deepEqual(rows, [
    { name: 'n2', xid: 5 },
    { name: 'n3', xid: 5 },
  ])
})

/** A place where the first `count` callers wait for each other; later ones pass. */
function meeting(count: number): () => Promise<void> {
  let come = 0
  let open = () => {}
  const all = new Promise<void>((resolve) => {
    open = resolve
  })
  return () => {
    come++
    if (come === count) open()
    return all
  }
}

async function startCounter(store: Store): Promise<void> {
  await store.write(options, async ({ db }) => {
    await db
      .insertInto('consumers')
      .values({ name: 'counter', xid: 0, seq: 0, lease_owner: null, lease_until: 0 })
      .execute()
  })
}

async function counted({ db }: Pick<Tx, 'db'>): Promise<number> {
  return (await db.selectFrom('consumers').select('seq').executeTakeFirstOrThrow()).seq
}

async function setCounter({ db }: Tx, seq: number): Promise<void> {
  await db.updateTable('consumers').set({ seq }).execute()
}

onPostgres('two servers that contend for one row lose no update', async ({ store, open }) => {
  const other = await open()
  await startCounter(store)
  const meet = meeting(2)
  let runs = 0
  const increment = (from: Store) =>
    from.write(options, async (tx) => {
      runs++
      const seq = await counted(tx)
      await meet()
      await setCounter(tx, seq + 1)
    })
  await Promise.all(Array.from({ length: 60 }, (_, index) => increment(index % 2 === 0 ? store : other)))
  assert.equal(await store.read(counted), 60)
  assert.ok(runs > 60, 'conflicts were met and retried')
})

onPostgres('a transaction that others always spoil is let alone in the end', async ({ store, open }) => {
  const other = await open()
  await startCounter(store)
  let spoilt = 0
  let done = false
  async function spoil(): Promise<void> {
    while (!done) {
      await other.write(options, async (tx) => setCounter(tx, (await counted(tx)) + 1))
      spoilt++
    }
  }
  const spoiling = spoil()
  const given: number[] = []
  try {
    await store.write(options, async (tx) => {
      const seq = await counted(tx)
      const before = spoilt
      // The second commit from here was begun after the look above.
      const end = performance.now() + (given.length < 3 ? 60_000 : 200)
      while (spoilt < before + 2 && performance.now() < end) await sleep(1)
      given.push(spoilt - before)
      await setCounter(tx, seq + 1000)
    })
  } finally {
    done = true
    await spoiling
  }
  assert.equal(await store.read(counted), 1000 + spoilt, 'no update is lost')
  assert.equal(given.length, 4)
  assert.ok((given.at(-1) ?? 2) < 2, 'nobody wrote beside the last run')
})

onPostgres('writers that wait for each other keep no reader waiting', async ({ options, open }) => {
  if (options.engine !== 'postgres') return
  const store = await openStore({ ...options, connections: 4 }, silentLogger)
  const other = await open()
  let enter = () => {}
  let leave = () => {}
  const entered = new Promise<void>((resolve) => {
    enter = resolve
  })
  const left = new Promise<void>((resolve) => {
    leave = resolve
  })
  const keys = ['a', 'b', 'c', 'd']
  const holding = other.write({ requestId: 'req-1', serialize: keys }, async () => {
    enter()
    await left
  })
  await entered
  const waiting = keys.map((key) => store.write({ requestId: 'req-1', serialize: [key] }, async () => {}))
  await sleep(50)
  try {
    assert.equal(await store.read(async () => 'read'), 'read')
  } finally {
    leave()
    await Promise.all([holding, ...waiting])
    await store.close()
  }
})

onPostgres('writers that name one key do not conflict, across servers', async ({ store, open }) => {
  const other = await open()
  await startCounter(store)
  let runs = 0
  const increment = (from: Store) =>
    from.write({ ...options, serialize: ['b', 'a'] }, async (tx) => {
      runs++
      await setCounter(tx, (await counted(tx)) + 1)
    })
  await Promise.all(Array.from({ length: 60 }, (_, index) => increment(index % 2 === 0 ? store : other)))
  assert.equal(await store.read(counted), 60)
  assert.equal(runs, 60)
})

onPostgres('an insert that lost a race against its own check is run again', async ({ store, open }) => {
  const other = await open()
  const count = 10
  const meet = meeting(count)
  let runs = 0
  const ensure = (from: Store) =>
    from.write(options, async ({ db }) => {
      runs++
      const row = await db.selectFrom('consumers').select('name').where('name', '=', 'one').executeTakeFirst()
      if (row !== undefined) return 'found'
      await meet()
      await db
        .insertInto('consumers')
        .values({ name: 'one', xid: 0, seq: 0, lease_owner: null, lease_until: 0 })
        .execute()
      return 'made'
    })
  const results = await Promise.all(
    Array.from({ length: count }, (_, index) => ensure(index % 2 === 0 ? store : other)),
  )
  assert.equal(results.filter((result) => result === 'made').length, 1)
  assert.ok(runs >= 2 * count - 1, `${runs} runs`)
})

onPostgres('a unique violation of its own is found when nobody else writes', async ({ store }) => {
  await startCounter(store)
  let runs = 0
  await assert.rejects(
    store.write(options, async ({ db }) => {
      runs++
      await db
        .insertInto('consumers')
        .values({ name: 'counter', xid: 0, seq: 0, lease_owner: null, lease_until: 0 })
        .execute()
    }),
    isUniqueViolation,
  )
  assert.equal(runs, 4)
})

onPostgres('a work that swallows an error of the database commits nothing and fails', async ({ store }) => {
  await assert.rejects(
    store.write(options, async (tx) => {
      tx.change(change('half'))
      await tx.run('select no_such_column', []).catch(() => {})
    }),
  )
  assert.deepEqual(await changedIds(store), [])
})

onPostgres(
  'a server whose connections are cut goes on, and hears of changes again',
  async ({ store, open, options }) => {
    if (options.engine !== 'postgres') return
    const other = await open()
    const cutter = new pg.Client(options.url)
    await cutter.connect()
    const cut = () =>
      cutter.query(`select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and pid <> pg_backend_pid()`)
    let runs = 0
    try {
      await store.read(async () => {})
      await cut()
      await store.write({ requestId: 'req-1' }, async (tx) => {
        runs++
        await tx.run('select 1', [])
        // The first run loses its connection before the commit, which leaves no trace.
        if (runs === 1) await cut()
        await tx.run('select 1', [])
        tx.change(change('a'))
      })
      assert.equal(runs, 2)
      assert.deepEqual(await changedIds(store), ['a'])
      let heard = 0
      other.onChanges(() => void heard++)
      await cut()
      for (const end = performance.now() + 60_000; heard === 0 && performance.now() < end; ) await sleep(20)
      assert.ok(heard > 0, 'after it listens again it looks at what it may have missed')
    } finally {
      await cutter.end()
    }
  },
)
