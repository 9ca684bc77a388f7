/** Subnet pools and address scopes through the API, on both engines. */
import assert from 'node:assert/strict'
import { type Answer, type Caller, onCloud, type Shown } from '../features.testing.ts'
import { atOnce, onTwoServers, withStatus } from '../servers.testing.ts'

const fault = (answer: Answer): string => `${answer.status} ${answer.fault}`

const subnetOf = (caller: Caller, network: Shown, body: Shown) =>
  caller.call('POST', 'subnets', { subnet: { network_id: network.id, ip_version: 4, ...body } })

onCloud('what a pool does not say is filled in; its prefixes are made as few as can be', async ({ as }) => {
  const pool = await as('blue').create('subnetpool', {
    name: 'p',
    prefixes: ['10.1.0.0/16', '10.0.0.0/16', '10.0.5.0/24'],
  })
  assert.deepEqual(pool.prefixes, ['10.0.0.0/15'])
  const { ip_version, min_prefixlen, max_prefixlen, default_prefixlen, default_quota } = pool
  assert.deepEqual(
    { ip_version, min_prefixlen, max_prefixlen, default_prefixlen, default_quota },
    { ip_version: 4, min_prefixlen: 8, max_prefixlen: 32, default_prefixlen: 8, default_quota: null },
  )
  assert.deepEqual(
    [pool.shared, pool.is_default, pool.address_scope_id, pool.revision_number],
    [false, false, null, 1],
  )
  const six = await as('blue').create('subnetpool', {
    name: 's',
    prefixes: ['2001:db8::/48'],
    min_prefixlen: 60,
  })
  assert.deepEqual(
    [six.ip_version, six.min_prefixlen, six.max_prefixlen, six.default_prefixlen],
    [6, 60, 128, 60],
  )
  assert.deepEqual(
    (await as('blue').list('subnetpool', '?ip_version=6')).map((one) => one.id),
    [six.id],
  )
})

onCloud('what makes no pool is refused, with the name of the fault', async ({ as }) => {
  const cases: [Shown, string][] = [
    [{ prefixes: [] }, '400 EmptySubnetPoolPrefixList'],
    [{ prefixes: ['10.0.0.0/8', '2001:db8::/32'] }, '400 PrefixVersionMismatch'],
    [{ prefixes: ['10.0.0.0/8', '10.0.0.0/8'] }, '400 HTTPBadRequest'],
    [{ prefixes: ['nowhere'] }, '400 HTTPBadRequest'],
    [{ prefixes: ['10.0.0.0/8'], min_prefixlen: 25, max_prefixlen: 24 }, '400 IllegalSubnetPoolPrefixBounds'],
    [{ prefixes: ['10.0.0.0/8'], max_prefixlen: 33 }, '400 IllegalSubnetPoolPrefixBounds'],
    [{ prefixes: ['10.0.0.0/8'], default_prefixlen: 7 }, '400 IllegalSubnetPoolPrefixBounds'],
    [{ prefixes: ['10.0.0.0/8'], name: ' ' }, '400 HTTPBadRequest'],
    [{ prefixes: ['10.0.0.0/8'], default_quota: -1 }, '400 HTTPBadRequest'],
    [{ prefixes: ['10.0.0.0/8'], shared: true }, '403 PolicyNotAuthorized'],
    [{ prefixes: ['10.0.0.0/8'], is_default: true }, '403 PolicyNotAuthorized'],
    [
      { prefixes: ['10.0.0.0/8'], address_scope_id: '5dd1c6ee-6d4a-4c05-a9ea-a6b3a3d9a5c8' },
      '404 AddressScopeNotFound',
    ],
  ]
  for (const [body, expected] of cases) {
    const answer = await as('blue').call('POST', 'subnetpools', { subnetpool: { name: 'p', ...body } })
    assert.equal(fault(answer), expected, JSON.stringify(body))
  }
  assert.deepEqual(await as('blue').list('subnetpool'), [])
})

