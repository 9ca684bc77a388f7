import assert from 'node:assert/strict'
import test from 'node:test'
import type { DhcpEntryDocument, NetworkDocument, PortDocument } from '../../model/documents/documents.ts'
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

const unserved: [string, Cloud][] = [
  ['whose DHCP port is another host’s', { server: dhcpPort(2, { bindings: [binding('host-b')] }) }],
  ['without a DHCP port', { server: port(2) }],
  ['without DHCP', { network: network({ subnets: [subnet({ enable_dhcp: false })] }) }],
  ['that is down', { network: network({ admin_state_up: false }) }],
]
for (const [why, cloud] of unserved) {
  test(`a network ${why} is not served here`, () => {
    assert.deepEqual([...piecesFor({ ...cloud, entries: [entry(5)] }).keys()], [])
  })
}

test('settings of the agent reach dnsmasq', () => {
  const process = piecesFor(
    {},
    { leaseDuration: -1, dnsServers: ['192.0.2.53'], user: 'root', leaseMax: 100 },
  )
    .get(serverId)
    ?.find((object) => object.kind === 'process')
  const argv: readonly string[] = process?.argv ?? []
  for (const part of [
    `--dhcp-range=set:subnet-${subnet().id},10.0.0.0,static,255.255.255.0,infinite`,
    '--server=192.0.2.53',
    '--user=root',
    '--dhcp-lease-max=100',
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
