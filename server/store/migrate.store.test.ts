import assert from 'node:assert/strict'
import { type Kysely, sql } from 'kysely'
import { silentLogger } from '../../runtime/log.ts'
import { isUniqueViolation } from './errors.ts'
import { migrations } from './migrations/index.ts'
import type { Migration } from './migrations/migration.ts'
import { openStore } from './open.ts'
import type { Store } from './store.ts'
import { forEachEngine, onPostgres, onSqlite } from './testing.ts'

const options = { requestId: 'req-test' }

const later: Migration = {
  name: '9999-later',
  async up(db) {
    await sql`create table later (id text primary key)`.execute(db)
  },
}

forEachEngine('what is due is applied once, by whichever server comes first', async ({ store, open }) => {
  let runs = 0
  const counted: Migration = {
    name: later.name,
    async up(db, engine) {
      runs++
      await later.up(db, engine)
    },
  }
  await Promise.all([1, 2, 3].map(() => open({ migrations: [...migrations, counted] })))
  assert.equal(runs, 1)
  await store.write(options, async ({ db }) => void (await sql`insert into later values ('a')`.execute(db)))
})

forEachEngine('a migration that fails leaves the database as it was', async ({ store, open }) => {
  const failing: Migration = {
    name: '9999-failing',
    async up(db) {
      await sql`create table half (id text)`.execute(db)
      throw new Error('no further')
    },
  }
  await assert.rejects(open({ migrations: [...migrations, failing] }), /no further/)
  await assert.rejects(store.read(({ db }) => sql`select * from half`.execute(db)))
  await open()
})

onPostgres('a migration takes as long as it needs, other statements do not', async ({ open }) => {
  const timeouts: string[] = []
  const note = async (db: Kysely<never>) => {
    const { rows } = await sql<{ statement_timeout: string }>`show statement_timeout`.execute(db)
    timeouts.push(...rows.map((row) => row.statement_timeout))
  }
  const noting: Migration = { name: later.name, up: (db) => note(db as never) }
  const store = await open({ migrations: [...migrations, noting] })
  await store.write(options, ({ db }) => note(db as never))
  assert.deepEqual(timeouts, ['0', '30s'])
})

forEachEngine('a database that is newer than the program is refused', async ({ open }) => {
  await open({ migrations: [...migrations, later] })
  await assert.rejects(open(), /newer than this program: it has 9999-later/)
})

forEachEngine('both engines have the tables and columns that were declared', async ({ store, engine }) => {
  const columns = await store.read(async ({ db }) => {
    const text =
      engine === 'postgres'
        ? sql<{ name: string }>`select table_name || '.' || column_name as name
            from information_schema.columns where table_schema = 'public'`
        : sql<{ name: string }>`select t.name || '.' || c.name as name
            from sqlite_master as t, pragma_table_info(t.name) as c
            where t.type = 'table' and t.name not like 'sqlite_%'`
    return (await text.execute(db)).rows.map(({ name }) => name)
  })
  for (const name of [
    'changes.xid',
    'host_documents.seq',
    'documents.body',
    'hosts.floor',
    'ports.mac_address',
  ]) {
    assert.ok(columns.includes(name), name)
  }
  const other = shapes.get(engine === 'sqlite' ? 'postgres' : 'sqlite')
  shapes.set(engine, columns.sort())
  if (other !== undefined) assert.deepEqual(columns, other)
})

/** Columns by engine, so that the second engine is compared with the first. */
const shapes = new Map<string, string[]>()

onSqlite('tables kept by their keys have the rows and indexes that they had', async ({ options: place }) => {
  assert.equal(place.engine, 'sqlite')
  const path = `${(place as { path: string }).path}-old`
  const open = (some: readonly Migration[]) =>
    openStore({ engine: 'sqlite', path }, silentLogger, { migrations: some })
  const compact = migrations.findIndex(({ name }) => name === '0081-compact-tables')
  const old = await open(migrations.slice(0, compact))
  await old.write(options, async ({ db }) => {
    for (const tag of ['a', 'b']) await sql`insert into tags values ('port', 'p', ${tag})`.execute(db)
    await sql`insert into free_ranges values ('pool', '1', '5')`.execute(db)
  })
  const state = (store: Store) =>
    store.read(async ({ db }) => {
      const indexes = sql`select name from sqlite_schema where type = 'index' and sql is not null order by name`
      const tags = sql`select * from tags order by tag`
      const ranges = sql`select * from free_ranges`
      return [await indexes.execute(db), await tags.execute(db), await ranges.execute(db)].map(
        ({ rows }) => rows,
      )
    })
  const before = await state(old)
  await old.close()
  const now = await open(migrations.slice(0, compact + 1))
  assert.deepEqual(await state(now), before)
  const again = sql`insert into tags values ('port', 'p', 'a')`
  await assert.rejects(
    now.write(options, async ({ db }) => void (await again.execute(db))),
    isUniqueViolation,
  )
  await now.close()
})
