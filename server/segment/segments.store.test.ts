/** Segments and routed provider networks, through the API on both engines. */
import assert from 'node:assert/strict'
import { type Caller, type Cloud, type Overrides, onCloud, ovsHost, type Shown } from '../features.testing.ts'
import { atOnce, onTwoServers, withStatus } from '../servers.testing.ts'

const wire: Overrides = {
  ml2_type_vlan: {
    network_vlan_ranges: ['rack1', 'rack2', 'rack3'].map((physicalNetwork) => ({
      physicalNetwork,
      range: { first: 100, last: 109 },
    })),
  },
}

/** An Open vSwitch agent with bridges for these physical networks. */
const rackHost = (...names: string[]): Shown => ({
  ...ovsHost('192.0.2.1'),
  bridge_mappings: Object.fromEntries(names.map((name) => [name, `br-${name}`])),
})

const vlan = (rack: string, id: number): Shown => ({
  'provider:network_type': 'vlan',
  'provider:physical_network': rack,
  'provider:segmentation_id': id,
})

const segmentOf = (segment: Shown): string =>
  [segment.network_type, segment.physical_network ?? '-', segment.segmentation_id ?? '-'].join(' ')

const fault = async (answer: ReturnType<Caller['call']>): Promise<string> => {
  const { status, fault: type } = await answer
  return `${status} ${type ?? ''}`.trim()
}

onCloud(
  'the segments of networks are listed, made, changed and deleted',
  async ({ admin, as }) => {
    const network = await admin.create('network', vlan('rack1', 100))
    const [first] = await admin.list('segment', `?network_id=${network.id}`)
    assert.equal(segmentOf(first ?? {}), 'vlan rack1 100')
    assert.deepEqual([first?.name, first?.description, first?.revision_number], [null, '', 1])
    assert.ok(first?.created_at)
    const post = (body: Shown) =>
      admin.call('POST', 'segments', { segment: { network_id: network.id, ...body } })
    const second = (await post({ network_type: 'vlan', physical_network: 'rack2', name: 'two' })).body.segment
    assert.equal(segmentOf(second), 'vlan rack2 100')
    const shown = await admin.show('network', network.id)
    assert.equal(shown.segments.length, 2)
    assert.equal(shown.revision_number, 2)
    const changed = await admin.update('segment', second.id, { name: 'zwei', description: 'second' })
    assert.deepEqual([changed.name, changed.description, changed.revision_number], ['zwei', 'second', 2])
    assert.equal((await admin.update('segment', second.id, { name: null })).name, null)
    assert.deepEqual(
      (await admin.list('segment', '?physical_network=rack2')).map((one) => one.id),
      [second.id],
    )
    const refusals: [Shown, string][] = [
      [{ network_type: 'vlan', physical_network: 'rack1', segmentation_id: 100 }, '409 VlanIdInUse'],
      [{ network_type: 'vlan', physical_network: 'nowhere', segmentation_id: 100 }, '400 InvalidInput'],
      [{ network_type: 'nonsense' }, '400 InvalidInput'],
      [{ network_id: second.id, network_type: 'local' }, '404 NetworkNotFound'],
      // 1450 bytes at most, and the network says 1500.
      [{ network_type: 'vxlan' }, '400 InvalidInput'],
      [{}, '400 HTTPBadRequest'],
    ]
    for (const [body, expected] of refusals)
      assert.equal(await fault(post(body)), expected, JSON.stringify(body))
    assert.equal(await fault(as('blue').call('GET', `segments/${second.id}`)), '404 SegmentNotFound')
    assert.deepEqual(await as('blue').list('segment'), [])
    assert.equal(
      (await post({ network_type: 'vlan', physical_network: 'rack2' })).body.segment.segmentation_id,
      101,
    )

    await admin.remove('segment', second.id)
    assert.equal(
      (await post({ network_type: 'vlan', physical_network: 'rack2' })).body.segment.segmentation_id,
      100,
    )
    await admin.remove('network', network.id)
    assert.deepEqual(await admin.list('segment'), [])
    assert.equal((await admin.create('network', vlan('rack1', 100)))['provider:segmentation_id'], 100)
  },
  wire,
)

