import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createJsonSplitter } from './json.splitter.ts'

describe('splitting a stream of JSON', () => {
  const messages = [
    { id: 0, result: [{ a: 'brace } in "string" \\' }], error: null },
    { method: 'echo', params: [], id: 'echo' },
    { é: '\u{1f980}' },
  ]
  const stream = messages.map((message) => JSON.stringify(message)).join('')

  test('wherever it is cut', () => {
    for (let size = 1; size <= stream.length; size++) {
      const splitter = createJsonSplitter()
      const found: unknown[] = []
      for (let at = 0; at < stream.length; at += size)
        found.push(...splitter.push(stream.slice(at, at + size)))
      assert.deepEqual(found, messages)
    }
  })

  test('what is no JSON is refused', () => {
    assert.throws(() => createJsonSplitter().push('}'), SyntaxError)
    assert.throws(() => createJsonSplitter().push('{x}'), SyntaxError)
  })
})
