/** Ports: addresses, MACs, names, bindings and status, through the API on both engines. */
import assert from 'node:assert/strict'
import { silentLogger } from '../../runtime/log.ts'
import { type Cloud, onCloud, ovsHost, type Shown, startCloud } from '../features.testing.ts'
import { migrations } from '../store/migrations/index.ts'
import { openStore } from '../store/open.ts'
import { forEachEngine, onSqlite } from '../store/testing.ts'

async function dualStack({
  as,
}: Cloud): Promise<{ network: Shown; v4: Shown; slaac: Shown; stateful: Shown }> {
  const network = await as('blue').create('network', { name: 'n' })
  const subnet = (body: Shown) =>
    as('blue').create('subnet', { network_id: network.id, enable_dhcp: true, ...body })
  const v4 = await subnet({ ip_version: 4, cidr: '10.7.0.0/24' })
  const slaac = await subnet({
    ip_version: 6,
    cidr: '2001:db8:1::/64',
    ipv6_ra_mode: 'slaac',
    ipv6_address_mode: 'slaac',
  })
  const stateful = await subnet({
    ip_version: 6,
    cidr: '2001:db8:2::/64',
    ipv6_ra_mode: 'dhcpv6-stateful',
    ipv6_address_mode: 'dhcpv6-stateful',
  })
  return { network, v4, slaac, stateful }
}

const ips = (port: Shown): string[] => port.fixed_ips.map((one: Shown) => one.ip_address)

onCloud('a port without wishes gets IPv4, stateful IPv6 and SLAAC addresses', async (cloud) => {
  const { network } = await dualStack(cloud)
  const port = await cloud.admin.create('port', {
    network_id: network.id,
    mac_address: 'fa:16:3e:00:00:01',
    project_id: 'blue',
  })
  assert.deepEqual(ips(port), ['10.7.0.2', '2001:db8:2::2', '2001:db8:1:0:f816:3eff:fe00:1'])
  assert.equal(port.revision_number, 1)
  assert.equal(port.status, 'DOWN')
  assert.equal(port['binding:vif_type'], 'unbound')
  assert.equal(port.ip_allocation, 'immediate')
  assert.deepEqual(port.dns_assignment[0], {
    ip_address: '10.7.0.2',
    hostname: 'host-10-7-0-2',
    fqdn: 'host-10-7-0-2.cloud.example.',
  })
})

onCloud('fixed_ips by subnet, by address, by both, and none', async (cloud) => {
  const { network, v4, slaac } = await dualStack(cloud)
  const make = (fixed_ips: Shown[]) =>
    cloud.as('blue').call('POST', 'ports', { port: { network_id: network.id, fixed_ips } })
  const eui = (port: Shown) => port.fixed_ips.filter((one: Shown) => one.subnet_id === slaac.id).length
  const bySubnet = (await make([{ subnet_id: v4.id }])).body.port
  assert.equal(bySubnet.fixed_ips[0].ip_address, '10.7.0.2')
  assert.equal(eui(bySubnet), 1)
  const byAddress = (await make([{ ip_address: '10.7.0.77' }])).body.port
  assert.deepEqual(byAddress.fixed_ips[0], { subnet_id: v4.id, ip_address: '10.7.0.77' })
  const both = (await make([{ subnet_id: v4.id, ip_address: '10.7.0.78' }, { subnet_id: v4.id }])).body.port
  assert.deepEqual(ips(both).slice(0, 2), ['10.7.0.78', '10.7.0.3'])
  assert.deepEqual(ips((await make([])).body.port).length, 1)

  const faults = [
    [[{ ip_address: '10.7.0.77' }], 409, 'IpAddressAlreadyAllocated'],
    [[{ ip_address: '10.8.0.1' }], 400, 'InvalidIpForNetwork'],
    [[{ subnet_id: v4.id, ip_address: '10.8.0.1' }], 400, 'InvalidIpForSubnet'],
    [[{ subnet_id: v4.id, ip_address: '10.7.0.255' }], 400, 'InvalidIpForSubnet'],
    [[{ subnet_id: slaac.id, ip_address: '2001:db8:1::5' }], 400, 'AllocationOnAutoAddressSubnet'],
    [[{ subnet_id: network.id }], 400, 'InvalidInput'],
  ] as const
  for (const [fixed, status, fault] of faults) {
    const answer = await make([...fixed])
    assert.deepEqual([answer.status, answer.fault], [status, fault], JSON.stringify(fixed))
  }
  // The gateway lies outside the pools, and may be asked for all the same.
  assert.equal((await make([{ ip_address: '10.7.0.1' }])).status, 201)
})

