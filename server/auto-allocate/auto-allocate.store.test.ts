/** The default external network, and topologies that are allocated when they are asked for, through the API. */
import assert from 'node:assert/strict'
import { type Caller, type Cloud, onCloud, type Shown } from '../features.testing.ts'
import { atOnce, onTwoServers, withStatus } from '../servers.testing.ts'

const external = { 'router:external': true }
const path = 'auto-allocated-topology'

const fault = async (answer: ReturnType<Caller['call']>): Promise<string> => {
  const { status, fault: type } = await answer
  return `${status} ${type ?? ''}`.trim()
}

/** What a topology needs: a default external network, and default subnet pools that all may use. */
async function prepare({ admin }: Cloud, ...prefixes: string[]): Promise<Shown> {
  const network = await admin.create('network', { name: 'out', ...external, is_default: true })
  for (const prefix of prefixes) {
    await admin.create('subnetpool', {
      ...{ name: prefix, prefixes: [prefix], shared: true, is_default: true },
      default_prefixlen: prefix.includes(':') ? 64 : 26,
    })
  }
  return network
}

const get = async (caller: Caller, project = 'null'): Promise<Shown> => {
  const { status, body } = await caller.call('GET', `${path}/${project}`)
  assert.equal(status, 200, JSON.stringify(body))
  return body.auto_allocated_topology
}

onCloud('one external network of the cloud is the default', async ({ admin, as }) => {
  const inner = await admin.create('network', {})
  assert.equal(inner.is_default, false)
  const first = await admin.create('network', { ...external, is_default: true })
  assert.equal(first.is_default, true)
  assert.deepEqual(
    (await as('blue').list('network', '?is_default=true')).map((one) => one.id),
    [first.id],
  )
  const refused = await admin.call('POST', 'networks', { network: { ...external, is_default: true } })
  assert.equal(refused.fault, 'DefaultExternalNetworkExists')
  assert.equal(refused.status, 409)
  assert.ok(refused.body.NeutronError.message.includes(first.id))
  const second = await admin.create('network', external)
  const makeDefault = () => admin.call('PUT', `networks/${second.id}`, { network: { is_default: true } })
  assert.equal(await fault(makeDefault()), '409 DefaultExternalNetworkExists')
  const same = await admin.update('network', first.id, { is_default: true })
  assert.equal(same.revision_number, first.revision_number)
  const ended = await admin.update('network', first.id, { is_default: false })
  assert.deepEqual([ended.is_default, ended.revision_number], [false, first.revision_number + 1])
  assert.equal((await makeDefault()).body.network.is_default, true)
  await admin.remove('network', second.id)
  const back = await admin.update('network', inner.id, { ...external, is_default: true })
  assert.deepEqual([back.is_default, back['router:external']], [true, true])

  const own = await as('blue').create('network', {})
  for (const call of [
    as('blue').call('POST', 'networks', { network: { is_default: true } }),
    as('blue').call('PUT', `networks/${own.id}`, { network: { is_default: true } }),
  ]) {
    assert.equal(await fault(call), '403 PolicyNotAuthorized')
  }
})

onCloud('a network that is not external is no default, and does not become one again', async ({ admin }) => {
  const network = await admin.create('network', { is_default: true })
  assert.equal(network.is_default, false)
  assert.equal((await admin.update('network', network.id, { is_default: true })).is_default, false)
  await admin.update('network', network.id, { ...external, is_default: true })
  assert.equal((await admin.update('network', network.id, { 'router:external': false })).is_default, false)
  assert.equal((await admin.update('network', network.id, external)).is_default, false)

  await admin.update('network', network.id, { is_default: true })
  const entries = async () => admin.list('rbac_policy', `?object_id=${network.id}`)
  const [forAll] = await entries()
  const forBlue = await admin.create('rbac_policy', {
    ...{ object_type: 'network', object_id: network.id },
    ...{ action: 'access_as_external', target_tenant: 'blue' },
  })
  await admin.remove('rbac_policy', String(forAll?.id))
  assert.equal((await admin.show('network', network.id)).is_default, true)
  await admin.remove('rbac_policy', forBlue.id)
  assert.equal((await admin.show('network', network.id)).is_default, false)
  assert.equal((await admin.create('network', { ...external, is_default: true })).is_default, true)
})

