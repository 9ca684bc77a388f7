import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { OvsdbRow, RowUpdate } from './ovsdb.client.ts'
import { createOvsdbMirror } from './ovsdb.mirror.ts'

const bridge = (uuid: string, name: string, ports: string[]): RowUpdate => ({
  table: 'Bridge',
  uuid,
  row: { name, ports: ['set', ports.map((port) => ['uuid', port])] } as OvsdbRow,
})
const port = (uuid: string, name: string, more: OvsdbRow = {}): RowUpdate => ({
  table: 'Port',
  uuid,
  row: { name, tag: ['set', []], ...more },
})

describe('the mirror of a switch’s database', () => {
  test('knows which bridge a port is on, also when it moves', () => {
    const mirror = createOvsdbMirror()
    mirror.update([bridge('b1', 'br-int', ['p1']), bridge('b2', 'br-ex', []), port('p1', 'tap1', { tag: 7 })])
    assert.equal(mirror.bridgeOf('tap1'), 'br-int')
    assert.equal(mirror.port('tap1')?.tag, 7)
    const touched = mirror.update([bridge('b2', 'br-ex', ['p1']), bridge('b1', 'br-int', [])])
    assert.equal(mirror.bridgeOf('tap1'), 'br-ex')
    assert.deepEqual([...touched.ports], ['tap1'])
  })

  test('a row made anew under a name is followed, whichever is told first', () => {
    const mirror = createOvsdbMirror()
    mirror.update([bridge('b1', 'br-int', ['p1']), port('p1', 'tap1')])
    const gone: RowUpdate = { table: 'Port', uuid: 'p1', row: undefined }
    mirror.update([port('p2', 'tap1'), gone, bridge('b1', 'br-int', ['p2'])])
    assert.equal(mirror.port('tap1')?.uuid, 'p2')
    assert.equal(mirror.bridgeOf('tap1'), 'br-int')
  })

  test('after a new connection what is not there any more is touched too', () => {
    const mirror = createOvsdbMirror()
    mirror.update([bridge('b1', 'br-int', ['p1']), port('p1', 'tap1')])
    const touched = mirror.reset([bridge('b1', 'br-int', [])])
    assert.deepEqual([...touched.ports], ['tap1'])
    assert.equal(mirror.port('tap1'), undefined)
    assert.equal(mirror.bridge('br-int')?.ports.length, 0)
  })
})
