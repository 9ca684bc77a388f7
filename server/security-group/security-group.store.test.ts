/** Security groups and their rules through the API, on both engines. */
import assert from 'node:assert/strict'
import { type Caller, onCloud, type Shown, startCloud } from '../features.testing.ts'
import { forEachEngine } from '../store/testing.ts'

const nobody = '11111111-2222-4333-8444-555555555555'

/** What a rule lets through, in a line. */
const brief = (rule: Shown): string =>
  [rule.direction, rule.ethertype, rule.protocol, rule.remote_group_id ? 'group' : rule.remote_ip_prefix]
    .filter((part) => part !== null)
    .join(' ')

const outcome = async (caller: Caller, path: string, body: Shown) => {
  const { status, fault } = await caller.call('POST', path, body)
  return [status, fault]
}

onCloud('a project has a default group from its first network, port, group or list on', async (cloud) => {
  const { admin } = cloud
  const groups = () =>
    cloud.store.read((tx) =>
      tx.db.selectFrom('security_groups').select('project_id').orderBy('project_id').execute(),
    )
  const owners = async () => (await groups()).map((group) => group.project_id)
  assert.deepEqual(await owners(), [])
  const network = await admin.create('network', { shared: true })
  assert.deepEqual(await owners(), ['admin'])
  await admin.list('security_group', '?project_id=blue')
  await admin.list('security_group_rule', '?project_id=blue')
  assert.deepEqual(await owners(), ['admin'], 'a look from outside makes nothing')
  await cloud.as('blue').list('security_group')
  await cloud.as('red').create('port', { network_id: network.id })
  await cloud.as('green').list('security_group_rule')
  await admin.create('port', { network_id: network.id, project_id: 'teal' })
  await admin.create('security_group', { project_id: 'wine' })
  assert.deepEqual(await owners(), ['admin', 'blue', 'green', 'red', 'teal', 'wine', 'wine'])

  const [group] = await cloud.as('blue').list('security_group')
  assert.ok(group)
  assert.deepEqual(
    [group.name, group.description, group.stateful, group.shared, group.project_id],
    ['default', 'Default security group', true, false, 'blue'],
  )
  assert.deepEqual(group.security_group_rules.map(brief).sort(), [
    'egress IPv4',
    'egress IPv6',
    'ingress IPv4 group',
    'ingress IPv6 group',
  ])
  const own = group.security_group_rules.filter((rule: Shown) => rule.remote_group_id === group.id)
  assert.equal(own.length, 2)
  assert.ok(group.security_group_rules.every((rule: Shown) => rule.belongs_to_default_sg === true))
})

onCloud('groups are made with the rules to let everything out, and changed', async ({ as }) => {
  const blue = as('blue')
  const group = await blue.create('security_group', { name: 'web', description: 'd', stateful: false })
  assert.deepEqual(group.security_group_rules.map(brief).sort(), ['egress IPv4', 'egress IPv6'])
  const [rule] = group.security_group_rules
  assert.deepEqual(await blue.show('security_group_rule', rule.id), rule)
  assert.deepEqual([group.name, group.stateful, group.revision_number], ['web', false, 1])
  const renamed = await blue.update('security_group', group.id, { name: 'www', stateful: true })
  assert.deepEqual([renamed.name, renamed.stateful, renamed.revision_number], ['www', true, 2])
  await blue.create('security_group_rule', { security_group_id: group.id, direction: 'ingress' })
  assert.equal((await blue.show('security_group', group.id)).revision_number, 3)
  const [standard] = await blue.list('security_group', '?name=default')
  assert.ok(standard)
  const faults = [
    await blue.call('PUT', `security-groups/${standard.id}`, { security_group: { name: 'x' } }),
    await blue.call('PUT', `security-groups/${group.id}`, { security_group: { name: 'Default' } }),
    await blue.call('POST', 'security-groups', { security_group: { name: 'default' } }),
    await blue.call('DELETE', `security-groups/${standard.id}`),
    await as('red').call('DELETE', `security-groups/${group.id}`),
  ]
  assert.deepEqual(
    faults.map(({ status, fault }) => [status, fault]),
    [
      [409, 'SecurityGroupCannotUpdateDefault'],
      [409, 'SecurityGroupDefaultAlreadyExists'],
      [409, 'SecurityGroupDefaultAlreadyExists'],
      [409, 'SecurityGroupCannotRemoveDefault'],
      [404, 'SecurityGroupNotFound'],
    ],
  )
  await blue.update('security_group', standard.id, { description: 'ours' })
  await blue.remove('security_group', group.id)
  assert.deepEqual(await blue.list('security_group_rule', `?security_group_id=${group.id}`), [])
})

