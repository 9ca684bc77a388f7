/** Several bindings of a port, live migration as the compute service drives it, and why ports are not bound. */
import assert from 'node:assert/strict'
import type { Logger } from '../../runtime/log.ts'
import { type Answer, type Cloud, onCloud, ovsHost, type Shown, startCloud } from '../features.testing.ts'
import { onTwoServers } from '../servers.testing.ts'
import { forEachEngine } from '../store/testing.ts'

const owner = { device_owner: 'compute:nova', device_id: 'vm' }

/** A port on h1, wired and ACTIVE, with h2 beside it. */
async function migratable(
  cloud: Cloud,
): Promise<{ port: Shown; nova: ReturnType<Cloud['as']>; path: string }> {
  const { admin } = cloud
  for (const [host, ip] of [
    ['h1', '192.0.2.1'],
    ['h2', '192.0.2.2'],
  ] as const) {
    await cloud.beat(host, { ovs: ovsHost(ip) })
  }
  const network = await admin.create('network', {})
  const port = await admin.create('port', { network_id: network.id, ...owner, 'binding:host_id': 'h1' })
  await tell(cloud, 'h1', port, true)
  return { port, nova: cloud.as('nova'), path: `ports/${port.id}/bindings` }
}

/** What the agent of a host that has been told the newest of the port says of it. */
async function tell(cloud: Cloud, host: string, port: Shown, value: boolean): Promise<void> {
  const generation = (await documentOf(cloud, port))?.generation ?? 0
  await cloud.report(host, { kind: 'port-wired', port_id: port.id, generation, wired: value })
}

const documentOf = (cloud: Cloud, port: Shown) =>
  cloud.store.read(async (tx) => (await cloud.sources.port.bodies(tx, [port.id])).get(port.id))

const bindingsOf = async (cloud: Cloud, port: Shown): Promise<string[]> =>
  (await cloud.as('nova').call('GET', `ports/${port.id}/bindings`)).body.bindings
    .map((one: Shown) => `${one.host} ${one.status} ${one.vif_type}`)
    .sort()

/** The hosts that are told of the port. */
const audience = (cloud: Cloud, port: Shown): Promise<string[]> =>
  cloud.store.read(async (tx) =>
    [...((await cloud.sources.port.audience(tx, [port.id])).get(port.id) ?? [])].sort(),
  )

onCloud(
  'a live migration: bound on both hosts, wired there, activated without a break, cleaned',
  async (cloud) => {
    const { port, nova, path } = await migratable(cloud)
    const show = () => cloud.admin.show('port', port.id)
    const created = await nova.call('POST', path, { binding: { host: 'h2', profile: { migrating: 'yes' } } })
    assert.equal(created.status, 201)
    assert.deepEqual(Object.keys(created.body.binding).sort(), [
      'host',
      'profile',
      'status',
      'vif_details',
      'vif_type',
      'vnic_type',
    ])
    assert.deepEqual(
      [created.body.binding.status, created.body.binding.vif_type, created.body.binding.profile],
      ['INACTIVE', 'ovs', { migrating: 'yes' }],
    )
    assert.deepEqual(await audience(cloud, port), ['h1', 'h2'], 'both hosts wire it')
    await tell(cloud, 'h2', port, true)
    const before = await show()
    assert.deepEqual([before.status, before['binding:host_id']], ['ACTIVE', 'h1'])

    const activated = await nova.call('PUT', `${path}/h2/activate`)
    assert.deepEqual([activated.status, activated.body.binding.status], [200, 'ACTIVE'])
    const after = await show()
    assert.deepEqual([after.status, after['binding:host_id']], ['ACTIVE', 'h2'])
    assert.equal(after.revision_number, before.revision_number + 1)
    assert.deepEqual(await bindingsOf(cloud, port), ['h1 INACTIVE unbound', 'h2 ACTIVE ovs'])
    assert.deepEqual(await audience(cloud, port), ['h2'], 'the host before forgets it')
    await tell(cloud, 'h1', port, false)
    assert.equal((await show()).status, 'ACTIVE', 'what the host before says no longer counts')
    assert.equal((await nova.call('DELETE', `${path}/h1`)).status, 204)
    assert.deepEqual(await bindingsOf(cloud, port), ['h2 ACTIVE ovs'])
  },
)