onCloud('addresses of a port change by update, and are free again after it', async (cloud) => {
  const { network, v4, slaac } = await dualStack(cloud)
  const blue = cloud.as('blue')
  const port = await blue.create('port', { network_id: network.id })
  const kept = port.fixed_ips.find((one: Shown) => one.subnet_id === slaac.id)
  const changed = await blue.update('port', port.id, {
    fixed_ips: [{ subnet_id: v4.id, ip_address: '10.7.0.50' }, { subnet_id: v4.id }],
  })
  assert.deepEqual(
    changed.fixed_ips
      .filter((one: Shown) => one.subnet_id === v4.id)
      .map((one: Shown) => one.ip_address)
      .sort(),
    ['10.7.0.2', '10.7.0.50'],
  )
  assert.ok(ips(changed).includes(kept.ip_address), 'the SLAAC address stays')
  assert.equal(changed.revision_number, 2)
  const emptied = await blue.update('port', port.id, { fixed_ips: [] })
  assert.deepEqual(ips(emptied), [kept.ip_address])
  await blue.create('port', { network_id: network.id, fixed_ips: [{ ip_address: '10.7.0.50' }] })
  const next = await blue.create('port', { network_id: network.id, fixed_ips: [{ subnet_id: v4.id }] })
  assert.equal(next.fixed_ips[0].ip_address, '10.7.0.2')
  const same = await blue.update('port', next.id, { name: '' })
  assert.equal(same.revision_number, next.revision_number, 'an update that changes nothing counts as none')
})

onCloud(
  'MAC addresses are unique on a network, chosen anew for null, and bound ports keep theirs',
  async (cloud) => {
    const { network, slaac } = await dualStack(cloud)
    await cloud.beat('h1', { ovs: ovsHost('192.0.2.1') })
    const mac = 'fa:16:3e:aa:bb:cc'
    const port = await cloud.admin.create('port', { network_id: network.id, mac_address: mac })
    const twice = await cloud.admin.call('POST', 'ports', {
      port: { network_id: network.id, mac_address: mac },
    })
    assert.deepEqual([twice.status, twice.fault], [409, 'MacAddressInUse'])
    const other = await cloud.admin.create('network', { name: 'other' })
    await cloud.admin.create('port', { network_id: other.id, mac_address: mac })
    const fresh = await cloud.admin.update('port', port.id, { mac_address: null })
    assert.match(fresh.mac_address, /^fa:16:3e:/)
    assert.notEqual(fresh.mac_address, mac)
    const suffix = fresh.mac_address.slice(-2)
    const moved = fresh.fixed_ips.find((one: Shown) => one.subnet_id === slaac.id)
    assert.ok(moved.ip_address.endsWith(suffix), 'the SLAAC address follows the MAC')
    const second = await cloud.admin.create('port', { network_id: network.id, mac_address: mac })
    const taken = await cloud.admin.call('PUT', `ports/${port.id}`, { port: { mac_address: mac } })
    assert.equal(taken.fault, 'MacAddressInUse')
    await cloud.admin.update('port', second.id, { 'binding:host_id': 'h1' })
    const bound = await cloud.admin.call('PUT', `ports/${second.id}`, { port: { mac_address: null } })
    assert.deepEqual([bound.status, bound.fault], [409, 'PortBound'])
  },
)