onCloud(
  'a segment that subnets or ports use stays; a network may lose its last one',
  async (cloud) => {
    const { admin } = cloud
    await cloud.beat('h1', { ovs: rackHost('rack1') })
    const network = await admin.create('network', vlan('rack1', 100))
    const [segment] = await admin.list('segment')
    const port = await admin.create('port', { network_id: network.id, 'binding:host_id': 'h1' })
    assert.equal(port['binding:vif_type'], 'ovs')
    assert.equal(await fault(admin.call('DELETE', `segments/${segment?.id}`)), '409 SegmentInUse')
    await admin.remove('port', port.id)
    const subnet = await admin.create('subnet', {
      network_id: network.id,
      segment_id: segment?.id,
      ip_version: 4,
      cidr: '10.0.0.0/24',
    })
    assert.equal(await fault(admin.call('DELETE', `segments/${segment?.id}`)), '409 SegmentInUse')
    await admin.remove('subnet', subnet.id)
    await admin.remove('segment', segment?.id)
    const bare = await admin.show('network', network.id)
    assert.equal(bare['provider:network_type'], null)
    const unbound = await admin.create('port', { network_id: network.id, 'binding:host_id': 'h1' })
    assert.equal(unbound['binding:vif_type'], 'binding_failed')
  },
  wire,
)

onTwoServers(
  '32 segments and networks at once out of 10 VLANs: each once',
  async (one, two) => {
    const network = await one.admin.create('network', { 'provider:network_type': 'local' })
    const admins = [one.admin, two.admin]
    const answers = await atOnce(32, one, two, (_caller, index) => {
      const admin = admins[index % 2] as Caller
      const [type, rack] = ['vlan', 'rack1']
      return index % 3 === 0
        ? admin.call('POST', 'networks', {
            network: { 'provider:network_type': type, 'provider:physical_network': rack },
          })
        : admin.call('POST', 'segments', {
            segment: { network_id: network.id, network_type: type, physical_network: rack },
          })
    })
    assert.equal(withStatus(answers, 201).length, 10)
    assert.equal(withStatus(answers, 503).length, 22)
    const vlans = (await one.admin.list('segment')).filter((segment) => segment.network_type === 'vlan')
    assert.deepEqual(
      vlans.map((segment) => segment.segmentation_id).sort(),
      Array.from({ length: 10 }, (_, i) => 100 + i),
    )
    const own = vlans.filter((segment) => segment.network_id === network.id)
    await Promise.all(own.map((segment, i) => (admins[i % 2] as Caller).remove('segment', segment.id)))
    const again = await atOnce(10, one, two, (_caller, index) =>
      (admins[index % 2] as Caller).call('POST', 'networks', {
        network: { 'provider:network_type': 'vlan', 'provider:physical_network': 'rack1' },
      }),
    )
    assert.equal(withStatus(again, 201).length, own.length)
  },
  wire,
)

/** A routed network of two racks, a host in each, and a subnet on each. */
async function routedCloud({ admin, beat }: Cloud) {
  await beat('a1', { ovs: rackHost('rack1') })
  await beat('b1', { ovs: rackHost('rack2') })
  const network = await admin.create('network', {
    segments: [vlan('rack1', 100), vlan('rack2', 100)],
    shared: true,
  })
  const [one = {}, two = {}] = (await admin.list(
    'segment',
    '?sort_key=physical_network&sort_dir=asc',
  )) as Shown[]
  const subnet = (segment: Shown, cidr: string, more: Shown = {}) =>
    admin.create('subnet', { network_id: network.id, segment_id: segment.id, ip_version: 4, cidr, ...more })
  const first = await subnet(one, '10.1.0.0/24')
  const second = await subnet(two, '10.2.0.0/24')
  const post = (body: Shown) => admin.call('POST', 'ports', { port: { network_id: network.id, ...body } })
  const on = (host: string): Shown => ({ 'binding:host_id': host, device_owner: 'compute:nova' })
  return { network, one, two, first, second, subnet, post, on }
}

