import assert from 'node:assert/strict'
import { test } from 'node:test'
import { picked, recordsOf } from './records.ts'

const keys = ['b', 'a"', 'binding:host_id', '__proto__', ']: process.exit(1), [']

test('records have their keys in order, whatever these are, and none is another', () => {
  const make = recordsOf(keys)
  const [one, two] = [make([1, 2, 3, 4, 5]), make([])]
  assert.deepEqual(Object.entries(one), [
    ['b', 1],
    ['a"', 2],
    ['binding:host_id', 3],
    ['__proto__', 4],
    [']: process.exit(1), [', 5],
  ])
  assert.equal(Object.getPrototypeOf(one), Object.prototype)
  one.b = 6
  assert.equal(two.b, undefined)
})

test('what is picked of another record is all that there is', () => {
  const pick = picked(['second', 'absent'])
  assert.deepEqual(Object.entries(pick({ first: 1, second: 2 })), [
    ['second', 2],
    ['absent', undefined],
  ])
})

test('the same keys are compiled once', () => {
  assert.equal(recordsOf(['x', 'y']), recordsOf(['x', 'y']))
  assert.notEqual(recordsOf(['x', 'y']), recordsOf(['y', 'x']))
})
