import assert from 'node:assert/strict'
import { onCloud, type Shown, startCloud } from '../features.testing.ts'
import { countStatements } from '../statements.testing.ts'
import { forEachEngine } from '../store/testing.ts'

const path = 'network-ip-availabilities'

onCloud('pools are counted, and every address in use', async ({ admin, as }) => {
  const blue = as('blue')
  const network = await blue.create('network', { name: 'one' })
  const empty = await blue.create('network', { name: 'empty' })
  const subnet = (cidr: string, more: Shown = {}) =>
    blue.create('subnet', { network_id: network.id, ip_version: 4, cidr, enable_dhcp: false, ...more })
  const pooled = await subnet('10.0.0.0/24', {
    name: 'pooled',
    allocation_pools: [
      { start: '10.0.0.10', end: '10.0.0.19' },
      { start: '10.0.0.30', end: '10.0.0.34' },
    ],
  })
  const bare = await subnet('10.1.0.0/30', { allocation_pools: [], gateway_ip: null })
  const all = await subnet('10.2.0.0/24')
  const take = (subnet_id: string, ip_address: string) =>
    blue.create('port', { network_id: network.id, fixed_ips: [{ subnet_id, ip_address }] })
  for (const ip of ['10.0.0.10', '10.0.0.19', '10.0.0.30', '10.0.0.20', '10.0.0.200']) {
    await take(pooled.id, ip)
  }
  await take(bare.id, '10.1.0.1')

  const { network_ip_availability: shown } = (await admin.call('GET', `${path}/${network.id}`)).body
  const details = (inSubnet: number, inPools: number, used: number, usedInPools: number) => ({
    total_ips_in_subnet: inSubnet,
    total_ips_in_allocation_pool: inPools,
    used_ips_in_subnet: used,
    used_ips_in_allocation_pool: usedInPools,
  })
  const byId = (a: Shown, b: Shown) => (a.subnet_id < b.subnet_id ? -1 : 1)
  // Subnets come by age, which is equal or not as the second happens to end between them.
  shown.subnet_ip_availability.sort(byId)
  assert.deepEqual(shown, {
    network_id: network.id,
    network_name: 'one',
    project_id: 'blue',
    tenant_id: 'blue',
    total_ips: 15 + 4 + 253,
    used_ips: 6,
    ip_availability_details: details(254 + 2 + 254, 15 + 253, 6, 3),
    subnet_ip_availability: [
      {
        subnet_id: pooled.id,
        subnet_name: 'pooled',
        ip_version: 4,
        cidr: '10.0.0.0/24',
        total_ips: 15,
        used_ips: 5,
        ip_availability_details: details(254, 15, 5, 3),
      },
      {
        subnet_id: bare.id,
        subnet_name: '',
        ip_version: 4,
        cidr: '10.1.0.0/30',
        total_ips: 4,
        used_ips: 1,
        ip_availability_details: details(2, 0, 1, 0),
      },
      {
        subnet_id: all.id,
        subnet_name: '',
        ip_version: 4,
        cidr: '10.2.0.0/24',
        total_ips: 253,
        used_ips: 0,
        ip_availability_details: details(254, 253, 0, 0),
      },
    ].sort(byId),
  })
  const none = (await admin.call('GET', `${path}/${empty.id}`)).body.network_ip_availability
  assert.deepEqual([none.total_ips, none.used_ips, none.subnet_ip_availability], [0, 0, []])

  const absent = await admin.call('GET', `${path}/${pooled.id}`)
  assert.deepEqual([absent.status, absent.fault], [404, 'NetworkNotFound'])
  assert.equal((await blue.call('GET', `${path}/${network.id}`)).status, 404, 'not for its owner')
  assert.deepEqual((await blue.call('GET', path)).body, { network_ip_availabilities: [] })
  const fields = await admin.call('GET', `${path}/${network.id}?fields=used_ips`)
  assert.deepEqual(fields.body, { network_ip_availability: { used_ips: 6 } })
  assert.equal((await admin.call('POST', path, {})).status, 405)
})

