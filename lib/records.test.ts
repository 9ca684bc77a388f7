import assert from 'node:assert/strict'
import { test } from 'node:test'
import { blankRecords } from './records.ts'

test('records have their keys in order, and none is another', () => {
  const blank = blankRecords(['b', 'a"', 'binding:host_id'])
  const [one, two] = [blank(), blank()]
  one.b = 1
  assert.deepEqual(Object.entries(one), [
    ['b', 1],
    ['a"', null],
    ['binding:host_id', null],
  ])
  assert.equal(two.b, null)
})
