import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setDigest } from '../../model/documents/digest.ts'
import { type Derived, type HostState, isEmpty, planUpdates, type Told } from './plan.ts'

const none = new Map<string, HostState>()

function port(
  id: string,
  hash: string | undefined,
  hosts: string[],
  told: Told[] = [],
  stored?: string,
): Derived {
  const current = hash === undefined ? undefined : { hash, body: `{"${hash}":1}` }
  return { type: 'port', id, current, audience: new Set(hosts), stored: stored ?? told[0]?.hash, told }
}

const told = (host: string, hash: string, present = true): Told => ({ host, hash, present })

test('content and audience as told: nothing to write', () => {
  assert.ok(isEmpty(planUpdates([port('p', 'a', ['x', 'y'], [told('x', 'a'), told('y', 'a')])], none, 0)))
})

test('a document that concerns nobody is not kept', () => {
  assert.ok(isEmpty(planUpdates([port('p', 'a', [])], none, 0)))
})

test('each host gets positions of its own', () => {
  const hosts = new Map([['y', { sequence: 7, digest: setDigest([]) }]])
  const plan = planUpdates([port('p', 'a', ['x', 'y']), port('q', 'b', ['y'])], hosts, 0)
  assert.deepEqual(
    plan.rows.map(({ host, id, seq }) => `${host} ${id} ${seq}`),
    ['x p 1', 'y p 8', 'y q 9'],
  )
  assert.equal(
    plan.hosts.get('y')?.digest,
    setDigest([
      { type: 'port', id: 'q', hash: 'b' },
      { type: 'port', id: 'p', hash: 'a' },
    ]),
  )
  assert.deepEqual(
    plan.documents.map(({ id }) => id),
    ['p', 'q'],
  )
})

test('an audience that moves leaves a tombstone and does not touch the others', () => {
  const plan = planUpdates([port('p', 'a', ['x', 'z'], [told('x', 'a'), told('y', 'a')])], none, 123)
  assert.deepEqual(
    plan.rows.map(({ host, present, removed_at }) => [host, present, removed_at]),
    [
      ['y', 0, 123],
      ['z', 1, null],
    ],
  )
  assert.deepEqual(plan.documents, [], 'the content is stored already')
})

test('a tombstone is not written twice, and ends when the document concerns the host again', () => {
  assert.ok(
    isEmpty(
      planUpdates([{ ...port('p', undefined, [], [told('x', 'a', false)]), stored: undefined }], none, 0),
    ),
  )
  const plan = planUpdates(
    [{ ...port('p', 'a', ['x'], [told('x', 'a', false)]), stored: undefined }],
    none,
    0,
  )
  assert.equal(plan.rows[0]?.present, 1)
})
