/** Agents, and DHCP scheduling with its ports, through the API on both engines. */
import assert from 'node:assert/strict'
import { type Clock, systemClock } from '../../runtime/clock.ts'
import { silentLogger } from '../../runtime/log.ts'
import { type Cloud, onCloud, ovsHost, type Shown, startCloud } from '../features.testing.ts'
import { createMl2 } from '../ml2/ml2.ts'
import type { Store } from '../store/store.ts'
import { forEachEngine } from '../store/testing.ts'
import { dhcpDeviceId } from './dhcp-port.ts'
import { dhcpUpkeep } from './dhcp-upkeep.ts'

const both = (ip: string) => ({ ovs: ovsHost(ip), dhcp: {} })

async function dhcpPorts({ admin }: Cloud, networkId: string): Promise<Shown[]> {
  return admin.list(
    'port',
    `?network_id=${networkId}&device_owner=network:dhcp&sort_key=device_id&sort_dir=asc`,
  )
}

const ips = (port: Shown | undefined): string[] => port?.fixed_ips.map((one: Shown) => one.ip_address) ?? []

onCloud('an agent shows as Neutron users know it, and dies of silence', async (cloud) => {
  const { admin } = cloud
  await cloud.beat('h1', both('192.0.2.1'))
  const [ovs] = await admin.list('agent', '?binary=neutron-openvswitch-agent')
  const { id, created_at, heartbeat_timestamp, ...rest } = ovs ?? {}
  assert.match(heartbeat_timestamp, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/)
  assert.equal(created_at, heartbeat_timestamp)
  assert.deepEqual(rest, {
    agent_type: 'Open vSwitch agent',
    binary: 'neutron-openvswitch-agent',
    host: 'h1',
    topic: 'N/A',
    availability_zone: null,
    admin_state_up: true,
    alive: true,
    description: null,
    started_at: '2026-01-31 12:00:00',
    configurations: ovsHost('192.0.2.1'),
    resources_synced: null,
  })
  const changed = await admin.update('agent', id, { description: 'in rack 4', admin_state_up: false })
  assert.deepEqual([changed.description, changed.admin_state_up], ['in rack 4', false])
  await cloud.age('h1', 74)
  assert.equal((await admin.list('agent', '?alive=true')).length, 2)
  await cloud.age('h1', 76)
  assert.equal((await admin.list('agent', '?alive=false')).length, 2)
  await cloud.beat('h1', both('192.0.2.1'))
  const again = await admin.show('agent', id)
  assert.deepEqual([again.alive, again.description], [true, 'in rack 4'])
  assert.equal((await cloud.as('blue').list('agent')).length, 0)
  const zones = await admin.call('GET', 'availability-zones')
  assert.deepEqual(zones.body.availability_zones, [{ name: 'nova', resource: 'network', state: 'available' }])
  await admin.remove('agent', id)
  assert.equal((await admin.list('agent')).length, 1)
})

onCloud('a heartbeat that says nothing new notes no change', async (cloud) => {
  const count = () =>
    cloud.store.read(async (tx) => (await tx.db.selectFrom('changes').select('seq').execute()).length)
  const before = await count()
  await cloud.beat('h1', both('192.0.2.1'))
  const first = await count()
  assert.equal(first, before + 2)
  await cloud.beat('h1', both('192.0.2.1'))
  assert.equal(await count(), first)
  await cloud.beat('h1', both('192.0.2.99'))
  assert.equal(await count(), first + 1)
})