onCloud('rules are taken as they are meant', async ({ as }) => {
  const blue = as('blue')
  const group = await blue.create('security_group', {})
  const create = (body: Shown) =>
    blue.create('security_group_rule', { security_group_id: group.id, direction: 'ingress', ...body })
  const web = await create({
    protocol: 'TCP',
    port_range_min: '80',
    port_range_max: 443,
    remote_ip_prefix: '10.1.2.3/8',
  })
  assert.deepEqual(
    [web.protocol, web.port_range_min, web.port_range_max, web.remote_ip_prefix, web.normalized_cidr],
    ['tcp', 80, 443, '10.1.2.3/8', '10.0.0.0/8'],
  )
  assert.deepEqual([web.ethertype, web.belongs_to_default_sg, web.description], ['IPv4', false, ''])
  const host = await create({ protocol: 17, remote_ip_prefix: '192.0.2.7', description: 'dns' })
  assert.deepEqual([host.protocol, host.remote_ip_prefix, host.description], ['17', '192.0.2.7/32', 'dns'])
  const ping = await create({ ethertype: 'ipv6', protocol: 'icmp', port_range_min: 128, port_range_max: 0 })
  assert.deepEqual([ping.ethertype, ping.protocol, ping.port_range_min], ['IPv6', 'ipv6-icmp', 128])
  const v6 = await create({ ethertype: 'IPv6', remote_ip_prefix: '2001:DB8::1' })
  assert.deepEqual([v6.remote_ip_prefix, v6.normalized_cidr], ['2001:db8::1/128', '2001:db8::1/128'])
  const friend = await create({ remote_group_id: group.id, remote_ip_prefix: '' })
  assert.deepEqual([friend.remote_group_id, friend.remote_ip_prefix], [group.id, null])
  const found = async (query: string) =>
    (await blue.list('security_group_rule', `?security_group_id=${group.id}&${query}`)).map((rule) => rule.id)
  assert.deepEqual(await found('protocol=TCP'), [web.id])
  assert.deepEqual(await found('normalized_cidr=10.0.0.0/8'), [web.id])
  assert.deepEqual(await found('remote_ip_prefix=192.0.2.7'), [host.id])
  assert.deepEqual(await found('port_range_min=80'), [web.id])
  assert.deepEqual(await found(`remote_group_id=${group.id}`), [friend.id])
  assert.deepEqual(await found('belongs_to_default_sg=true'), [])
  await blue.remove('security_group_rule', web.id)
  assert.deepEqual(await found('protocol=tcp'), [])
})

