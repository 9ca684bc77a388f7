/**
 * Two hosts carry networks of every type between them, each with its own identifier on the wire as a capture on the
 * fabric shows; what is down passes nothing; and an instance moves from host to host.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { list, type Network, type Port, show, update } from '../../client/networking.ts'
import { createTestHost, type TestHost, whyNoTestHosts } from '../kernel/sandbox.ts'
import { type Builder, builderOf, passesWhole, withLargeMtu } from './builder.ts'
import {
  type CloudHost,
  capture,
  createCloud,
  type Instance,
  pings,
  until,
  untilStatus,
  type WholeCloud,
} from './cloud.ts'

const skip = whyNoTestHosts() ?? false
let cloud: WholeCloud
let one: CloudHost
let two: CloudHost
let build: Builder
let outside: TestHost | undefined

/** The hosts map a physical network to a bridge that nobody has made. */
const config = `
[ml2_type_vlan]
network_vlan_ranges = physnet1:100:199,physnet9
[ml2_type_flat]
flat_networks = physnet1
[ovs]
bridge_mappings = physnet1:br-physnet1,physnet9:br-late
`

before(async () => {
  if (skip) return
  cloud = await createCloud({ config })
  build = builderOf(cloud)
  one = await cloud.addHost('one')
  two = await cloud.addHost('two')
  await one.startAgent()
  await two.startAgent()
})
after(async () => {
  await outside?.destroy()
  await cloud?.destroy()
})

interface Wire {
  attributes: Record<string, unknown>
  mtu: number
  /** Where the frames go, what to capture, and how each of them starts. */
  fabric: 'underlay' | 'physnet1'
  filter: string
  frame: RegExp
}

const tunnel = (type: string, id: number) => ({
  'provider:network_type': type,
  'provider:segmentation_id': id,
})
/** The same number for all: what keeps them apart is the type. */
const id = 0x65
const wires: Record<string, Wire> = {
  vxlan: {
    attributes: tunnel('vxlan', id),
    mtu: 1450,
    fabric: 'underlay',
    filter: 'udp port 4789',
    frame:
      /192\.0\.2\.11\.\d+ > 192\.0\.2\.12\.4789: VXLAN, .* vni 101\n.*10\.1\.0\.11 > 10\.1\.0\.12: ICMP echo request/,
  },
  gre: {
    attributes: tunnel('gre', id),
    mtu: 1458,
    fabric: 'underlay',
    filter: 'ip proto 47',
    frame: /192\.0\.2\.11 > 192\.0\.2\.12: GREv0, key=0x65, .*10\.1\.0\.11 > 10\.1\.0\.12: ICMP echo request/,
  },
  geneve: {
    attributes: tunnel('geneve', id),
    mtu: 1450,
    fabric: 'underlay',
    filter: 'udp port 6081',
    frame:
      /192\.0\.2\.11\.\d+ > 192\.0\.2\.12\.6081: Geneve, .*vni 0x65.*10\.1\.0\.11 > 10\.1\.0\.12: ICMP echo request/s,
  },
  vlan: {
    attributes: {
      'provider:network_type': 'vlan',
      'provider:physical_network': 'physnet1',
      'provider:segmentation_id': id,
    },
    mtu: 1500,
    fabric: 'physnet1',
    filter: 'vlan',
    frame: /vlan 101, .*10\.1\.0\.11 > 10\.1\.0\.12: ICMP echo request/,
  },
  flat: {
    attributes: { 'provider:network_type': 'flat', 'provider:physical_network': 'physnet1' },
    mtu: 1500,
    fabric: 'physnet1',
    filter: 'icmp',
    frame: /^(?!.*vlan).*ethertype IPv4.*10\.1\.0\.11 > 10\.1\.0\.12: ICMP echo request/m,
  },
}

