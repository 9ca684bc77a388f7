import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { HostObject } from './objects.ts'
import { createPieces } from './pieces.ts'

const file = (path: string, content: string): HostObject => ({ kind: 'file', path, content, mode: 0o644 })
const contents = (changes: { key: string; object: HostObject | undefined }[]): string[] =>
  changes.map(({ key, object }) => `${key} ${object?.kind === 'file' ? object.content : '-'}`)

describe('the union of pieces', () => {
  test('an object is wanted while one piece has it', () => {
    const pieces = createPieces()
    assert.deepEqual(contents(pieces.set('a', [file('/x', '1')])), ['file /x 1'])
    assert.deepEqual(pieces.set('b', [file('/x', '1'), file('/y', '2')]).length, 1)
    assert.deepEqual(pieces.set('a', []), [])
    assert.deepEqual([...pieces.holdersOf('file /x')], ['b'])
    assert.deepEqual(contents(pieces.set('b', [file('/y', '2')])), ['file /x -'])
    assert.deepEqual(contents(pieces.set('b', [])), ['file /y -'])
    assert.equal(pieces.get('file /y'), undefined)
  })

  test('only what differs is a change', () => {
    const pieces = createPieces()
    pieces.set('a', [file('/x', '1'), file('/y', '2')])
    assert.deepEqual(pieces.set('a', [file('/x', '1'), file('/y', '2')]), [])
    assert.deepEqual(contents(pieces.set('a', [file('/x', '1'), file('/y', '3')])), ['file /y 3'])
  })

  test('of pieces that contradict each other the earlier one is followed', () => {
    const pieces = createPieces()
    pieces.set('a', [file('/x', '1')])
    assert.deepEqual(pieces.set('b', [file('/x', '2')]), [])
    assert.equal(pieces.contradicts('b', 'file /x'), true)
    assert.equal(pieces.contradicts('a', 'file /x'), false)
    assert.deepEqual(contents(pieces.set('a', [])), ['file /x 2'])
    assert.equal(pieces.contradicts('b', 'file /x'), false)
  })

  test('a contradiction ends when the later piece gives in, or the earlier one follows it', () => {
    const pieces = createPieces()
    pieces.set('a', [file('/x', '1')])
    pieces.set('b', [file('/x', '2')])
    pieces.set('b', [file('/x', '1')])
    assert.equal(pieces.contradicts('b', 'file /x'), false)
    pieces.set('b', [file('/x', '2')])
    assert.deepEqual(contents(pieces.set('a', [file('/x', '2')])), ['file /x 2'])
    assert.equal(pieces.contradicts('b', 'file /x'), false)
  })
})
