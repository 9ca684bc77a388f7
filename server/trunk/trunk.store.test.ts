/** Trunks: parents, sub-ports and what keeps them in use, through the API on both engines. */
import assert from 'node:assert/strict'
import { type Answer, type Cloud, onCloud, ovsHost, type Shown } from '../features.testing.ts'

const fault = ({ status, fault }: Answer) => [status, fault]
const vlan = (port: Shown, segmentation_id: number) => ({
  port_id: port.id,
  segmentation_type: 'vlan',
  segmentation_id,
})

/** A network of blue's, and a port on it at each call. */
async function portsOf({ as }: Cloud, body: Shown = {}): Promise<(more?: Shown) => Promise<Shown>> {
  const network = await as('blue').create('network', body)
  return (more = {}) => as('blue').create('port', { network_id: network.id, ...more })
}

onCloud('a trunk gets sub-ports and gives them back', async (cloud) => {
  const blue = cloud.as('blue')
  const port = await portsOf(cloud)
  const [parent, one, two] = [await port(), await port(), await port()]
  const trunk = await blue.create('trunk', { name: 't', port_id: parent.id, sub_ports: [vlan(one, 101)] })
  assert.deepEqual(
    [trunk.status, trunk.admin_state_up, trunk.revision_number, trunk.tags, trunk.sub_ports],
    ['DOWN', true, 1, [], [vlan(one, 101)]],
  )
  const added = await blue.call('PUT', `trunks/${trunk.id}/add_subports`, { sub_ports: [vlan(two, 7)] })
  assert.deepEqual([added.status, added.body.id, added.body.revision_number], [200, trunk.id, 2])
  const listed = (await blue.call('GET', `trunks/${trunk.id}/get_subports.json`)).body
  assert.deepEqual(listed, { sub_ports: [vlan(two, 7), vlan(one, 101)] })
  assert.deepEqual((await blue.show('port', parent.id)).trunk_details, {
    trunk_id: trunk.id,
    sub_ports: [
      { ...vlan(two, 7), mac_address: two.mac_address },
      { ...vlan(one, 101), mac_address: one.mac_address },
    ],
  })
  assert.ok(!('trunk_details' in (await blue.show('port', one.id))))

  const remove = (id: string) => blue.call('DELETE', `ports/${id}`)
  assert.deepEqual(fault(await remove(parent.id)), [409, 'PortInUseAsTrunkParent'])
  assert.deepEqual(fault(await remove(one.id)), [409, 'PortInUseAsSubPort'])
  const removed = await blue.call('PUT', `trunks/${trunk.id}/remove_subports`, {
    sub_ports: [{ port_id: one.id }],
  })
  assert.deepEqual(removed.body.sub_ports, [vlan(two, 7)])
  assert.equal((await remove(one.id)).status, 204)
  await blue.remove('trunk', trunk.id)
  assert.equal((await remove(parent.id)).status, 204)
  assert.equal((await remove(two.id)).status, 204)
})

onCloud('who may not be in a trunk, and who is in one already', async (cloud) => {
  const { admin } = cloud
  const blue = cloud.as('blue')
  const port = await portsOf(cloud)
  const large = await cloud.as('blue').create('network', { mtu: 1400 })
  const small = await blue.create('port', { network_id: large.id })
  const [parent, one, two, used] = [await port(), await port(), await port(), await port({ device_id: 'vm' })]
  const trunk = await blue.create('trunk', { port_id: parent.id, sub_ports: [vlan(one, 1)] })
  const post = (body: Shown, who = blue) => who.call('POST', 'trunks', { trunk: body })
  const add = (...sub_ports: Shown[]) => blue.call('PUT', `trunks/${trunk.id}/add_subports`, { sub_ports })
  const faults = [
    [await post({ port_id: parent.id }), 409, 'ParentPortInUse'],
    [await post({ port_id: one.id }), 409, 'TrunkPortInUse'],
    [await post({ port_id: trunk.id }), 404, 'PortNotFound'],
    [await post({ port_id: two.id }, cloud.as('red')), 404, 'PortNotFound'],
    [await post({ port_id: two.id, sub_ports: [vlan(two, 2)] }), 409, 'ParentPortInUse'],
    [await post({ port_id: small.id, sub_ports: [vlan(two, 2)] }), 409, 'SubPortMtuGreaterThanTrunkPortMtu'],
    [await post({ port_id: two.id, sub_ports: [vlan(one, 2)] }), 409, 'TrunkPortInUse'],
    [await post({}), 400, 'HTTPBadRequest'],
    [await add(vlan(one, 9)), 409, 'TrunkPortInUse'],
    [await add(vlan(used, 9)), 409, 'PortInUse'],
    [await add(vlan(two, 1)), 409, 'DuplicateSubPort'],
    [await add(vlan(two, 4095)), 400, 'InvalidInput'],
    [await add(vlan(two, 0)), 400, 'InvalidInput'],
    [await add({ ...vlan(two, 5), segmentation_type: 'vxlan' }), 400, 'InvalidInput'],
    [await add({ port_id: two.id }), 400, 'InvalidInput'],
    [await add({ port_id: two.id, segmentation_type: 'inherit' }), 400, 'InvalidInput'],
    [await add({ port_id: two.id, segmentation_id: 5 }), 400, 'InvalidInput'],
    [await add({ ...vlan(two, 5), name: 'x' }), 400, 'InvalidInput'],
    [await add(vlan(two, 5), vlan(two, 6)), 400, 'InvalidInput'],
    [await blue.call('PUT', `trunks/${trunk.id}/add_subports`, {}), 400, 'InvalidInput'],
    [
      await blue.call('PUT', `trunks/${trunk.id}/remove_subports`, { sub_ports: [{ port_id: two.id }] }),
      404,
      'SubPortNotFound',
    ],
    [await cloud.as('red').call('GET', `trunks/${trunk.id}/get_subports`), 404, 'TrunkNotFound'],
    [await cloud.as('red').call('DELETE', `trunks/${trunk.id}`), 404, 'TrunkNotFound'],
  ] as const
  for (const [index, [answer, status, type]] of faults.entries()) {
    assert.deepEqual(fault(answer), [status, type], `${index} ${answer.body.NeutronError?.message}`)
  }
  assert.equal((await admin.list('trunk')).length, 1, 'nothing was left of what was refused')
  assert.deepEqual((await blue.show('trunk', trunk.id)).sub_ports, [vlan(one, 1)])

  await blue.update('trunk', trunk.id, { admin_state_up: false })
  assert.deepEqual(fault(await add(vlan(two, 9))), [409, 'TrunkDisabled'])
  assert.deepEqual(fault(await blue.call('DELETE', `trunks/${trunk.id}`)), [409, 'TrunkDisabled'])
  await blue.update('trunk', trunk.id, { admin_state_up: true })
  assert.equal((await add(vlan(two, 9))).status, 200)
})

