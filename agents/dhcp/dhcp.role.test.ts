import assert from 'node:assert/strict'
import test from 'node:test'
import type {
  DhcpEntryDocument,
  NetworkDocument,
  PortDocument,
  SubnetPart,
} from '../../model/documents/documents.ts'
import type { Standing } from '../daemon/role.ts'
import { binding, dhcpPort, entry, envelope, network, port, subnet, testId } from '../testing/documents.ts'
import { matchesGolden } from '../testing/golden.ts'
import { piecesOf, testView } from '../testing/view.ts'
import { dhcpRole } from './dhcp.role.ts'
import type { DhcpSettings } from './settings.ts'

const settings: DhcpSettings = {
  integrationBridge: 'br-int',
  checksumInSoftware: true,
  directory: '/run/nucleon/dhcp',
  user: null,
  leaseDuration: 86400,
  leaseMax: 16777216,
  dnsServers: [],
  localResolv: false,
  configFile: null,
  broadcastReply: false,
  renewalTime: 0,
  rebindingTime: 0,
  ipv6: true,
}
const role = dhcpRole(settings, 'nova')
const here = import.meta.dirname
const serverId = `dhcp/network/${network().id}`

interface Cloud {
  network?: NetworkDocument
  server?: PortDocument
  entries?: DhcpEntryDocument[]
}

function piecesFor(cloud: Cloud, ...extra: Partial<DhcpSettings>[]) {
  const server = cloud.server ?? dhcpPort(2)
  const view = testView([
    envelope('network', cloud.network ?? network()),
    envelope('port', server),
    ...(cloud.entries ?? []).map((each) => envelope('dhcp-entry', each)),
  ])
  const tested = extra.length === 0 ? role : dhcpRole({ ...settings, ...extra[0] }, 'nova')
  return piecesOf(tested, view)
}

/** Lines of the options file of the subnets. */
function optionsFor(cloud: Cloud): string[] {
  const file = piecesFor(cloud)
    .get(serverId)
    ?.find((object) => object.kind === 'file')
  return file?.content.trimEnd().split('\n') ?? []
}

const tag = `tag:subnet-${subnet().id}`

test('a network with two clients', () => {
  const own = entry(2, { device_owner: 'network:dhcp' })
  matchesGolden(here, 'network', [...piecesFor({ entries: [own, entry(5), entry(6)] }).values()].flat())
})

test('two subnets of IPv4 and one of IPv6, another DHCP server, options of a port', () => {
  const subnets = [
    subnet({ host_routes: [{ destination: '10.9.0.0/16', nexthop: '10.0.0.9' }] }),
    subnet({ id: testId('5b', 2), cidr: '10.1.0.0/20', gateway_ip: null, dns_nameservers: ['192.0.2.53'] }),
    subnet({ id: testId('5b', 6), ip_version: 6, cidr: '2001:db8::/64', gateway_ip: '2001:db8::1' }),
  ]
  const addresses = [
    { subnet_id: testId('5b', 1), ip_address: '10.0.0.5' },
    { subnet_id: testId('5b', 2), ip_address: '10.1.0.5' },
    { subnet_id: testId('5b', 6), ip_address: '2001:db8::5' },
  ]
  const servers = [2, 3].map((n) => [
    { subnet_id: testId('5b', 1), ip_address: `10.0.0.${n}` },
    { subnet_id: testId('5b', 6), ip_address: `2001:db8::${n}` },
  ])
  const client = entry(5, {
    fixed_ips: addresses,
    dns_assignment: [],
    extra_dhcp_opts: [
      { opt_name: 'tag:ipxe,67', opt_value: 'http://192.0.2.7/boot.ipxe', ip_version: 4 },
      { opt_name: 'tftp-server', opt_value: '192.0.2.7', ip_version: 4 },
      { opt_name: 'ntp-server', opt_value: '[2001:db8::7]', ip_version: 6 },
    ],
  })
  const cloud: Cloud = {
    network: network({ subnets }),
    server: dhcpPort(2, { fixed_ips: servers[0] ?? [] }),
    entries: [
      entry(2, { device_owner: 'network:dhcp', fixed_ips: servers[0] ?? [], dns_assignment: [] }),
      entry(3, { device_owner: 'network:dhcp', fixed_ips: servers[1] ?? [], dns_assignment: [] }),
      client,
    ],
  }
  matchesGolden(here, 'many-subnets', [...piecesFor(cloud).values()].flat())
})

