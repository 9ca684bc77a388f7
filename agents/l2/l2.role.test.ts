import assert from 'node:assert/strict'
import test from 'node:test'
import type {
  NetworkDocument,
  PortDocument,
  TunnelEndpointDocument,
} from '../../model/documents/documents.ts'
import type { Standing } from '../daemon/role.ts'
import { binding, dhcpPort, envelope, network, port, segment, testId } from '../testing/documents.ts'
import { matchesGolden } from '../testing/golden.ts'
import { piecesOf, testView } from '../testing/view.ts'
import { l2Role } from './l2.role.ts'
import type { L2Settings } from './settings.ts'

const settings: L2Settings = {
  integrationBridge: 'br-int',
  tunnelBridge: 'br-tun',
  integrationPatch: 'patch-tun',
  tunnelPatch: 'patch-int',
  datapathType: 'netdev',
  bridgeMappings: new Map([['public', 'br-ex']]),
  localIp: '192.0.2.1',
  tunnelTypes: ['vxlan'],
  vxlanUdpPort: 4789,
  dontFragment: true,
  tunnelChecksum: false,
}
const role = l2Role(settings)

const endpoint = (host: string, ip_address: string): TunnelEndpointDocument => ({
  id: `${host}/vxlan`,
  host,
  tunnel_type: 'vxlan',
  ip_address,
  udp_port: 4789,
})

/** The pieces for one network and its ports, all plugged unless `plugged` says which. */
function wired(net: NetworkDocument, ports: PortDocument[], plugged = ports.map(({ id }) => id)) {
  const envelopes = [envelope('network', net), ...ports.map((each) => envelope('port', each))]
  const view = testView(envelopes, plugged)
  return { view, pieces: piecesOf(role, view) }
}

const here = import.meta.dirname

test('base: bridges, patch ports and the flows of no network', () => {
  matchesGolden(here, 'base', role.piece(testView([]), 'l2/base'))
})

test('a provider bridge is joined with br-int, and silent until a network needs it', () => {
  matchesGolden(here, 'bridge', role.piece(testView([]), 'l2/bridge/br-ex'))
})

test('without local_ip there is no tunnel bridge', () => {
  const objects = l2Role({ ...settings, localIp: null }).piece(testView([]), 'l2/base')
  assert.deepEqual(
    objects.filter((object) => object.kind === 'ovs-bridge').map(({ name }) => name),
    ['br-int'],
  )
})

test('tunnels: a port for each other host, and one flood list', () => {
  const endpoints = [
    endpoint('host-a', '192.0.2.1'),
    endpoint('host-c', '192.0.2.3'),
    endpoint('host-b', '192.0.2.2'),
    endpoint('host-b.renamed', '192.0.2.2'),
  ]
  const view = testView(endpoints.map((each) => envelope('tunnel-endpoint', each)))
  matchesGolden(here, 'tunnels', role.piece(view, 'l2/tunnels'))
})

test('vxlan: a protected port, one with allowed pairs and IPv6, one without protection, a DHCP server', () => {
  const { pieces } = wired(network(), [
    port(5),
    port(6, {
      fixed_ips: [{ subnet_id: testId('5b', 2), ip_address: '2001:db8::6' }],
      allowed_address_pairs: [
        { ip_address: '10.0.0.100', mac_address: 'fa:16:3e:00:00:06' },
        { ip_address: '10.0.9.7/24', mac_address: 'FA:16:3E:00:00:99' },
      ],
    }),
    port(7, { port_security_enabled: false }),
    dhcpPort(2, { port_security_enabled: true }),
  ])
  for (const id of role.always) pieces.delete(id)
  matchesGolden(here, 'vxlan', [...pieces.values()].flat())
})

test('flat: untagged on the provider bridge', () => {
  const net = network({
    segments: [segment({ network_type: 'flat', physical_network: 'public', segmentation_id: null })],
  })
  matchesGolden(here, 'flat', wired(net, [port(5)]).pieces.get(`l2/network/${net.id}`) ?? [])
})

test('vlan: its own tag on the provider bridge', () => {
  const net = network({
    segments: [segment({ network_type: 'vlan', physical_network: 'public', segmentation_id: 101 })],
  })
  matchesGolden(here, 'vlan', wired(net, [port(5)]).pieces.get(`l2/network/${net.id}`) ?? [])
})

for (const type of ['gre', 'geneve'] as const) {
  test(`${type}: its own tables on br-tun`, () => {
    const both = l2Role({ ...settings, tunnelTypes: ['vxlan', 'gre', 'geneve'] })
    const net = network({ segments: [segment({ network_type: type, segmentation_id: 101 })] })
    const view = testView([envelope('network', net), envelope('port', port(5))], [port(5).id])
    matchesGolden(here, type, both.piece(view, `l2/network/${net.id}`))
  })
}

test('local: a port is wired, and nothing leads out of br-int', () => {
  const net = network({ segments: [segment({ network_type: 'local', segmentation_id: null })] })
  const { pieces } = wired(net, [port(5)])
  assert.equal(pieces.has(`l2/network/${net.id}`), false)
  assert.ok(pieces.has(`l2/port/${port(5).id}`))
})

test('an allowed pair of all addresses admits all ARP, and still only its MAC addresses', () => {
  const any = port(5, {
    allowed_address_pairs: [{ ip_address: '0.0.0.0/0', mac_address: 'fa:16:3e:00:00:05' }],
  })
  const objects = wired(network(), [any]).pieces.get(`l2/port/${any.id}`) ?? []
  const flows = objects.filter((object) => object.kind === 'flow')
  assert.deepEqual(
    flows.filter((flow) => flow.table === 24 && flow.match.startsWith('arp')).map(({ match }) => match),
    ['arp,in_port={port:tap00000005}'],
  )
  assert.equal(flows.filter((flow) => flow.table === 25).length, 1)
})

