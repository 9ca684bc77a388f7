import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { gathered } from './gathered.ts'

test('questions of one turn go together, and those that come meanwhile wait for the next', async () => {
  const asked: (readonly number[])[] = []
  const free = Promise.withResolvers<void>()
  const double = gathered(async (questions: readonly number[]) => {
    asked.push(questions)
    if (asked.length === 1) await free.promise
    return questions.map((n) => 2 * n)
  })
  const first = [double(1), double(2)]
  await turn()
  const second = [double(3), double(4), double(5)]
  free.resolve()
  assert.deepEqual(await Promise.all([...first, ...second]), [2, 4, 6, 8, 10])
  assert.deepEqual(asked, [
    [1, 2],
    [3, 4, 5],
  ])
})

test('a failure is that of all who asked together, and of nobody else', async () => {
  const ask = gathered(async (questions: readonly string[]) => {
    if (questions.includes('bad')) throw new Error('no')
    return questions
  })
  const together = await Promise.allSettled([ask('good'), ask('bad')])
  assert.deepEqual(
    together.map(({ status }) => status),
    ['rejected', 'rejected'],
  )
  assert.equal(await ask('good'), 'good')
})
