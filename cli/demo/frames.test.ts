import assert from 'node:assert/strict'
import { test } from 'node:test'
import { frameHex, markerOf } from './frames.ts'

test('a frame has addresses, tags, type and marker in their places', () => {
  const hex = frameHex({ from: '02:00:00:00:00:01', to: 'fa:16:3e:00:00:0b', vlans: [5, 100], marker: 'm1' })
  assert.equal(hex.slice(0, 44), 'fa163e00000b0200000000018100000581000064' + '88b5')
  assert.equal(hex.length, 120)
  assert.equal(markerOf(hex), 'm1')
})

test('without an addressee a frame is broadcast, without VLANs untagged', () => {
  const hex = frameHex({ from: '02:00:00:00:00:01', marker: 'x' })
  assert.equal(hex.slice(0, 28), 'ffffffffffff02000000000188b5')
})

test('other frames have no marker', () => {
  assert.equal(markerOf('333300000016c2810ddc038186dd60000000'), undefined)
})