const unwired: [string, Partial<PortDocument>, Partial<NetworkDocument>][] = [
  ['is down', { admin_state_up: false }, {}],
  ['has a network that is down', {}, { admin_state_up: false }],
  ['is bound elsewhere', { bindings: [binding('host-b')] }, {}],
  ['could not be bound', { bindings: [binding('host-a', { vif_type: 'binding_failed' })] }, {}],
  ['has no segment', { bindings: [binding('host-a', { segment_id: null })] }, {}],
  [
    'runs over a bridge that is not here',
    {},
    { segments: [segment({ network_type: 'flat', physical_network: 'other' })] },
  ],
  ['runs over a tunnel type that is not here', {}, { segments: [segment({ network_type: 'gre' })] }],
]
for (const [why, portValues, networkValues] of unwired) {
  test(`a port that ${why} is not wired, and its network is not here`, () => {
    const { pieces, view } = wired(network(networkValues), [port(5, portValues)])
    assert.deepEqual([...pieces.keys()].sort(), ['l2/base', 'l2/bridge/br-ex', 'l2/tunnels'])
    const fact = role.fact(view, port(5).id, () => 'settled')
    assert.deepEqual(fact, { kind: 'port-wired', port_id: port(5).id, generation: 1, wired: false })
  })
}

test('a port that is not plugged is not wired', () => {
  const { pieces, view } = wired(network(), [port(5)], [])
  assert.deepEqual([...pieces.keys()].sort(), ['l2/base', 'l2/bridge/br-ex', 'l2/tunnels'])
  assert.deepEqual(
    role.fact(view, port(5).id, () => 'settled'),
    {
      kind: 'port-wired',
      port_id: port(5).id,
      generation: 1,
      wired: false,
    },
  )
})

test('an inactive binding is wired too: the guest arrives before the binding turns', () => {
  const moving = port(5, { bindings: [binding('host-b'), binding('host-a', { status: 'INACTIVE' })] })
  assert.ok(wired(network(), [moving]).pieces.has(`l2/port/${moving.id}`))
})

test('a port is wired only when all it rests on is in place', () => {
  const { view } = wired(network(), [port(5, { generation: 4 })])
  const { id } = port(5)
  const needed = ['l2/base', `l2/port/${id}`, `l2/network/${network().id}`]
  const fact = (standing: Record<string, Standing>) =>
    role.fact(view, id, (piece) => standing[piece] ?? 'settled')
  assert.deepEqual(fact({}), { kind: 'port-wired', port_id: id, generation: 4, wired: true })
  for (const piece of needed) {
    assert.equal(fact({ [piece]: 'pending' }), undefined, piece)
    assert.equal(fact({ [piece]: 'failed' }), undefined, piece)
  }
  assert.equal(fact({ 'l2/tunnels': 'pending' }), undefined)
  assert.notEqual(fact({ 'l2/tunnels': 'failed' }), undefined)
})

test('a port on a provider bridge waits for that bridge, and a port in a tunnel does not', () => {
  const flat = network({
    segments: [segment({ network_type: 'flat', physical_network: 'public', segmentation_id: null })],
  })
  const broken = (piece: string): Standing => (piece === 'l2/bridge/br-ex' ? 'failed' : 'settled')
  const { id } = port(5)
  for (const [net, expected] of [
    [flat, undefined],
    [network(), true],
  ] as const) {
    const { view } = wired(net, [port(5)])
    const fact = role.fact(view, id, broken)
    assert.equal(fact?.kind === 'port-wired' ? fact.wired : undefined, expected)
    assert.deepEqual([...role.concerned(view, 'l2/bridge/br-ex')], net === flat ? [id] : [])
  }
})

test('each piece that a change touches is recomputed', () => {
  const { view } = wired(network(), [port(5), port(6)])
  const affected = (change: Parameters<typeof role.affected>[1]) => new Set(role.affected(view, change))
  const before = envelope('port', port(5, { network_id: 'old' }))
  const after = envelope('port', port(5))
  assert.deepEqual(
    affected({ documents: [{ type: 'port', id: after.id, before, after }], plugs: [] }),
    new Set([`l2/port/${after.id}`, 'l2/network/old', `l2/network/${network().id}`]),
  )
  assert.deepEqual(
    affected({ documents: [], plugs: [port(6).id, 'unknown'] }),
    new Set([`l2/port/${port(6).id}`, `l2/network/${network().id}`, 'l2/port/unknown']),
  )
})

test('the agent reports what Neutron clients look for', () => {
  const { agent_type, binary, configurations } = role.agent(testView([]))
  assert.deepEqual([agent_type, binary], ['Open vSwitch agent', 'neutron-openvswitch-agent'])
  assert.deepEqual(configurations.bridge_mappings, { public: 'br-ex' })
  assert.deepEqual(configurations.tunnel_types, ['vxlan'])
  assert.equal(configurations.tunneling_ip, '192.0.2.1')
  assert.equal(configurations.missing_bridges, undefined)
})

test('a provider bridge that nobody has made is reported as missing, not as mapped', () => {
  const { configurations } = role.agent({ ...testView([]), bridges: new Set(['br-int']) })
  assert.deepEqual(configurations.bridge_mappings, {})
  assert.deepEqual(configurations.missing_bridges, { public: 'br-ex' })
})
