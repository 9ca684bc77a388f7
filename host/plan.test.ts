import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Observed } from './facility.ts'
import { type HostObject, objectKey } from './objects.ts'
import { kindOrder, plan, type Sight } from './plan.ts'

const namespace: HostObject = { kind: 'namespace', name: 'n' }
const link: HostObject = { kind: 'link', namespace: 'n', name: 'l', type: 'dummy', up: true }
const flow: HostObject = { kind: 'flow', bridge: 'b', table: 0, priority: 1, match: '', actions: 'drop' }
const process: HostObject = { kind: 'process', id: 'p', namespace: 'n', argv: ['sleep', '1'] }
const seen = (object: HostObject, ours = true): Observed => ({ ident: objectKey(object), object, ours })
const sight = (wanted: HostObject | undefined, observed?: Observed): Sight => ({
  ident: wanted ? objectKey(wanted) : (observed?.ident ?? ''),
  observed,
  wanted,
})

describe('plan', () => {
  test('makes what others refer to first, and removes it last', () => {
    const wanted = [process, flow, link, namespace]
    const made = plan(
      wanted.map((object) => sight(object)),
      () => 'differs',
    )
    assert.deepEqual(
      made.make.map((change) => change.wanted?.kind),
      ['namespace', 'link', 'flow', 'process'],
    )
    const removed = plan(
      wanted.map((object) => sight(undefined, seen(object))),
      () => 'differs',
    )
    assert.deepEqual(
      removed.remove.map((change) => change.observed?.object.kind),
      ['process', 'flow', 'link', 'namespace'],
    )
  })

  test('leaves alone what is in place, on its way, or not ours', () => {
    const steps = plan(
      [sight(namespace, seen(namespace)), sight(undefined, seen(link, false))],
      () => 'settled',
    )
    assert.deepEqual(steps, { make: [], remove: [], settled: ['namespace n', 'link n l'], pending: [] })
    assert.deepEqual(plan([sight(namespace)], () => 'pending').pending, ['namespace n'])
  })

  test('every kind has its place', () => {
    assert.equal(new Set(kindOrder).size, 14)
  })
})