test('networks of every type reach from host to host, each under its own identifier', { skip }, async () => {
  const residents = new Map<string, { network: Network; a: Instance; b: Instance }>()
  for (const [name, wire] of Object.entries(wires)) {
    const network = await build.network(name, wire.attributes, '10.1.0.0/24')
    assert.equal(network.mtu, wire.mtu, name)
    const a = await build.settle(one, network, '10.1.0.11')
    const b = await build.settle(two, network, '10.1.0.12')
    residents.set(name, { network, a, b })
  }
  await build.active(...[...residents.values()].flatMap(({ a, b }) => [a, b]))

  for (const [name, wire] of Object.entries(wires)) {
    const { a, b } = residents.get(name) ?? assert.fail(name)
    const fabric = cloud.fabrics()[wire.fabric]
    const frames = await capture(fabric.host, one.wires[wire.fabric], wire.filter)
    const strangers = await Promise.all(
      [...residents].filter(([other]) => other !== name).map(([, { b }]) => hearing(b, a)),
    )
    assert.ok(await pings(a, '10.1.0.12'), `${name}: a reaches b`)
    const seen = await frames.stop()
    assert.match(seen, wire.frame, name)
    for (const stop of strangers) assert.equal(await stop(), '', `${name}: frames of a elsewhere`)
    const whole = () => passesWhole(a, '10.1.0.12', wire.mtu)
    assert.ok(await withLargeMtu([a, b], wire.mtu, whole), `${name}: ${wire.mtu} bytes pass whole`)
  }
})

/** What an instance hears of another's frames; answers how to stop. */
async function hearing(at: Instance, from: Instance): Promise<() => Promise<string>> {
  const frames = await capture(two, 'eth0', `ether src ${from.port.mac_address}`, { namespace: at.namespace })
  return () => frames.stop()
}

test('a VLAN network reaches a host outside of the cloud, with its tag', { skip }, async () => {
  const network = await build.network(
    'outside',
    { ...wires.vlan?.attributes, 'provider:segmentation_id': 300 },
    '10.2.0.0/24',
  )
  const a = await build.settle(one, network, '10.2.0.11')
  // Its own switch puts the tag on and takes it off, as a router of the data centre would.
  outside = await createTestHost('outside')
  await cloud.fabrics().physnet1.attach(outside, null, { nic: 'eth0', bridge: 'br0' })
  await outside.run([
    ...[
      'ovs-vsctl',
      'add-port',
      'br0',
      'vlan300',
      'tag=300',
      '--',
      'set',
      'Interface',
      'vlan300',
      'type=internal',
    ],
    ...['--', 'add-port', 'br0', 'vlan301', 'tag=301', '--', 'set', 'Interface', 'vlan301', 'type=internal'],
  ])
  await outside.run(['ip', 'link', 'set', 'vlan301', 'up'])
  await outside.run(['ip', 'address', 'add', '10.2.0.200/24', 'dev', 'vlan300'])
  await outside.run(['ip', 'link', 'set', 'vlan300', 'up'])
  await build.active(a)
  const beside = await capture(outside, 'vlan301', `ether src ${a.port.mac_address}`)
  assert.ok(await pings(a, '10.2.0.200'), 'a reaches the host outside')
  assert.equal(await beside.stop(), '', 'nothing of it on VLAN 301')
  await outside.run(['ping', '-c', '2', '-W', '2', '10.2.0.11'])
})

test('a network of several segments is carried by the first that a host reaches', { skip }, async () => {
  const network = await build.network(
    'both',
    { segments: [{ ...wires.vlan?.attributes, 'provider:segmentation_id': 302 }, tunnel('vxlan', 302)] },
    '10.3.0.0/24',
  )
  const [a, b] = [
    await build.settle(one, network, '10.3.0.11'),
    await build.settle(two, network, '10.3.0.12'),
  ]
  await build.active(a, b)
  // Both hosts reach physnet1.
  const frames = await capture(cloud.fabrics().physnet1.host, one.wires.physnet1, 'vlan 302')
  assert.ok(await pings(a, '10.3.0.12'))
  assert.match(await frames.stop(), /ICMP echo request/)
})