onCloud('a topology is made once, with a subnet of each default pool', async (cloud) => {
  await prepare(cloud, '10.60.0.0/16', 'fd00:60::/48')
  const blue = cloud.as('blue')
  const made = await get(blue)
  assert.deepEqual(made, { id: made.id, tenant_id: 'blue', project_id: 'blue' })
  for (const project of ['null', 'None', 'blue']) assert.deepEqual(await get(blue, project), made)
  assert.deepEqual(await get(cloud.admin, 'blue'), made)
  const fields = await blue.call('GET', `${path}/blue?fields=id`)
  assert.deepEqual(fields.body.auto_allocated_topology, { id: made.id })

  const network = await blue.show('network', made.id)
  assert.equal(network.name, 'auto_allocated_network')
  assert.deepEqual(
    [network.project_id, network.admin_state_up, network.shared, network['router:external']],
    ['blue', true, false, false],
  )
  const subnets = await blue.list('subnet', `?network_id=${made.id}&sort_key=ip_version&sort_dir=asc`)
  assert.deepEqual(
    subnets.map(({ name, cidr, project_id }) => [name, cidr, project_id]),
    [
      ['auto_allocated_subnet_v4', '10.60.0.0/26', 'blue'],
      ['auto_allocated_subnet_v6', 'fd00:60::/64', 'blue'],
    ],
  )
  const groups = await blue.list('security_group')
  assert.deepEqual(
    groups.map((group) => group.name),
    ['default'],
  )
  // An administrator's call is for whom he names; another project has its own.
  const red = await get(cloud.admin, 'red')
  assert.equal((await cloud.as('red').show('network', red.id)).project_id, 'red')
  assert.notEqual(red.id, made.id)
})

onCloud('a topology goes with what was made for it, unless it is used', async (cloud) => {
  await prepare(cloud, '10.60.0.0/16')
  const blue = cloud.as('blue')
  await cloud.beat('net-1', { dhcp: {} })
  const { id } = await get(blue)
  const port = await blue.create('port', { network_id: id })
  assert.equal(await fault(blue.call('DELETE', `${path}/null`)), '409 NetworkInUse')
  assert.equal((await get(blue)).id, id)
  await blue.remove('port', port.id)
  assert.equal(await fault(blue.call('DELETE', `${path}/null`)), '204')
  assert.deepEqual(await blue.list('subnet'), [])
  assert.equal(await fault(blue.call('GET', `networks/${id}`)), '404 NetworkNotFound')
  assert.equal(await fault(blue.call('DELETE', `${path}/null`)), '204')

  // Who deletes the network itself is given another.
  const next = await get(blue)
  assert.notEqual(next.id, id)
  assert.equal((await blue.list('subnet'))[0]?.cidr, '10.60.0.0/26')
  await blue.remove('network', next.id)
  assert.notEqual((await get(blue)).id, next.id)
})

onCloud('what a topology needs is looked at alone, or asked for', async (cloud) => {
  const { admin } = cloud
  const blue = cloud.as('blue')
  const refusals = async () => [
    await fault(blue.call('GET', `${path}/null?fields=dry-run`)),
    await fault(blue.call('GET', `${path}/null`)),
  ]
  const both = ['409 AutoAllocationFailure', '409 AutoAllocationFailure']
  assert.deepEqual(await refusals(), both)
  const outside = await prepare(cloud)
  assert.deepEqual(await refusals(), both)
  // A default pool that nobody else may use is none for others.
  const closed = await admin.create('subnetpool', {
    ...{ name: 'closed', prefixes: ['10.60.0.0/16'], is_default: true },
  })
  assert.deepEqual(await refusals(), both)
  assert.equal((await admin.call('GET', `${path}/null?fields=dry-run`)).status, 200)
  await admin.remove('subnetpool', closed.id)
  const small = { name: 'small', prefixes: ['10.61.0.0/25'], shared: true, is_default: true }
  const pool = await admin.create('subnetpool', { ...small, default_prefixlen: 25 })
  const passed = await blue.call('GET', `${path}/null?fields=dry-run`)
  assert.deepEqual(passed.body, { auto_allocated_topology: { id: 'dry-run=pass', tenant_id: 'blue' } })
  assert.deepEqual(await blue.list('network', '?router:external=false'), [])

  // A pool that has nothing left: no half of a topology stays.
  await get(cloud.as('red'))
  assert.equal(await fault(blue.call('GET', `${path}/null`)), '409 AutoAllocationFailure')
  assert.deepEqual(await blue.list('network', '?router:external=false'), [])
  assert.equal(await fault(cloud.as('red').call('DELETE', `${path}/red`)), '204')
  await get(blue)
  // What is there is answered, whatever has become of what it needed.
  await admin.update('network', outside.id, { is_default: false })
  await admin.update('subnetpool', pool.id, { is_default: false })
  await get(blue)
})