onCloud('activated before its host has wired it, a port is DOWN until then', async (cloud) => {
  const { port, nova, path } = await migratable(cloud)
  const status = async () => (await cloud.admin.show('port', port.id)).status
  await nova.call('POST', path, { binding: { host: 'h2' } })
  await tell(cloud, 'h2', port, true)
  await tell(cloud, 'h2', port, false)
  await nova.call('PUT', `${path}/h2/activate`)
  assert.equal(await status(), 'DOWN')
  await tell(cloud, 'h2', port, true)
  assert.equal(await status(), 'ACTIVE')
  // Back to where it was: bound anew there.
  assert.equal((await nova.call('PUT', `${path}/h1/activate`)).status, 200)
  assert.deepEqual(await bindingsOf(cloud, port), ['h1 ACTIVE ovs', 'h2 INACTIVE unbound'])
  assert.equal(await status(), 'DOWN')
  await tell(cloud, 'h1', port, true)
  assert.equal(await status(), 'ACTIVE')
})

onCloud('a migration that is given up leaves the port as it was', async (cloud) => {
  const { port, nova, path } = await migratable(cloud)
  const before = await cloud.admin.show('port', port.id)
  await nova.call('POST', path, { binding: { host: 'h2' } })
  await tell(cloud, 'h2', port, true)
  assert.equal((await nova.call('DELETE', `${path}/h2`)).status, 204)
  assert.deepEqual(await cloud.admin.show('port', port.id), before)
  assert.deepEqual(await audience(cloud, port), ['h1'])
})

onCloud(
  'a host is asked anew whether a port is wired, unless it has said so of that binding',
  async (cloud) => {
    const { port, nova, path } = await migratable(cloud)
    const status = async () => (await cloud.admin.show('port', port.id)).status
    await nova.call('POST', path, { binding: { host: 'h2' } })
    await tell(cloud, 'h2', port, true)
    // An agent tells again what has changed: a binding that went and came between two of its looks must differ.
    const first = await documentOf(cloud, port)
    await nova.call('DELETE', `${path}/h2`)
    await nova.call('POST', path, { binding: { host: 'h2' } })
    assert.notDeepEqual(await documentOf(cloud, port), first)
    await tell(cloud, 'h2', port, true)
    const changed = await nova.call('PUT', `${path}/h2`, { binding: { profile: { a: 1 } } })
    assert.deepEqual([changed.status, changed.body.binding.profile], [200, { a: 1 }])
    const second = await documentOf(cloud, port)
    await nova.call('PUT', `${path}/h2/activate`)
    assert.equal(await status(), 'ACTIVE', 'h2 has wired it, whatever became of the profile')
    await nova.call('PUT', `${path}/h1/activate`)
    await nova.call('PUT', `${path}/h2/activate`)
    assert.equal(await status(), 'DOWN')
    assert.notDeepEqual(await documentOf(cloud, port), second)
    await tell(cloud, 'h2', port, true)
    assert.equal(await status(), 'ACTIVE')
  },
)

onCloud('the order of the keys of a profile is no change', async (cloud) => {
  const { port, nova } = await migratable(cloud)
  const put = (profile: Shown) => nova.update('port', port.id, { 'binding:profile': profile })
  await put({ b: 1, a: { d: 2, c: 3 } })
  const before = await nova.show('port', port.id)
  assert.deepEqual(await put({ a: { c: 3, d: 2 }, b: 1 }), before)
  assert.equal((await put({ a: 1 })).revision_number, before.revision_number + 1)
})