test('without a gateway no router is named; a default host route stands in for one', () => {
  const bare = optionsFor({ network: network({ subnets: [subnet({ gateway_ip: null })] }) })
  assert.ok(bare.includes(`${tag},option:router`))
  const routed = subnet({
    gateway_ip: null,
    host_routes: [{ destination: '0.0.0.0/0', nexthop: '10.0.0.254' }],
  })
  assert.ok(
    optionsFor({ network: network({ subnets: [routed] }) }).includes(`${tag},option:router,10.0.0.254`),
  )
})

test('name servers: the subnet’s, none for 0.0.0.0, else all DHCP ports of the network on it', () => {
  const servers = (dns_nameservers: string[], entries: DhcpEntryDocument[] = []) =>
    optionsFor({ network: network({ subnets: [subnet({ dns_nameservers })] }), entries })[0]
  assert.equal(servers(['192.0.2.1', '192.0.2.2']), `${tag},option:dns-server,192.0.2.1,192.0.2.2`)
  assert.equal(servers(['0.0.0.0']), `${tag},option:dns-server`)
  const others = [10, 3].map((n) => entry(n, { device_owner: 'network:dhcp' }))
  assert.equal(servers([], [...others, entry(7)]), `${tag},option:dns-server,10.0.0.2,10.0.0.3,10.0.0.10`)
})

test('host routes come with the default route, as RFC 3442 has it, and once for old Windows', () => {
  const lines = optionsFor({
    network: network({
      subnets: [subnet({ host_routes: [{ destination: '10.9.0.0/16', nexthop: '10.0.0.9' }] })],
    }),
  })
  const routes = '10.9.0.0/16,10.0.0.9,0.0.0.0/0,10.0.0.1'
  assert.deepEqual(lines.slice(2), [`${tag},option:classless-static-route,${routes}`, `${tag},249,${routes}`])
})

test('other subnets are on the link, but those of another segment', () => {
  const others = [
    subnet({ id: testId('5b', 2), cidr: '10.0.2.0/24', segment_id: 'here' }),
    subnet({ id: testId('5b', 3), cidr: '10.0.3.0/24', segment_id: 'there' }),
  ]
  const lines = optionsFor({ network: network({ subnets: [subnet({ segment_id: 'here' }), ...others] }) })
  const routes = '10.0.2.0/24,0.0.0.0,0.0.0.0/0,10.0.0.1'
  assert.ok(lines.includes(`${tag},option:classless-static-route,${routes}`), lines.join('\n'))
})

const unserved: [string, Cloud][] = [
  ['whose DHCP port is another host’s', { server: dhcpPort(2, { bindings: [binding('host-b')] }) }],
  ['without a DHCP port', { server: port(2) }],
  ['without DHCP on any subnet', { network: network({ subnets: [subnet({ enable_dhcp: false })] }) }],
  ['that is down', { network: network({ admin_state_up: false }) }],
]
for (const [why, cloud] of unserved) {
  test(`a network ${why} is not served here`, () => {
    assert.deepEqual([...piecesFor({ ...cloud, entries: [entry(5)] }).keys()], [])
  })
}

const six = (n: number, values: Partial<SubnetPart>): SubnetPart =>
  subnet({ id: testId('5b', n), ip_version: 6, cidr: `2001:db8:${n}::/64`, gateway_ip: null, ...values })

/** Each valid pair of ipv6_ra_mode and ipv6_address_mode, and whether clients are served by DHCP there. */
const modes: [
  SubnetPart['ipv6_ra_mode'],
  SubnetPart['ipv6_address_mode'],
  'addresses' | 'options' | 'nothing',
][] = [
  [null, null, 'addresses'],
  [null, 'slaac', 'nothing'],
  [null, 'dhcpv6-stateful', 'addresses'],
  [null, 'dhcpv6-stateless', 'options'],
  ['slaac', null, 'nothing'],
  ['slaac', 'slaac', 'nothing'],
  ['dhcpv6-stateful', null, 'nothing'],
  ['dhcpv6-stateful', 'dhcpv6-stateful', 'addresses'],
  ['dhcpv6-stateless', null, 'nothing'],
  ['dhcpv6-stateless', 'dhcpv6-stateless', 'options'],
]