onCloud('names, DHCP options and address pairs', async (cloud) => {
  const network = await cloud.as('blue').create('network', {})
  await cloud.as('blue').create('subnet', { network_id: network.id, ip_version: 4, cidr: '10.0.0.0/24' })
  const port = await cloud.as('blue').create('port', {
    network_id: network.id,
    dns_name: 'Web',
    extra_dhcp_opts: [
      { opt_name: 'mtu', opt_value: '1400' },
      { opt_name: '6', opt_value: '10.0.0.9' },
      { opt_name: 'gone', opt_value: null },
    ],
    allowed_address_pairs: [{ ip_address: '10.0.0.200' }],
  })
  assert.equal(port.dns_assignment[0].fqdn, 'web.cloud.example.')
  const label = 'a'.repeat(59)
  const named = (dns_name: string) => cloud.as('blue').call('PUT', `ports/${port.id}`, { port: { dns_name } })
  const most = `${label}.${label}.${label}.${label}`
  assert.equal((await named(`${most}b`)).body.port?.dns_assignment[0].fqdn.length, 255)
  assert.deepEqual(
    [(await named(`${most}bc`)).status, (await named(`${most}bc`)).fault],
    [400, 'InvalidInput'],
  )
  await named('web')
  assert.deepEqual(port.allowed_address_pairs, [{ ip_address: '10.0.0.200', mac_address: port.mac_address }])
  const changed = await cloud.as('blue').update('port', port.id, {
    extra_dhcp_opts: [
      { opt_name: 'mtu', opt_value: '1300' },
      { opt_name: '6', opt_value: null },
      { opt_name: 'server-ip-address', opt_value: '10.0.0.8' },
    ],
  })
  assert.deepEqual(changed.extra_dhcp_opts, [
    { opt_name: 'mtu', opt_value: '1300', ip_version: 4 },
    { opt_name: 'server-ip-address', opt_value: '10.0.0.8', ip_version: 4 },
  ])
  const insecure = await cloud
    .as('blue')
    .call('PUT', `ports/${port.id}`, { port: { port_security_enabled: false } })
  assert.equal(insecure.fault, 'AddressPairAndPortSecurityRequired')
  const pairs = Array.from({ length: 11 }, (_, i) => ({ ip_address: `10.0.1.${i}` }))
  const many = await cloud
    .as('blue')
    .call('PUT', `ports/${port.id}`, { port: { allowed_address_pairs: pairs } })
  assert.equal(many.fault, 'AllowedAddressPairExhausted')
})

forEachEngine('with the domain openstacklocal ports have no names of their own', async ({ store }) => {
  const cloud = await startCloud(store, { DEFAULT: { dns_domain: 'openstacklocal' } })
  const network = await cloud.as('blue').create('network', {})
  await cloud.as('blue').create('subnet', { network_id: network.id, ip_version: 4, cidr: '10.7.0.0/24' })
  const port = await cloud.as('blue').create('port', { network_id: network.id, dns_name: 'web' })
  assert.equal(port.dns_name, '')
  assert.equal(port.dns_assignment[0].fqdn, 'host-10-7-0-2.openstacklocal.')
  await cloud.close()
})

onCloud('bulk creation is one transaction: one bad port, and there is none', async (cloud) => {
  const network = await cloud.as('blue').create('network', {})
  await cloud.as('blue').create('subnet', { network_id: network.id, ip_version: 4, cidr: '10.0.0.0/24' })
  const many = await cloud.as('blue').createAll(
    'port',
    Array.from({ length: 5 }, (_, i) => ({ network_id: network.id, name: `p${i}` })),
  )
  assert.deepEqual(many.flatMap(ips), ['10.0.0.2', '10.0.0.3', '10.0.0.4', '10.0.0.5', '10.0.0.6'])
  const bad = await cloud.as('blue').call('POST', 'ports', {
    ports: [{ network_id: network.id }, { network_id: network.id, fixed_ips: [{ ip_address: '10.9.0.1' }] }],
  })
  assert.equal(bad.status, 400)
  assert.equal((await cloud.as('blue').list('port')).length, 5)
  for (const query of [
    '?fixed_ips=ip_address=10.0.0.4',
    '?fixed_ips=ip_address_substr=.0.4',
    `?name=p2&network_id=${network.id}`,
  ]) {
    const found = await cloud.as('blue').list('port', query)
    assert.deepEqual(found.flatMap(ips), ['10.0.0.4'], query)
  }
})

