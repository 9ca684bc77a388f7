/** Networks: segments, MTU, sharing, and what goes with them, through the API on both engines. */
import assert from 'node:assert/strict'
import { onCloud, ovsHost, type Shown } from '../features.testing.ts'

onCloud('a tenant network gets the lowest VNI, and gives it back', async ({ admin, as }) => {
  const first = await as('blue').create('network', { name: 'a', dns_domain: 'a.example.' })
  assert.equal(first['provider:segmentation_id'], undefined, 'a member does not see the wire')
  assert.equal(first.revision_number, 1)
  const shown = await admin.show('network', first.id)
  assert.equal(shown['provider:network_type'], 'vxlan')
  assert.equal(shown['provider:segmentation_id'], 1)
  assert.equal(shown['provider:physical_network'], null)
  assert.deepEqual(
    [shown.mtu, shown.status, shown.subnets, shown.availability_zones],
    [1450, 'ACTIVE', [], []],
  )
  assert.deepEqual(
    [shown.shared, shown['router:external'], shown.port_security_enabled],
    [false, false, true],
  )
  assert.equal(shown.segments, undefined)
  await admin.create('network', {})
  await as('blue').remove('network', first.id)
  assert.equal((await admin.create('network', {}))['provider:segmentation_id'], 1)
})

onCloud('administrators name the wire; nobody has it twice', async ({ admin }) => {
  const make = (type: string, more: Shown = {}) =>
    admin.call('POST', 'networks', { network: { 'provider:network_type': type, ...more } })
  const physical = (name: string) => ({ 'provider:physical_network': name })
  const id = (segmentation: number) => ({ 'provider:segmentation_id': segmentation })
  const flat = await make('flat', physical('public'))
  assert.deepEqual([flat.status, flat.body.network.mtu], [201, 1500])
  const vxlan = await make('vxlan', id(7))
  assert.equal(vxlan.body.network['provider:segmentation_id'], 7)
  assert.equal((await make('vxlan', id(5_000_000))).status, 201, 'outside of the ranges of tenants')
  assert.equal((await make('vxlan')).body.network['provider:segmentation_id'], 1)
  assert.equal((await make('local')).status, 201)
  assert.equal((await make('local')).status, 201)
  const faults = [
    [await make('flat', physical('public')), 409, 'FlatNetworkInUse'],
    [await make('vxlan', id(7)), 409, 'TunnelIdInUse'],
    [await make('flat'), 400, 'InvalidInput'],
    [await make('vxlan', physical('public')), 400, 'InvalidInput'],
    [await make('vxlan', id(2 ** 24)), 400, 'InvalidInput'],
    [await make('local', id(1)), 400, 'InvalidInput'],
    [await make('carrier-pigeon'), 400, 'InvalidInput'],
    [await admin.call('POST', 'networks', { network: physical('public') }), 400, 'InvalidInput'],
    [await admin.call('PUT', `networks/${vxlan.body.network.id}`, { network: id(8) }), 400, 'InvalidInput'],
  ] as const
  for (const [index, [answer, status, fault]] of faults.entries()) {
    assert.deepEqual([answer.status, answer.fault], [status, fault], `${index}`)
  }
  // What was refused took nothing: 2 is the next free one.
  assert.equal((await make('vxlan')).body.network['provider:segmentation_id'], 2)
  assert.equal((await admin.list('network', '?provider:network_type=vxlan')).length, 4)
  assert.equal((await admin.list('network', '?provider:segmentation_id=7')).length, 1)
  const several = await admin.create('network', {
    segments: [
      { 'provider:network_type': 'vxlan', 'provider:segmentation_id': 900 },
      { 'provider:network_type': 'flat', 'provider:physical_network': 'other' },
    ],
  })
  assert.equal(several.segments.length, 2)
  assert.equal(several['provider:network_type'], undefined)
})

onCloud(
  'without identifiers left there is no network (503)',
  async ({ as }) => {
    await as('blue').create('network', {})
    const answer = await as('blue').call('POST', 'networks', { network: {} })
    assert.deepEqual([answer.status, answer.fault], [503, 'NoNetworkAvailable'])
  },
  { ml2_type_vxlan: { vni_ranges: [{ first: 9, last: 9 }] } },
)

onCloud('the MTU is chosen within what the wire carries', async ({ admin }) => {
  const network = await admin.create('network', { mtu: 1400 })
  assert.equal(network.mtu, 1400)
  const put = (mtu: number) => admin.call('PUT', `networks/${network.id}`, { network: { mtu } })
  assert.equal((await put(1451)).fault, 'InvalidInput')
  assert.equal((await put(1450)).body.network.mtu, 1450)
  await admin.create('subnet', {
    network_id: network.id,
    ip_version: 6,
    cidr: '2001:db8::/64',
    enable_dhcp: false,
  })
  assert.equal((await put(1279)).fault, 'InvalidInput')
  assert.equal((await put(1280)).status, 200)
  const small = await admin.create('network', { mtu: 1000 })
  const conflict = await admin.call('POST', 'subnets', {
    subnet: { network_id: small.id, ip_version: 6, cidr: '2001:db8::/64' },
  })
  assert.deepEqual([conflict.status, conflict.fault], [409, 'NetworkMTUSubnetConflict'])
})