test('every valid combination of IPv6 modes on one network', () => {
  const subnets = modes.map(([ipv6_ra_mode, ipv6_address_mode], n) =>
    six(n + 1, { ipv6_ra_mode, ipv6_address_mode }),
  )
  const fixed_ips = subnets.map(({ id }, n) => ({ subnet_id: id, ip_address: `2001:db8:${n + 1}::5` }))
  const own = fixed_ips.map(({ subnet_id }, n) => ({ subnet_id, ip_address: `2001:db8:${n + 1}::2` }))
  const objects = [
    ...piecesFor({
      network: network({ subnets }),
      server: dhcpPort(2, { fixed_ips: own }),
      entries: [entry(5, { fixed_ips, dns_assignment: [] })],
    }).values(),
  ].flat()
  const hosts = objects.find((object) => object.kind === 'file' && object.path.includes('/hosts/'))
  const process = objects.find((object) => object.kind === 'process')
  const options = objects.find((object) => object.kind === 'file' && object.path.endsWith('/network'))
  for (const [n, [ra, address, served]] of modes.entries()) {
    const label = `ra ${ra}, address ${address}`
    const has = (text: string, part: string) => text.includes(part)
    const ranges = process?.kind === 'process' ? process.argv.join('\n') : ''
    const texts = [hosts, options].map((object) => (object?.kind === 'file' ? object.content : ''))
    assert.equal(has(ranges, `,2001:db8:${n + 1}::,static,64,`), served !== 'nothing', label)
    assert.equal(has(texts[0] ?? '', `[2001:db8:${n + 1}::5]`), served === 'addresses', label)
    assert.equal(has(texts[1] ?? '', `[2001:db8:${n + 1}::2]`), served !== 'nothing', label)
  }
  matchesGolden(here, 'ipv6-modes', objects)
})

test('a client may ask for all its IPv6 addresses on a subnet, and for one of IPv4', () => {
  const subnets = [
    subnet(),
    six(6, { ipv6_address_mode: 'dhcpv6-stateful', ipv6_ra_mode: 'dhcpv6-stateful' }),
  ]
  const fixed_ips = ['10.0.0.5', '10.0.0.6', '2001:db8:6::5', '2001:db8:6::6'].map((ip_address) => ({
    subnet_id: testId('5b', ip_address.includes(':') ? 6 : 1),
    ip_address,
  }))
  const piece = piecesFor({
    network: network({ subnets }),
    entries: [entry(5, { fixed_ips, dns_assignment: [] })],
  }).get(`dhcp/entry/${entry(5).id}`)
  const hosts = piece?.find((object) => object.kind === 'file' && object.path.includes('/hosts/'))
  assert.deepEqual(hosts?.kind === 'file' && hosts.content.trimEnd().split('\n'), [
    `${entry(5).mac_address},host-10-0-0-5.example.org,10.0.0.5`,
    `${entry(5).mac_address},host-2001-db8-6--5.example.org,[2001:db8:6::5][2001:db8:6::6]`,
  ])
  const leases = piece?.flatMap((object) => (object.kind === 'lease' ? [object.ip] : []))
  assert.deepEqual(leases, ['10.0.0.5', '2001:db8:6::5', '2001:db8:6::6'])
})

test('a network of subnets with addresses of their own (SLAAC) has a name server all the same', () => {
  const subnets = [six(6, { ipv6_address_mode: 'slaac', ipv6_ra_mode: 'slaac' })]
  const process = piecesFor({ network: network({ subnets }) })
    .get(serverId)
    ?.find((object) => object.kind === 'process')
  assert.ok(process)
  assert.ok(!process.argv.some((argument: string) => argument.startsWith('--dhcp-range')))
})

test('a client’s own identifier is known, and not sent as an option', () => {
  for (const opt_name of ['client-id', '61']) {
    const extra_dhcp_opts = [{ opt_name, opt_value: 'abc', ip_version: 4 as const }]
    const piece = piecesFor({ entries: [entry(5, { extra_dhcp_opts })] }).get(`dhcp/entry/${entry(5).id}`)
    const texts = piece?.flatMap((object) => (object.kind === 'file' ? [object.path, object.content] : []))
    assert.ok(texts?.some((text) => text.includes(',id:abc,')))
    assert.ok(!texts?.some((text) => text.includes('/opts/')))
  }
})

