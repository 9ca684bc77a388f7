import assert from 'node:assert/strict'
import test from 'node:test'
import {
  bucketDigests,
  contentHash,
  emptyDigest,
  type Held,
  hex,
  itemDigest,
  keyBucket,
  setDigest,
} from './digest.ts'

const held = (id: string, hash = 'aa'): Held => ({ type: 'port', id, hash })

test('a content hash ignores the order of keys and absent members, and nothing else', () => {
  const hash = contentHash({ a: 1, b: [{ x: null, y: 'é' }] })
  assert.equal(hash, contentHash({ b: [{ y: 'é', x: null }], a: 1, c: undefined }))
  assert.notEqual(hash, contentHash({ a: 1, b: [{ x: null, y: 'e' }] }))
  assert.notEqual(contentHash([1, 2]), contentHash([2, 1]))
  assert.notEqual(contentHash({ a: 1 }), contentHash({ a: '1' }))
  assert.notEqual(contentHash({ a: null }), contentHash({}))
  assert.equal(hash, contentHash(JSON.parse(JSON.stringify({ a: 1, b: [{ x: null, y: 'é' }] }))))
})

test('hashes are the same on every machine and release', () => {
  assert.equal(contentHash({ id: 'p', mtu: 1450 }), '03808c0b8819228749c5dccbe6709023')
  assert.equal(keyBucket({ type: 'port', id: 'p' }), 'e8')
})

test('a set digest does not depend on order and sees every key and hash', () => {
  const documents = ['a', 'b', 'c'].map((id) => held(id))
  assert.equal(setDigest(documents), setDigest([...documents].reverse()))
  assert.equal(setDigest([]), emptyDigest)
  assert.notEqual(setDigest(documents), setDigest(documents.slice(1)))
  assert.notEqual(setDigest(documents), setDigest([held('a', 'ab'), ...documents.slice(1)]))
  assert.notEqual(setDigest([held('a')]), setDigest([{ ...held('a'), type: 'network' }]))
})

test('a digest kept current equals one computed anew', () => {
  const kept =
    itemDigest(held('a')) ^ itemDigest(held('b')) ^ itemDigest(held('a')) ^ itemDigest(held('a', 'bb'))
  assert.equal(hex(kept), setDigest([held('a', 'bb'), held('b')]))
})

test('buckets part a set: only those that differ, differ', () => {
  const documents = Array.from({ length: 500 }, (_, n) => held(`port-${n}`))
  const before = bucketDigests(documents)
  const changed = held('port-7', 'changed')
  const after = bucketDigests(documents.map((document) => (document.id === 'port-7' ? changed : document)))
  const differing = Object.keys(before).filter((bucket) => before[bucket] !== after[bucket])
  assert.deepEqual(differing, [keyBucket(changed)])
  assert.ok(Object.keys(before).length > 150)
})
