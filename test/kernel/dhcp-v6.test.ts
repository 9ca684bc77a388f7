/** DHCPv6 as real clients see it: addresses and options, options alone, many addresses, leases that change hands. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import {
  binding,
  dhcpPort,
  entry,
  envelope,
  network,
  port,
  segment,
  subnet,
  testId,
} from '../../agents/testing/documents.ts'
import { eui64 } from '../../lib/addresses.ts'
import type { DhcpOption, FixedIp, SubnetPart } from '../../model/documents/documents.ts'
import { type AgentPlace, createAgentPlace, until } from './agent.place.ts'
import { type TestProcess, whyNoTestHosts } from './sandbox.ts'

const skip = whyNoTestHosts() ?? false

const six = (n: number, mode: SubnetPart['ipv6_address_mode'], values: Partial<SubnetPart> = {}) =>
  subnet({
    id: testId('5b', n),
    ip_version: 6,
    cidr: `2001:db8:${n}::/64`,
    gateway_ip: `2001:db8:${n}::1`,
    ipv6_address_mode: mode,
    ipv6_ra_mode: mode,
    ...values,
  })

/** Network number n with these subnets, served here from its port 200 + n. */
function served(n: number, subnets: SubnetPart[], addresses: FixedIp[]) {
  const segment_id = testId('5e', n)
  const net = network({
    id: testId('e7', n),
    segments: [segment({ id: segment_id, segmentation_id: 40 + n })],
    subnets,
  })
  const bindings = [binding('host-a', { segment_id })]
  // Devices are named after the first digits of the id.
  const own = { id: testId(`${n}d`, 1), network_id: net.id, bindings, fixed_ips: addresses }
  const server = dhcpPort(200 + n, own)
  const { id, network_id, fixed_ips, mac_address } = server
  const known = { id, network_id, fixed_ips, mac_address, dns_assignment: [] }
  return {
    id: net.id,
    bindings,
    documents: [
      envelope('network', net),
      envelope('port', server),
      envelope('dhcp-entry', entry(200 + n, { ...known, device_owner: 'network:dhcp' })),
    ],
  }
}

