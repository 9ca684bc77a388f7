import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { isGone, processIdentity } from './process-identity.ts'

test('a process that runs is not gone, one that was killed is, and of others nothing is said', async () => {
  const own = processIdentity()
  assert.equal(isGone(own), false)
  const url = new URL('process-identity.ts', import.meta.url).href
  const script = `import { processIdentity } from '${url}'; console.log(processIdentity()); setInterval(() => {}, 1000)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script])
  const [said] = (await once(child.stdout, 'data')) as [Buffer]
  const other = said.toString().trim()
  assert.notEqual(other, own)
  assert.equal(isGone(other), false)
  child.kill('SIGKILL')
  await once(child, 'exit')
  assert.equal(isGone(other), true)
  for (const unknown of ['', 'x', other.replace(/^[^/]+/, 'another-boot'), other.replace(/\/\d+/, '/1')]) {
    assert.equal(isGone(unknown), false, unknown)
  }
  assert.equal(isGone(own.replace(/\d+$/, '1')), true, 'the pid is of another by now')
})