onCloud('a device that switches by itself is bound by its representor', async (cloud) => {
  const { port, nova } = await migratable(cloud)
  const bind = async (profile: Shown) => {
    const made = await nova.create('port', {
      network_id: port.network_id,
      'binding:host_id': 'h1',
      'binding:vnic_type': 'direct',
      'binding:profile': profile,
    })
    return made['binding:vif_type']
  }
  assert.equal(await bind({ capabilities: ['switchdev'] }), 'ovs')
  assert.equal(await bind({ capabilities: ['other'] }), 'binding_failed')
  assert.equal(await bind({}), 'binding_failed')
})

onCloud('what cannot be is refused with its fault, and changes nothing', async (cloud) => {
  const { port, nova, path } = await migratable(cloud)
  const bare = await cloud.admin.create('port', { network_id: port.network_id })
  await cloud.beat('dead', { ovs: ovsHost('192.0.2.9') })
  await cloud.age('dead', 100)
  await nova.call('POST', path, { binding: { host: 'h2' } })
  const before = await bindingsOf(cloud, port)
  const cases: [Parameters<typeof nova.call>, number, string][] = [
    [['POST', path, { binding: { host: 'h2' } }], 409, 'PortBindingAlreadyExists'],
    [['POST', path, { binding: { host: 'h1' } }], 409, 'PortBindingAlreadyExists'],
    [['POST', path, { binding: { host: 'dead' } }], 500, 'PortBindingError'],
    [['POST', path, { binding: { host: 'h3', vnic_type: 'direct' } }], 500, 'PortBindingError'],
    [['POST', path, { binding: { host: '' } }], 400, 'BadRequest'],
    [['POST', path, { binding: {} }], 400, 'HTTPBadRequest'],
    [['PUT', `${path}/h1`, { binding: { vnic_type: 'direct' } }], 409, 'PortInUse'],
    [['PUT', `${path}/h1/activate`], 409, 'PortBindingAlreadyActive'],
    [['PUT', `${path}/h3/activate`], 404, 'PortBindingNotFound'],
    [['GET', `${path}/h3`], 404, 'PortBindingNotFound'],
    [['PUT', `${path}/h3`, { binding: { profile: {} } }], 404, 'PortBindingNotFound'],
    [['PUT', `${path}/h2`, { binding: { host: 'h3' } }], 400, 'BadRequest'],
    [['PUT', `${path}/h2`, { binding: { vnic_type: 'direct' } }], 500, 'PortBindingError'],
    [['PUT', `${path}/h2`, { binding: { profile: { long: 'x'.repeat(4096) } } }], 400, 'InvalidInput'],
    [['DELETE', `${path}/h3`], 404, 'PortBindingNotFound'],
    [['GET', `ports/${bare.id}/bindings`], 400, 'BadRequest'],
    [['POST', `ports/${bare.id}/bindings`, { binding: { host: 'h2' } }], 400, 'BadRequest'],
    [['GET', `ports/00000000-0000-4000-8000-000000000000/bindings`], 404, 'PortNotFound'],
  ]
  for (const [request, status, fault] of cases) {
    const answer = await nova.call(...request)
    assert.deepEqual([answer.status, answer.fault], [status, fault], `${request[0]} ${request[1]}`)
  }
  assert.deepEqual(await bindingsOf(cloud, port), before)
  // Tenants know nothing of bindings, administrators read them.
  const blue = await cloud
    .as('blue')
    .create('port', { network_id: (await cloud.as('blue').create('network', {})).id })
  assert.equal((await cloud.as('blue').call('GET', `ports/${blue.id}/bindings`)).status, 403)
  assert.equal((await cloud.admin.call('GET', path)).status, 200)
  assert.equal((await cloud.admin.call('PUT', `${path}/h2/activate`)).status, 403)
  assert.equal((await cloud.admin.call('PUT', `${path}/h2`, { binding: { profile: {} } })).status, 403)
})

