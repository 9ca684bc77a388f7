import assert from 'node:assert/strict'
import { test } from 'node:test'
import { percentile } from './rate.ts'

test('percentiles of a hundred numbers in any order', () => {
  const numbers = Array.from({ length: 100 }, (_, i) => 100 - i)
  assert.equal(percentile(numbers, 0.5), 51)
  assert.equal(percentile(numbers, 0.99), 100)
  assert.equal(percentile([7], 0.99), 7)
  assert.ok(Number.isNaN(percentile([], 0.5)))
})