onCloud(
  'MTUs follow path_mtu, physical_network_mtus and overlay_ip_version',
  async ({ admin }) => {
    assert.equal((await admin.create('network', {})).mtu, 9000 - 70)
    const flat = (name: string) =>
      admin.create('network', { 'provider:network_type': 'flat', 'provider:physical_network': name })
    assert.equal((await flat('big')).mtu, 9100)
    assert.equal((await flat('small')).mtu, 1400)
  },
  {
    DEFAULT: { global_physnet_mtu: 9100 },
    ml2: { path_mtu: 9000, overlay_ip_version: 6, physical_network_mtus: new Map([['small', 1400]]) },
  },
)

onCloud('sharing is seen by others, used by them, and not taken back under them', async ({ admin, as }) => {
  const network = await admin.create('network', { name: 'common', project_id: 'blue' })
  assert.equal((await as('red').call('GET', `networks/${network.id}`)).status, 404)
  const put = (body: Shown) => admin.call('PUT', `networks/${network.id}`, { network: body })
  assert.equal((await put({ shared: true })).body.network.shared, true)
  assert.deepEqual(
    (await as('red').list('network')).map((one) => one.name),
    ['common'],
  )
  const port = await as('red').create('port', { network_id: network.id })
  const refused = await put({ shared: false })
  assert.deepEqual([refused.status, refused.fault], [409, 'InvalidSharedSetting'])
  await as('red').remove('port', port.id)
  assert.equal((await put({ shared: false })).body.network.shared, false)
  assert.equal((await as('red').list('network')).length, 0)
  const mine = await as('blue').call('PUT', `networks/${network.id}`, { network: { shared: true } })
  assert.equal(mine.status, 403)
})

onCloud('external networks stay external while gateways are on them', async ({ admin, as }) => {
  const network = await admin.create('network', { 'router:external': true })
  await admin.create('subnet', { network_id: network.id, ip_version: 4, cidr: '203.0.113.0/24' })
  assert.equal((await as('red').list('network', '?router:external=true')).length, 1)
  assert.equal((await as('red').list('network', '?shared=true')).length, 0)
  assert.equal((await as('red').list('subnet')).length, 1)
  const port = await admin.create('port', { network_id: network.id, device_owner: 'network:router_gateway' })
  const put = () => admin.call('PUT', `networks/${network.id}`, { network: { 'router:external': false } })
  assert.equal((await put()).fault, 'ExternalNetworkInUse')
  await admin.remove('port', port.id)
  assert.equal((await put()).body.network['router:external'], false)
})

onCloud('a network goes with subnets and DHCP ports, and not under somebody', async (cloud) => {
  const { admin } = cloud
  await cloud.beat('h1', { ovs: ovsHost('192.0.2.1'), dhcp: {} })
  const network = await admin.create('network', {})
  await admin.create('subnet', { network_id: network.id, ip_version: 4, cidr: '10.0.0.0/24' })
  assert.equal((await admin.list('port')).length, 1)
  const port = await admin.create('port', { network_id: network.id })
  const refused = await admin.call('DELETE', `networks/${network.id}`)
  assert.deepEqual([refused.status, refused.fault], [409, 'NetworkInUse'])
  await admin.remove('port', port.id)
  await admin.remove('network', network.id)
  for (const kind of ['network', 'subnet', 'port']) assert.equal((await admin.list(kind)).length, 0, kind)
  const left = await cloud.store.read(async (tx) => ({
    ranges: await tx.db.selectFrom('free_ranges').selectAll().where('pool', '<>', 'vxlan').execute(),
    serving: await tx.db.selectFrom('network_dhcp_agents').selectAll().execute(),
    segments: await tx.db.selectFrom('network_segments').selectAll().execute(),
    allocations: await tx.db.selectFrom('ip_allocations').selectAll().execute(),
    blocks: await tx.db.selectFrom('provisioning_blocks').selectAll().execute(),
  }))
  assert.deepEqual(left, { ranges: [], serving: [], segments: [], allocations: [], blocks: [] })
})

onCloud('tags are set, filtered by, and gone with their object', async ({ admin }) => {
  const one = await admin.create('network', { name: 'one' })
  const two = await admin.create('network', { name: 'two' })
  await admin.call('PUT', `networks/${one.id}/tags`, { tags: ['red', 'blue'] })
  await admin.call('PUT', `networks/${two.id}/tags/red`)
  assert.deepEqual((await admin.show('network', one.id)).tags, ['blue', 'red'])
  assert.equal((await admin.show('network', one.id)).revision_number, 2)
  const names = async (query: string) =>
    (await admin.list('network', `?sort_key=name&sort_dir=asc&${query}`)).map((n) => n.name)
  assert.deepEqual(await names('tags=red'), ['one', 'two'])
  assert.deepEqual(await names('tags=red,blue'), ['one'])
  assert.deepEqual(await names('tags-any=blue,green'), ['one'])
  assert.deepEqual(await names('not-tags=red,blue'), ['two'])
  assert.deepEqual(await names('not-tags-any=red'), [])
  await admin.remove('network', one.id)
  assert.deepEqual(await names('tags=red'), ['two'])
})
