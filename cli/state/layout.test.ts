import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { UserError } from '../errors.ts'
import { addRecord, type InstanceRecord, listRecords } from '../instance/record.ts'
import { layoutOf, type Memory, readMemory, readSecrets, writeMemory } from './layout.ts'

test('what the state remembers is replaced as a whole, and named when it is damaged', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'layout-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  const layout = layoutOf(join(directory, 'state'))
  mkdirSync(layout.root)
  const memory = { host: 'h', apiPort: 9696 } as Memory
  writeMemory(layout, memory)
  const before = statSync(layout.memory).ino
  writeMemory(layout, { ...memory, apiPort: 9700 })
  assert.equal(readMemory(layout)?.apiPort, 9700)
  assert.notEqual(statSync(layout.memory).ino, before)
  addRecord(layout, { name: 'one', namespace: 'inst-one' } as InstanceRecord)
  assert.equal(listRecords(layout)[0]?.namespace, 'inst-one')

  const record = join(layout.instances, 'one', 'instance.json')
  for (const [path, read] of [
    [layout.memory, () => readMemory(layout)],
    [layout.secrets, () => readSecrets(layout)],
    [record, () => listRecords(layout)],
  ] as const) {
    for (const text of ['', '{"host": "h', 'null']) {
      writeFileSync(path, text)
      assert.throws(read, (error) => error instanceof UserError && error.message === `${path} is damaged`)
    }
  }
})
