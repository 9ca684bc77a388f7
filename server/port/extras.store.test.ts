/** Attributes of ports and subnets that are kept as they are, through the API on both engines. */
import assert from 'node:assert/strict'
import { onCloud, type Shown } from '../features.testing.ts'

onCloud('extras of ports are kept, changed and shown to whom they concern', async ({ admin, as }) => {
  const network = await as('blue').create('network', {})
  const steering = { openvswitch: { other_config: { 'tx-steering': 'hash' } } }
  const port = await as('blue').create('port', {
    network_id: network.id,
    device_profile: 'gpu',
    numa_affinity_policy: 'socket',
    propagate_uplink_status: false,
    dns_domain: 'Blue.Example.',
  })
  const extras = (view: Shown) => [
    view.data_plane_status,
    view.device_profile,
    view.numa_affinity_policy,
    view.propagate_uplink_status,
    view.dns_domain,
  ]
  assert.deepEqual(extras(port), [null, 'gpu', 'socket', false, 'blue.example.'])
  assert.ok(!('hints' in port) && !('trusted' in port), 'for administrators')
  const plain = await admin.create('port', { network_id: network.id })
  assert.deepEqual(extras(plain), [null, null, null, true, ''])
  assert.deepEqual([plain.hints, plain.trusted], [null, null])

  const put = (body: Shown, who = admin) => who.call('PUT', `ports/${port.id}`, { port: body })
  const changed = (await put({ hints: steering, trusted: 'yes', data_plane_status: 'DOWN' })).body.port
  assert.deepEqual(
    [changed.hints, changed.trusted, changed.data_plane_status, changed.revision_number],
    [steering, true, 'DOWN', port.revision_number + 1],
  )
  const same = (await put({ hints: steering, trusted: true })).body.port
  assert.equal(same.revision_number, changed.revision_number, 'nothing has changed')
  const back = (await put({ hints: null, data_plane_status: null, numa_affinity_policy: null })).body.port
  assert.deepEqual([back.hints, back.data_plane_status, back.numa_affinity_policy], [null, null, null])
  assert.deepEqual(extras(back).slice(1, 2), ['gpu'])
  const faults = [
    [await put({ hints: { openvswitch: { 'tx-steering': 'hash' } } }), 400],
    [await put({ hints: { openvswitch: { other_config: { 'tx-steering': 'random' } } } }), 400],
    [await put({ data_plane_status: 'UP' }), 400],
    [await put({ numa_affinity_policy: 'near' }), 400],
    [await put({ device_profile: 'other' }), 400],
    [await put({ hints: steering }, as('blue')), 403],
    [await put({ trusted: true }, as('blue')), 403],
    [await put({ data_plane_status: 'DOWN' }, as('blue')), 403],
  ] as const
  for (const [index, [answer, status]] of faults.entries()) assert.equal(answer.status, status, `${index}`)
})

onCloud('a port that the device switches says so in its profile', async ({ admin }) => {
  const network = await admin.create('network', {})
  const port = await admin.create('port', {
    network_id: network.id,
    hardware_offload_type: 'switchdev',
    'binding:vnic_type': 'direct',
  })
  assert.equal(port.hardware_offload_type, 'switchdev')
  assert.deepEqual(port['binding:profile'], { capabilities: ['switchdev'] })
  const other = { network_id: network.id, hardware_offload_type: 'magic' }
  assert.equal((await admin.call('POST', 'ports', { port: other })).status, 400)
})

onCloud('what has tags is created with them', async ({ admin, as, store }) => {
  const network = await as('blue').create('network', { tags: ['b', 'a'] })
  assert.deepEqual([network.tags, network.revision_number], [['a', 'b'], 1])
  const bodies = [{ network_id: network.id, tags: ['x'] }, { network_id: network.id }]
  const ports = await as('blue').createAll('port', bodies)
  assert.deepEqual(
    ports.map((port) => port.tags),
    [['x'], []],
  )
  assert.equal((await admin.create('policy', { tags: ['gold'] })).tags[0], 'gold')
  assert.equal((await as('blue').list('port', '?tags=x')).length, 1)
  const twice = await as('blue').call('POST', 'networks', { network: { tags: ['x', 'x'] } })
  assert.equal(twice.status, 400)
  const put = await as('blue').call('PUT', `networks/${network.id}`, { network: { tags: [] } })
  assert.equal(put.status, 400, 'by the tags of the object only')
  const left = await store.read((tx) => tx.db.selectFrom('tags').select('tag').orderBy('tag').execute())
  assert.deepEqual(
    left.map((row) => row.tag),
    ['a', 'b', 'gold', 'x'],
  )
})

onCloud('subnets tell whether they are published and external', async ({ admin, as }) => {
  const network = await admin.create('network', { 'router:external': true })
  const body = { network_id: network.id, ip_version: 4, cidr: '203.0.113.0/24', dns_publish_fixed_ip: true }
  const subnet = await admin.create('subnet', body)
  assert.deepEqual([subnet.dns_publish_fixed_ip, subnet['router:external']], [true, true])
  const changed = await admin.update('subnet', subnet.id, { dns_publish_fixed_ip: false })
  assert.equal(changed.dns_publish_fixed_ip, false)
  assert.equal((await as('red').list('subnet', '?router:external=true')).length, 1)
  assert.equal((await as('red').list('subnet', '?router:external=false')).length, 0)
})
