import assert from 'node:assert/strict'
import { test } from 'node:test'
import { kyselyOn } from './dialect.ts'
import { isOneOf } from './lists.ts'
import { prepared } from './prepared.ts'
import type { Engine, ReadTx } from './store.ts'

/** A transaction that notes what it is asked to run. */
function recorder(engine: Engine) {
  const ran: { sql: string; parameters: readonly unknown[]; name: string | undefined }[] = []
  const run: ReadTx['run'] = async (sql, parameters, name) => {
    ran.push({ sql, parameters, name })
    return { rows: [], written: 0 }
  }
  const pieces: ReadTx['pieces'] = () => assert.fail('no answer is read in pieces')
  return { tx: { engine, run, pieces, db: kyselyOn(engine, run) }, ran }
}

test('a statement is built once an engine, and its text does not depend on the values', async () => {
  let builds = 0
  const find = prepared('find', (db, p: { names: readonly string[]; seq: number }, engine) => {
    builds++
    return db
      .selectFrom('consumers')
      .select('name')
      .where('xid', '=', 1)
      .where('seq', '<', p.seq)
      .where(isOneOf(engine, 'name', p.names))
  })
  for (const engine of ['sqlite', 'postgres'] as const) {
    const { tx, ran } = recorder(engine)
    await find.all(tx, { names: ['a'], seq: 5 })
    await find.all(tx, { seq: 6, names: ['b', 'c'] })
    const sql =
      engine === 'sqlite'
        ? 'select "name" from "consumers" where "xid" = 1 and "seq" < ? and "name" in (select value from json_each(?))'
        : 'select "name" from "consumers" where "xid" = 1 and "seq" < $1 and "name" = any($2::text[])'
    assert.deepEqual(ran, [
      { sql, parameters: [5, ['a']], name: 'find' },
      { sql, parameters: [6, ['b', 'c']], name: 'find' },
    ])
  }
  assert.equal(builds, 2)
})

test('a parameter without a value is a defect, not a null', async () => {
  const find = prepared('find', (db, p: { seq: number | null }) =>
    db.updateTable('consumers').set({ lease_owner: 'x' }).where('seq', '=', p.seq),
  )
  await assert.rejects(find.run(recorder('sqlite').tx, {} as never), /no value for seq/)
})