onCloud('subnets are cut out of the smallest space that fits, and given back', async ({ as }) => {
  const blue = as('blue')
  const pool = await blue.create('subnetpool', {
    name: 'p',
    prefixes: ['10.0.0.0/22'],
    min_prefixlen: 24,
    max_prefixlen: 28,
    default_prefixlen: 26,
  })
  const network = await blue.create('network', {})
  const cut = (body: Shown = {}) => subnetOf(blue, network, { subnetpool_id: pool.id, ...body })
  const first = (await cut()).body.subnet
  assert.deepEqual([first.cidr, first.gateway_ip, first.subnetpool_id], ['10.0.0.0/26', '10.0.0.1', pool.id])
  assert.deepEqual(first.allocation_pools, [{ start: '10.0.0.2', end: '10.0.0.62' }])
  assert.equal((await cut({ prefixlen: 24 })).body.subnet.cidr, '10.0.1.0/24')
  assert.equal((await cut({ prefixlen: 28 })).body.subnet.cidr, '10.0.0.64/28')
  assert.equal((await cut({ cidr: '10.0.0.128/26' })).body.subnet.cidr, '10.0.0.128/26')
  const refused: [Shown, string][] = [
    [{ prefixlen: 23 }, '400 MinPrefixSubnetAllocationError'],
    [{ prefixlen: 29 }, '400 MaxPrefixSubnetAllocationError'],
    [{ prefixlen: 24, cidr: '10.0.2.0/24' }, '400 BadRequest'],
    [{ cidr: '10.0.0.128/27' }, '409 SubnetAllocationError'],
    [{ cidr: '10.0.4.0/24' }, '409 SubnetAllocationError'],
    [{ ip_version: 6 }, '400 BadRequest'],
    [{ allocation_pools: [{ start: '10.0.0.3', end: '10.0.0.9' }] }, '400 BadRequest'],
    [{ use_default_subnetpool: true }, '400 BadRequest'],
    [{ subnetpool_id: null, use_default_subnetpool: true }, '400 BadRequest'],
    [{ subnetpool_id: network.id }, '404 SubnetPoolNotFound'],
    [{ subnetpool_id: 'prefix_delegation' }, '400 BadRequest'],
    [{ subnetpool_id: null, cidr: '10.9.0.0/24' }, '400 NetworkSubnetPoolAffinityError'],
    [{ subnetpool_id: null }, '400 NetworkSubnetPoolAffinityError'],
  ]
  for (const [body, expected] of refused) {
    assert.equal(fault(await cut(body)), expected, JSON.stringify(body))
  }
  assert.equal(fault(await blue.call('DELETE', `subnetpools/${pool.id}`)), '400 SubnetPoolDeleteError')
  assert.equal((await blue.list('subnet', `?subnetpool_id=${pool.id}`)).length, 4)
  assert.equal((await cut({ prefixlen: 24 })).status, 201)
  assert.equal((await cut({ prefixlen: 24 })).status, 201)
  assert.equal(fault(await cut({ prefixlen: 24 })), '409 SubnetAllocationError')
  await blue.remove('network', network.id)
  const again = await blue.create('network', {})
  for (const expected of ['10.0.0.0/24', '10.0.1.0/24', '10.0.2.0/24', '10.0.3.0/24']) {
    const made = await subnetOf(blue, again, { subnetpool_id: pool.id, prefixlen: 24 })
    assert.equal(made.body.subnet.cidr, expected)
  }
  await blue.remove('network', again.id)
  await blue.remove('subnetpool', pool.id)
})

onCloud('IPv6 pools: /64s of a /48, and quotas counted in /64s for each project', async ({ admin, as }) => {
  const pool = await admin.create('subnetpool', {
    name: 'six',
    prefixes: ['2001:db8:1::/48'],
    shared: true,
    default_quota: 2,
  })
  const cut = async (project: string, prefixlen: number) => {
    const network = await as(project).create('network', {})
    return subnetOf(as(project), network, { ip_version: 6, subnetpool_id: pool.id, prefixlen })
  }
  assert.equal((await cut('blue', 64)).body.subnet.cidr, '2001:db8:1::/64')
  assert.equal((await cut('blue', 65)).body.subnet.cidr, '2001:db8:1:1::/65')
  assert.equal(fault(await cut('blue', 64)), '409 SubnetPoolQuotaExceeded')
  assert.equal((await cut('blue', 65)).status, 201)
  assert.equal(fault(await cut('blue', 128)), '409 SubnetPoolQuotaExceeded')
  assert.equal((await cut('red', 64)).body.subnet.cidr, '2001:db8:1:2::/64')
})