const addresses = (port: Shown): string[] => port.fixed_ips.map((fixed: Shown) => fixed.ip_address)

onCloud(
  'the subnets of a network are all of segments or none is; the only one can become so',
  async ({ admin, as }) => {
    const flat = await admin.create('network', { 'provider:network_type': 'local' })
    const network = await admin.create('network', vlan('rack1', 100))
    const segments = await admin.list('segment')
    const own = segments.find((segment) => segment.network_id === network.id)
    const other = segments.find((segment) => segment.network_id === flat.id)
    const body = (cidr: string, more: Shown = {}) => ({
      network_id: network.id,
      ip_version: 4,
      cidr,
      ...more,
    })
    const post = (cidr: string, more: Shown = {}) =>
      fault(admin.call('POST', 'subnets', { subnet: body(cidr, more) }))
    assert.equal(await post('10.1.0.0/24', { segment_id: network.id }), '404 SegmentNotFound')
    assert.equal(await post('10.1.0.0/24', { segment_id: other?.id }), '400 NetworkIdsDontMatch')
    const plain = await admin.create('subnet', body('10.1.0.0/24'))
    assert.deepEqual([plain.segment_id, (await admin.show('network', network.id)).l2_adjacency], [null, true])
    assert.equal(
      await post('10.2.0.0/24', { segment_id: own?.id }),
      '400 SubnetsNotAllAssociatedWithSegments',
    )
    const put = (id: string, segment_id: unknown) =>
      fault(admin.call('PUT', `subnets/${id}`, { subnet: { segment_id } }))
    assert.equal(await put(plain.id, network.id), '404 SegmentNotFound')
    assert.equal(await put(plain.id, other?.id), '400 NetworkIdsDontMatch')
    const second = await admin.create('subnet', body('10.3.0.0/24'))
    assert.equal(await put(plain.id, own?.id), '400 SubnetsNotAllAssociatedWithSegments')
    await admin.remove('subnet', second.id)
    const added = await admin.create('segment', {
      network_id: network.id,
      network_type: 'vlan',
      physical_network: 'rack2',
    })
    assert.equal(await put(plain.id, own?.id), '400 NoUpdateSubnetWhenMultipleSegmentsOnNetwork')
    await admin.remove('segment', added.id)
    const moved = await admin.update('subnet', plain.id, { segment_id: own?.id })
    assert.deepEqual([moved.segment_id, moved.revision_number], [own?.id, plain.revision_number + 1])
    assert.equal((await admin.show('network', network.id)).l2_adjacency, false)
    assert.equal(await put(plain.id, null), '400 SubnetSegmentAssociationChangeNotAllowed')
    assert.equal(await put(plain.id, own?.id), '200')
    assert.equal(await post('10.4.0.0/24'), '400 SubnetsNotAllAssociatedWithSegments')
    assert.equal(await post('10.5.0.0/24', { service_types: ['network:routed'] }), '201')
    assert.equal(await post('10.6.0.0/24', { segment_id: own?.id }), '201')
    assert.deepEqual(
      (await admin.list('subnet', `?segment_id=${own?.id}`)).map((subnet) => subnet.cidr).sort(),
      ['10.1.0.0/24', '10.6.0.0/24'],
    )
    const mine = await as('blue').create('network', {})
    const denied = { network_id: mine.id, ip_version: 4, cidr: '10.1.0.0/24', segment_id: own?.id }
    assert.equal(
      await fault(as('blue').call('POST', 'subnets', { subnet: denied })),
      '403 PolicyNotAuthorized',
    )
    const hidden = await as('blue').create('subnet', { ...denied, segment_id: null })
    assert.equal('segment_id' in hidden, false)
  },
  wire,
)

