import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createPool } from './pool.ts'

test('no more than the limit are made, and of those who wait the eldest is served first', async () => {
  let made = 0
  const pool = createPool(2, () => made++)
  let inside = 0
  let most = 0
  const served: string[] = []
  const use = (name: string, since?: number) =>
    pool.use(async () => {
      most = Math.max(most, ++inside)
      served.push(name)
      await new Promise((resolve) => setImmediate(resolve))
      inside--
    }, since)
  const start = performance.now()
  await Promise.all([
    use('a'),
    use('b'),
    use('late', start + 2000),
    use('first', start + 1000),
    use('as late', start + 2000),
    use('before all', start - 1000),
  ])
  assert.deepEqual(served, ['a', 'b', 'before all', 'first', 'late', 'as late'])
  assert.deepEqual([made, most], [2, 2])
  const last = use('last')
  const drained = pool.drain().then((items) => [...items, inside])
  await last
  assert.deepEqual(await drained, [0, 1, 0])
})

test('what is idle is used again, whatever it is', async () => {
  const places = createPool(1, () => undefined)
  for (const n of [1, 2, 3]) assert.equal(await places.use(async () => n), n)
})
