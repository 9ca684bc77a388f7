import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { silentLogger } from '../../runtime/log.ts'
import { makeRoomForWatchers } from './limits.ts'

test('a limit is raised, never lowered, and one that cannot be is no failure', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'nucleon-limits-'))
  t.after(() => rmSync(directory, { recursive: true }))
  const path = join(directory, 'limit')
  const after = (value: string): string => {
    writeFileSync(path, value)
    makeRoomForWatchers(silentLogger, path)
    return readFileSync(path, 'utf8').trim()
  }
  assert.equal(after('128\n'), '8192')
  assert.equal(after('100000\n'), '100000')
  makeRoomForWatchers(silentLogger, join(directory, 'missing', 'limit'))
})