test('a host that does not reach the first segment of a network carries it by the next', {
  skip,
}, async () => {
  const missing = { 'provider:network_type': 'vlan', 'provider:physical_network': 'physnet9' }
  const segments = [{ ...missing, 'provider:segmentation_id': 8 }, tunnel('vxlan', 303)]
  const network = await build.network('second', { segments }, '10.8.0.0/24')
  const [a, b] = [
    await build.settle(one, network, '10.8.0.11'),
    await build.settle(two, network, '10.8.0.12'),
  ]
  await build.active(a, b)
  const frames = await capture(cloud.fabrics().underlay.host, one.wires.underlay, 'udp port 4789')
  assert.ok(await pings(a, '10.8.0.12'))
  assert.match(await frames.stop(), /vni 303\n.*10\.8\.0\.11 > 10\.8\.0\.12: ICMP echo request/)
})

test('a local network does not leave its host', { skip }, async () => {
  const network = await build.network('local', { 'provider:network_type': 'local' }, '10.9.0.0/24')
  const control = await build.network('beside', {}, '10.9.0.0/24')
  const [a, b] = [
    await build.settle(one, network, '10.9.0.11'),
    await build.settle(one, network, '10.9.0.12'),
  ]
  const far = await build.settle(two, network, '10.9.0.13')
  const [x, y] = [
    await build.settle(one, control, '10.9.0.11'),
    await build.settle(two, control, '10.9.0.13'),
  ]
  await build.active(a, b, far, x, y)
  const { underlay, physnet1 } = cloud.fabrics()
  const ofA = `ether src ${a.port.mac_address}`
  const onWires = await Promise.all([
    // Inside of a tunnel's frame the same bytes stand further on: what is heard is told by its text.
    capture(underlay.host, one.wires.underlay, 'udp'),
    capture(physnet1.host, one.wires.physnet1, ofA),
    capture(two, 'eth0', ofA, { namespace: far.namespace }),
  ])
  const passes = await Promise.all([pings(a, '10.9.0.12'), pings(a, '10.9.0.13'), pings(x, '10.9.0.13')])
  assert.deepEqual(passes, [true, false, true], 'on the same host, on the other, and another network')
  const [tunnels = '', ...others] = await Promise.all(onWires.map((frames) => frames.stop()))
  assert.ok(tunnels.includes(x.port.mac_address), 'the control is heard')
  assert.ok(!tunnels.includes(a.port.mac_address), tunnels)
  assert.deepEqual(others, ['', ''])
})

test('a VLAN network that is given another id follows while it is used', { skip }, async (t) => {
  const attributes = { ...wires.vlan?.attributes, 'provider:segmentation_id': 310 }
  const network = await build.network('renumbered', attributes, '10.10.0.0/24')
  const [a, b] = [
    await build.settle(one, network, '10.10.0.11'),
    await build.settle(two, network, '10.10.0.12'),
  ]
  await build.active(a, b)
  assert.ok(await pings(a, '10.10.0.12'))
  const lost = await lossOf(a, '10.10.0.12', 300, async () => {
    await update(cloud.admin, 'network', network.id, { 'provider:segmentation_id': 311 })
  })
  t.diagnostic(`lost ${lost.length} of 300 pings 10 ms apart`)
  assert.ok(lost.length < 100, `${lost.length} of 300`)
  const frames = await capture(cloud.fabrics().physnet1.host, one.wires.physnet1, 'vlan')
  assert.ok(await pings(a, '10.10.0.12'))
  const seen = await frames.stop()
  assert.match(seen, /vlan 311, .*10\.10\.0\.11 > 10\.10\.0\.12: ICMP echo request/)
  assert.doesNotMatch(seen, /vlan 310/)
  for (const { port } of [a, b]) assert.equal((await show(cloud.admin, 'port', port.id))?.status, 'ACTIVE')
})

test('a bridge that is not there fails its own networks alone, until somebody makes it', {
  skip,
}, async () => {
  const wire = { 'provider:network_type': 'vlan', 'provider:physical_network': 'physnet9' }
  const network = await build.network('late', { ...wire, 'provider:segmentation_id': 9 }, '10.6.0.0/24')
  const agent = async () =>
    (await list(cloud.admin, 'agent', { host: 'one', agent_type: 'Open vSwitch agent' }))[0]?.configurations
  const { bridge_mappings, missing_bridges } = (await agent()) ?? {}
  assert.deepEqual([bridge_mappings, missing_bridges], [{ physnet1: 'br-physnet1' }, { physnet9: 'br-late' }])
  const a = await build.settle(one, network, '10.6.0.11')
  const bound = async () => (await show(cloud.admin, 'port', a.port.id))?.['binding:vif_type']
  assert.equal(await bound(), 'binding_failed')
  await one.killAgent()
  await one.startAgent()
  assert.equal(await bound(), 'binding_failed', 'an agent that is back has not what was missing')
  await one.run(['ovs-vsctl', 'add-br', 'br-late', '--', 'set', 'bridge', 'br-late', 'datapath_type=netdev'])
  await untilStatus(cloud.admin, a.port.id, 'ACTIVE', 30)
  assert.equal(await bound(), 'ovs')
  assert.equal((await agent())?.missing_bridges, undefined)
})