onCloud(
  'tags are inherited from VLAN networks',
  async (cloud) => {
    const { admin } = cloud
    const wire = { 'provider:network_type': 'vlan', 'provider:physical_network': 'physnet1' }
    const network = await admin.create('network', { ...wire, 'provider:segmentation_id': 150, mtu: 1400 })
    const parent = await admin.create('port', { network_id: (await admin.create('network', {})).id })
    const sub = await admin.create('port', { network_id: network.id })
    const trunk = await admin.create('trunk', {
      port_id: parent.id,
      sub_ports: [{ port_id: sub.id, segmentation_type: 'inherit' }],
    })
    assert.deepEqual(trunk.sub_ports, [vlan(sub, 150)])
  },
  {
    ml2_type_vlan: {
      network_vlan_ranges: [{ physicalNetwork: 'physnet1', range: { first: 100, last: 199 } }],
    },
  },
)

onCloud('a port that a host has neither becomes a parent nor loses its trunk', async (cloud) => {
  const { admin } = cloud
  await cloud.beat('h1', { ovs: ovsHost('192.0.2.1') })
  const network = await admin.create('network', {})
  const host = { 'binding:host_id': 'h1', device_owner: 'compute:nova' }
  const port = await admin.create('port', { network_id: network.id })
  const bound = await admin.create('port', { network_id: network.id, ...host })
  const refused = await admin.call('POST', 'trunks', { trunk: { port_id: bound.id } })
  assert.deepEqual(fault(refused), [409, 'ParentPortInUse'])
  const trunk = await admin.create('trunk', { port_id: port.id })
  await admin.update('port', port.id, host)
  assert.deepEqual(fault(await admin.call('DELETE', `trunks/${trunk.id}`)), [409, 'TrunkInUse'])
  await admin.update('port', port.id, { 'binding:host_id': '' })
  await admin.remove('trunk', trunk.id)
})

onCloud('a port that would go with its network keeps it while something holds the port', async (cloud) => {
  const { admin } = cloud
  const network = await admin.create('network', {})
  const owned = { network_id: network.id, device_owner: 'network:dhcp' }
  const [parent, child, local] = await admin.createAll('port', [owned, owned, owned])
  const subnet = { network_id: network.id, ip_version: 4, cidr: '10.0.0.0/24' }
  await admin.create('subnet', subnet)
  await admin.update('port', local?.id, { fixed_ips: [{ ip_address: '10.0.0.77' }] })
  const trunk = await admin.create('trunk', { port_id: parent?.id })
  const fault = async () => {
    const { status, fault } = await admin.call('DELETE', `networks/${network.id}`)
    return [status, fault]
  }
  assert.deepEqual(await fault(), [409, 'PortInUseAsTrunkParent'])
  const sub_ports = [{ port_id: child?.id, segmentation_type: 'vlan', segmentation_id: 7 }]
  await admin.call('PUT', `trunks/${trunk.id}/add_subports`, { sub_ports })
  await admin.call('DELETE', `ports/${parent?.id}`)
  const other = await admin.create('local_ip', { local_port_id: local?.id })
  assert.equal((await fault())[0], 409)
  assert.equal((await admin.list('port', `?network_id=${network.id}`)).length, 3)
  await admin.remove('trunk', trunk.id)
  assert.deepEqual(await fault(), [409, 'ServicePortInUse'])
  await admin.remove('local_ip', other.id)
  assert.equal((await fault())[0], 204)
})