onCloud('rules that make no sense are refused by Neutron’s names', async ({ as }) => {
  const blue = as('blue')
  const group = await blue.create('security_group', {})
  const foreign = await as('red').create('security_group', {})
  const tcp = { protocol: 'tcp' }
  const cases: [Shown, number, string][] = [
    [{ direction: 'up' }, 400, 'HTTPBadRequest'],
    [{ direction: undefined }, 400, 'HTTPBadRequest'],
    [{ ethertype: 'IPv5' }, 400, 'HTTPBadRequest'],
    [{ protocol: 'quic' }, 400, 'SecurityGroupRuleInvalidProtocol'],
    [{ protocol: 256 }, 400, 'SecurityGroupRuleInvalidProtocol'],
    [{ protocol: -1 }, 400, 'SecurityGroupRuleInvalidProtocol'],
    [{ ...tcp, port_range_min: 80, port_range_max: 65536 }, 400, 'SecurityGroupInvalidPortValue'],
    [{ ...tcp, port_range_min: 'a', port_range_max: 1 }, 400, 'SecurityGroupInvalidPortValue'],
    [{ ...tcp, port_range_min: 0, port_range_max: 1 }, 400, 'SecurityGroupInvalidPortValue'],
    [{ ...tcp, port_range_min: 2, port_range_max: 1 }, 400, 'SecurityGroupInvalidPortRange'],
    [{ ...tcp, port_range_min: 2 }, 400, 'SecurityGroupInvalidPortRange'],
    [{ port_range_min: 2, port_range_max: 3 }, 400, 'SecurityGroupProtocolRequiredWithPorts'],
    [{ protocol: 'gre', port_range_min: 2, port_range_max: 3 }, 400, 'SecurityGroupInvalidProtocolForPort'],
    [{ protocol: 'icmp', port_range_min: 256 }, 400, 'SecurityGroupInvalidIcmpValue'],
    [{ protocol: 'icmp', port_range_min: 8, port_range_max: 256 }, 400, 'SecurityGroupInvalidIcmpValue'],
    [{ protocol: 'icmp', port_range_max: 0 }, 400, 'SecurityGroupMissingIcmpType'],
    [{ protocol: 'ipv6-icmp' }, 400, 'SecurityGroupEthertypeConflictWithProtocol'],
    [{ protocol: 58 }, 400, 'SecurityGroupEthertypeConflictWithProtocol'],
    [{ remote_ip_prefix: '2001:db8::/32' }, 400, 'SecurityGroupRuleParameterConflict'],
    [{ remote_ip_prefix: '10.0.0.0/33' }, 400, 'InvalidCIDR'],
    [{ remote_ip_prefix: 'all' }, 400, 'InvalidCIDR'],
    [
      { remote_ip_prefix: '10.0.0.0/8', remote_group_id: group.id },
      400,
      'SecurityGroupMultipleRemoteEntites',
    ],
    [{ remote_group_id: nobody }, 404, 'SecurityGroupNotFound'],
    [{ remote_group_id: foreign.id }, 404, 'SecurityGroupNotFound'],
    [{ remote_address_group_id: nobody }, 404, 'AddressGroupNotFound'],
    [{ security_group_id: nobody }, 404, 'SecurityGroupNotFound'],
    [{ security_group_id: foreign.id }, 404, 'SecurityGroupNotFound'],
    [{ normalized_cidr: '10.0.0.0/8' }, 400, 'HTTPBadRequest'],
    [{ direction: 'egress' }, 409, 'SecurityGroupRuleExists'],
    [{ direction: 'egress', remote_ip_prefix: '0.0.0.0/0' }, 409, 'SecurityGroupRuleExists'],
  ]
  for (const [body, status, fault] of cases) {
    const rule = { security_group_id: group.id, direction: 'ingress', ...body }
    assert.deepEqual(
      await outcome(blue, 'security-group-rules', { security_group_rule: rule }),
      [status, fault],
      JSON.stringify(body),
    )
  }
  assert.equal((await blue.show('security_group', group.id)).security_group_rules.length, 2)
})

