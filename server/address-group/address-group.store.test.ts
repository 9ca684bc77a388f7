/** Address groups through the API, on both engines. */
import assert from 'node:assert/strict'
import { onCloud } from '../features.testing.ts'

onCloud('addresses are added and removed in lots', async ({ as }) => {
  const blue = as('blue')
  const group = await blue.create('address_group', { name: 'g', addresses: ['10.0.0.1/8', '2001:DB8::/32'] })
  assert.deepEqual(group, {
    id: group.id,
    name: 'g',
    description: '',
    project_id: 'blue',
    addresses: ['10.0.0.0/8', '2001:db8::/32'],
  })
  const act = async (action: string, addresses: unknown) => {
    const { status, fault, body } = await blue.call('PUT', `address-groups/${group.id}/${action}`, {
      addresses,
    })
    return status === 200 ? body.address_group.addresses : [status, fault]
  }
  const added = ['10.0.0.0/8', '192.0.2.0/24', '2001:db8::/32']
  assert.deepEqual(await act('add_addresses', ['192.0.2.0/24']), added)
  assert.deepEqual(await act('add_addresses', ['192.0.2.9/24', '198.51.100.0/24']), [
    400,
    'AddressesAlreadyExist',
  ])
  assert.deepEqual(await act('remove_addresses', ['192.0.2.0/24', '198.51.100.0/24']), [
    404,
    'AddressesNotFound',
  ])
  for (const wrong of [[], null, '10.0.0.0/8', ['10.0.0.1'], ['x'], ['10.0.0.0/9', '10.0.0.0/9']]) {
    assert.deepEqual(await act('add_addresses', wrong), [400, 'HTTPBadRequest'], JSON.stringify(wrong))
  }
  assert.deepEqual((await blue.show('address_group', group.id)).addresses, added)
  assert.deepEqual(await act('remove_addresses', ['10.0.0.0/8', '2001:db8::/32']), ['192.0.2.0/24'])
  assert.equal((await blue.update('address_group', group.id, { description: 'd' })).description, 'd')
  const refused = await blue.call('PUT', `address-groups/${group.id}`, { address_group: { addresses: [] } })
  assert.equal(refused.status, 400)
  assert.equal(
    (await as('red').call('PUT', `address-groups/${group.id}/add_addresses`, { addresses: ['10.0.0.0/8'] }))
      .status,
    404,
  )
  await blue.remove('address_group', group.id)
  assert.deepEqual(await blue.list('address_group'), [])
})

onCloud('a rule holds its address group, and others use it when it is shared', async ({ as }) => {
  const [blue, red] = [as('blue'), as('red')]
  const group = await blue.create('address_group', { addresses: ['10.0.0.0/8'] })
  const rule = async (caller: typeof blue) => {
    const [security] = await caller.list('security_group', '?name=default')
    return caller.call('POST', 'security-group-rules', {
      security_group_rule: {
        security_group_id: security?.id,
        direction: 'ingress',
        remote_address_group_id: group.id,
      },
    })
  }
  const made = await rule(blue)
  assert.equal(made.body.security_group_rule.remote_address_group_id, group.id)
  assert.equal((await blue.call('DELETE', `address-groups/${group.id}`)).fault, 'AddressGroupInUse')
  assert.equal((await rule(red)).fault, 'AddressGroupNotFound')
  const policy = await blue.create('rbac_policy', {
    object_type: 'address_group',
    object_id: group.id,
    action: 'access_as_shared',
    target_tenant: 'red',
  })
  assert.deepEqual(
    (await red.list('address_group')).map((one) => one.id),
    [group.id],
  )
  const forbidden = await red.call('PUT', `address-groups/${group.id}/add_addresses`, {
    addresses: ['11.0.0.0/8'],
  })
  assert.equal(forbidden.status, 403)
  const theirs = await rule(red)
  assert.equal(theirs.status, 201)
  assert.equal((await blue.call('DELETE', `rbac-policies/${policy.id}`)).fault, 'RbacPolicyInUse')
  await red.remove('security_group_rule', theirs.body.security_group_rule.id)
  await blue.remove('rbac_policy', policy.id)
  await blue.remove('security_group_rule', made.body.security_group_rule.id)
  await blue.remove('address_group', group.id)
})