onCloud(
  'on a routed network a port has addresses of the segment of its host, once that is known',
  async (cloud) => {
    const { admin } = cloud
    const { network, one, first, second, post, on } = await routedCloud(cloud)
    assert.equal(network.l2_adjacency, true, 'nothing is routed before there are subnets')
    assert.equal((await admin.show('network', network.id)).l2_adjacency, false)
    const here = (await post(on('a1'))).body.port
    assert.deepEqual([addresses(here), here.ip_allocation], [['10.1.0.2'], 'immediate'])
    assert.equal(here['binding:vif_type'], 'ovs')
    assert.deepEqual(addresses((await post(on('b1'))).body.port), ['10.2.0.2'])

    const later = (await post({})).body.port
    assert.deepEqual([later.fixed_ips, later.ip_allocation], [[], 'deferred'])
    const named = await admin.update('port', later.id, { name: 'later' })
    assert.deepEqual([named.fixed_ips, named.ip_allocation], [[], 'deferred'])
    const bound = await admin.update('port', later.id, on('b1'))
    assert.deepEqual([addresses(bound), bound.ip_allocation], [['10.2.0.3'], 'immediate'])
    assert.equal(bound['binding:vif_type'], 'ovs')
    const bindings = await cloud.store.read((tx) =>
      tx.db
        .selectFrom('port_bindings')
        .innerJoin('network_segments as g', 'g.id', 'port_bindings.segment_id')
        .select(['g.physical_network', 'host'])
        .orderBy('host')
        .execute(),
    )
    assert.deepEqual(
      bindings.map((row) => `${row.host} ${row.physical_network}`),
      ['a1 rack1', 'b1 rack2', 'b1 rack2'],
    )

    const none = (await post({ fixed_ips: [] })).body.port
    assert.equal(none.ip_allocation, 'none')
    assert.deepEqual((await admin.update('port', none.id, on('b1'))).fixed_ips, [])
    const asked = (await post({ fixed_ips: [{ subnet_id: first.id }] })).body.port
    assert.deepEqual([addresses(asked), asked.ip_allocation], [['10.1.0.3'], 'immediate'])
    assert.equal((await admin.update('port', asked.id, on('a1')))['binding:vif_type'], 'ovs')

    await cloud.beat('c1', { ovs: rackHost() })
    await cloud.beat('ab', { ovs: rackHost('rack1', 'rack2') })
    const put = (id: string, body: Shown) => fault(admin.call('PUT', `ports/${id}`, { port: body }))
    const refused: [Promise<string>, string][] = [
      [fault(post(on('c1'))), '409 HostNotConnectedToAnySegment'],
      [fault(post(on('nobody'))), '409 HostNotConnectedToAnySegment'],
      [fault(post(on('ab'))), '409 HostConnectedToMultipleSegments'],
      [fault(post({ ...on('a1'), fixed_ips: [{ subnet_id: second.id }] })), '400 InvalidInput'],
      [fault(post({ ...on('a1'), fixed_ips: [{ ip_address: '10.2.0.9' }] })), '400 InvalidIpForNetwork'],
      [
        fault(post({ fixed_ips: [{ subnet_id: first.id }, { subnet_id: second.id }] })),
        '400 FixedIpsSubnetsNotOnSameSegment',
      ],
      [put(here.id, { 'binding:host_id': 'b1' }), '409 HostNotCompatibleWithFixedIps'],
      [put(here.id, { 'binding:host_id': 'c1' }), '409 HostNotConnectedToAnySegment'],
      [put(here.id, { fixed_ips: [{ subnet_id: second.id }] }), '400 InvalidInput'],
    ]
    for (const [answer, expected] of refused) assert.equal(await answer, expected)
    const still = await admin.show('port', here.id)
    assert.deepEqual([addresses(still), still['binding:host_id']], [['10.1.0.2'], 'a1'])

    // With other addresses it may go; without a host it keeps what it has.
    const moved = await admin.update('port', here.id, { ...on('b1'), fixed_ips: [{ subnet_id: second.id }] })
    assert.deepEqual([addresses(moved), moved['binding:vif_type']], [['10.2.0.4'], 'ovs'])
    const away = await admin.update('port', here.id, { 'binding:host_id': '' })
    assert.deepEqual(addresses(away), ['10.2.0.4'])
    // A live migration stays within the segment.
    const bindTo = (host: string) =>
      fault(cloud.as('nova').call('POST', `ports/${bound.id}/bindings`, { binding: { host } }))
    assert.equal(await bindTo('a1'), '500 PortBindingError')
    await cloud.beat('b2', { ovs: rackHost('rack2') })
    assert.equal(await bindTo('b2'), '201')
    // What an agent tells is what counts.
    await cloud.beat('c1', { ovs: rackHost('rack1') })
    assert.deepEqual(addresses((await post(on('c1'))).body.port), ['10.1.0.2'])
    await cloud.beat('c1', { ovs: rackHost('rack2') })
    assert.deepEqual(addresses((await post(on('c1'))).body.port), ['10.2.0.5'])
    const agents = await admin.list('agent', '?host=c1')
    await admin.remove('agent', agents[0]?.id)
    assert.equal(await fault(post(on('c1'))), '409 HostNotConnectedToAnySegment')
    assert.equal(one.network_id, network.id)
  },
  wire,
)