onCloud('rules made together are of one group and all new, or none of them is made', async ({ as }) => {
  const blue = as('blue')
  const [one, two] = await blue.createAll('security_group', [{ name: 'one' }, { name: 'two' }])
  assert.ok(one && two)
  const rule = (port: number, group: Shown = one, more: Shown = {}) => ({
    security_group_id: group.id,
    direction: 'ingress',
    protocol: 'tcp',
    port_range_min: port,
    port_range_max: port,
    ...more,
  })
  const together = (...rules: Shown[]) =>
    outcome(blue, 'security-group-rules', { security_group_rules: rules })
  assert.equal((await blue.createAll('security_group_rule', [rule(80), rule(443)])).length, 2)
  assert.deepEqual(await together(rule(1), rule(1, one, { protocol: 6 })), [
    409,
    'DuplicateSecurityGroupRuleInPost',
  ])
  assert.deepEqual(await together(rule(1), rule(80)), [409, 'SecurityGroupRuleExists'])
  assert.deepEqual(await together(rule(1), rule(1, two)), [400, 'SecurityGroupNotSingleGroupRules'])
  assert.deepEqual(await together(rule(1), rule(2, one, { protocol: null })), [
    400,
    'SecurityGroupProtocolRequiredWithPorts',
  ])
  assert.equal((await blue.list('security_group_rule', `?security_group_id=${one.id}`)).length, 4)
})

onCloud('ports have groups as port security says', async ({ admin, as }) => {
  const blue = as('blue')
  const network = await blue.create('network', {})
  const [standard] = await blue.list('security_group')
  const web = await blue.create('security_group', { name: 'web' })
  const foreign = await as('red').create('security_group', {})
  const port = (body: Shown = {}) => blue.create('port', { network_id: network.id, ...body })
  assert.deepEqual((await port()).security_groups, [standard?.id])
  assert.deepEqual((await port({ security_groups: [] })).security_groups, [])
  assert.deepEqual((await port({ security_groups: null })).security_groups, [])
  assert.deepEqual((await port({ port_security_enabled: false })).security_groups, [])
  const both = await port({ security_groups: [web.id, standard?.id] })
  assert.deepEqual(both.security_groups, [web.id, standard?.id].sort())
  const service = await admin.create('port', {
    network_id: network.id,
    project_id: 'blue',
    device_owner: 'network:router_interface',
  })
  assert.deepEqual(service.security_groups, [])
  assert.deepEqual(
    (await blue.list('port', `?security_groups=${web.id}`)).map((one) => one.id),
    [both.id],
  )

  const refused = async (body: Shown) => outcome(blue, 'ports', { port: { network_id: network.id, ...body } })
  assert.deepEqual(await refused({ security_groups: [foreign.id] }), [404, 'SecurityGroupNotFound'])
  assert.deepEqual(await refused({ security_groups: [nobody] }), [404, 'SecurityGroupNotFound'])
  assert.deepEqual(await refused({ security_groups: [web.id, web.id] }), [400, 'HTTPBadRequest'])
  assert.deepEqual(await refused({ security_groups: ['web'] }), [400, 'HTTPBadRequest'])
  assert.deepEqual(await refused({ security_groups: [web.id], port_security_enabled: false }), [
    400,
    'PortSecurityAndIPRequiredForSecurityGroups',
  ])
  const change = async (body: Shown) => {
    const { status, fault } = await blue.call('PUT', `ports/${both.id}`, { port: body })
    return [status, fault]
  }
  assert.deepEqual(await change({ port_security_enabled: false }), [409, 'PortSecurityPortHasSecurityGroup'])
  const same = await blue.update('port', both.id, { security_groups: both.security_groups.toReversed() })
  assert.equal(same.revision_number, both.revision_number)
  const fewer = await blue.update('port', both.id, { security_groups: [web.id] })
  assert.deepEqual([fewer.security_groups, fewer.revision_number], [[web.id], both.revision_number + 1])
  assert.deepEqual(
    [
      (await blue.call('DELETE', `security-groups/${web.id}`)).fault,
      (await blue.call('PUT', `security-groups/${web.id}`, { security_group: { stateful: false } })).fault,
    ],
    ['SecurityGroupInUse', 'SecurityGroupInUse'],
  )
  const bare = await blue.update('port', both.id, { port_security_enabled: false, security_groups: [] })
  assert.deepEqual([bare.security_groups, bare.port_security_enabled], [[], false])
  assert.deepEqual(await change({ security_groups: [web.id] }), [
    400,
    'PortSecurityAndIPRequiredForSecurityGroups',
  ])
  await blue.remove('security_group', web.id)
})