onCloud('topologies of others are not to be seen, made or deleted', async (cloud) => {
  await prepare(cloud, '10.60.0.0/16')
  const red = cloud.as('red')
  for (const method of ['GET', 'DELETE'] as const) {
    assert.equal(await fault(red.call(method, `${path}/blue`)), '403 PolicyNotAuthorized')
    assert.equal(await fault(cloud.as('nova').call(method, `${path}/null`)), '403 PolicyNotAuthorized')
  }
  assert.deepEqual(await cloud.admin.list('network', '?project_id=blue'), [])
  for (const [method, where] of [
    ['GET', path],
    ['POST', path],
    ['PUT', `${path}/red`],
  ] as const) {
    assert.equal(await fault(red.call(method, where)), '405 HTTPMethodNotAllowed', `${method} ${where}`)
  }
})

onCloud(
  'a topology counts towards the quotas of its project',
  async (cloud) => {
    await prepare(cloud, '10.60.0.0/16', 'fd00:60::/48')
    const blue = cloud.as('blue')
    assert.equal(await fault(blue.call('GET', `${path}/null`)), '409 OverQuota')
    assert.deepEqual(await blue.list('network', '?router:external=false'), [])
    await cloud.admin.call('PUT', 'quotas/blue', { quota: { subnet: 2, network: 1 } })
    await get(blue)
  },
  { quotas: { quota_subnet: 1 } },
)

onTwoServers('who asks at the same time is given the same network', async (one, two) => {
  await prepare(one, '10.60.0.0/16', 'fd00:60::/48')
  for (const round of [1, 2]) {
    const answers = await atOnce(16, one, two, (caller) => caller.call('GET', `${path}/null`))
    assert.equal(withStatus(answers, 200).length, 16, JSON.stringify(answers))
    assert.equal(new Set(answers.map(({ body }) => body.auto_allocated_topology.id)).size, 1)
    const networks = await one.as('blue').list('network', '?name=auto_allocated_network')
    assert.equal(networks.length, 1, `round ${round}`)
    assert.equal((await one.as('blue').list('subnet')).length, 2)
    const ends = await atOnce(16, one, two, (caller) => caller.call('DELETE', `${path}/null`))
    assert.equal(withStatus(ends, 204).length, 16, JSON.stringify(ends))
  }
})

onTwoServers('many projects at the same time are each given their own', async (one, two) => {
  await prepare(one, '10.60.0.0/16')
  const answers = await Promise.all(
    Array.from({ length: 16 }, (_, i) => get((i % 2 ? one : two).as(`project-${i >> 1}`))),
  )
  assert.equal(new Set(answers.map(({ id }) => id)).size, 8)
  const subnets = await one.admin.list('subnet')
  assert.equal(new Set(subnets.map(({ cidr }) => cidr)).size, 8)
})

onTwoServers('of many that would be the default external network one is', async (one, two) => {
  const answers = await Promise.all(
    Array.from({ length: 16 }, (_, i) =>
      (i % 2 ? one : two).admin.call('POST', 'networks', { network: { ...external, is_default: true } }),
    ),
  )
  assert.equal(withStatus(answers, 201).length, 1)
  const lost = answers.filter(({ status }) => status !== 201)
  assert.ok(lost.every(({ fault: type }) => type === 'DefaultExternalNetworkExists'))
  assert.equal((await one.admin.list('network', '?is_default=true')).length, 1)
})