onCloud('a part of an address is found as it stands, letters in any case', async (cloud) => {
  const network = await cloud.as('blue').create('network', {})
  for (const [ip_version, cidr] of [
    [4, '10.0.0.0/24'],
    [6, '2001:db8:ab::/64'],
  ]) {
    await cloud.as('blue').create('subnet', { network_id: network.id, ip_version, cidr })
  }
  await cloud.as('blue').createAll(
    'port',
    Array.from({ length: 3 }, () => ({ network_id: network.id })),
  )
  const found = async (part: string) =>
    (await cloud.as('blue').list('port', `?fixed_ips=ip_address_substr=${encodeURIComponent(part)}`)).length
  const parts = ['10.0.0.', '.0.4', '8:AB:', 'db8', '10_0', '%', '\\', "'"]
  assert.deepEqual(await Promise.all(parts.map(found)), [3, 1, 3, 3, 0, 0, 0, 0])
  // Those that tell how an address begins.
  const beginnings = ['10.0.0.4', '0.0.0.4', '.0.0.', '1.0.0.4', '10.0.0.40', '0.0.0.']
  assert.deepEqual(await Promise.all(beginnings.map(found)), [1, 1, 3, 0, 0, 3])
})

onSqlite('addresses of an older database stay theirs, and are found in the new one', async ({ options }) => {
  assert.equal(options.engine, 'sqlite')
  const path = `${(options as { path: string }).path}-old`
  const open = (some: typeof migrations) =>
    openStore({ engine: 'sqlite', path }, silentLogger, { migrations: some })
  const then = migrations.findIndex(({ name }) => name === '0094-addresses-by-row')
  const older = await open(migrations.slice(0, then))
  const before = await startCloud(older)
  const { network } = await dualStack(before)
  const port = await before.as('blue').create('port', { network_id: network.id })
  await before.close()
  await older.close()
  const store = await open(migrations)
  const cloud = await startCloud(store)
  assert.deepEqual(ips(await cloud.as('blue').show('port', port.id)), ips(port))
  const [ip_address] = ips(port)
  const again = await cloud.as('blue').call('POST', 'ports', {
    port: { network_id: network.id, fixed_ips: [{ ip_address }] },
  })
  assert.deepEqual([again.status, again.fault], [409, 'IpAddressAlreadyAllocated'])
  const [found] = await cloud.as('blue').list('port', '?fixed_ips=ip_address_substr=.7.0.')
  assert.equal(found?.id, port.id)
  await cloud.close()
  await store.close()
})

onCloud(
  'a port is bound where a live agent has the segment, and tried again when one comes',
  async (cloud) => {
    const { admin } = cloud
    const network = await admin.create('network', { name: 'tunnelled' })
    const flat = await admin.create('network', {
      'provider:network_type': 'flat',
      'provider:physical_network': 'public',
    })
    await cloud.beat('h1', { ovs: ovsHost('192.0.2.1') })
    await cloud.beat('h2', { ovs: { ...ovsHost('192.0.2.2'), bridge_mappings: {}, ovs_hybrid_plug: true } })
    await cloud.beat('dead', { ovs: ovsHost('192.0.2.3') })
    await cloud.age('dead', 76)
    const bind = async (network_id: string, host: string, more: Shown = {}) =>
      admin.create('port', { network_id, 'binding:host_id': host, ...more })

    const bound = await bind(network.id, 'h1')
    assert.equal(bound['binding:vif_type'], 'ovs')
    assert.deepEqual(bound['binding:vif_details'], {
      connectivity: 'l2',
      port_filter: false,
      ovs_hybrid_plug: false,
      datapath_type: 'system',
      bridge_name: 'br-int',
      bound_drivers: { 0: 'openvswitch' },
    })
    assert.equal((await bind(network.id, 'h2'))['binding:vif_details'].ovs_hybrid_plug, true)
    assert.equal((await bind(flat.id, 'h1'))['binding:vif_type'], 'ovs')
    assert.equal((await bind(flat.id, 'h2'))['binding:vif_type'], 'binding_failed')
    assert.equal((await bind(network.id, 'dead'))['binding:vif_type'], 'binding_failed')
    assert.equal(
      (await bind(network.id, 'h1', { 'binding:vnic_type': 'direct' }))['binding:vif_type'],
      'binding_failed',
    )
    const early = await bind(network.id, 'h4')
    assert.equal(early['binding:vif_type'], 'binding_failed')
    await cloud.beat('h4', { ovs: ovsHost('192.0.2.4') })
    assert.equal((await admin.show('port', early.id))['binding:vif_type'], 'ovs')

    const moved = await admin.update('port', bound.id, { 'binding:host_id': 'h2' })
    assert.equal(moved['binding:host_id'], 'h2')
    const left = await admin.update('port', bound.id, { 'binding:host_id': '' })
    assert.equal(left['binding:vif_type'], 'unbound')
    assert.equal((await admin.list('port', '?binding:host_id=h4')).length, 1)
  },
)

