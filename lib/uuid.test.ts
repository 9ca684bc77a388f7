import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { namespaceDns, uuid5 } from './uuid.ts'

test('uuid5 agrees with the example of RFC 9562', () => {
  assert.equal(uuid5(namespaceDns, 'www.example.com'), '2ed6657d-e927-568b-95e1-2665a8aea6a2')
})

test('uuid5 agrees with the platform for names of every length around a block', () => {
  for (let length = 0; length < 140; length++) {
    const name = 'é'.repeat(length % 7) + 'x'.repeat(length)
    const hash = createHash('sha1')
      .update(Buffer.from(namespaceDns.replaceAll('-', ''), 'hex'))
      .update(name)
      .digest('hex')
    const expected = `${hash.slice(0, 8)}${hash.slice(8, 12)}5${hash.slice(13, 16)}`
    assert.equal(uuid5(namespaceDns, name).replaceAll('-', '').slice(0, 16), expected)
  }
})
