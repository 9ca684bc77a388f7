import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { UserError } from '../errors.ts'
import { askToStop, requireFreePort, runningIn, takeControl } from './control.ts'
import { layoutOf } from './layout.ts'

const about = {
  pid: 42,
  state: '/s',
  ready: true,
  parts: { server: { pid: 43, readyAfter: 5 }, agent: { pid: null, readyAfter: null } },
}

test('who holds a state answers, stops when asked, and is alone', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'control-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  const layout = layoutOf(directory)
  const lock = `\0nucleon-test-${process.pid}`
  // What a killed supervisor leaves behind holds nobody up.
  writeFileSync(layout.control, '')
  assert.equal(await runningIn(layout), undefined)

  const { promise: stopped, resolve: stop } = Promise.withResolvers<void>()
  const control = await takeControl(layout, () => about, stop, lock)
  assert.deepEqual(await runningIn(layout), about)
  await assert.rejects(
    takeControl(layout, () => about, stop, lock),
    (error) =>
      error instanceof UserError && /another nucleon runs .*process 42, state \/s/.test(error.message),
  )
  assert.deepEqual(await askToStop(layout), about)
  await stopped
  await control.close()
  assert.equal(await runningIn(layout), undefined)
})

test('a port that somebody listens on is told, with the option to choose another', async (t) => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  assert.ok(address !== null && typeof address === 'object')
  await assert.rejects(
    requireFreePort(address.port, '--api-port'),
    (error) => error instanceof UserError && /--api-port PORT/.test(error.hint ?? ''),
  )
  const closed = once(server, 'close')
  server.close()
  await closed
  await requireFreePort(address.port, '--api-port')
  t.diagnostic(`port ${address.port}`)
})
