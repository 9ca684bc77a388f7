/**
 * Many clients at once, over two servers on one database where the engine allows it: nothing is given twice, and who
 * gets nothing is told why.
 */
import assert from 'node:assert/strict'
import { type Answer, ovsHost, type Shown } from '../features.testing.ts'
import { atOnce, onTwoServers, withStatus } from '../servers.testing.ts'

const ipOf = (answer: Answer): string => answer.body.port.fixed_ips[0].ip_address

onTwoServers('64 clients on a /28: 13 addresses, each once', async (one, two) => {
  const network = await one.as('blue').create('network', {})
  await one.as('blue').create('subnet', { network_id: network.id, ip_version: 4, cidr: '10.0.0.0/28' })
  const round = () =>
    atOnce(64, one, two, (caller) => caller.call('POST', 'ports', { port: { network_id: network.id } }))
  const first = await round()
  const made = withStatus(first, 201)
  const expected = Array.from({ length: 13 }, (_, i) => `10.0.0.${i + 2}`).sort()
  assert.deepEqual(made.map(ipOf).sort(), expected)
  const refused = withStatus(first, 409)
  assert.equal(refused.length, 51)
  assert.ok(refused.every((answer) => answer.fault === 'IpAddressGenerationFailure'))

  // Half of them go while others come: no address is lost or doubled.
  const going = made.slice(0, 7).map((answer) => answer.body.port)
  const [deleted] = await Promise.all([
    Promise.all(going.map((port) => two.as('blue').call('DELETE', `ports/${port.id}`))),
    round(),
  ])
  assert.ok(deleted.every((answer) => answer.status === 204))
  await round()
  const ports = await one.as('blue').list('port')
  assert.deepEqual(ports.map((port: Shown) => port.fixed_ips[0].ip_address).sort(), expected)
  const free = await one.store.read((tx) =>
    tx.db.selectFrom('free_ranges').select('pool').where('pool', '<>', 'vxlan').execute(),
  )
  assert.deepEqual(free, [])
})

onTwoServers('the same address asked for by 16: one has it', async (one, two) => {
  const network = await one.as('blue').create('network', {})
  await one.as('blue').create('subnet', { network_id: network.id, ip_version: 4, cidr: '10.0.0.0/24' })
  const answers = await atOnce(16, one, two, (caller) =>
    caller.call('POST', 'ports', {
      port: { network_id: network.id, fixed_ips: [{ ip_address: '10.0.0.9' }] },
    }),
  )
  assert.equal(withStatus(answers, 201).length, 1)
  assert.equal(answers.filter((answer) => answer.fault === 'IpAddressAlreadyAllocated').length, 15)
})

onTwoServers('the same MAC asked for by 16, by creation and by update: one has it', async (one, two) => {
  const network = await one.as('blue').create('network', {})
  const mac_address = 'fa:16:3e:00:00:01'
  const created = await atOnce(16, one, two, (caller) =>
    caller.call('POST', 'ports', { port: { network_id: network.id, mac_address } }),
  )
  assert.equal(withStatus(created, 201).length, 1)
  assert.equal(created.filter((answer) => answer.fault === 'MacAddressInUse').length, 15)
  const ports = await one.as('blue').createAll(
    'port',
    Array.from({ length: 8 }, () => ({ network_id: network.id })),
  )
  const updated = await Promise.all(
    ports.map((port, index) =>
      (index % 2 === 0 ? one : two).admin.call('PUT', `ports/${port.id}`, {
        port: { mac_address: 'fa:16:3e:00:00:02' },
      }),
    ),
  )
  assert.equal(withStatus(updated, 200).length, 1)
  assert.equal(updated.filter((answer) => answer.fault === 'MacAddressInUse').length, 7)
})

onTwoServers(
  '24 networks out of 10 VNIs: each once, the others 503',
  async (one, two) => {
    const answers = await atOnce(24, one, two, (caller) => caller.call('POST', 'networks', { network: {} }))
    assert.equal(withStatus(answers, 201).length, 10)
    assert.equal(answers.filter((answer) => answer.fault === 'NoNetworkAvailable').length, 14)
    const networks = await one.admin.list('network')
    const vnis = networks.map((network) => network['provider:segmentation_id']).sort((a, b) => a - b)
    assert.deepEqual(vnis, [91, 92, 93, 94, 95, 96, 97, 98, 99, 100])
  },
  { ml2_type_vxlan: { vni_ranges: [{ first: 91, last: 100 }] } },
)

onTwoServers('overlapping subnets at once: one comes to be', async (one, two) => {
  const network = await one.as('blue').create('network', {})
  const answers = await atOnce(8, one, two, (caller, index) =>
    caller.call('POST', 'subnets', {
      subnet: { network_id: network.id, ip_version: 4, cidr: `10.0.${index}.0/16` },
    }),
  )
  assert.equal(withStatus(answers, 201).length, 1)
  assert.equal(withStatus(answers, 400).length, 7)
})

onTwoServers('a network is deleted at once, whatever DHCP makes on it meanwhile', async (one, two) => {
  await one.beat('h1', { ovs: ovsHost('192.0.2.1'), dhcp: {} })
  for (let round = 0; round < 4; round++) {
    const network = await one.as('blue').create('network', {})
    const subnet = await one
      .as('blue')
      .create('subnet', { network_id: network.id, ip_version: 4, cidr: '10.0.0.0/24', enable_dhcp: false })
    const [, , deleted] = await Promise.all([
      two.as('blue').call('PUT', `subnets/${subnet.id}`, { subnet: { enable_dhcp: true } }),
      two.beat(`new-${round}`, { ovs: ovsHost('192.0.2.2'), dhcp: {} }),
      one.as('blue').call('DELETE', `networks/${network.id}`),
      one.as('blue').call('PUT', `subnets/${subnet.id}`, { subnet: { name: 'again' } }),
    ])
    assert.equal(deleted.status, 204)
    assert.deepEqual(await one.admin.list('port'), [])
  }
})

onTwoServers('ports and the deletion of their network: no 5xx, and nothing half', async (one, two) => {
  const network = await one.as('blue').create('network', {})
  await one.as('blue').create('subnet', { network_id: network.id, ip_version: 4, cidr: '10.0.0.0/24' })
  const answers = await atOnce(12, one, two, (caller, index) =>
    index === 5
      ? caller.call('DELETE', `networks/${network.id}`)
      : caller.call('POST', 'ports', { port: { network_id: network.id } }),
  )
  const statuses = answers.map((answer) => answer.status)
  assert.ok(
    statuses.every((status) => [201, 204, 404, 409].includes(status)),
    statuses.join(' '),
  )
  const networks = await one.admin.list('network')
  const ports = await one.admin.list('port')
  assert.equal(ports.length, withStatus(answers, 201).length)
  assert.equal(networks.length, withStatus(answers, 204).length === 1 ? 0 : 1)
  if (networks.length === 0) assert.equal(ports.length, 0)
})