test('what is administratively down passes nothing, and the others go on', { skip }, async () => {
  const network = await build.network('switched', {}, '10.4.0.0/24')
  const control = await build.network('control', {}, '10.4.0.0/24')
  const a = await build.settle(one, network, '10.4.0.11')
  const b = await build.settle(two, network, '10.4.0.12')
  const c = await build.settle(two, network, '10.4.0.13')
  const x = await build.settle(one, control, '10.4.0.11')
  const y = await build.settle(two, control, '10.4.0.12')
  await build.active(a, b, c, x, y)
  assert.ok(await pings(a, '10.4.0.12'))

  await update(cloud.admin, 'port', b.port.id, { admin_state_up: false })
  await untilStatus(cloud.admin, b.port.id, 'DOWN')
  const atB = await capture(two, 'eth0', `ether src ${a.port.mac_address}`, { namespace: b.namespace })
  await a.run(['ip', 'neigh', 'flush', 'dev', 'eth0'])
  const [toB, toC] = await Promise.all([pings(a, '10.4.0.12'), pings(a, '10.4.0.13')])
  assert.deepEqual([toB, toC], [false, true], 'the port that is down, and its neighbour')
  assert.equal(await atB.stop(), '')
  await update(cloud.admin, 'port', b.port.id, { admin_state_up: true })
  await build.active(b)
  assert.ok(await pings(a, '10.4.0.12'), 'up again')

  await update(cloud.admin, 'network', network.id, { admin_state_up: false })
  for (const instance of [a, b, c]) await untilStatus(cloud.admin, instance.port.id, 'DOWN')
  const [down, up] = await Promise.all([pings(a, '10.4.0.13'), pings(x, '10.4.0.12')])
  assert.deepEqual([down, up], [false, true], 'the network that is down, and another')
  await update(cloud.admin, 'network', network.id, { admin_state_up: true })
  await build.active(a, b, c)
  assert.ok(await pings(a, '10.4.0.13'))
})

test('a plugged port takes new addresses at once, and a new MAC address once it is unbound', {
  skip,
}, async () => {
  const network = await build.network('changing', {}, '10.7.0.0/24')
  const [a, b] = [
    await build.settle(one, network, '10.7.0.11'),
    await build.settle(two, network, '10.7.0.12'),
  ]
  await build.active(a, b)
  assert.ok(await pings(a, '10.7.0.12'))
  const change = (attributes: Record<string, unknown>) => update(cloud.admin, 'port', b.port.id, attributes)

  await change({ fixed_ips: [{ ip_address: '10.7.0.50' }] })
  await b.run(['ip', 'address', 'add', '10.7.0.50/24', 'dev', 'eth0'])
  await until('the new address answers', () => pings(a, '10.7.0.50'))
  await a.run(['ip', 'neigh', 'flush', 'dev', 'eth0'])
  const both = await Promise.all([pings(a, '10.7.0.12'), pings(a, '10.7.0.50')])
  assert.deepEqual(both, [false, true], 'the address before is not the port’s any more')

  const mac_address = 'fa:16:3e:77:77:77'
  await assert.rejects(change({ mac_address }), /already bound/)
  await change({ 'binding:host_id': '' })
  await until('the port is silent', async () => (await localVlan(two, b.device)) === '4095')
  assert.equal(await pings(a, '10.7.0.50'), false, 'unbound')
  await change({ mac_address })
  await change({ 'binding:host_id': 'two' })
  await build.active(b)
  assert.equal(await pings(a, '10.7.0.50'), false, 'the MAC address before is not the port’s any more')
  await b.run(['ip', 'link', 'set', 'eth0', 'address', mac_address])
  await a.run(['ip', 'neigh', 'flush', 'dev', 'eth0'])
  assert.ok(await pings(a, '10.7.0.50'), 'with the new MAC address')
})

