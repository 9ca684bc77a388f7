/** What an address costs does not depend on how many are in use: the same statements, each on rows that an index names. */
import assert from 'node:assert/strict'
import { startCloud } from '../features.testing.ts'
import { copyPort } from '../port/crowd.testing.ts'
import { fullScans, recording } from '../store/plans.testing.ts'
import { forEachEngine } from '../store/testing.ts'

const used = 5000
const tables = ['free_ranges', 'ip_allocations']

forEachEngine('an address costs the same however many are in use', async ({ store }) => {
  const recorded = recording(store)
  const cloud = await startCloud(recorded.store)
  const blue = cloud.as('blue')
  const { id: network_id } = await blue.create('network', {})
  await blue.create('subnet', { network_id, ip_version: 4, cidr: '10.0.0.0/16', enable_dhcp: false })
  const address = (n: number) => [{ ip_address: `10.0.${100 + (n >> 8)}.${n & 255}` }]
  /** The statements of a port with the next address, one with an address of its choice, and of their end. */
  const cost = async (n: number) => {
    recorded.statements.length = 0
    const any = await blue.create('port', { network_id })
    const chosen = await blue.create('port', { network_id, fixed_ips: address(n) })
    for (const { id } of [any, chosen]) await blue.remove('port', id)
    return [...recorded.statements]
  }
  await cost(1)
  const first = await blue.create('port', { network_id })
  const few = await cost(2)
  await copyPort(store, first.id, used)
  // Holes: what is free lies in hundreds of ranges.
  const scattered = Array.from({ length: 300 }, (_, n) => ({ network_id, fixed_ips: address(2 * n + 300) }))
  await blue.createAll('port', scattered)
  const many = await cost(3)
  assert.deepEqual(
    many.map(({ sql }) => sql),
    few.map(({ sql }) => sql),
  )
  if (store.engine === 'postgres') await store.write({ requestId: 'test' }, (tx) => tx.run('analyze', []))
  await store.read(async (tx) => {
    for (const statement of many) {
      for (const table of tables) {
        assert.deepEqual(await fullScans(tx, table, statement), [], `${table}: ${statement.sql}`)
      }
    }
  })
  await cloud.close()
})
