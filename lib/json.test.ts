import assert from 'node:assert/strict'
import { test } from 'node:test'
import { exactInteger, parseExact, printExact } from './json.ts'

test('integers come out of JSON.stringify with all their digits', () => {
  for (const value of [
    0n,
    -7n,
    2n ** 53n - 1n,
    2n ** 53n,
    2n ** 53n + 1n,
    2n ** 64n,
    2n ** 128n,
    -(2n ** 64n),
  ]) {
    assert.equal(JSON.stringify({ value: exactInteger(value) }), `{"value":${value}}`)
  }
  assert.equal(exactInteger(256n), 256)
})

test('what is read and printed again is the same text', () => {
  for (const text of [
    '{"a":18446744073709551616,"b":[-9007199254740993,1.5,7,"18446744073709551616"],"c":null}',
    '{"a":1,"b":"x"}',
    '[]',
    '79228162514264337593543950335',
  ]) {
    assert.equal(printExact(parseExact(text)), text)
  }
  assert.deepEqual(parseExact('[9007199254740993, 9007199254740991, 1e30]'), [
    9007199254740993n,
    9007199254740991,
    1e30,
  ])
})
