import assert from 'node:assert/strict'
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { replaceFile } from './files.ts'

test('a file is replaced as a whole, and nothing that lies beside it is followed', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'files-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  const [path, other] = [join(directory, 'a'), join(directory, 'other')]
  writeFileSync(path, 'old')
  writeFileSync(other, 'theirs')
  const before = statSync(path).ino
  symlinkSync(other, `${path}.new`)
  replaceFile(path, 'new', { mode: 0o600, durable: true })
  assert.equal(readFileSync(path, 'utf8'), 'new')
  assert.equal(readFileSync(other, 'utf8'), 'theirs')
  assert.notEqual(statSync(path).ino, before, 'who has the old one open reads on in it')
  assert.equal(statSync(path).mode & 0o777, 0o600)

  mkdirSync(join(directory, 'full', 'x'), { recursive: true })
  assert.throws(() => replaceFile(join(directory, 'full'), 'new'))
  assert.deepEqual(readdirSync(directory).sort(), ['a', 'full', 'other'], 'nothing is left of what failed')
})