onCloud('a shared group is used by others, and its rules by its owner alone', async ({ admin, as }) => {
  const [blue, red] = [as('blue'), as('red')]
  const network = await admin.create('network', { shared: true })
  const group = await blue.create('security_group', { name: 'ours' })
  assert.deepEqual(
    await outcome(red, 'ports', { port: { network_id: network.id, security_groups: [group.id] } }),
    [404, 'SecurityGroupNotFound'],
  )
  const policy = await blue.create('rbac_policy', {
    object_type: 'security_group',
    object_id: group.id,
    action: 'access_as_shared',
    target_tenant: 'red',
  })
  assert.equal((await red.show('security_group', group.id)).shared, true)
  assert.deepEqual(
    (await red.list('security_group', '?shared=true')).map((one) => one.name),
    ['ours'],
  )
  assert.equal((await red.show('security_group', group.id)).security_group_rules.length, 2)
  const rule = { security_group_rule: { security_group_id: group.id, direction: 'ingress' } }
  assert.equal((await red.call('POST', 'security-group-rules', rule)).status, 403)
  assert.equal((await red.call('DELETE', `security-groups/${group.id}`)).status, 403)
  const port = await red.create('port', { network_id: network.id, security_groups: [group.id] })
  assert.equal((await blue.call('DELETE', `rbac-policies/${policy.id}`)).fault, 'RbacPolicyInUse')
  await red.remove('port', port.id)
  await blue.remove('rbac_policy', policy.id)
  assert.equal((await red.call('GET', `security-groups/${group.id}`)).status, 404)
})

onCloud('a group that goes takes the rules with it that name it', async ({ as }) => {
  const blue = as('blue')
  const [one, two] = await blue.createAll('security_group', [{}, {}])
  assert.ok(one && two)
  const rule = await blue.create('security_group_rule', {
    security_group_id: one.id,
    direction: 'ingress',
    remote_group_id: two.id,
  })
  const before = await blue.show('security_group', one.id)
  await blue.remove('security_group', two.id)
  assert.equal((await blue.call('GET', `security-group-rules/${rule.id}`)).fault, 'SecurityGroupRuleNotFound')
  assert.equal((await blue.show('security_group', one.id)).revision_number, before.revision_number + 1)
})

onCloud('templates say which rules new groups start with', async ({ admin, as }) => {
  const blue = as('blue')
  await blue.list('security_group')
  const templates = await blue.list('default_security_group_rule')
  assert.equal(templates.length, 4)
  const ssh = await admin.create('default_security_group_rule', {
    direction: 'ingress',
    protocol: 'tcp',
    port_range_min: 22,
    port_range_max: 22,
    description: 'ssh',
  })
  assert.deepEqual([ssh.used_in_default_sg, ssh.used_in_non_default_sg], [false, true])
  const mutual = await admin.create('default_security_group_rule', {
    direction: 'ingress',
    protocol: 'udp',
    remote_group_id: 'PARENT',
    used_in_default_sg: true,
  })
  const group = await blue.create('security_group', {})
  const udp = group.security_group_rules.find((rule: Shown) => rule.protocol === 'udp')
  assert.equal(udp.remote_group_id, group.id)
  assert.deepEqual(
    group.security_group_rules.find((rule: Shown) => rule.protocol === 'tcp').description,
    'ssh',
  )
  const [fresh] = await as('red').list('security_group')
  assert.deepEqual(fresh?.security_group_rules.map(brief).sort(), [
    'egress IPv4',
    'egress IPv6',
    'ingress IPv4 group',
    'ingress IPv4 udp group',
    'ingress IPv6 group',
  ])
  const post = async (caller: Caller, body: Shown) =>
    outcome(caller, 'default-security-group-rules', { default_security_group_rule: body })
  assert.deepEqual(await post(admin, { direction: 'egress' }), [409, 'DefaultSecurityGroupRuleExists'])
  assert.deepEqual(await post(admin, { direction: 'egress', protocol: 'gre', port_range_min: 1 }), [
    400,
    'SecurityGroupInvalidProtocolForPort',
  ])
  assert.deepEqual(await post(blue, { direction: 'egress', protocol: 'gre' }), [403, 'PolicyNotAuthorized'])
  for (const { id } of [...templates, ssh, mutual]) await admin.remove('default_security_group_rule', id)
  assert.deepEqual((await blue.create('security_group', {})).security_group_rules, [])
})

