/** Subnets: defaults, rules, updates and removal, through the API on both engines. */
import assert from 'node:assert/strict'
import { type Cloud, onCloud, type Shown } from '../features.testing.ts'

async function tools({ as }: Cloud) {
  const network = await as('blue').create('network', {})
  const post = (body: Shown) =>
    as('blue').call('POST', 'subnets', { subnet: { network_id: network.id, ip_version: 4, ...body } })
  return { blue: as('blue'), network, post }
}

onCloud('what is not said is filled in', async (cloud) => {
  const { blue, network, post } = await tools(cloud)
  const made = (await post({ cidr: '10.1.0.0/24' })).body.subnet
  assert.equal(made.gateway_ip, '10.1.0.1')
  assert.deepEqual(made.allocation_pools, [{ start: '10.1.0.2', end: '10.1.0.254' }])
  assert.deepEqual(
    [made.dns_nameservers, made.host_routes, made.service_types, made.subnetpool_id],
    [[], [], [], null],
  )
  assert.deepEqual([made.enable_dhcp, made.revision_number, made.project_id], [true, 0, 'blue'])
  const middle = (await post({ cidr: '10.2.0.0/24', gateway_ip: '10.2.0.100' })).body.subnet
  assert.deepEqual(middle.allocation_pools, [
    { start: '10.2.0.1', end: '10.2.0.99' },
    { start: '10.2.0.101', end: '10.2.0.254' },
  ])
  const none = (await post({ cidr: '10.3.0.0/24', gateway_ip: null })).body.subnet
  assert.deepEqual(
    [none.gateway_ip, none.allocation_pools],
    [null, [{ start: '10.3.0.1', end: '10.3.0.254' }]],
  )
  const outside = await post({ cidr: '10.4.0.0/24', gateway_ip: '10.9.0.1' })
  assert.equal(outside.status, 201, 'a gateway may lie outside')
  const six = (await post({ ip_version: 6, cidr: '2001:db8::/64' })).body.subnet
  assert.deepEqual(six.allocation_pools, [{ start: '2001:db8::2', end: '2001:db8::ffff:ffff:ffff:ffff' }])
  const pair = (await post({ cidr: '10.5.0.0/31', enable_dhcp: false, gateway_ip: null })).body.subnet
  assert.deepEqual(pair.allocation_pools, [{ start: '10.5.0.0', end: '10.5.0.1' }])
  assert.equal((await blue.show('network', network.id)).subnets.length, 6)
  assert.equal((await blue.show('network', network.id)).revision_number, 7)
})

onCloud('what makes no subnet is refused, with the name of the fault', async (cloud) => {
  const { post } = await tools(cloud)
  await post({ cidr: '10.1.0.0/24' })
  const cases: [Shown, number, string][] = [
    [{}, 400, 'BadRequest'],
    [{ cidr: '10.1.0.128/25' }, 400, 'InvalidInput'],
    [{ cidr: '2001:db8::/64' }, 400, 'InvalidInput'],
    [{ cidr: '10.2.0.0/31' }, 400, 'InvalidInput'],
    [{ cidr: '224.0.0.0/24' }, 400, 'InvalidInput'],
    [{ cidr: '127.0.0.0/24' }, 400, 'InvalidInput'],
    [{ cidr: '0.0.0.0/24' }, 400, 'InvalidInput'],
    [{ cidr: '10.2.0.0/24', gateway_ip: '10.2.0.0' }, 400, 'InvalidInput'],
    [{ cidr: '10.2.0.0/24', gateway_ip: '10.2.0.255' }, 400, 'InvalidInput'],
    [{ cidr: '10.2.0.0/24', gateway_ip: '2001:db8::1' }, 400, 'InvalidInput'],
    [
      {
        cidr: '10.2.0.0/24',
        gateway_ip: '10.2.0.5',
        allocation_pools: [{ start: '10.2.0.2', end: '10.2.0.9' }],
      },
      409,
      'GatewayConflictWithAllocationPools',
    ],
    [
      { cidr: '10.2.0.0/24', allocation_pools: [{ start: '10.2.0.9', end: '10.2.0.2' }] },
      400,
      'InvalidAllocationPool',
    ],
    [
      { cidr: '10.2.0.0/24', allocation_pools: [{ start: '10.2.0.9', end: '10.3.0.2' }] },
      400,
      'OutOfBoundsAllocationPool',
    ],
    [
      {
        cidr: '10.2.0.0/24',
        allocation_pools: [
          { start: '10.2.0.2', end: '10.2.0.9' },
          { start: '10.2.0.9', end: '10.2.0.20' },
        ],
      },
      409,
      'OverlappingAllocationPools',
    ],
    [{ cidr: '10.2.0.0/24', dns_nameservers: ['2001:db8::1'] }, 400, 'InvalidInput'],
    [
      { cidr: '10.2.0.0/24', dns_nameservers: [1, 2, 3, 4, 5, 6].map((i) => `10.0.0.${i}`) },
      400,
      'DNSNameServersExhausted',
    ],
    [{ cidr: '10.2.0.0/24', ipv6_ra_mode: 'slaac' }, 400, 'InvalidInput'],
    [{ ip_version: 6, cidr: '2001:db8::/72', ipv6_ra_mode: 'slaac' }, 400, 'InvalidInput'],
    [
      { ip_version: 6, cidr: '2001:db8::/64', ipv6_ra_mode: 'slaac', enable_dhcp: false },
      400,
      'InvalidInput',
    ],
    [
      { ip_version: 6, cidr: '2001:db8::/64', ipv6_ra_mode: 'slaac', ipv6_address_mode: 'dhcpv6-stateful' },
      400,
      'InvalidInput',
    ],
  ]
  for (const [body, status, fault] of cases) {
    const answer = await post(body)
    assert.deepEqual([answer.status, answer.fault], [status, fault], JSON.stringify(body))
  }
})