onCloud('there is one default pool a family, which subnets may ask for', async ({ admin, as }) => {
  const make = (prefix: string, is_default = true) =>
    admin.call('POST', 'subnetpools', {
      subnetpool: { name: 'd', prefixes: [prefix], is_default, shared: true, default_prefixlen: 26 },
    })
  const first = (await make('10.0.0.0/16')).body.subnetpool
  assert.equal(fault(await make('10.1.0.0/16')), '400 InvalidInput')
  const second = (await make('10.2.0.0/16', false)).body.subnetpool
  const wanted = await admin.call('PUT', `subnetpools/${second.id}`, { subnetpool: { is_default: true } })
  assert.equal(fault(wanted), '400 InvalidInput')
  const network = await as('blue').create('network', {})
  const made = await subnetOf(as('blue'), network, { use_default_subnetpool: true })
  assert.deepEqual([made.body.subnet.cidr, made.body.subnet.subnetpool_id], ['10.0.0.0/26', first.id])
  assert.equal(
    fault(await subnetOf(as('blue'), network, { ip_version: 6, use_default_subnetpool: true })),
    '400 BadRequest',
  )
  await admin.update('subnetpool', first.id, { is_default: false })
  assert.equal((await admin.update('subnetpool', second.id, { is_default: true })).is_default, true)
})

onCloud('prefixes only grow by update; the actions add, remove and refuse what is used', async ({ as }) => {
  const blue = as('blue')
  const pool = await blue.create('subnetpool', {
    name: 'p',
    prefixes: ['10.0.0.0/24'],
    default_prefixlen: 26,
  })
  const network = await blue.create('network', {})
  const put = (body: Shown) => blue.call('PUT', `subnetpools/${pool.id}`, { subnetpool: body })
  const act = (action: string, body: Shown, caller = blue) =>
    caller.call('PUT', `subnetpools/${pool.id}/${action}`, body)
  assert.equal(fault(await put({ prefixes: ['10.1.0.0/24'] })), '400 IllegalSubnetPoolPrefixUpdate')
  const grown = (await put({ prefixes: ['10.0.0.0/23'], name: 'q' })).body.subnetpool
  assert.deepEqual([grown.prefixes, grown.revision_number, grown.name], [['10.0.0.0/23'], 2, 'q'])
  assert.deepEqual((await act('add_prefixes', { prefixes: ['10.0.2.0/23'] })).body, {
    prefixes: ['10.0.0.0/22'],
  })
  const subnet = (await subnetOf(blue, network, { subnetpool_id: pool.id, cidr: '10.0.2.0/26' })).body.subnet
  assert.equal(subnet.cidr, '10.0.2.0/26')
  assert.equal(
    fault(await act('remove_prefixes', { prefixes: ['10.0.2.0/28'] })),
    '400 IllegalSubnetPoolPrefixUpdate',
  )
  assert.deepEqual((await act('remove_prefixes', { prefixes: ['10.0.0.0/24'] })).body, {
    prefixes: ['10.0.1.0/24', '10.0.2.0/23'],
  })
  assert.equal((await subnetOf(blue, network, { subnetpool_id: pool.id })).body.subnet.cidr, '10.0.2.64/26')
  assert.equal(fault(await act('add_prefixes', { prefixes: ['2001:db8::/48'] })), '400 PrefixVersionMismatch')
  assert.equal(fault(await act('add_prefixes', { prefixes: 'x' })), '400 HTTPBadRequest')
  assert.equal(
    fault(await act('add_prefixes', { prefixes: ['10.9.0.0/24'] }, as('red'))),
    '404 SubnetPoolNotFound',
  )
  assert.deepEqual((await blue.show('subnetpool', pool.id)).prefixes, ['10.0.1.0/24', '10.0.2.0/23'])
})

onCloud('a network takes its subnets on board of a pool', async ({ admin, as }) => {
  const blue = as('blue')
  const pool = await blue.create('subnetpool', { name: 'p', prefixes: ['10.0.0.0/24'] })
  const network = await blue.create('network', {})
  const one = (await subnetOf(blue, network, { cidr: '10.0.0.0/26' })).body.subnet
  const two = (await subnetOf(blue, network, { cidr: '192.168.7.0/24' })).body.subnet
  const six = (await subnetOf(blue, network, { cidr: '2001:db8::/64', ip_version: 6 })).body.subnet
  const onboard = (caller: Caller, body: Shown) =>
    caller.call('PUT', `subnetpools/${pool.id}/onboard_network_subnets`, body)
  assert.equal(fault(await onboard(blue, {})), '400 InvalidInput')
  assert.equal(fault(await onboard(blue, { network_id: one.id })), '404 NetworkNotFound')
  const theirs = await as('red').create('network', {})
  assert.equal(fault(await onboard(blue, { network_id: theirs.id })), '404 NetworkNotFound')
  const done = await onboard(blue, { network_id: network.id })
  assert.deepEqual(done.body, [
    { id: one.id, cidr: one.cidr },
    { id: two.id, cidr: two.cidr },
  ])
  assert.deepEqual((await blue.show('subnetpool', pool.id)).prefixes, ['10.0.0.0/24', '192.168.7.0/24'])
  const shown = await blue.show('subnet', one.id)
  assert.deepEqual([shown.subnetpool_id, shown.revision_number], [pool.id, one.revision_number + 1])
  assert.equal((await blue.show('subnet', six.id)).subnetpool_id, null)
  const more = await subnetOf(blue, network, { subnetpool_id: pool.id, prefixlen: 26 })
  assert.equal(more.body.subnet.cidr, '10.0.0.64/26')
  const other = await blue.create('network', {})
  await subnetOf(blue, other, { cidr: '10.0.0.0/27' })
  assert.equal(fault(await onboard(admin, { network_id: other.id })), '400 IllegalSubnetPoolUpdate')
})