onCloud('the first subnet with DHCP brings the network to an agent, and its port', async (cloud) => {
  const { admin, as } = cloud
  await cloud.beat('h1.example', both('192.0.2.1'))
  const network = await as('blue').create('network', {})
  const subnet = (cidr: string, more: Shown = {}) =>
    as('blue').create('subnet', { network_id: network.id, ip_version: 4, cidr, ...more })
  await subnet('10.0.0.0/24', { enable_dhcp: false })
  assert.equal((await dhcpPorts(cloud, network.id)).length, 0)
  const served = await subnet('10.1.0.0/24')
  const [port] = await dhcpPorts(cloud, network.id)
  assert.deepEqual(ips(port), ['10.1.0.2'])
  assert.deepEqual(
    [
      port?.device_id,
      port?.project_id,
      port?.port_security_enabled,
      port?.['binding:host_id'],
      port?.['binding:vif_type'],
    ],
    [dhcpDeviceId('h1.example', network.id), 'blue', false, 'h1.example', 'ovs'],
  )
  assert.match(dhcpDeviceId('h1.example', network.id), /^dhcp[0-9a-f]{8}-[0-9a-f-]{27}-/)
  assert.equal(dhcpDeviceId('h1.example', 'n'), dhcpDeviceId('h1', 'n'), 'the short name counts')
  assert.deepEqual((await admin.show('network', network.id)).availability_zones, ['nova'])

  const second = await subnet('10.2.0.0/24')
  const six = await subnet('2001:db8::/64', {
    ip_version: 6,
    ipv6_ra_mode: 'slaac',
    ipv6_address_mode: 'slaac',
  })
  const [grown] = await dhcpPorts(cloud, network.id)
  assert.equal(grown?.id, port?.id, 'the port stays the same')
  assert.deepEqual(ips(grown).slice(0, 2), ['10.1.0.2', '10.2.0.2'])
  assert.equal(ips(grown).length, 3)
  await as('blue').update('subnet', served.id, { enable_dhcp: false })
  assert.equal(ips((await dhcpPorts(cloud, network.id))[0]).length, 2)
  await as('blue').update('subnet', served.id, { enable_dhcp: true })
  assert.equal(ips((await dhcpPorts(cloud, network.id))[0]).length, 3)
  for (const one of [served, second, six]) await as('blue').remove('subnet', one.id)
  assert.equal((await dhcpPorts(cloud, network.id)).length, 0)
})

onCloud('networks spread over agents by load; dead and disabled ones get none', async (cloud) => {
  const { admin } = cloud
  await cloud.beat('h1', both('192.0.2.1'))
  await cloud.beat('h2', both('192.0.2.2'))
  await cloud.beat('dead', both('192.0.2.3'))
  await cloud.age('dead', 100)
  await cloud.beat('off', both('192.0.2.4'))
  const [off] = await admin.list('agent', '?host=off&agent_type=DHCP%20agent')
  await admin.update('agent', off?.id, { admin_state_up: false })
  for (let i = 0; i < 4; i++) {
    const network = await admin.create('network', {})
    await admin.create('subnet', { network_id: network.id, ip_version: 4, cidr: '10.0.0.0/24' })
  }
  for (const [host, networks] of [
    ['h1', 2],
    ['h2', 2],
    ['dead', 0],
    ['off', 0],
  ] as const) {
    const [agent] = await admin.list('agent', `?host=${host}&agent_type=DHCP%20agent`)
    const answer = await admin.call('GET', `agents/${agent?.id}/dhcp-networks`)
    assert.equal(answer.body.networks.length, networks, host)
  }
})

onCloud(
  'several agents serve one network, each with a port of its own',
  async (cloud) => {
    await cloud.beat('h1', both('192.0.2.1'))
    await cloud.beat('h2', both('192.0.2.2'))
    const network = await cloud.admin.create('network', {})
    await cloud.admin.create('subnet', { network_id: network.id, ip_version: 4, cidr: '10.0.0.0/24' })
    const ports = await dhcpPorts(cloud, network.id)
    assert.deepEqual(ports.flatMap(ips).sort(), ['10.0.0.2', '10.0.0.3'])
    assert.deepEqual(ports.map((port) => port['binding:host_id']).sort(), ['h1', 'h2'])
  },
  { DEFAULT: { dhcp_agents_per_network: 2 } },
)