test('the server’s way out: a default route of each family, over the link to a gateway outside of its subnet', () => {
  const routes = (...subnets: SubnetPart[]) => {
    const fixed_ips = subnets.map(({ id, ip_version }) => {
      return { subnet_id: id, ip_address: ip_version === 4 ? '10.0.0.2' : '2001:db8:6::2' }
    })
    const piece = piecesFor({ network: network({ subnets }), server: dhcpPort(2, { fixed_ips }) }).get(
      serverId,
    )
    return piece?.flatMap((object) =>
      object.kind === 'route' ? [`${object.destination} ${object.via ?? 'on link'}`] : [],
    )
  }
  assert.deepEqual(routes(subnet(), six(6, { gateway_ip: '2001:db8:6::1' })), [
    'default 10.0.0.1',
    'default 2001:db8:6::1',
  ])
  assert.deepEqual(routes(subnet({ gateway_ip: '192.0.2.1' }), six(6, { gateway_ip: 'fe80::1' })), [
    '192.0.2.1 on link',
    'default 192.0.2.1',
    'fe80::1 on link',
    'default fe80::1',
  ])
  assert.deepEqual(routes(subnet({ gateway_ip: null }), six(6, {})), [])
})

test('settings of the agent reach dnsmasq', () => {
  const boot = { configFile: '/etc/neutron/dnsmasq.conf', broadcastReply: true }
  const process = piecesFor(
    {},
    { leaseDuration: -1, dnsServers: ['192.0.2.53'], user: 'root', leaseMax: 100, ...boot },
  )
    .get(serverId)
    ?.find((object) => object.kind === 'process')
  const argv: readonly string[] = process?.argv ?? []
  for (const part of [
    `--dhcp-range=set:subnet-${subnet().id},10.0.0.0,static,255.255.255.0,infinite`,
    '--server=192.0.2.53',
    '--user=root',
    '--dhcp-lease-max=100',
    '--conf-file=/etc/neutron/dnsmasq.conf',
    '--dhcp-broadcast',
  ]) {
    assert.ok(argv.includes(part), part)
  }
})

test('a client costs its own files alone: the server’s piece stays as it is', () => {
  const before = piecesFor({ entries: [entry(5)] }).get(serverId)
  assert.deepEqual(piecesFor({ entries: [entry(5), entry(6)] }).get(serverId), before)
})

test('dhcp-host lines bear no tag, for a lease with one makes dnsmasq 2.90 crash on SIGHUP', () => {
  const extra_dhcp_opts = [{ opt_name: 'mtu', opt_value: '1400', ip_version: 4 as const }]
  const objects = [...piecesFor({ entries: [entry(5, { extra_dhcp_opts })] }).values()].flat()
  const files = objects.filter((object) => object.kind === 'file' && object.path.includes('/hosts/'))
  assert.equal(files.length, 1)
  for (const file of files) assert.doesNotMatch(JSON.stringify(file), /set:/)
})

test('served means: its entry and its server are in place', () => {
  const view = testView([envelope('network', network()), envelope('dhcp-entry', entry(5, { generation: 3 }))])
  const { id } = entry(5)
  const fact = (standing: Record<string, Standing>) =>
    role.fact(view, id, (piece) => standing[piece] ?? 'settled')
  assert.deepEqual(fact({}), { kind: 'dhcp-served', port_id: id, generation: 3 })
  assert.equal(fact({ [serverId]: 'pending' }), undefined)
  assert.equal(fact({ [`dhcp/entry/${id}`]: 'failed' }), undefined)
})

test('the agent counts what it serves', () => {
  const view = testView([
    envelope('network', network()),
    envelope('port', dhcpPort(2)),
    envelope('dhcp-entry', entry(5)),
  ])
  const { agent_type, binary, configurations } = role.agent(view)
  assert.deepEqual([agent_type, binary], ['DHCP agent', 'neutron-dhcp-agent'])
  assert.deepEqual([configurations.networks, configurations.subnets, configurations.ports], [1, 1, 1])
})
