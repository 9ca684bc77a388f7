/** How many statements operations run: few for the hot ones, and never more for more objects. */
import assert from 'node:assert/strict'
import { type Cloud, ovsHost, type Shown, startCloud } from './features.testing.ts'
import { countStatements } from './statements.testing.ts'
import { forEachEngine } from './store/testing.ts'

/** A host whose agents have been there for a while: what waited for them has been looked for. */
async function arrive(cloud: Cloud): Promise<void> {
  for (let beats = 0; beats < 2; beats++) await cloud.beat('h1', { ovs: ovsHost('192.0.2.1'), dhcp: {} })
}

forEachEngine('operations run a bounded number of statements', async ({ store, t }) => {
  const { store: counted, count } = countStatements(store)
  const cloud = await startCloud(counted)
  const { admin } = cloud
  await arrive(cloud)
  const network = await admin.create('network', {})
  await admin.create('subnet', { network_id: network.id, ip_version: 4, cidr: '10.0.0.0/16' })
  const host = { device_owner: 'compute:nova', 'binding:host_id': 'h1' }
  const create = (body: Shown = {}) => admin.create('port', { network_id: network.id, ...body })
  const limits: [string, number, () => Promise<unknown>][] = []
  const within = (name: string, limit: number, work: () => Promise<unknown>) =>
    limits.push([name, limit, work])

  let port: Shown = {}
  within('create a port', 14, async () => {
    port = await create()
  })
  within('create a bound port', 19, () => create(host))
  within('plug a port as Nova does', 22, () => admin.update('port', port.id, host))
  within('show a port', 5, () => admin.show('port', port.id))
  within('report a port', 8, () =>
    cloud.report('h1', { kind: 'port-wired', port_id: port.id, generation: 1, wired: true }),
  )
  within('delete a port', 12, () => admin.remove('port', port.id))
  within('a heartbeat', 2, () => cloud.beat('h1', { ovs: ovsHost('192.0.2.1'), dhcp: {} }))
  within('create a network', 12, () => admin.create('network', {}))
  for (const [name, limit, work] of limits) {
    const found = await count(work)
    t.diagnostic(`${name}: ${found}`)
    assert.ok(found <= limit, `${name}: ${found} statements, at most ${limit} wanted`)
  }
  await cloud.close()
})

forEachEngine('lists, reports and documents cost no more statements for more objects', async ({ store }) => {
  const { store: counted, count } = countStatements(store)
  const cloud = await startCloud(counted)
  const { admin, sources } = cloud
  await arrive(cloud)
  const network = await admin.create('network', {})
  await admin.create('subnet', { network_id: network.id, ip_version: 4, cidr: '10.0.0.0/16' })
  const ids: string[] = []
  const grow = async (by: number) => {
    const body = { network_id: network.id, device_owner: 'compute:nova', 'binding:host_id': 'h1' }
    ids.push(
      ...(
        await admin.createAll(
          'port',
          Array.from({ length: by }, () => body),
        )
      ).map((port) => port.id),
    )
    const networks = Array.from({ length: by }, () => ({ tags: undefined, name: 'more' }))
    for (const { name } of networks) await admin.create('network', { name })
  }
  const facts = () =>
    ids.flatMap((port_id) => [
      { kind: 'port-wired' as const, port_id, generation: 1, wired: true },
      { kind: 'dhcp-served' as const, port_id, generation: 1 },
    ])
  const measure = async () => ({
    ports: await count(() => admin.list('port')),
    networks: await count(() => admin.list('network')),
    subnets: await count(() => admin.list('subnet')),
    agents: await count(() => admin.list('agent')),
    documents: await count(() =>
      cloud.store.read(async (tx) => {
        for (const source of [sources.port, sources['dhcp-entry']]) {
          await source.bodies(tx, ids)
          await source.audience(tx, ids)
        }
        await sources.network.bodies(tx, [network.id])
        await sources.network.audience(tx, [network.id])
      }),
    ),
    reports: await count(() => cloud.report('h1', ...facts())),
  })
  await grow(1)
  const one = await measure()
  await grow(20)
  assert.deepEqual(await measure(), one)
  assert.ok(
    (await admin.list('port', '?device_owner=compute:nova')).every((port) => port.status === 'ACTIVE'),
  )
  await cloud.close()
})

forEachEngine('a port of a routed network costs the same, however many there are', async ({ store, t }) => {
  const { store: counted, count } = countStatements(store)
  const cloud = await startCloud(counted)
  const { admin } = cloud
  await arrive(cloud)
  const network = await admin.create('network', {
    'provider:network_type': 'flat',
    'provider:physical_network': 'public',
  })
  const [segment] = await admin.list('segment', `?network_id=${network.id}`)
  const subnet = { network_id: network.id, segment_id: segment?.id, ip_version: 4, cidr: '10.0.0.0/16' }
  await admin.create('subnet', subnet)
  const bound = { network_id: network.id, device_owner: 'compute:nova', 'binding:host_id': 'h1' }
  const free = () =>
    store.read((tx) => tx.db.selectFrom('free_ranges').select('first').where('pool', 'like', '%-%').execute())
  const measure = async () => {
    const ids: string[] = []
    return {
      create: await count(async () => {
        ids.push((await admin.create('port', bound)).id)
      }),
      defer: await count(async () => {
        ids.push((await admin.create('port', { network_id: network.id })).id)
      }),
      bind: await count(() => admin.update('port', ids[1] ?? '', { 'binding:host_id': 'h1' })),
      remove: await count(() => admin.remove('port', ids[0] ?? '')),
      beat: await count(() => cloud.beat('h1', { ovs: ovsHost('192.0.2.1'), dhcp: {} })),
    }
  }
  const few = await measure()
  t.diagnostic(JSON.stringify(few))
  assert.ok(few.create <= 21 && few.defer <= 14 && few.bind <= 24, JSON.stringify(few))
  await admin.createAll(
    'port',
    Array.from({ length: 300 }, () => bound),
  )
  assert.equal((await free()).length, 1, 'what is in use is nowhere listed')
  assert.deepEqual(await measure(), few)
  await cloud.close()
})