onCloud('pools, gateway and lists change; addresses in use stay in use', async (cloud) => {
  const { blue, network, post } = await tools(cloud)
  const subnet = (
    await post({ cidr: '10.1.0.0/24', allocation_pools: [{ start: '10.1.0.10', end: '10.1.0.11' }] })
  ).body.subnet
  const put = (body: Shown) => blue.call('PUT', `subnets/${subnet.id}`, { subnet: body })
  const port = () => blue.call('POST', 'ports', { port: { network_id: network.id } })
  const ip = async () => (await port()).body.port.fixed_ips[0].ip_address
  assert.deepEqual([await ip(), await ip()], ['10.1.0.10', '10.1.0.11'])
  assert.equal((await port()).fault, 'IpAddressGenerationFailure')
  const grown = await put({ allocation_pools: [{ start: '10.1.0.9', end: '10.1.0.12' }] })
  assert.equal(grown.body.subnet.revision_number, 1)
  assert.deepEqual([await ip(), await ip()], ['10.1.0.9', '10.1.0.12'])
  assert.equal((await put({ gateway_ip: '10.1.0.10' })).fault, 'GatewayConflictWithAllocationPools')
  assert.equal((await put({ gateway_ip: '10.1.0.254' })).body.subnet.gateway_ip, '10.1.0.254')
  const routes = [{ destination: '192.168.0.0/16', nexthop: '10.1.0.3' }]
  const told = (await put({ host_routes: routes, dns_nameservers: ['10.0.0.53'], name: 's' })).body.subnet
  assert.deepEqual([told.host_routes, told.dns_nameservers, told.name], [routes, ['10.0.0.53'], 's'])
  const router = await cloud.admin.create('port', {
    network_id: network.id,
    device_owner: 'network:router_interface',
    fixed_ips: [{ ip_address: '10.1.0.254' }],
  })
  const inUse = await put({ gateway_ip: '10.1.0.253' })
  assert.deepEqual([inUse.status, inUse.fault], [409, 'GatewayIpInUse'])
  await cloud.admin.remove('port', router.id)
  assert.equal((await put({ gateway_ip: null })).body.subnet.gateway_ip, null)
})

onCloud('a subnet goes when no port needs it; SLAAC addresses come and go with it', async (cloud) => {
  const { blue, network, post } = await tools(cloud)
  const v4 = (await post({ cidr: '10.1.0.0/24' })).body.subnet
  const port = await blue.create('port', { network_id: network.id })
  const refused = await blue.call('DELETE', `subnets/${v4.id}`)
  assert.deepEqual([refused.status, refused.fault], [409, 'SubnetInUse'])
  const modes = { ipv6_ra_mode: 'slaac', ipv6_address_mode: 'slaac' }
  const v6 = (await post({ ip_version: 6, cidr: '2001:db8::/64', ...modes })).body.subnet
  const joined = await blue.show('port', port.id)
  assert.equal(joined.fixed_ips.length, 2, 'a port that is there gets an address of the new subnet')
  assert.equal(joined.revision_number, 2)
  await blue.remove('subnet', v6.id)
  assert.deepEqual((await blue.show('port', port.id)).fixed_ips, port.fixed_ips)
  await blue.update('port', port.id, { fixed_ips: [] })
  await blue.remove('subnet', v4.id)
  assert.equal((await blue.list('subnet')).length, 0)
})

onCloud('service types choose the subnet', async (cloud) => {
  const { blue, network } = await tools(cloud)
  const make = (cidr: string, service_types: string[]) =>
    cloud.admin.create('subnet', {
      network_id: network.id,
      ip_version: 4,
      cidr,
      service_types,
      project_id: 'blue',
    })
  await make('10.1.0.0/24', ['compute:nova'])
  const refused = await blue.call('POST', 'ports', { port: { network_id: network.id } })
  assert.equal(refused.fault, 'IpAddressGenerationFailureNoMatchingSubnet')
  await make('10.2.0.0/24', [])
  const ip = async (device_owner: string) =>
    (await blue.create('port', { network_id: network.id, device_owner })).fixed_ips[0].ip_address
  assert.equal(await ip('compute:nova'), '10.1.0.2')
  assert.equal(await ip(''), '10.2.0.2')
})
