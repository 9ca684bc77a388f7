import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { layoutOf } from '../state/layout.ts'
import { removeAll } from './down.ts'

test('down leaves the operator his settings, and what is not of Nucleon', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'down-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  const layout = layoutOf(join(directory, 'state'))
  mkdirSync(layout.agent, { recursive: true })
  for (const path of [
    layout.secrets,
    layout.config,
    `${layout.config}.new`,
    layout.localConfig,
    join(layout.root, 'notes'),
  ]) {
    writeFileSync(path, 'x')
  }
  assert.equal(await removeAll(layout, () => {}), true)
  assert.deepEqual(readdirSync(layout.root).sort(), ['local.conf', 'notes'])
  assert.equal(await removeAll(layout, () => {}), false)
})
