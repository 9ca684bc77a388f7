import assert from 'node:assert/strict'
import { test } from 'node:test'
import { exactInteger } from './json.ts'

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