onCloud('bindings are shown, filtered, changed; the ACTIVE one is the port’s', async (cloud) => {
  const { port, nova, path } = await migratable(cloud)
  await nova.call('POST', path, { binding: { host: 'h2' } })
  const hosts = async (query: string) =>
    (await nova.call('GET', `${path}?${query}`)).body.bindings.map((one: Shown) => one.host)
  assert.deepEqual(await hosts('status=ACTIVE'), ['h1'])
  assert.deepEqual(await hosts('host=h2'), ['h2'])
  assert.deepEqual((await nova.call('GET', `${path}?fields=host`)).body.bindings, [
    { host: 'h1' },
    { host: 'h2' },
  ])
  const changed = await nova.call('PUT', `${path}/h2`, { binding: { profile: { a: 1 } } })
  assert.deepEqual([changed.status, changed.body.binding.profile], [200, { a: 1 }])
  await nova.call('PUT', `${path}/h1`, { binding: { profile: { b: 2 } } })
  assert.deepEqual((await cloud.admin.show('port', port.id))['binding:profile'], { b: 2 })
  assert.equal((await nova.call('DELETE', `${path}/h1`)).status, 204)
  const shown = await cloud.admin.show('port', port.id)
  assert.deepEqual(
    [shown['binding:vif_type'], shown['binding:host_id'], shown.status],
    ['unbound', '', 'DOWN'],
  )
  assert.equal((await nova.call('PUT', `${path}/h2/activate`)).status, 200)
  assert.deepEqual(await bindingsOf(cloud, port), ['h2 ACTIVE ovs'])
})

onTwoServers('bindings made and activated at once: one of each host, one ACTIVE', async (one, two) => {
  const { port, path } = await migratable(one)
  const novas = [one.as('nova'), two.as('nova')] as const
  const many = (request: (nova: (typeof novas)[number], index: number) => Promise<Answer>) =>
    Promise.all(Array.from({ length: 16 }, (_, i) => request(novas[i % 2 === 0 ? 0 : 1], i)))
  const made = await many((nova) => nova.call('POST', path, { binding: { host: 'h2' } }))
  assert.deepEqual(made.map((answer) => answer.status).sort(), [
    201,
    ...Array.from({ length: 15 }, () => 409),
  ])
  const turned = await many((nova, i) => nova.call('PUT', `${path}/h${1 + (i % 2)}/activate`))
  assert.ok(turned.every(({ status }) => status === 200 || status === 409))
  const bindings = await bindingsOf(one, port)
  assert.equal(bindings.filter((each) => each.includes(' ACTIVE ovs')).length, 1, bindings.join())
  assert.equal(bindings.length, 2)
})

onCloud('each host carries a network of several segments by the first that it reaches', async (cloud) => {
  const { admin } = cloud
  await cloud.beat('both', { ovs: ovsHost('192.0.2.1') })
  await cloud.beat('tunnels', { ovs: { ...ovsHost('192.0.2.2'), bridge_mappings: {} } })
  await cloud.beat('neither', {
    ovs: { ...ovsHost('192.0.2.3'), bridge_mappings: {}, tunnel_types: ['gre'] },
  })
  const network = await admin.create('network', {
    segments: [
      { 'provider:network_type': 'flat', 'provider:physical_network': 'public' },
      { 'provider:network_type': 'vxlan', 'provider:segmentation_id': 70 },
    ],
  })
  const typeOn = async (host: string) => {
    const port = await admin.create('port', { network_id: network.id, 'binding:host_id': host })
    const row = await cloud.store.read((tx) =>
      tx.db
        .selectFrom('port_bindings as b')
        .leftJoin('network_segments as s', 's.id', 'b.segment_id')
        .select(['s.network_type', 'b.vif_type'])
        .where('b.port_id', '=', port.id)
        .executeTakeFirst(),
    )
    return `${row?.vif_type} ${row?.network_type}`
  }
  assert.equal(await typeOn('both'), 'ovs flat')
  assert.equal(await typeOn('tunnels'), 'ovs vxlan')
  assert.equal(await typeOn('neither'), 'binding_failed null')
})

