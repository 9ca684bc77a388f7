import assert from 'node:assert/strict'
import test from 'node:test'
import { networkNotFound, serviceUnavailable } from '../lib/errors.ts'
import { silentLogger } from '../runtime/log.ts'
import { attemptEach } from './chores.ts'

test('an object that fails keeps no other from its turn; one that is gone is no failure', async () => {
  const done: number[] = []
  const attempt = (failing: number, error: Error) =>
    attemptEach([1, 2, 3], silentLogger, async (n) => {
      if (n === failing) throw error
      done.push(n)
    })
  assert.equal(await attempt(1, new Error('no address left')), false)
  assert.deepEqual(done, [2, 3])
  assert.equal(await attempt(2, networkNotFound('net')), true)
  assert.deepEqual(done, [2, 3, 1, 3])
  await assert.rejects(attempt(1, serviceUnavailable()), /ServiceUnavailable|temporarily/i)
  assert.deepEqual(done, [2, 3, 1, 3])
})
