import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { forEachEngine } from './testing.ts'

/** Writes without end, several at a time; each id goes to standard output once its write is acknowledged. */
const writer = `
  import { openStore } from ${JSON.stringify(new URL('./open.ts', import.meta.url).href)}
  import { silentLogger } from ${JSON.stringify(new URL('../../runtime/log.ts', import.meta.url).href)}
  import { writeSync } from 'node:fs'
  const store = await openStore(JSON.parse(process.env.STORE_OPTIONS), silentLogger)
  async function forever(name) {
    for (let n = 0; ; n++) {
      const id = name + '-' + n
      await store.write({ requestId: 'req-1' }, async (tx) => {
        await tx.db.insertInto('consumers')
          .values({ name: id, xid: 0, seq: 0, lease_owner: null, lease_until: 0 }).execute()
        tx.change({ object: 'thing', id, parentId: null, operation: 'create', revision: null, projectId: null })
      })
      writeSync(1, id + '\\n')
    }
  }
  await Promise.all(['a', 'b', 'c', 'd'].map(forever))
`

forEachEngine(
  'what was acknowledged survives kill -9 of its writer, with its change',
  async ({ store, options }) => {
    for (const count of [1, 40]) {
      const child = spawn(process.execPath, ['--input-type=module-typescript', '--eval', writer], {
        env: { ...process.env, STORE_OPTIONS: JSON.stringify(options) },
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      const acknowledged: string[] = []
      for await (const line of createInterface(child.stdout)) {
        acknowledged.push(line)
        if (acknowledged.length === count) child.kill('SIGKILL')
      }
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
      assert.ok(acknowledged.length >= count)

      const { rows, changes } = await store.read(async ({ db }) => ({
        rows: (await db.selectFrom('consumers').select('name').execute()).map(({ name }) => name),
        changes: (await db.selectFrom('changes').select('id').execute()).map(({ id }) => id),
      }))
      const kept = new Set(rows)
      assert.deepEqual(
        acknowledged.filter((id) => !kept.has(id)),
        [],
      )
      assert.deepEqual(changes.sort(), rows.sort(), 'a row and its change stand or fall together')
      await store.write({ requestId: 'req-2' }, async ({ db }) => {
        await db.deleteFrom('consumers').execute()
        await db.deleteFrom('changes').execute()
      })
    }
  },
)
