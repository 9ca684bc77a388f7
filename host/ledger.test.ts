import assert from 'node:assert/strict'
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fillDisk } from '../runtime/testing/full-disk.ts'
import { openLedger } from './ledger.ts'

function pathFor(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'nucleon-ledger-'))
  t.after(() => rmSync(directory, { recursive: true }))
  return join(directory, 'ledger')
}

const keysAt = (path: string): string[] => [...openLedger(path).keys()]

test('what was written down is known after a restart, and half a line is not', (t) => {
  const path = pathFor(t)
  const ledger = openLedger(path)
  for (const key of ['a', 'b', 'c']) ledger.add(key)
  ledger.strike('b')
  appendFileSync(path, '+directory /var')
  assert.deepEqual(keysAt(path), ['a', 'c'])
})

test('a full disk fails what is new, strikes all the same, and leaves nothing torn behind', (t) => {
  const path = pathFor(t)
  const ledger = openLedger(path)
  for (const key of ['a', 'b']) ledger.add(key)
  const disk = fillDisk(t)
  assert.throws(() => ledger.add('directory /var/lib/ours'), /ENOSPC/)
  ledger.strike('a')
  assert.deepEqual([...ledger.keys()], ['b'])
  disk.free()
  ledger.add('c')
  assert.deepEqual(keysAt(path), ['b', 'c'])
})

test('a full disk at the start leaves the old ledger, which is gone on with', (t) => {
  const path = pathFor(t)
  openLedger(path).add('a')
  appendFileSync(path, '+directory /var')
  const disk = fillDisk(t)
  const ledger = openLedger(path)
  assert.deepEqual([...ledger.keys()], ['a'])
  disk.free()
  ledger.add('b')
  assert.deepEqual(keysAt(path), ['a', 'b'])
})
