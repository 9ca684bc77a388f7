import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { createTurns } from './turns.ts'

test('those who name a common key go one after another, others do not wait, nobody waits for ever', async () => {
  const turns = createTurns()
  const running = new Set<string>()
  const order: string[] = []
  let together = 0
  const enter = (name: string, keys: string[]) =>
    turns.take(keys, async () => {
      running.add(name)
      together = Math.max(together, running.size)
      for (const key of keys) {
        const sharing = [...running].filter((other) => other !== name && other.includes(key))
        assert.deepEqual(sharing, [], `${name} runs with one that shares ${key}`)
      }
      await nextTurn()
      order.push(name)
      running.delete(name)
    })
  await Promise.all([
    enter('ab', ['a', 'b']),
    enter('ba', ['b', 'a']),
    enter('c', ['c']),
    enter('bc', ['b', 'c']),
  ])
  assert.equal(together, 2, 'c ran beside ab')
  assert.deepEqual(order, ['ab', 'c', 'ba', 'bc'])
})

test('one that fails lets the next one in', async () => {
  const turns = createTurns()
  const failed = turns.take(['a'], () => Promise.reject(new Error('no')))
  const next = turns.take(['a'], async () => 'in')
  await assert.rejects(failed)
  assert.equal(await next, 'in')
})
