import assert from 'node:assert/strict'
import { test } from 'node:test'
import { silentLogger } from '../../runtime/log.ts'
import { createNetworkFacility } from './network.facility.ts'

test('outer ends of links, which are nobody’s objects, are audited all the same', async (t) => {
  const ledger = { has: () => false, add() {}, strike() {}, keys: () => [] }
  const network = createNetworkFacility({ ledger, log: silentLogger, glanceInterval: 0 })
  t.after(() => network.stop())
  await network.start({ changed() {}, resolved() {}, renewed() {} })
  assert.deepEqual([...(network.auditScopes?.() ?? [])], ['namespaces', 'own'])
})

test('what cannot be entered in the ledger is not made, and fails alone', async () => {
  const ledger = {
    has: () => false,
    add() {
      throw new Error('ENOSPC')
    },
    strike() {},
    keys: () => [],
  }
  const network = createNetworkFacility({ ledger, log: silentLogger, glanceInterval: 0 })
  const failures = await network.apply([
    {
      ident: 'namespace qdhcp-1',
      wanted: { kind: 'namespace', name: 'qdhcp-1' },
      observed: undefined,
    },
    {
      ident: 'address - eth0 192.0.2.1/24',
      wanted: { kind: 'address', namespace: null, link: 'eth0', cidr: '192.0.2.1/24' },
      observed: undefined,
    },
  ])
  assert.deepEqual(
    [...failures],
    [
      ['namespace qdhcp-1', 'ENOSPC'],
      ['address - eth0 192.0.2.1/24', 'ENOSPC'],
    ],
  )
})