onCloud('networks and agents are brought together and parted by hand', async (cloud) => {
  const { admin } = cloud
  const network = await admin.create('network', {})
  await admin.create('subnet', { network_id: network.id, ip_version: 4, cidr: '10.0.0.0/24' })
  assert.equal((await dhcpPorts(cloud, network.id)).length, 0)
  await cloud.beat('h1', both('192.0.2.1'))
  assert.equal((await dhcpPorts(cloud, network.id)).length, 1, 'an agent that appears takes what waits')
  await cloud.beat('h2', both('192.0.2.2'))
  const agentOn = async (host: string) =>
    (await admin.list('agent', `?host=${host}&agent_type=DHCP%20agent`))[0]?.id
  const [h1, h2] = [await agentOn('h1'), await agentOn('h2')]
  const add = (agent: string, id = network.id) =>
    admin.call('POST', `agents/${agent}/dhcp-networks`, { network_id: id })
  const hosts = async () =>
    (await admin.call('GET', `networks/${network.id}/dhcp-agents`)).body.agents
      .map((one: Shown) => one.host)
      .sort()
  assert.equal((await add(h2)).status, 201)
  assert.deepEqual(await hosts(), ['h1', 'h2'])
  assert.equal((await dhcpPorts(cloud, network.id)).length, 2)
  const again = await add(h2)
  assert.deepEqual([again.status, again.fault], [409, 'NetworkHostedByDHCPAgent'])
  const [ovs] = await admin.list('agent', '?host=h1&agent_type=Open%20vSwitch%20agent')
  assert.equal((await add(ovs?.id)).fault, 'InvalidDHCPAgent')
  assert.equal((await add(h1, ovs?.id)).fault, 'NetworkNotFound')
  assert.equal((await admin.call('DELETE', `agents/${h1}/dhcp-networks/${network.id}`)).status, 204)
  assert.deepEqual(await hosts(), ['h2'])
  const left = await dhcpPorts(cloud, network.id)
  assert.deepEqual(
    left.map((port) => [port.device_id, port['binding:host_id']]),
    [
      [dhcpDeviceId('h2', network.id), 'h2'],
      ['reserved_dhcp_port', ''],
    ],
  )
  const gone = await admin.call('DELETE', `agents/${h1}/dhcp-networks/${network.id}`)
  assert.deepEqual([gone.status, gone.fault], [409, 'NetworkNotHostedByDhcpAgent'])
  assert.equal((await add(h1)).status, 201)
  const adopted = await dhcpPorts(cloud, network.id)
  assert.deepEqual(adopted.map((port) => port.id).sort(), left.map((port) => port.id).sort())
  assert.deepEqual(adopted.map((port) => port['binding:host_id']).sort(), ['h1', 'h2'])
  await admin.remove('agent', h2)
  const last = await dhcpPorts(cloud, network.id)
  assert.deepEqual(last.map((port) => port['binding:host_id']).sort(), ['', 'h1'])
  assert.deepEqual(last.flatMap(ips).sort(), adopted.flatMap(ips).sort())
  await admin.remove('network', network.id)
})

const servedBy = async ({ admin }: Cloud, networkId: string): Promise<string[]> =>
  (await admin.call('GET', `networks/${networkId}/dhcp-agents`)).body.agents
    .map((one: Shown) => one.host)
    .sort()

async function servedNetwork({ admin }: Cloud, ...cidrs: string[]): Promise<Shown> {
  const network = await admin.create('network', {})
  for (const cidr of cidrs.length > 0 ? cidrs : ['10.0.0.0/24']) {
    const ip_version = cidr.includes(':') ? 6 : 4
    await admin.create('subnet', { network_id: network.id, ip_version, cidr })
  }
  return network
}

onCloud('the network of a dead agent goes to a live one, with its port and address', async (cloud) => {
  await cloud.beat('h1', both('192.0.2.1'))
  const network = await servedNetwork(cloud, '10.0.0.0/24', '2001:db8::/64')
  const [before] = await dhcpPorts(cloud, network.id)
  await cloud.age('h1', 151)
  await cloud.doChores()
  assert.deepEqual(await servedBy(cloud, network.id), ['h1'], 'nobody else is there')
  await cloud.beat('h2', both('192.0.2.2'))
  await cloud.age('h1', 149)
  await cloud.doChores()
  assert.deepEqual(await servedBy(cloud, network.id), ['h1'], 'it may yet come back')
  await cloud.age('h1', 151)
  await cloud.doChores()
  assert.deepEqual(await servedBy(cloud, network.id), ['h2'])
  const [after, ...more] = await dhcpPorts(cloud, network.id)
  assert.deepEqual(more, [])
  assert.deepEqual(
    [after?.id, after?.mac_address, ips(after), after?.device_id, after?.['binding:host_id']],
    [before?.id, before?.mac_address, ips(before), dhcpDeviceId('h2', network.id), 'h2'],
  )
  await cloud.beat('h1', both('192.0.2.1'))
  await cloud.doChores()
  assert.deepEqual(await servedBy(cloud, network.id), ['h2'], 'who comes back takes nothing back')
})