const localVlan = async (host: CloudHost, device: string): Promise<string> =>
  (await host.run(['ovs-vsctl', '--if-exists', 'get', 'Port', device, 'tag'])).trim()

const flowsOf = (host: CloudHost, bridge: string): Promise<string> =>
  host.run(['ovs-ofctl', '--names', 'dump-flows', bridge])

/** Pings of `count` times 10 ms; answers the sequence numbers that were not answered. */
async function lossOf(from: Instance, address: string, count: number, meanwhile: () => Promise<void>) {
  const run = from.run(['ping', '-n', '-c', String(count), '-i', '0.01', '-W', '1', address])
  await meanwhile()
  const text = await run.catch((error: Error) => error.message)
  const answered = new Set([...text.matchAll(/icmp_seq=(\d+) ttl/g)].map(([, seq]) => Number(seq)))
  return Array.from({ length: count }, (_, index) => index + 1).filter((seq) => !answered.has(seq))
}

test('an instance moves to another host while it is spoken to', { skip }, async (t) => {
  const network = await build.network('moving', {}, '10.5.0.0/24')
  const peer = await build.settle(two, network, '10.5.0.12')
  const guest = await build.settle(one, network, '10.5.0.11')
  await build.active(peer, guest)
  assert.ok(await pings(peer, '10.5.0.11'))
  const { id: portId } = guest.port
  const path = `/ports/${portId}/bindings`
  const statuses = new Set<Port['status'] | undefined>()
  let arrived: Instance | undefined
  let pause = 0

  const lost = await lossOf(peer, '10.5.0.11', 600, async () => {
    const look = async () => statuses.add((await show(cloud.admin, 'port', portId))?.status)
    await cloud.nova.request('POST', path, { binding: { host: 'two' } })
    arrived = await two.plug(guest.port)
    const there = arrived
    await there.run(['ip', 'link', 'set', 'eth0', 'down'])
    await until('the port is wired on its new host', async () => {
      await look()
      const tag = await localVlan(two, there.device)
      return tag !== '4095' && (await flowsOf(two, 'br-int')).includes(there.device)
    })
    const started = performance.now()
    // The guest stops here and goes on there, where it announces itself.
    await guest.run(['ip', 'link', 'set', 'eth0', 'down'])
    await there.run(['ip', 'link', 'set', 'eth0', 'up'])
    await there.run(['ip', 'address', 'add', '10.5.0.11/24', 'dev', 'eth0'])
    await there.run(['busybox', 'arping', '-q', '-U', '-c', '1', '-I', 'eth0', '10.5.0.11'])
    pause = performance.now() - started
    await cloud.nova.request('PUT', `${path}/two/activate`)
    await look()
    await guest.unplug()
    await cloud.nova.request('DELETE', `${path}/one`)
    await look()
  })
  t.diagnostic(
    `lost ${lost.length} of 600 pings 10 ms apart (${lost[0]} to ${lost.at(-1)}); the guest stood still ${Math.round(pause)} ms`,
  )
  assert.ok(lost.length * 10 < pause + 500, `${lost.length} pings of 10 ms lost, paused ${pause} ms`)
  assert.deepEqual([...statuses], ['ACTIVE'], 'the port was ACTIVE all the time')
  const moved = await show(cloud.admin, 'port', portId)
  assert.equal(moved?.['binding:host_id'], 'two')
  await until('the host before has nothing of it', async () => {
    const flows = `${await flowsOf(one, 'br-int')}${await flowsOf(one, 'br-tun')}`
    const [vni = 0] = [(await show(cloud.admin, 'network', network.id))?.['provider:segmentation_id'] ?? 0]
    return !flows.includes(guest.device) && !flows.includes(`set_tunnel:0x${vni.toString(16)},`)
  })
  assert.ok(await pings(peer, '10.5.0.11'))
})
