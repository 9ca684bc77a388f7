/** RBAC policies: what they open, who may write them, and that none goes while somebody needs it. */
import assert from 'node:assert/strict'
import { onCloud, type Shown, startCloud } from '../features.testing.ts'
import { forEachEngine } from '../store/testing.ts'

const entry = (network: Shown, target: string, action = 'access_as_shared') => ({
  object_type: 'network',
  object_id: network.id,
  action,
  target_tenant: target,
})

onCloud('a network is open to whom a policy names, as long as it stands', async ({ as }) => {
  const [blue, red, green] = [as('blue'), as('red'), as('green')]
  const network = await blue.create('network', { name: 'n' })
  assert.deepEqual(await red.list('network'), [])
  const policy = await blue.create('rbac_policy', entry(network, 'red'))
  assert.deepEqual(policy, {
    id: policy.id,
    project_id: 'blue',
    tenant_id: 'blue',
    ...entry(network, 'red'),
  })
  assert.equal((await red.show('network', network.id)).shared, true)
  assert.equal((await blue.show('network', network.id)).shared, false)
  assert.equal((await blue.show('network', network.id)).revision_number, network.revision_number + 1)
  assert.deepEqual(await green.list('network'), [])
  assert.deepEqual(await red.list('rbac_policy'), [])
  await red.create('port', { network_id: network.id })
  assert.equal(
    (await green.call('POST', 'ports', { port: { network_id: network.id } })).fault,
    'NetworkNotFound',
  )

  const found = await blue.list('rbac_policy', `?object_id=${network.id}&target_tenant=red`)
  assert.deepEqual(found, [policy])
  const refused = await blue.call('DELETE', `rbac-policies/${policy.id}`)
  assert.deepEqual([refused.status, refused.fault], [409, 'RbacPolicyInUse'])
  const moved = await blue.call('PUT', `rbac-policies/${policy.id}`, {
    rbac_policy: { target_tenant: 'green' },
  })
  assert.deepEqual([moved.status, moved.fault], [409, 'RbacPolicyInUse'])
})

onCloud('a policy may go where another one covers its users', async ({ as, admin }) => {
  const blue = as('blue')
  const network = await blue.create('network', {})
  const single = await blue.create('rbac_policy', entry(network, 'red'))
  await as('red').create('port', { network_id: network.id })
  const all = await admin.create('rbac_policy', entry(network, '*'))
  assert.equal((await blue.show('network', network.id)).shared, true)
  await blue.remove('rbac_policy', single.id)
  assert.equal((await admin.call('DELETE', `rbac-policies/${all.id}`)).fault, 'RbacPolicyInUse')
  const narrowed = await admin.update('rbac_policy', all.id, { target_tenant: 'red' })
  assert.equal(narrowed.target_tenant, 'red')
  await admin.remove('network', (await admin.create('network', { shared: true })).id)
  assert.equal((await admin.list('rbac_policy')).length, 1)
})

onCloud('shared and router:external are policies for all', async ({ admin }) => {
  const network = await admin.create('network', { shared: true, 'router:external': true })
  const policies = await admin.list('rbac_policy', `?object_id=${network.id}`)
  assert.deepEqual(policies.map((one) => [one.action, one.target_tenant]).sort(), [
    ['access_as_external', '*'],
    ['access_as_shared', '*'],
  ])
  for (const policy of policies) await admin.remove('rbac_policy', policy.id)
  const closed = await admin.show('network', network.id)
  assert.deepEqual([closed.shared, closed['router:external']], [false, false])
})

onCloud(
  'policies that make no sense, or are none of the caller’s business, are refused',
  async ({ as, admin }) => {
    const [blue, red] = [as('blue'), as('red')]
    const network = await blue.create('network', {})
    const refusal = async (caller: typeof blue, body: Shown) => {
      const answer = await caller.call('POST', 'rbac-policies', { rbac_policy: body })
      return [answer.status, answer.fault]
    }
    const good = entry(network, 'red')
    assert.deepEqual(await refusal(red, good), [400, 'InvalidInput'])
    assert.deepEqual(await refusal(blue, { ...good, object_type: 'planet' }), [400, 'InvalidInput'])
    assert.deepEqual(await refusal(blue, { ...good, object_type: undefined }), [400, 'InvalidInput'])
    assert.deepEqual(await refusal(blue, { ...good, action: 'access_as_owner' }), [
      400,
      'InvalidActionForType',
    ])
    assert.deepEqual(await refusal(blue, { ...good, object_id: red.call.name }), [400, 'HTTPBadRequest'])
    const nobody = '11111111-2222-4333-8444-555555555555'
    assert.deepEqual(await refusal(blue, { ...good, object_id: nobody }), [400, 'InvalidInput'])
    assert.deepEqual(await refusal(blue, { ...good, target_tenant: '*' }), [403, 'PolicyNotAuthorized'])
    const policy = await blue.create('rbac_policy', good)
    assert.deepEqual(await refusal(blue, good), [409, 'DuplicateRbacPolicy'])
    assert.deepEqual(await refusal(admin, good), [409, 'DuplicateRbacPolicy'])
    const widened = await blue.call('PUT', `rbac-policies/${policy.id}`, {
      rbac_policy: { target_tenant: '*' },
    })
    assert.equal(widened.fault, 'PolicyNotAuthorized')
    assert.equal((await red.call('DELETE', `rbac-policies/${policy.id}`)).status, 404)
    assert.equal((await blue.list('rbac_policy')).length, 1)
  },
)

forEachEngine('policies granted and withdrawn while the network is used strand nobody', async (tools) => {
  const clouds = [await startCloud(tools.store), await startCloud(await tools.open())]
  const [here, there] = clouds
  assert.ok(here && there)
  const blue = here.as('blue')
  const network = await blue.create('network', {})
  const statuses = new Set<number>()
  let policy: string | undefined
  const grantAndWithdraw = async () => {
    policy ??= (await blue.create('rbac_policy', entry(network, 'red'))).id as string
    const { status } = await blue.call('DELETE', `rbac-policies/${policy}`)
    statuses.add(status)
    if (status === 204) policy = undefined
  }
  const use = async (cloud: typeof here) => {
    const red = cloud.as('red')
    const made = await red.call('POST', 'ports', { port: { network_id: network.id } })
    statuses.add(made.status)
    if (made.status !== 201) return
    const open = await here.admin.list('rbac_policy', '?target_tenant=red')
    assert.equal(open.length, 1, 'who has a port has the right to it')
    statuses.add((await red.call('DELETE', `ports/${made.body.port.id}`)).status)
  }
  for (let round = 0; round < 300 && statuses.size < 4; round++) {
    await Promise.all([
      grantAndWithdraw(),
      ...clouds.flatMap((cloud) => [use(cloud), use(cloud), use(cloud)]),
    ])
  }
  assert.deepEqual(
    [...statuses].sort(),
    [201, 204, 404, 409],
    'each side won at times, and nothing else came',
  )
  for (const cloud of clouds) await cloud.close()
})
