import assert from 'node:assert/strict'
import { test } from 'node:test'
import { grouped } from './grouped.ts'

const pairs = [
  ['a', 'two'],
  ['b', 'one'],
  ['a', 'three'],
  ['a', 'one'],
  ['a', 'three'],
] as const

test('values of one key stand together, as they came', () => {
  assert.deepEqual(
    [...grouped(pairs)],
    [
      ['a', ['two', 'three', 'one', 'three']],
      ['b', ['one']],
    ],
  )
})
