/** Local IPs and their associations, through the API on both engines. */
import assert from 'node:assert/strict'
import { type Answer, onCloud, ovsHost, type Shown } from '../features.testing.ts'

const fault = ({ status, fault }: Answer) => [status, fault]

onCloud('a local IP has a port of its own, or one that is there', async ({ admin, as, store }) => {
  const blue = as('blue')
  const network = await blue.create('network', {})
  const post = (body: Shown, who = blue) => who.call('POST', 'local-ips', { local_ip: body })
  assert.deepEqual(fault(await post({ network_id: network.id })), [400, 'BadRequest'], 'no subnet yet')
  const subnet = await blue.create('subnet', { network_id: network.id, ip_version: 4, cidr: '10.0.0.0/24' })
  const own = (await post({ name: 'dns', network_id: network.id, local_ip_address: '10.0.0.53' })).body
    .local_ip
  assert.deepEqual(
    [own.local_ip_address, own.ip_mode, own.network_id, own.revision_number, own.description],
    ['10.0.0.53', 'translate', network.id, 1, ''],
  )
  const made = await blue.show('port', own.local_port_id)
  assert.deepEqual([made.device_owner, made.device_id], ['network:local_ip', own.id])
  assert.deepEqual(fault(await admin.call('DELETE', `ports/${made.id}`)), [409, 'ServicePortInUse'])

  const two = [{ ip_address: '10.0.0.7' }, { ip_address: '10.0.0.8' }]
  const port = await blue.create('port', { network_id: network.id, fixed_ips: two })
  const bare = await blue.create('port', { network_id: network.id, fixed_ips: [] })
  const faults = [
    [await post({}), 400, 'LocalIPPortOrNetworkRequired'],
    [await post({ local_port_id: bare.id }), 400, 'LocalIPNoIP'],
    [await post({ local_port_id: port.id }), 400, 'LocalIPNoRequestedIP'],
    [await post({ local_port_id: port.id, local_ip_address: '10.0.0.9' }), 400, 'LocalIPRequestedIPNotFound'],
    [await post({ local_port_id: network.id }), 400, 'BadRequest'],
    [await post({ local_port_id: port.id, local_ip_address: '10.0.0.7' }, as('red')), 400, 'BadRequest'],
    [await post({ network_id: network.id }, as('red')), 404, 'NetworkNotFound'],
    [await post({ network_id: network.id, local_ip_address: '10.0.0.53' }), 409, 'IpAddressAlreadyAllocated'],
    [await as('red').call('GET', `local-ips/${own.id}`), 404, 'LocalIPNotFound'],
  ] as const
  for (const [index, [answer, status, type]] of faults.entries()) {
    assert.deepEqual(fault(answer), [status, type], `${index}`)
  }
  const there = (await post({ local_port_id: port.id, local_ip_address: '10.0.0.8' })).body.local_ip
  assert.deepEqual([there.local_ip_address, there.network_id], ['10.0.0.8', network.id])
  await blue.update('local_ip', own.id, { name: 'ns' })
  assert.equal((await blue.list('local_ip', '?name=ns')).length, 1)
  await blue.remove('local_ip', own.id)
  await blue.remove('local_ip', there.id)
  const left = await blue.list('port')
  assert.deepEqual(left.map((one) => one.id).sort(), [bare.id, port.id].sort(), 'its own port went with it')
  await blue.remove('port', port.id)
  await blue.remove('subnet', subnet.id)
  const rows = await store.read((tx) => tx.db.selectFrom('local_ips').selectAll().execute())
  assert.deepEqual(rows, [])
})

onCloud('a local IP stands for ports that are associated with it', async (cloud) => {
  const blue = cloud.as('blue')
  await cloud.beat('h1', { ovs: ovsHost('192.0.2.1') })
  const network = await blue.create('network', {})
  await blue.create('subnet', { network_id: network.id, ip_version: 4, cidr: '10.0.0.0/24' })
  const local = await blue.create('local_ip', { network_id: network.id })
  const port = await blue.create('port', { network_id: network.id })
  await cloud.admin.update('port', port.id, { 'binding:host_id': 'h1' })
  const at = `local-ips/${local.id}/port_associations`
  const post = (body: Shown, who = blue) => who.call('POST', at, { port_association: body })
  const made = await post({ fixed_port_id: port.id })
  const association = {
    local_ip_id: local.id,
    fixed_port_id: port.id,
    fixed_ip: port.fixed_ips[0].ip_address,
    local_ip_address: local.local_ip_address,
    host: 'h1',
  }
  assert.deepEqual(made.body, { port_association: association })
  assert.deepEqual((await blue.call('GET', at)).body, { port_associations: [association] })
  assert.deepEqual((await blue.call('GET', `${at}/${port.id}`)).body, { port_association: association })
  const faults = [
    [await post({ fixed_port_id: port.id }), 409, 'Conflict'],
    [await post({ fixed_port_id: local.id }), 400, 'BadRequest'],
    [await post({ fixed_port_id: port.id, fixed_ip: '10.9.9.9' }), 400, 'LocalIPRequestedIPNotFound'],
    [await post({ fixed_port_id: port.id }, cloud.as('red')), 404, 'LocalIPNotFound'],
    [await blue.call('DELETE', `local-ips/${local.id}`), 409, 'LocalIPInUse'],
    [await blue.call('DELETE', `${at}/${network.id}`), 404, 'LocalIPAssociationNotFound'],
  ] as const
  for (const [index, [answer, status, type]] of faults.entries()) {
    assert.deepEqual(fault(answer), [status, type], `${index}`)
  }
  assert.equal((await blue.call('DELETE', `${at}/${port.id}`)).status, 204)
  assert.equal((await post({ fixed_port_id: port.id })).status, 201)
  await blue.remove('port', port.id)
  assert.deepEqual((await blue.call('GET', at)).body, { port_associations: [] })
  await blue.remove('local_ip', local.id)
})