onCloud('status follows wiring: unbound and failed are DOWN, a dead agent changes nothing', async (cloud) => {
  const { port } = await migratable(cloud)
  const status = async () => (await cloud.admin.show('port', port.id)).status
  assert.equal(await status(), 'ACTIVE')
  await cloud.age('h1', 100)
  assert.equal(await status(), 'ACTIVE', 'losing the control plane is not losing the data plane')
  await tell(cloud, 'h1', port, false)
  assert.equal(await status(), 'DOWN', 'unplugged')
  await tell(cloud, 'h1', port, true)
  assert.equal(await status(), 'ACTIVE')
  const failed = await cloud.admin.update('port', port.id, { 'binding:host_id': 'nowhere' })
  assert.deepEqual([failed.status, failed['binding:vif_type']], ['DOWN', 'binding_failed'])
  const unbound = await cloud.admin.update('port', port.id, { 'binding:host_id': null })
  assert.deepEqual([unbound.status, unbound['binding:vif_type']], ['DOWN', 'unbound'])
})

onCloud('an unplugged port changes its MAC, a bound one does not', async (cloud) => {
  const { port } = await migratable(cloud)
  const put = (body: Shown) => cloud.admin.call('PUT', `ports/${port.id}`, { port: body })
  const mac = { mac_address: 'fa:16:3e:00:00:99' }
  assert.equal((await put(mac)).fault, 'PortBound')
  await put({ 'binding:host_id': '' })
  assert.equal((await put(mac)).body.port.mac_address, mac.mac_address)
  assert.equal((await put({ 'binding:host_id': 'h1' })).body.port['binding:vif_type'], 'ovs')
})

forEachEngine('why a port cannot be bound is logged once, in words', async ({ store }) => {
  const lines: string[] = []
  const log: Logger = {
    debug() {},
    info() {},
    warn: (_fields, message) => void lines.push(message),
    error() {},
    child: () => log,
  }
  const vlan = { network_vlan_ranges: [{ physicalNetwork: 'physnet1', range: { first: 100, last: 199 } }] }
  const cloud = await startCloud(store, { ml2_type_vlan: vlan }, log)
  const { admin } = cloud
  const provider = { 'provider:network_type': 'vlan', 'provider:physical_network': 'physnet1' }
  const network = await admin.create('network', provider)
  const plain = await admin.create('network', {})
  const bind = (host: string, network_id = network.id, more: Shown = {}) =>
    admin.create('port', { network_id, 'binding:host_id': host, ...more })
  const said = () => lines.splice(0)
  await cloud.beat('h1', { ovs: { ...ovsHost('192.0.2.1'), tunnel_types: ['gre'] } })
  await bind('h1')
  await bind('h1')
  assert.deepEqual(said(), [
    'port not bound to h1: openvswitch: the network needs a bridge for physical network physnet1, and the ' +
      `host's agent reports bridge_mappings {"public":"br-ex"}, tunnel_types ["gre"]`,
  ])
  await bind('h1', plain.id)
  assert.match(said().join(), /needs vxlan tunnels, and the host's agent reports .* tunnel_types \["gre"\]/)
  await bind('nowhere')
  assert.match(said().join(), /no Open vSwitch agent has reported from host nowhere/)
  await bind('h1', network.id, { 'binding:vnic_type': 'direct' })
  assert.match(said().join(), /vnic_type direct is not served/)
  // A bridge is mapped: the ports are bound, and what fails later is told anew.
  const mapped = { ...ovsHost('192.0.2.1'), bridge_mappings: { physnet1: 'br-vlan' } }
  await cloud.beat('h1', { ovs: mapped })
  const ports = await admin.list('port', `?network_id=${network.id}&binding:host_id=h1`)
  assert.deepEqual(
    ports.map((port) => port['binding:vif_type']).sort(),
    ['binding_failed', 'ovs', 'ovs'],
    'all but the one with vnic_type direct',
  )
  said()
  await cloud.age('h1', 100)
  await bind('h1')
  assert.match(said().join(), /the Open vSwitch agent of host h1 is dead/)
  await cloud.close()
})
