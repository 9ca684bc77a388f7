import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { chooseLocalVlan } from './local-vlans.ts'

describe('local VLANs', () => {
  const none = new Map<string, number>()

  test('a segment keeps its number, and over a restart that of its ports', () => {
    assert.equal(chooseLocalVlan('a', [], new Map([['a', 7]])), 7)
    assert.equal(chooseLocalVlan('a', [{ tag: 9, segment: 'a' }], none), 9)
    assert.equal(
      chooseLocalVlan(
        'a',
        [9, 9, 3].map((tag) => ({ tag, segment: 'a' })),
        none,
      ),
      9,
    )
  })

  test('a new one takes the lowest that nobody has', () => {
    assert.equal(chooseLocalVlan('a', [], none), 1)
    const observed = [
      { tag: 1, segment: 'b' },
      { tag: 2, segment: null },
      { tag: 4095, segment: null },
    ]
    assert.equal(chooseLocalVlan('a', observed, new Map([['c', 3]])), 4)
  })

  test('two segments never share one', () => {
    assert.equal(chooseLocalVlan('a', [{ tag: 1, segment: 'a' }], new Map([['b', 1]])), 2)
    assert.equal(chooseLocalVlan('a', [{ tag: 4095, segment: 'a' }], none), 1)
  })

  test('when all are taken there is none', () => {
    const all = new Map(Array.from({ length: 4094 }, (_, i) => [`s${i}`, i + 1]))
    assert.equal(chooseLocalVlan('a', [], all), undefined)
  })
})
