import assert from 'node:assert/strict'
import { silentLogger } from '../../runtime/log.ts'
import { forEachEngine } from '../store/testing.ts'
import { ensureEpoch } from './epoch.ts'
import { note } from './testing.ts'

const options = { requestId: 'req-test' }

forEachEngine(
  'servers that start together agree on one epoch, which stays',
  async ({ store, open, engine }) => {
    const other = engine === 'postgres' ? await open() : store
    const [one, two] = await Promise.all([store, other].map((each) => ensureEpoch(each, silentLogger)))
    assert.equal(one, two)
    assert.equal(await ensureEpoch(store, silentLogger), one)
    await store.write(options, (tx) =>
      tx.db
        .deleteFrom('feed_epoch')
        .execute()
        .then(() => {}),
    )
    assert.notEqual(await ensureEpoch(store, silentLogger), one)
  },
)

forEachEngine(
  'a copy that goes on elsewhere gets a new epoch and forgets the order of changes',
  async ({ store }) => {
    const first = await ensureEpoch(store, silentLogger)
    await store.write(options, async (tx) => {
      note(tx, 'thing', 'a', 'update')
      await tx.db.updateTable('feed_epoch').set({ origin: 'another cluster' }).execute()
      await tx.db
        .insertInto('consumers')
        .values({ name: 'relay', xid: 10 ** 12, seq: 5, lease_owner: null, lease_until: 0 })
        .execute()
    })
    assert.notEqual(await ensureEpoch(store, silentLogger), first)
    const { changes, cursor } = await store.read(async ({ db }) => ({
      changes: await db.selectFrom('changes').select('id').execute(),
      cursor: await db.selectFrom('consumers').select(['xid', 'seq']).executeTakeFirstOrThrow(),
    }))
    assert.deepEqual([changes, cursor], [[], { xid: 0, seq: 0 }])
  },
)