onCloud('totals beyond 2^53 keep all their digits', async ({ admin, api }) => {
  const network = await admin.create('network', {})
  const subnet = { network_id: network.id, ip_version: 6, enable_dhcp: false }
  await admin.create('subnet', { ...subnet, cidr: '2001:db8::/64' })
  await admin.create('subnet', { ...subnet, cidr: '2001:db9::/32', gateway_ip: null })
  await admin.create('subnet', { network_id: network.id, ip_version: 4, cidr: '10.0.0.0/24' })
  const answer = await api.inject({
    url: `/v2.0/${path}?network_id=${network.id}&ip_version=6`,
    headers: { 'x-project': 'admin' },
  })
  const [first, second] = [2n ** 64n - 2n, 2n ** 96n - 1n]
  assert.match(answer.body, new RegExp(`"total_ips":${first + second},"used_ips":0`))
  assert.match(answer.body, new RegExp(`"cidr":"2001:db8::/64","total_ips":${first},`))
  assert.match(answer.body, new RegExp(`"total_ips_in_subnet":${2n ** 96n},`))
  assert.match(answer.body, new RegExp(`"total_ips_in_allocation_pool":${second},`))
  assert.ok(!answer.body.includes('10.0.0.0'), 'no subnet of the other family')
})

onCloud('lists are filtered, sorted and paged', async ({ admin, as }) => {
  const networks: Shown[] = []
  for (const [project, name] of [
    ['blue', 'a'],
    ['blue', 'b'],
    ['red', 'a'],
  ] as const) {
    const network = await as(project).create('network', { name })
    networks.push(network)
    if (name === 'b') continue
    await as(project).create('subnet', { network_id: network.id, ip_version: 4, cidr: '10.0.0.0/24' })
  }
  const list = async (query: string): Promise<Shown[]> => {
    const { status, body } = await admin.call('GET', `${path}?${query}`)
    assert.equal(status, 200, query)
    return body.network_ip_availabilities
  }
  const names = async (query: string) =>
    (await list(query)).map((one) => `${one.project_id} ${one.network_name}`).sort()
  assert.deepEqual(await names(''), ['blue a', 'blue b', 'red a'])
  assert.deepEqual(await names('network_name=a'), ['blue a', 'red a'])
  assert.deepEqual(await names('network_name=a&tenant_id=red'), ['red a'])
  assert.deepEqual(await names('project_id=blue&project_id=red'), ['blue a', 'blue b', 'red a'])
  assert.deepEqual(await names('ip_version=4'), ['blue a', 'red a'], 'those with such a subnet')
  assert.deepEqual(await names('ip_version=6'), [])
  assert.deepEqual(await names(`network_id=${networks[1]?.id}`), ['blue b'])
  assert.equal((await admin.call('GET', `${path}?total_ips=1`)).status, 400)
  const ids = networks.map((network) => network.id).sort()
  const page = await list(`limit=2&sort_key=network_id&sort_dir=asc`)
  assert.deepEqual(
    page.map((one) => one.network_id),
    ids.slice(0, 2),
  )
  const next = await list(`limit=2&sort_key=network_id&sort_dir=asc&marker=${ids[1]}`)
  assert.deepEqual(
    next.map((one) => one.network_id),
    ids.slice(2),
  )
})

forEachEngine(
  '10,000 ports are counted at once, in the database: as many statements and rows as for one',
  async ({ store }) => {
    const { store: counted, count, rows } = countStatements(store)
    const cloud = await startCloud(counted)
    const { admin } = cloud
    const network = await admin.create('network', {})
    const subnet = { network_id: network.id, ip_version: 4, cidr: '10.0.0.0/16', enable_dhcp: false }
    const { id } = await admin.create('subnet', subnet)
    const port = await admin.create('port', { network_id: network.id })
    const ask = () => admin.call('GET', path)
    const few = await count(ask)
    const fewRows = await rows(ask)
    await store.write({ requestId: 'test' }, async ({ db }) => {
      const values = Array.from({ length: 9999 }, (_, i) => {
        const [high, low] = [(i + 1000) >> 8, (i + 1000) & 255]
        const hex = `${high.toString(16).padStart(2, '0')}${low.toString(16).padStart(2, '0')}`
        return {
          port_id: port.id,
          network_id: network.id,
          subnet_id: id,
          ip: `00000000000000000000ffff0a00${hex}`,
          ip_address: `10.0.${high}.${low}`,
          position: i + 1,
        }
      })
      for (let i = 0; i < values.length; i += 1000) {
        await db
          .insertInto('ip_allocations')
          .values(values.slice(i, i + 1000))
          .execute()
      }
    })
    assert.deepEqual([await count(ask), await rows(ask)], [few, fewRows])
    const [shown] = (await ask()).body.network_ip_availabilities
    assert.deepEqual(
      [shown.used_ips, shown.ip_availability_details.used_ips_in_allocation_pool],
      [10_000, 10_000],
    )
    await cloud.close()
  },
)