onCloud(
  'SLAAC addresses of a segment are for ports on it',
  async (cloud) => {
    const { admin } = cloud
    const { subnet, one, post, on } = await routedCloud(cloud)
    const here = (await post(on('a1'))).body.port
    const there = (await post(on('b1'))).body.port
    const modes = { ipv6_ra_mode: 'slaac', ipv6_address_mode: 'slaac', ip_version: 6 }
    await subnet(one, '2001:db8::/64', modes)
    assert.equal((await admin.show('port', here.id)).fixed_ips.length, 2)
    assert.deepEqual(addresses(await admin.show('port', there.id)), addresses(there))
    assert.equal((await post(on('a1'))).body.port.fixed_ips.length, 2)
    assert.equal((await post(on('b1'))).body.port.fixed_ips.length, 1)
    const later = (await post({})).body.port
    assert.equal((await admin.update('port', later.id, on('a1'))).fixed_ips.length, 2)
    // A new MAC moves the address on the segment, and takes none elsewhere.
    const unbound = await admin.update('port', here.id, { 'binding:host_id': '' })
    const fresh = await admin.update('port', unbound.id, { mac_address: 'fa:16:3e:00:00:09' })
    assert.deepEqual(addresses(fresh), ['10.1.0.2', '2001:db8::f816:3eff:fe00:9'])
  },
  wire,
)