onCloud('a port is ACTIVE when wired and served, BUILD in between, DOWN when unplugged', async (cloud) => {
  const { admin } = cloud
  await cloud.beat('h1', { ovs: ovsHost('192.0.2.1'), dhcp: {} })
  await cloud.beat('h2', { ovs: ovsHost('192.0.2.2') })
  const network = await admin.create('network', {})
  await admin.create('subnet', { network_id: network.id, ip_version: 4, cidr: '10.0.0.0/24' })
  const port = await admin.create('port', { network_id: network.id })
  const wired = (generation: number, wired = true) =>
    ({ kind: 'port-wired', port_id: port.id, generation, wired }) as const
  const served = (generation: number) => ({ kind: 'dhcp-served', port_id: port.id, generation }) as const
  const status = async () => (await admin.show('port', port.id)).status

  // As Nova plugs: device, owner and host at once.
  await admin.update('port', port.id, {
    device_id: 'vm',
    device_owner: 'compute:nova',
    'binding:host_id': 'h2',
  })
  assert.equal(await status(), 'DOWN')
  await cloud.report('h1', wired(1))
  assert.equal(await status(), 'DOWN', 'a host that the port is not on says nothing of its wiring')
  await cloud.report('h2', served(1))
  await cloud.report('h2', wired(1))
  assert.equal(await status(), 'BUILD', 'h2 does not serve DHCP')
  await cloud.report('h1', served(1))
  assert.equal(await status(), 'ACTIVE')
  const revision = (await admin.show('port', port.id)).revision_number
  await cloud.report('h2', wired(1), wired(1))
  await cloud.report('h1', served(1))
  assert.equal((await admin.show('port', port.id)).revision_number, revision, 'telling again changes nothing')
  await cloud.report('h2', wired(1, false))
  assert.equal(await status(), 'DOWN')
  await cloud.report('h2', wired(1))
  assert.equal(await status(), 'ACTIVE')

  await admin.update('port', port.id, { 'binding:host_id': 'h1' })
  assert.equal(await status(), 'DOWN')
  await cloud.report('h1', wired(1), served(1))
  assert.equal(await status(), 'DOWN', 'reports of the earlier wiring lift nothing')
  await cloud.report('h1', wired(2), served(2))
  assert.equal(await status(), 'ACTIVE')
})

onCloud('a port that waits for DHCP turns ACTIVE when nobody serves it any more', async (cloud) => {
  const { admin } = cloud
  await cloud.beat('h1', { ovs: ovsHost('192.0.2.1'), dhcp: {} })
  const network = await admin.create('network', {})
  const subnet = await admin.create('subnet', { network_id: network.id, ip_version: 4, cidr: '10.0.0.0/24' })
  const port = await admin.create('port', {
    network_id: network.id,
    device_owner: 'compute:nova',
    'binding:host_id': 'h1',
  })
  await cloud.report('h1', { kind: 'port-wired', port_id: port.id, generation: 1, wired: true })
  assert.equal((await admin.show('port', port.id)).status, 'BUILD')
  await admin.update('subnet', subnet.id, { enable_dhcp: false })
  assert.equal((await admin.show('port', port.id)).status, 'ACTIVE')
})