describe('DHCPv6 on one host', { skip }, () => {
  const stateful = served(
    1,
    [subnet(), six(6, 'dhcpv6-stateful')],
    [
      { subnet_id: testId('5b', 1), ip_address: '10.0.0.2' },
      { subnet_id: testId('5b', 6), ip_address: '2001:db8:6::2' },
    ],
  )
  const serverAddress = eui64('2001:db8:7::/64', port(202).mac_address)
  const stateless = served(
    2,
    [six(7, 'dhcpv6-stateless')],
    [{ subnet_id: testId('5b', 7), ip_address: serverAddress }],
  )
  const slaac = served(
    3,
    [six(8, 'slaac')],
    [{ subnet_id: testId('5b', 8), ip_address: eui64('2001:db8:8::/64', port(203).mac_address) }],
  )
  let place: AgentPlace
  let agent: TestProcess

  before(async () => {
    place = await createAgentPlace('six', 'dhcp_lease_duration = 600')
    place.feed.put(...stateful.documents, ...stateless.documents, ...slaac.documents)
    agent = await place.start()
  })
  after(() => place?.destroy())

  interface Client {
    n: number
    on: ReturnType<typeof served>
    fixed_ips: FixedIp[]
    options?: DhcpOption[]
    generation?: number
  }

  async function put({ n, on, fixed_ips, options = [], generation = 1 }: Client) {
    const body = port(n, { network_id: on.id, bindings: on.bindings, fixed_ips, generation })
    const dns_assignment = fixed_ips.map(({ ip_address }) => {
      return { ip_address, hostname: `vm${n}`, fqdn: `vm${n}.example.org.` }
    })
    const known = { network_id: on.id, fixed_ips, dns_assignment, extra_dhcp_opts: options, generation }
    place.feed.put(envelope('port', body), envelope('dhcp-entry', entry(n, known)))
    await place.told('dhcp-served', body.id, (fact) => 'generation' in fact && fact.generation === generation)
    return body
  }

  async function create(client: Client) {
    const body = port(client.n)
    const made = put(client)
    await place.plug(client.n, body.id, body.mac_address)
    await place.told('port-wired', body.id, (fact) => fact.kind === 'port-wired' && fact.wired)
    await made
  }

  const at = (subnetNumber: number, ip_address: string): FixedIp => ({
    subnet_id: testId('5b', subnetNumber),
    ip_address,
  })

  test('stateful: a client gets its address and the options of its subnet; IPv4 beside it', async () => {
    await create({ n: 5, on: stateful, fixed_ips: [at(1, '10.0.0.5'), at(6, '2001:db8:6::5')] })
    const given = await place.dhcp6(5, 'stateful')
    assert.equal(given?.new_ip6_address, '2001:db8:6::5')
    assert.equal(given?.new_dhcp6_name_servers, '2001:db8:6::2')
    assert.equal(given?.new_dhcp6_domain_search, 'example.org.')
    assert.equal(given?.new_max_life, '600')
    assert.equal((await place.dhcp(5))?.ip, '10.0.0.5')
  })

  test('an address of a client that the server does not know is not given', async () => {
    const body = port(6)
    place.feed.put(envelope('port', port(6, { network_id: stateful.id, bindings: stateful.bindings })))
    await place.plug(6, body.id, body.mac_address)
    await place.told('port-wired', body.id, (fact) => fact.kind === 'port-wired' && fact.wired)
    assert.equal((await place.dhcp6(6, 'stateful'))?.new_ip6_address, undefined)
    assert.equal((await place.dhcp6(5, 'stateful'))?.new_ip6_address, '2001:db8:6::5')
    await place.unplug(6)
  })

  test('options of a port alone reach it by DHCPv6', async () => {
    await create({
      n: 9,
      on: stateful,
      fixed_ips: [at(6, '2001:db8:6::9')],
      options: [{ opt_name: 'dns-server', opt_value: '[2001:db8::53]', ip_version: 6 }],
    })
    assert.equal((await place.dhcp6(9, 'stateful'))?.new_dhcp6_name_servers, '2001:db8::53')
    assert.equal((await place.dhcp6(5, 'stateful'))?.new_dhcp6_name_servers, '2001:db8:6::2')
  })

  test('an address that moves to another port is given to that at once', async () => {
    await put({ n: 5, on: stateful, fixed_ips: [at(6, '2001:db8:6::55')], generation: 2 })
    assert.equal((await place.dhcp6(5, 'stateful'))?.new_ip6_address, '2001:db8:6::55')
    await create({ n: 10, on: stateful, fixed_ips: [at(6, '2001:db8:6::5')] })
    assert.equal((await place.dhcp6(10, 'stateful'))?.new_ip6_address, '2001:db8:6::5')
    assert.equal((await place.dhcp6(5, 'stateful'))?.new_ip6_address, '2001:db8:6::55')
  })

  test('two ports that swap their addresses get each other’s', async () => {
    await Promise.all([
      put({ n: 5, on: stateful, fixed_ips: [at(6, '2001:db8:6::5')], generation: 3 }),
      put({ n: 10, on: stateful, fixed_ips: [at(6, '2001:db8:6::55')], generation: 2 }),
    ])
    assert.equal((await place.dhcp6(5, 'stateful'))?.new_ip6_address, '2001:db8:6::5')
    assert.equal((await place.dhcp6(10, 'stateful'))?.new_ip6_address, '2001:db8:6::55')
  })

  test('an agent killed after it has heard of another owner, before it could release: that owner is served', async () => {
    await create({ n: 11, on: stateful, fixed_ips: [at(6, '2001:db8:6::11')] })
    assert.equal((await place.dhcp6(11, 'stateful'))?.new_ip6_address, '2001:db8:6::11')
    const release = (await place.host.run(['which', 'dhcp_release6'])).trim()
    await place.host.run(['mount', '--bind', '/bin/false', release])
    for (const type of ['port', 'dhcp-entry'] as const) place.feed.remove({ type, id: port(11).id })
    await create({ n: 12, on: stateful, fixed_ips: [at(6, '2001:db8:6::11')] })
    const leases = ['cat', `${place.host.dir}/state/run/dhcp/${stateful.id}/leases`]
    assert.match(await place.host.run(leases), / 2001:db8:6::11 .*:0b$/m, 'it is the other’s yet')
    agent.kill('SIGKILL')
    await agent.ended
    await place.host.run(['umount', release])
    agent = await place.start()
    await until('release', async () => !(await place.host.run(leases)).includes('2001:db8:6::11'))
    assert.equal((await place.dhcp6(12, 'stateful'))?.new_ip6_address, '2001:db8:6::11')
  })

  test('stateless: a client gets options, and no address', async () => {
    const own = eui64('2001:db8:7::/64', port(15).mac_address)
    await create({
      n: 15,
      on: stateless,
      fixed_ips: [at(7, own)],
      options: [{ opt_name: 'ntp-server', opt_value: '[2001:db8::7]', ip_version: 6 }],
    })
    const given = await place.dhcp6(15, 'stateless')
    assert.equal(given?.new_dhcp6_name_servers, serverAddress)
    assert.equal(given?.new_dhcp6_domain_search, 'example.org.')
    assert.equal((await place.dhcp6(15, 'stateful'))?.new_ip6_address, undefined)
  })

  test('SLAAC: no DHCP, but names are known, and ports are served', async () => {
    const own = eui64('2001:db8:8::/64', port(20).mac_address)
    await create({ n: 20, on: slaac, fixed_ips: [at(8, own)] })
    await place.host.run(['ip', '-n', 'vm20', 'address', 'add', `${own}/64`, 'dev', 'eth0', 'nodad'])
    const server = eui64('2001:db8:8::/64', port(203).mac_address)
    const answer = await place.host
      .runIn('vm20', ['busybox', 'nslookup', 'vm20.example.org', server])
      .catch((error) => error.stdout)
    assert.match(answer, new RegExp(`Address: ${own}`))
    assert.equal(await place.dhcp6(20, 'stateless'), undefined)
  })
})