onCloud(
  'each segment has its DHCP agents, and their ports have addresses of it',
  async (cloud) => {
    const { admin } = cloud
    const { network, one, two, second, subnet, post, on } = await routedCloud(cloud)
    const dhcpPorts = async (): Promise<string[]> =>
      (await admin.list('port', `?network_id=${network.id}&device_owner=network:dhcp`))
        .map((port) => `${port['binding:host_id'] || '-'} ${addresses(port).sort().join(',')}`)
        .sort()
    assert.deepEqual(await dhcpPorts(), [])
    await cloud.beat('d1', { ovs: rackHost('rack1'), dhcp: {} })
    assert.deepEqual(await dhcpPorts(), ['d1 10.1.0.2'])
    // Another one of the same segment is not needed; one that sees no segment neither.
    await cloud.beat('d2', { ovs: rackHost('rack1'), dhcp: {} })
    await cloud.beat('d3', { ovs: rackHost('rack3'), dhcp: {} })
    assert.deepEqual(await dhcpPorts(), ['d1 10.1.0.2'])
    const unserved = (await post(on('b1'))).body.port
    await cloud.report('b1', { kind: 'port-wired', port_id: unserved.id, generation: 1, wired: true })
    assert.equal((await admin.show('port', unserved.id)).status, 'ACTIVE', 'nobody would report of its DHCP')
    // The bridges of its host are told after the agent.
    await cloud.beat('d4', { dhcp: {} })
    await cloud.beat('d4', { ovs: rackHost('rack2'), dhcp: {} })
    assert.deepEqual(await dhcpPorts(), ['d1 10.1.0.2', 'd4 10.2.0.3'])

    const served = (await post(on('b1'))).body.port
    await cloud.report('b1', { kind: 'port-wired', port_id: served.id, generation: 1, wired: true })
    await cloud.report('d1', { kind: 'dhcp-served', port_id: served.id, generation: 1 })
    assert.equal((await admin.show('port', served.id)).status, 'BUILD', 'd1 serves another segment')
    await cloud.report('d4', { kind: 'dhcp-served', port_id: served.id, generation: 1 })
    assert.equal((await admin.show('port', served.id)).status, 'ACTIVE')

    await subnet(one, '10.3.0.0/24')
    assert.deepEqual(await dhcpPorts(), ['d1 10.1.0.2,10.3.0.2', 'd4 10.2.0.3'])
    // The last of a segment goes: its port waits for the next one there, and nobody waits for it.
    const waiting = (await post(on('b1'))).body.port
    await cloud.report('b1', { kind: 'port-wired', port_id: waiting.id, generation: 1, wired: true })
    const [gone] = await admin.list('agent', '?host=d4&agent_type=DHCP agent')
    await admin.call('DELETE', `agents/${gone?.id}/dhcp-networks/${network.id}`)
    await admin.update('agent', gone?.id, { admin_state_up: false })
    assert.equal((await admin.show('port', waiting.id)).status, 'ACTIVE')
    assert.deepEqual(await dhcpPorts(), ['- 10.2.0.3', 'd1 10.1.0.2,10.3.0.2'])
    await cloud.beat('d5', { ovs: rackHost('rack2'), dhcp: {} })
    assert.deepEqual(await dhcpPorts(), ['d1 10.1.0.2,10.3.0.2', 'd5 10.2.0.3'])
    // An agent that sees both has addresses of one; a round of upkeep changes nothing.
    await cloud.beat('d6', { ovs: rackHost('rack1', 'rack2'), dhcp: {} })
    const [both] = await admin.list('agent', '?host=d6&agent_type=DHCP agent')
    const added = admin.call('POST', `agents/${both?.id}/dhcp-networks`, { network_id: network.id })
    assert.equal(await fault(added), '201')
    const three = await dhcpPorts()
    assert.deepEqual(three.slice(0, 2), ['d1 10.1.0.2,10.3.0.2', 'd5 10.2.0.3'])
    assert.match(three[2] ?? '', /^d6 (10\.1\.0\.3,10\.3\.0\.3|10\.2\.0\.6)$/)
    await cloud.doChores()
    assert.deepEqual(await dhcpPorts(), three)
    await admin.call('DELETE', `agents/${both?.id}/dhcp-networks/${network.id}`)
    await admin.update('agent', both?.id, { admin_state_up: false })
    await cloud.age('d5', 1000)
    await cloud.doChores()
    assert.deepEqual(
      (await dhcpPorts()).filter((port) => port.includes('10.2.0.3')),
      ['- 10.2.0.3'],
      'no agent of the segment is left',
    )
    await admin.update('subnet', second.id, { enable_dhcp: false })
    assert.equal(two.network_id, network.id)
  },
  { ...wire, DEFAULT: { dhcp_agents_per_network: 1 } },
)

onCloud(
  'a network that becomes routed moves its DHCP to where its segment is',
  async (cloud) => {
    const { admin } = cloud
    await cloud.beat('d0', { ovs: rackHost('rack2'), dhcp: {} })
    const network = await admin.create('network', vlan('rack1', 100))
    const subnet = await admin.create('subnet', {
      network_id: network.id,
      ip_version: 4,
      cidr: '10.1.0.0/24',
    })
    const hosts = async () =>
      (await admin.list('port', '?device_owner=network:dhcp')).map((port) => port['binding:host_id'])
    assert.deepEqual(await hosts(), ['d0'])
    await cloud.beat('d1', { ovs: rackHost('rack1'), dhcp: {} })
    const [segment] = await admin.list('segment')
    await admin.update('subnet', subnet.id, { segment_id: segment?.id })
    assert.deepEqual(await hosts(), ['d1'])
  },
  { ...wire, DEFAULT: { dhcp_agents_per_network: 1 } },
)

