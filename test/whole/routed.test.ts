/**
 * A routed provider network: two racks that no frame passes between, a segment and a subnet for each, and a router that
 * is not ours. Instances have addresses of their rack, from the DHCP server there, and reach each other by the router.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { create, list, type Network, type Port, type Subnet, show, update } from '../../client/networking.ts'
import { createTestHost, type TestHost, whyNoTestHosts } from '../kernel/sandbox.ts'
import {
  type CloudHost,
  capture,
  computePort,
  createCloud,
  pings,
  until,
  untilStatus,
  type WholeCloud,
} from './cloud.ts'

const skip = whyNoTestHosts() ?? false
const vlans = { rack1: 101, rack2: 102 } as const
type Rack = keyof typeof vlans

let cloud: WholeCloud
let hosts: Record<Rack, CloudHost>
let router: TestHost
let network: Network
let subnets: Record<Rack, Subnet>

before(async () => {
  if (skip) return
  const config = '[ml2_type_vlan]\nnetwork_vlan_ranges = rack1:100:199,rack2:100:199\n'
  cloud = await createCloud({ config: `[DEFAULT]\nservice_plugins = segments\n${config}` })
  const startIn = async (rack: Rack): Promise<CloudHost> => {
    const host = await cloud.addHost(`in-${rack}`, {
      config: `[ovs]\nbridge_mappings = ${rack}:br-physnet1\n`,
    })
    await host.startAgent()
    return host
  }
  hosts = { rack1: await startIn('rack1'), rack2: await startIn('rack2') }
  router = await startRouter()
})
after(async () => {
  await router?.destroy()
  await cloud?.destroy()
})

/** A host with the first address of each rack's subnet, which passes packets on. */
async function startRouter(): Promise<TestHost> {
  const host = await createTestHost('router')
  await cloud.fabrics().physnet1.attach(host, null, { nic: 'eth0', bridge: 'br0' })
  for (const [rack, vlan] of Object.entries(vlans)) {
    await host.run([
      ...['ovs-vsctl', 'add-port', 'br0', rack, `tag=${vlan}`],
      ...['--', 'set', 'Interface', rack, 'type=internal'],
    ])
    await host.run(['ip', 'address', 'add', `${gatewayOf(rack as Rack)}/24`, 'dev', rack])
    await host.run(['ip', 'link', 'set', rack, 'up'])
  }
  await host.run(['sysctl', '-q', '-w', 'net.ipv4.ip_forward=1'])
  return host
}

const gatewayOf = (rack: Rack): string => (rack === 'rack1' ? '10.1.0.1' : '10.2.0.1')

const addressOf = (port: Port): string => port.fixed_ips[0]?.ip_address ?? ''

test('a network has a segment and a subnet in each rack', { skip }, async () => {
  const wire = (rack: Rack) => ({
    network_type: 'vlan',
    physical_network: rack,
    segmentation_id: vlans[rack],
  })
  network = await create(cloud.admin, 'network', {
    name: 'racks',
    shared: true,
    'provider:network_type': 'vlan',
    'provider:physical_network': 'rack1',
    'provider:segmentation_id': vlans.rack1,
  })
  const [first] = await list(cloud.admin, 'segment', { network_id: network.id })
  assert.ok(first)
  const second = await create(cloud.admin, 'segment', { network_id: network.id, ...wire('rack2') })
  const subnetOf = (rack: Rack, segment_id: string) =>
    create(cloud.admin, 'subnet', {
      network_id: network.id,
      segment_id,
      ip_version: 4,
      cidr: rack === 'rack1' ? '10.1.0.0/24' : '10.2.0.0/24',
    })
  subnets = { rack1: await subnetOf('rack1', first.id), rack2: await subnetOf('rack2', second.id) }
  assert.equal((await show(cloud.admin, 'network', network.id))?.l2_adjacency, false)
  await until('a DHCP server in each rack', async () => {
    const servers = await list(cloud.admin, 'port', {
      network_id: network.id,
      device_owner: 'network:dhcp',
      status: 'ACTIVE',
    })
    return servers.length === 2
  })
})

test('instances get addresses of their rack and reach each other by the router alone', { skip }, async () => {
  const placed = await computePort(cloud.admin, hosts.rack1.name, { network_id: network.id })
  // One that is placed later has no address until then.
  const undecided = await create(cloud.blue, 'port', { network_id: network.id })
  assert.deepEqual([undecided.ip_allocation, undecided.fixed_ips], ['deferred', []])
  const later = await update(cloud.nova, 'port', undecided.id, {
    device_owner: 'compute:nova',
    device_id: 'later',
    'binding:host_id': hosts.rack2.name,
  })
  assert.equal(placed.fixed_ips[0]?.subnet_id, subnets.rack1.id)
  assert.equal(later.fixed_ips[0]?.subnet_id, subnets.rack2.id)

  const [a, b] = [await hosts.rack1.plug(placed), await hosts.rack2.plug(later)]
  await Promise.all([placed, later].map(({ id }) => untilStatus(cloud.admin, id, 'ACTIVE')))
  await Promise.all([a.dhcp(), b.dhcp()])
  for (const [instance, port] of [
    [a, placed],
    [b, later],
  ] as const) {
    assert.ok((await instance.run(['ip', 'address', 'show', 'eth0'])).includes(` ${addressOf(port)}/24 `))
  }

  const fabric = cloud.fabrics().physnet1
  const leaves = await capture(fabric.host, hosts.rack1.wires.physnet1, `vlan ${vlans.rack1} and icmp`)
  const arrives = await capture(fabric.host, hosts.rack2.wires.physnet1, `vlan ${vlans.rack2} and icmp`)
  const beside = await capture(hosts.rack2, 'eth0', `ether src ${a.port.mac_address}`, {
    namespace: b.namespace,
    inbound: true,
  })
  assert.ok(await pings(a, addressOf(later)), 'a reaches b')
  const request = `${addressOf(placed)} > ${addressOf(later)}: ICMP echo request`
  for (const ear of [leaves, arrives]) assert.ok((await ear.stop()).includes(request))
  assert.equal(await beside.stop(), '', 'no frame of one rack comes to the other')
  await router.run(['sysctl', '-q', '-w', 'net.ipv4.ip_forward=0'])
  assert.equal(await pings(a, addressOf(later)), false, 'nor does anything else join them')
})

test('an address of one rack does not go to the other', { skip }, async () => {
  const port = await computePort(cloud.admin, hosts.rack1.name, { network_id: network.id })
  await assert.rejects(
    update(cloud.nova, 'port', port.id, { 'binding:host_id': hosts.rack2.name }),
    /409 HostNotCompatibleWithFixedIps/,
  )
  const kept = await show(cloud.admin, 'port', port.id)
  assert.deepEqual([kept?.['binding:host_id'], kept?.fixed_ips], [hosts.rack1.name, port.fixed_ips])
})