onCloud(
  'address scopes: families, prefixes of their own, and the networks in them',
  async ({ admin, as }) => {
    const blue = as('blue')
    const scope = await blue.create('address_scope', { name: 's', ip_version: 4 })
    assert.deepEqual(scope, {
      id: scope.id,
      name: 's',
      ip_version: 4,
      shared: false,
      project_id: 'blue',
      tenant_id: 'blue',
    })
    const pool = (caller: Caller, prefix: string, address_scope_id: string | null) =>
      caller.call('POST', 'subnetpools', {
        subnetpool: { name: 'p', prefixes: [prefix], address_scope_id, default_prefixlen: 64 - 38 },
      })
    const first = (await pool(blue, '10.0.0.0/16', scope.id)).body.subnetpool
    assert.equal(first.address_scope_id, scope.id)
    assert.equal(fault(await pool(blue, '10.0.8.0/24', scope.id)), '409 AddressScopePrefixConflict')
    assert.equal(
      fault(
        await blue.call('POST', 'subnetpools', {
          subnetpool: { name: 'p', prefixes: ['2001:db8::/48'], address_scope_id: scope.id },
        }),
      ),
      '400 IllegalSubnetPoolIpVersionAssociationToAddressScope',
    )
    assert.equal(
      fault(await pool(as('red'), '10.1.0.0/16', scope.id)),
      '400 IllegalSubnetPoolAssociationToAddressScope',
    )
    const second = (await pool(blue, '10.1.0.0/16', scope.id)).body.subnetpool
    const outside = (await pool(blue, '10.2.0.0/16', null)).body.subnetpool

    const network = await blue.create('network', {})
    assert.deepEqual([network.ipv4_address_scope, network.ipv6_address_scope], [null, null])
    const cut = (one: Shown) => subnetOf(blue, network, { subnetpool_id: one.id })
    assert.equal((await cut(first)).status, 201)
    assert.equal((await cut(second)).status, 201, 'pools of one scope may meet on a network')
    assert.equal(fault(await cut(outside)), '400 NetworkAddressScopeAffinityError')
    assert.equal(
      fault(await subnetOf(blue, network, { cidr: '10.3.0.0/24' })),
      '400 NetworkAddressScopeAffinityError',
    )
    const shown = await blue.show('network', network.id)
    assert.deepEqual([shown.ipv4_address_scope, shown.ipv6_address_scope], [scope.id, null])
    assert.equal(
      fault(await blue.call('PUT', `subnetpools/${first.id}`, { subnetpool: { address_scope_id: null } })),
      '400 NetworkAddressScopeAffinityError',
    )
    assert.equal(fault(await blue.call('DELETE', `address-scopes/${scope.id}`)), '409 AddressScopeInUse')
    assert.equal(
      fault(await blue.call('PUT', `address-scopes/${scope.id}`, { address_scope: { shared: true } })),
      '403 PolicyNotAuthorized',
    )
    assert.equal((await admin.update('address_scope', scope.id, { shared: true, name: 't' })).shared, true)
    assert.equal(
      fault(await admin.call('PUT', `address-scopes/${scope.id}`, { address_scope: { shared: false } })),
      '400 AddressScopeUpdateError',
    )
    const theirs = (await pool(as('red'), '10.7.0.0/16', scope.id)).body.subnetpool
    assert.equal(theirs.address_scope_id, scope.id)
    assert.equal(
      fault(await as('red').call('PUT', `subnetpools/${theirs.id}`, { subnetpool: { name: 'x' } })),
      '400 IllegalSubnetPoolUpdate',
    )
  },
)