onCloud(
  'subnets of a routed network have host routes to those of other segments',
  async (cloud) => {
    const { admin } = cloud
    const { one, two, first, second, subnet } = await routedCloud(cloud)
    const routes = async (id: string): Promise<string[]> =>
      (await admin.show('subnet', id)).host_routes
        .map((route: Shown) => `${route.destination} ${route.nexthop}`)
        .sort()
    assert.deepEqual(await routes(first.id), ['10.2.0.0/24 10.1.0.1'])
    assert.deepEqual(await routes(second.id), ['10.1.0.0/24 10.2.0.1'])
    // Of the same segment or another family, or covered by what is said: none.
    const wide = [{ destination: '10.0.0.0/8', nexthop: '10.3.0.9' }]
    const third = await subnet(two, '10.3.0.0/24', { host_routes: wide })
    await subnet(two, '2001:db8::/64', { ip_version: 6 })
    assert.deepEqual(await routes(third.id), ['10.0.0.0/8 10.3.0.9'])
    assert.deepEqual(await routes(second.id), ['10.1.0.0/24 10.2.0.1'])
    assert.deepEqual(await routes(first.id), ['10.2.0.0/24 10.1.0.1', '10.3.0.0/24 10.1.0.1'])
    const bare = await subnet(one, '10.4.0.0/24', { gateway_ip: null })
    assert.deepEqual(await routes(bare.id), [])
    // They follow the gateway, stand beside what administrators say, and go with the subnet.
    await admin.update('subnet', first.id, { gateway_ip: '10.1.1.254' })
    assert.deepEqual(await routes(first.id), ['10.2.0.0/24 10.1.1.254', '10.3.0.0/24 10.1.1.254'])
    await admin.update('subnet', first.id, {
      host_routes: [{ destination: '10.9.0.0/16', nexthop: '10.1.0.9' }],
    })
    assert.deepEqual(await routes(first.id), [
      '10.2.0.0/24 10.1.1.254',
      '10.3.0.0/24 10.1.1.254',
      '10.9.0.0/16 10.1.0.9',
    ])
    await admin.remove('subnet', third.id)
    assert.deepEqual(await routes(first.id), ['10.2.0.0/24 10.1.1.254', '10.9.0.0/16 10.1.0.9'])
    await admin.update('subnet', first.id, { gateway_ip: null })
    assert.deepEqual(await routes(first.id), ['10.9.0.0/16 10.1.0.9'])
  },
  wire,
)

onTwoServers(
  '24 deferred ports bound at once on a /28: 13 get an address, each once',
  async (one, two) => {
    const { network, first, subnet, one: segment } = await routedCloud(one)
    await one.admin.remove('subnet', first.id)
    await subnet(segment, '10.8.0.0/28')
    const body = { network_id: network.id, device_owner: 'compute:nova' }
    const ports = await one.admin.createAll(
      'port',
      Array.from({ length: 24 }, () => body),
    )
    const answers = await atOnce(24, one, two, (_caller, index) =>
      (index % 2 === 0 ? one : two).admin.call('PUT', `ports/${ports[index]?.id}`, {
        port: { 'binding:host_id': 'a1' },
      }),
    )
    const bound = withStatus(answers, 200).map((answer) => answer.body.port)
    assert.deepEqual(
      bound.flatMap(addresses).sort(),
      Array.from({ length: 13 }, (_, i) => `10.8.0.${i + 2}`).sort(),
    )
    assert.ok(bound.every((port) => port['binding:vif_type'] === 'ovs' && port.ip_allocation === 'immediate'))
    assert.equal(answers.filter((answer) => answer.fault === 'IpAddressGenerationFailure').length, 11)
    const waiting = await one.admin.list('port', '?ip_allocation=deferred')
    assert.ok(waiting.length === 11 && waiting.every((port) => port['binding:host_id'] === ''))
  },
  wire,
)