onCloud('a clock that is set forward kills no agent', async (cloud) => {
  await cloud.beat('h1', both('192.0.2.1'))
  const network = await servedNetwork(cloud)
  await cloud.beat('h2', both('192.0.2.2'))
  let offset = 0
  const clock: Clock = { ...systemClock, now: () => new Date(Date.now() + offset) }
  const round = dhcpUpkeep(cloud.store, createMl2(cloud.settings, silentLogger), clock)
  await round()
  offset = 3_600_000
  // As it looks by such a clock until the next heartbeat.
  await cloud.age('h1', 3600)
  await round()
  assert.deepEqual(await servedBy(cloud, network.id), ['h1'])
  await round()
  assert.deepEqual(await servedBy(cloud, network.id), ['h2'], 'it has not beaten since')
})

forEachEngine(
  'what waits for an agent is found by the next heartbeat if the server died',
  async ({ store }) => {
    let dies = false
    const mortal: Store = {
      ...store,
      async write(options, work) {
        const value = await store.write(options, work)
        if (dies && options.requestId?.startsWith('heartbeat')) throw new Error('killed')
        return value
      },
    }
    const cloud = await startCloud(mortal)
    const network = await servedNetwork(cloud)
    const port = await cloud.admin.create('port', { network_id: network.id, 'binding:host_id': 'h1' })
    assert.equal(port['binding:vif_type'], 'binding_failed')
    dies = true
    await assert.rejects(cloud.beat('h1', both('192.0.2.1')), /killed/)
    assert.deepEqual(await servedBy(cloud, network.id), [])
    dies = false
    await cloud.beat('h1', both('192.0.2.1'))
    assert.equal((await cloud.admin.show('port', port.id))['binding:vif_type'], 'ovs')
    assert.deepEqual(await servedBy(cloud, network.id), ['h1'])
    const looks = () =>
      store.read(async (tx) =>
        (await tx.db.selectFrom('agents').select('looks').execute()).map((row) => row.looks),
      )
    assert.deepEqual(await looks(), [1, 1], 'once more, for what was committed meanwhile')
    for (let beats = 0; beats < 2; beats++) await cloud.beat('h1', both('192.0.2.1'))
    assert.deepEqual(await looks(), [0, 0])
    await cloud.close()
  },
)

onCloud('what an agent counts makes nobody look for what waits for it', async (cloud) => {
  const looks = () =>
    cloud.store.read(async (tx) =>
      (await tx.db.selectFrom('agents').select('looks').execute()).map((row) => row.looks),
    )
  const beat = (counts: Shown) =>
    cloud.beat('h1', { ovs: { ...ovsHost('192.0.2.1'), ...counts }, dhcp: { networks: counts.devices } })
  for (let beats = 0; beats < 2; beats++) await beat({ devices: 1 })
  await beat({ devices: 2 })
  assert.deepEqual(await looks(), [0, 0])
  assert.equal(
    (await cloud.admin.list('agent', '?binary=neutron-openvswitch-agent'))[0]?.configurations.devices,
    2,
  )
  await beat({ devices: 2, bridge_mappings: {} })
  assert.deepEqual((await looks()).sort(), [0, 1])
})

onCloud(
  'with fewer addresses than agents, those serve that have one',
  async (cloud) => {
    await cloud.beat('h1', both('192.0.2.1'))
    await cloud.beat('h2', both('192.0.2.2'))
    const network = await servedNetwork(cloud, '10.0.0.0/30')
    const [port, ...more] = await dhcpPorts(cloud, network.id)
    assert.deepEqual([ips(port), more], [['10.0.0.2'], []])
  },
  { DEFAULT: { dhcp_agents_per_network: 2 } },
)