onCloud(
  'the rules that a group starts with count',
  async ({ admin, as }) => {
    const blue = as('blue')
    const group = await blue.create('security_group', {})
    // Four rules of the default group, two of this one.
    assert.deepEqual(await outcome(blue, 'security-groups', { security_group: {} }), [409, 'OverQuota'])
    const rule = (port: number) => ({
      security_group_rule: {
        security_group_id: group.id,
        direction: 'ingress',
        protocol: 'tcp',
        port_range_min: port,
        port_range_max: port,
      },
    })
    assert.deepEqual(await outcome(blue, 'security-group-rules', rule(1)), [201, undefined])
    assert.deepEqual(await outcome(blue, 'security-group-rules', rule(2)), [409, 'OverQuota'])
    const { quota } = (await admin.call('GET', 'quotas/blue/details')).body
    assert.deepEqual(quota.security_group_rule, { limit: 7, used: 7, reserved: 0 })
    assert.deepEqual(quota.security_group, { limit: -1, used: 2, reserved: 0 })
  },
  { quotas: { quota_security_group_rule: 7 } },
)

forEachEngine('what many ask for at once is there once', async (tools) => {
  const clouds = [await startCloud(tools.store), await startCloud(await tools.open())]
  const [here] = clouds
  assert.ok(here)
  const network = await here.admin.create('network', { shared: true })
  const clients = Array.from({ length: 24 }, (_, i) => (clouds[i % 2] ?? here).as('blue'))
  const ports = await Promise.all(clients.map((blue) => blue.create('port', { network_id: network.id })))
  const groups = await here.as('blue').list('security_group')
  assert.equal(groups.length, 1)
  assert.ok(ports.every((port) => port.security_groups[0] === groups[0]?.id))
  const rule = { security_group_id: groups[0]?.id, direction: 'ingress', protocol: 'tcp' }
  const answers = await Promise.all(
    clients.map((blue, i) =>
      blue.call('POST', 'security-group-rules', {
        security_group_rule: { ...rule, protocol: i % 3 === 0 ? 6 : 'tcp' },
      }),
    ),
  )
  assert.deepEqual(answers.map(({ status, fault }) => `${status} ${fault ?? ''}`).sort(), [
    '201 ',
    ...Array.from({ length: 23 }, () => '409 SecurityGroupRuleExists'),
  ])
  // A group goes, or a port has it: not both.
  const group = await here.as('blue').create('security_group', {})
  const [gone, ...taken] = await Promise.all([
    here.as('blue').call('DELETE', `security-groups/${group.id}`),
    ...ports.map((port, i) =>
      (clouds[i % 2] ?? here)
        .as('blue')
        .call('PUT', `ports/${port.id}`, { port: { security_groups: [group.id] } }),
    ),
  ])
  const users = taken.filter(({ status }) => status === 200).length
  assert.equal(gone?.status, users > 0 ? 409 : 204)
  assert.ok(taken.every(({ status, fault }) => status === 200 || fault === 'SecurityGroupNotFound'))
  for (const cloud of clouds) await cloud.close()
})