onCloud('pools and scopes are shared by RBAC policies, as long as nobody needs them', async ({ as }) => {
  const [blue, red] = [as('blue'), as('red')]
  const pool = await blue.create('subnetpool', {
    name: 'p',
    prefixes: ['10.0.0.0/16'],
    default_prefixlen: 24,
  })
  const network = await red.create('network', {})
  const cut = () => subnetOf(red, network, { subnetpool_id: pool.id })
  assert.equal(fault(await cut()), '404 SubnetPoolNotFound')
  const policy = await blue.create('rbac_policy', {
    object_type: 'subnetpool',
    object_id: pool.id,
    action: 'access_as_shared',
    target_tenant: 'red',
  })
  assert.deepEqual((await red.show('subnetpool', pool.id)).shared, true)
  const subnet = (await cut()).body.subnet
  assert.equal(fault(await blue.call('DELETE', `rbac-policies/${policy.id}`)), '409 RbacPolicyInUse')
  await red.remove('subnet', subnet.id)
  await blue.remove('rbac_policy', policy.id)
  assert.equal(fault(await cut()), '404 SubnetPoolNotFound')
  const scope = await blue.create('address_scope', { name: 's', ip_version: 4 })
  await blue.create('rbac_policy', {
    object_type: 'address_scope',
    object_id: scope.id,
    action: 'access_as_shared',
    target_tenant: 'red',
  })
  assert.equal((await red.show('address_scope', scope.id)).shared, true)
})

onTwoServers('64 clients cut /28s out of a /24: 16 of them, each once', async (one, two) => {
  const pool = await one.admin.create('subnetpool', {
    name: 'p',
    prefixes: ['10.0.0.0/24'],
    shared: true,
    default_prefixlen: 28,
  })
  const networks = await one.as('blue').createAll(
    'network',
    Array.from({ length: 64 }, () => ({})),
  )
  const round = () =>
    atOnce(64, one, two, (caller, index) =>
      subnetOf(caller, networks[index] ?? {}, { subnetpool_id: pool.id }),
    )
  const first = await round()
  const made = withStatus(first, 201)
  const all = Array.from({ length: 16 }, (_, i) => `10.0.0.${i * 16}/28`).sort()
  assert.deepEqual(made.map((answer) => answer.body.subnet.cidr).sort(), all)
  assert.equal(first.filter((answer) => fault(answer) === '409 SubnetAllocationError').length, 48)
  const [deleted, second] = await Promise.all([
    Promise.all(
      made.slice(0, 8).map((answer) => two.as('blue').call('DELETE', `subnets/${answer.body.subnet.id}`)),
    ),
    round(),
  ])
  assert.ok(deleted.every((answer) => answer.status === 204))
  assert.ok(second.every((answer) => [201, 409].includes(answer.status)))
  await round()
  const subnets = await one.as('blue').list('subnet')
  assert.deepEqual(subnets.map((subnet) => subnet.cidr).sort(), all)
  const left = await one.store.read((tx) => tx.db.selectFrom('subnetpool_blocks').select('first').execute())
  assert.deepEqual(left, [])
})

onTwoServers('a quota of four /28s holds while 32 ask at once; so does the one default', async (one, two) => {
  const pool = await one.admin.create('subnetpool', {
    name: 'p',
    prefixes: ['10.0.0.0/16'],
    shared: true,
    default_prefixlen: 28,
    default_quota: 64,
  })
  const networks = await one.as('blue').createAll(
    'network',
    Array.from({ length: 32 }, () => ({})),
  )
  const answers = await atOnce(32, one, two, (caller, index) =>
    subnetOf(caller, networks[index] ?? {}, { subnetpool_id: pool.id }),
  )
  assert.equal(withStatus(answers, 201).length, 4)
  assert.equal(answers.filter((answer) => fault(answer) === '409 SubnetPoolQuotaExceeded').length, 28)
  const defaults = await Promise.all(
    Array.from({ length: 8 }, (_, index) =>
      (index % 2 === 0 ? one : two).admin.call('POST', 'subnetpools', {
        subnetpool: { name: 'd', prefixes: [`10.${index}.0.0/16`], is_default: true },
      }),
    ),
  )
  assert.equal(withStatus(defaults, 201).length, 1)
  assert.equal(defaults.filter((answer) => fault(answer) === '400 InvalidInput').length, 7)
})