onCloud('a DHCP port that somebody deletes is there again with the answer', async (cloud) => {
  await cloud.beat('h1', both('192.0.2.1'))
  const network = await servedNetwork(cloud)
  const [port] = await dhcpPorts(cloud, network.id)
  // Somebody's own server is not the agent's.
  const own = { device_owner: 'network:dhcp', device_id: 'mine' }
  await cloud.admin.create('port', { network_id: network.id, ...own })
  await cloud.admin.remove('port', port?.id)
  const made = (await dhcpPorts(cloud, network.id)).filter((one) => one.device_id !== 'mine')
  assert.deepEqual(
    made.map((one) => [one.device_id, one['binding:host_id']]),
    [[dhcpDeviceId('h1', network.id), 'h1']],
  )
  assert.notEqual(made[0]?.id, port?.id)
})

onCloud(
  'an agent that is switched off serves nobody, and again with the same address when on',
  async (cloud) => {
    await cloud.beat('h1', both('192.0.2.1'))
    const network = await servedNetwork(cloud)
    const [before] = await dhcpPorts(cloud, network.id)
    const [agent] = await cloud.admin.list('agent', '?agent_type=DHCP%20agent')
    const hosts = () =>
      cloud.store.read(async (tx) => [
        ...((await cloud.sources.network.audience(tx, [network.id])).get(network.id) ?? []),
      ])
    assert.deepEqual(await hosts(), ['h1'])
    const port = await cloud.admin.create('port', {
      network_id: network.id,
      'binding:host_id': 'h1',
      device_owner: 'compute:nova',
    })
    await cloud.report('h1', { kind: 'port-wired', port_id: port.id, generation: 1, wired: true })
    const status = async () => (await cloud.admin.show('port', port.id)).status
    assert.equal(await status(), 'BUILD')
    await cloud.admin.update('agent', agent?.id, { admin_state_up: false })
    const [off] = await dhcpPorts(cloud, network.id)
    assert.deepEqual([off?.device_id, off?.['binding:host_id']], ['reserved_dhcp_port', ''])
    assert.equal(await status(), 'ACTIVE', 'nobody would ever say that it is served')
    assert.deepEqual(await servedBy(cloud, network.id), ['h1'], 'the network stays its own')
    const upkeep = dhcpUpkeep(cloud.store, createMl2(cloud.settings, silentLogger))
    assert.equal(await upkeep(), 0, 'nothing to be done until it is on again')
    await cloud.admin.remove('port', port.id)
    assert.deepEqual(await hosts(), [])
    await cloud.admin.update('agent', agent?.id, { admin_state_up: true })
    const [on] = await dhcpPorts(cloud, network.id)
    assert.deepEqual([on?.id, ips(on), on?.['binding:host_id']], [before?.id, ips(before), 'h1'])
    assert.deepEqual(await hosts(), ['h1'])
  },
)

onCloud(
  'without a successor the address of a lost DHCP server is reserved for the next',
  async (cloud) => {
    await cloud.beat('h1', both('192.0.2.1'))
    await cloud.beat('h2', both('192.0.2.2'))
    const network = await servedNetwork(cloud)
    const before = await dhcpPorts(cloud, network.id)
    const lost = before.find((port) => port['binding:host_id'] === 'h1')
    await cloud.age('h1', 151)
    await cloud.doChores()
    assert.deepEqual(await servedBy(cloud, network.id), ['h2'])
    const reserved = (await dhcpPorts(cloud, network.id)).find((port) => port.id === lost?.id)
    assert.deepEqual(
      [reserved?.device_id, reserved?.['binding:host_id'], ips(reserved)],
      ['reserved_dhcp_port', '', ips(lost)],
    )
    const entries = await cloud.store.read((tx) =>
      cloud.sources['dhcp-entry'].bodies(
        tx,
        before.map((port) => port.id),
      ),
    )
    assert.equal(entries.has(lost?.id ?? ''), false, 'nobody is told of a name server that is not there')
    assert.equal(entries.size, 1)
    await cloud.beat('h3', both('192.0.2.3'))
    assert.deepEqual(await servedBy(cloud, network.id), ['h2', 'h3'])
    const adopted = (await dhcpPorts(cloud, network.id)).find((port) => port.id === lost?.id)
    assert.deepEqual([adopted?.['binding:host_id'], ips(adopted)], ['h3', ips(lost)])
    assert.equal((await dhcpPorts(cloud, network.id)).length, 2)
  },
  { DEFAULT: { dhcp_agents_per_network: 2 } },
)

onCloud(
  'with failover switched off, and from agents that are switched off, nothing is taken',
  async (cloud) => {
    await cloud.beat('h1', both('192.0.2.1'))
    const network = await servedNetwork(cloud)
    await cloud.beat('h2', both('192.0.2.2'))
    await cloud.age('h1', 1000)
    await cloud.doChores()
    assert.deepEqual(await servedBy(cloud, network.id), ['h1'])
  },
  { DEFAULT: { allow_automatic_dhcp_failover: false } },
)

onCloud('hints say which zones’ agents may serve a network', async (cloud) => {
  const { admin } = cloud
  await cloud.beat('h1', both('192.0.2.1'))
  await cloud.beat('h2', both('192.0.2.2'))
  await cloud.store.write({ requestId: 'test' }, async (tx) => {
    const set = { availability_zone: 'east' }
    await tx.db.updateTable('agents').set(set).where('host', '=', 'h2').execute()
  })
  const hinted = (zone: string) =>
    admin.call('POST', 'networks', { network: { availability_zone_hints: [zone] } })
  await cloud.store.write({ requestId: 'test' }, async (tx) => {
    const switches = tx.db.updateTable('agents').set({ availability_zone: 'of-switches' })
    await switches.where('agent_type', '=', 'Open vSwitch agent').execute()
  })
  assert.equal((await hinted('of-switches')).fault, 'AvailabilityZoneNotFound', 'nobody there serves DHCP')
  for (const [hints, hosts] of [
    [['east'], ['h2']],
    [['nova'], ['h1']],
    [['nova', 'east'], ['h1']],
  ] as const) {
    const network = await admin.create('network', { availability_zone_hints: hints })
    await admin.create('subnet', { network_id: network.id, ip_version: 4, cidr: '10.0.0.0/24' })
    assert.deepEqual(await servedBy(cloud, network.id), hosts, hints.join())
  }
})

onCloud(
  'networks that come, go and are scheduled at the same time: deletion is never refused',
  async (cloud) => {
    const { admin } = cloud
    await cloud.beat('h1', both('192.0.2.1'))
    await cloud.beat('h2', both('192.0.2.2'))
    const agents = await admin.list('agent', '?agent_type=DHCP%20agent')
    for (let round = 0; round < 8; round++) {
      const networks = await Promise.all(Array.from({ length: 4 }, () => servedNetwork(cloud)))
      await cloud.age('h1', 151)
      const answers = await Promise.all([
        cloud.doChores(),
        cloud.beat(`new${round}`, both(`192.0.3.${round}`)),
        ...networks.flatMap((network) => [
          ...agents.map(({ id }) =>
            admin.call('POST', `agents/${id}/dhcp-networks`, { network_id: network.id }),
          ),
          admin.call('DELETE', `networks/${network.id}`),
        ]),
      ])
      const seen = answers.filter((one) => one !== undefined)
      const deleted = seen.filter((one) => one.status === 204)
      assert.equal(deleted.length, networks.length, JSON.stringify(seen))
      for (const one of seen) assert.ok([201, 204, 404, 409].includes(one.status), JSON.stringify(one))
      assert.deepEqual(await admin.list('port'), [])
      await cloud.beat('h1', both('192.0.2.1'))
    }
  },
)

onCloud('a subnet without an address left for DHCP is no reason to fail', async (cloud) => {
  const { admin } = cloud
  const network = await admin.create('network', {})
  const subnet = await admin.create('subnet', {
    network_id: network.id,
    ip_version: 4,
    cidr: '10.0.0.0/30',
    enable_dhcp: false,
  })
  const port = await admin.create('port', { network_id: network.id })
  await cloud.beat('h1', both('192.0.2.1'))
  await admin.update('subnet', subnet.id, { enable_dhcp: true })
  assert.equal((await dhcpPorts(cloud, network.id)).length, 0)
  await cloud.doChores()
  assert.equal((await dhcpPorts(cloud, network.id)).length, 0)
  await admin.remove('port', port.id)
  await cloud.doChores()
  assert.equal((await dhcpPorts(cloud, network.id)).length, 1, 'the server sees to it by itself')
})
