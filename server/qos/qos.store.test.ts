/** QoS: policies, rules and their routes, and where policies apply, through the API on both engines. */
import assert from 'node:assert/strict'
import { type Answer, onCloud, type Shown } from '../features.testing.ts'

const fault = ({ status, fault }: Answer) => [status, fault]

onCloud('a policy has rules, counts their changes, and takes them with it', async ({ admin, as }) => {
  const policy = await admin.create('policy', { name: 'gold', project_id: 'blue' })
  assert.deepEqual(
    [policy.rules, policy.shared, policy.is_default, policy.revision_number, policy.tags],
    [[], false, false, 1, []],
  )
  const at = `qos/policies/${policy.id}`
  const post = (type: string, body: Shown) =>
    admin.call('POST', `${at}/${type}_rules`, { [`${type}_rule`]: body })
  const limit = (await post('bandwidth_limit', { max_kbps: '1000' })).body.bandwidth_limit_rule
  assert.deepEqual(limit, { id: limit.id, max_kbps: 1000, max_burst_kbps: 0, direction: 'egress' })
  assert.deepEqual((await post('dscp_marking', { dscp_mark: 26 })).body.dscp_marking_rule.dscp_mark, 26)
  assert.equal((await post('minimum_bandwidth', { min_kbps: 1000 })).status, 201)
  assert.equal((await post('packet_rate_limit', { max_kpps: 5, direction: 'ingress' })).status, 201)
  assert.equal((await post('minimum_packet_rate', { min_kpps: 5, direction: 'any' })).status, 201)
  const shown = await as('blue').show('policy', policy.id)
  assert.equal(shown.revision_number, 6)
  const said = shown.rules.find((rule: Shown) => rule.type === 'bandwidth_limit')
  assert.deepEqual(said, { ...limit, type: 'bandwidth_limit', qos_policy_id: policy.id })
  assert.equal(shown.rules.length, 5)

  const faults = [
    [await post('bandwidth_limit', { max_kbps: 5 }), 409, 'QoSRulesConflict'],
    [await post('dscp_marking', { dscp_mark: 8 }), 409, 'QoSRulesConflict'],
    [await post('minimum_packet_rate', { min_kpps: 5, direction: 'ingress' }), 409, 'QoSRulesConflict'],
    [await post('dscp_marking', { dscp_mark: 7 }), 400, 'HTTPBadRequest'],
    [await post('bandwidth_limit', { max_kbps: 2 ** 31, direction: 'ingress' }), 400, 'HTTPBadRequest'],
    [await post('bandwidth_limit', { direction: 'ingress' }), 400, 'HTTPBadRequest'],
    [await post('packet_rate_limit', { max_kpps: 1, direction: 'any' }), 400, 'HTTPBadRequest'],
    [await admin.call('GET', `${at}/bandwidth_limit_rules/${policy.id}`), 404, 'QosRuleNotFound'],
    [await admin.call('GET', `${at}/dscp_marking_rules/${limit.id}`), 404, 'QosRuleNotFound'],
    [await admin.call('DELETE', `${at}/dscp_marking_rules/${limit.id}`), 404, 'QosRuleNotFound'],
    [await admin.call('GET', `qos/policies/${limit.id}`), 404, 'QosPolicyNotFound'],
    [await as('blue').call('DELETE', at), 403, 'PolicyNotAuthorized'],
    [await as('red').call('GET', at), 404, 'QosPolicyNotFound'],
    [await as('red').call('GET', `${at}/bandwidth_limit_rules`), 404, 'QosPolicyNotFound'],
  ] as const
  for (const [index, [answer, status, type]] of faults.entries()) {
    assert.deepEqual(fault(answer), [status, type], `${index}`)
  }
  const put = (body: Shown) =>
    admin.call('PUT', `${at}/bandwidth-limit-rules/${limit.id}`, { bandwidth_limit_rule: body })
  assert.deepEqual(fault(await put({ max_kbps: 999 })), [409, 'QoSRuleParameterConflict'])
  assert.equal((await put({ direction: 'ingress', max_kbps: 999 })).status, 200, 'the other direction')
  const rules = (await as('blue').call('GET', `${at}/bandwidth_limit_rules.json`)).body.bandwidth_limit_rules
  assert.deepEqual(rules, [{ ...limit, direction: 'ingress', max_kbps: 999 }])
  assert.equal((await admin.call('DELETE', `${at}/bandwidth_limit_rules/${limit.id}`)).status, 204)
  await admin.remove('policy', policy.id)
  assert.deepEqual(await admin.list('policy'), [])
})

onCloud('alias routes name a rule by its id alone', async ({ admin, as, store }) => {
  const policy = await admin.create('policy', { project_id: 'blue' })
  const { bandwidth_limit_rule: rule } = (
    await admin.call('POST', `qos/policies/${policy.id}/bandwidth_limit_rules`, {
      bandwidth_limit_rule: { max_kbps: 7 },
    })
  ).body
  const at = `qos/alias_bandwidth_limit_rules/${rule.id}`
  assert.deepEqual((await as('blue').call('GET', at)).body, { alias_bandwidth_limit_rule: rule })
  assert.deepEqual(fault(await as('red').call('GET', at)), [404, 'QosRuleNotFound'])
  assert.deepEqual(fault(await admin.call('GET', at.replace('bandwidth_limit', 'dscp_marking'))), [
    404,
    'QosRuleNotFound',
  ])
  const changed = await admin.call('PUT', at, { alias_bandwidth_limit_rule: { max_kbps: 8 } })
  assert.deepEqual(changed.body.alias_bandwidth_limit_rule, { ...rule, max_kbps: 8 })
  assert.equal((await admin.show('policy', policy.id)).revision_number, 3)
  assert.equal((await admin.call('DELETE', at)).status, 204)
  assert.deepEqual((await admin.show('policy', policy.id)).rules, [])
  assert.equal((await admin.call('GET', 'qos/alias-bandwidth-limit-rules')).status, 405)
  const changes = await store.read((tx) =>
    tx.db.selectFrom('changes').select('operation').where('object', '=', 'bandwidth_limit_rule').execute(),
  )
  assert.deepEqual(
    changes.map((one) => one.operation),
    ['create', 'update', 'delete'],
  )
})

onCloud('a project has one default policy, which its new networks get', async ({ admin, as }) => {
  const policy = await admin.create('policy', { project_id: 'blue', is_default: true })
  const again = () => admin.call('POST', 'qos/policies', { policy: { project_id: 'blue', is_default: true } })
  assert.deepEqual(fault(await again()), [409, 'QoSPolicyDefaultAlreadyExists'])
  const other = await admin.create('policy', { project_id: 'blue' })
  const put = (id: string, is_default: boolean) =>
    admin.call('PUT', `qos/policies/${id}`, { policy: { is_default } })
  assert.deepEqual(fault(await put(other.id, true)), [409, 'QoSPolicyDefaultAlreadyExists'])
  const network = await as('blue').create('network', {})
  assert.equal(network.qos_policy_id, policy.id)
  assert.equal((await as('red').create('network', {})).qos_policy_id, null)
  assert.equal((await as('blue').create('network', { qos_policy_id: other.id })).qos_policy_id, other.id)
  assert.equal((await put(policy.id, false)).status, 200)
  assert.equal((await as('blue').create('network', {})).qos_policy_id, null)
  assert.equal((await admin.list('policy', '?is_default=true')).length, 0)
  const port = await as('blue').create('port', { network_id: network.id })
  assert.deepEqual([port.qos_policy_id, port.qos_network_policy_id], [null, policy.id])
  assert.deepEqual(fault(await admin.call('DELETE', `qos/policies/${policy.id}`)), [409, 'QosPolicyInUse'])
  await as('blue').update('network', network.id, { qos_policy_id: null })
  assert.equal((await as('blue').show('port', port.id)).qos_network_policy_id, null)
  await admin.remove('policy', policy.id)
})

onCloud(
  'policies are used by their project and by those that they are shared with',
  async ({ admin, as }) => {
    const mine = await admin.create('policy', { project_id: 'blue' })
    const network = await as('red').create('network', {})
    const post = (qos_policy_id: string) =>
      as('red').call('POST', 'ports', { port: { network_id: network.id, qos_policy_id } })
    assert.deepEqual(fault(await post(mine.id)), [404, 'QosPolicyNotFound'])
    assert.deepEqual(fault(await post(network.id)), [404, 'QosPolicyNotFound'])
    const entry = {
      object_type: 'qos_policy',
      object_id: mine.id,
      action: 'access_as_shared',
      target_tenant: 'red',
    }
    const rbac = await as('blue').create('rbac_policy', entry)
    assert.equal((await as('red').show('policy', mine.id)).shared, true)
    assert.equal((await as('red').list('policy', '?shared=true')).length, 1)
    const port = (await post(mine.id)).body.port
    assert.equal(port.qos_policy_id, mine.id)
    assert.deepEqual(fault(await as('blue').call('DELETE', `rbac-policies/${rbac.id}`)), [
      409,
      'RbacPolicyInUse',
    ])
    await as('red').update('port', port.id, { qos_policy_id: null })
    await as('blue').remove('rbac_policy', rbac.id)
    assert.equal((await as('red').list('policy')).length, 0)

    await admin.update('port', port.id, { qos_policy_id: mine.id })
    const taken = await as('red').call('PUT', `ports/${port.id}`, { port: { qos_policy_id: null } })
    assert.deepEqual(
      fault(taken),
      [403, 'PolicyRemoveAuthorizationError'],
      'what the administrator put stays',
    )
    await as('red').update('port', port.id, { name: 'still mine' })
    const share = (shared: boolean) => admin.call('PUT', `qos/policies/${mine.id}`, { policy: { shared } })
    assert.equal((await share(true)).body.policy.shared, true)
    assert.deepEqual(fault(await share(false)), [409, 'RbacPolicyInUse'])
    await as('red').remove('port', port.id)
    assert.equal((await share(false)).body.policy.shared, false)
    await admin.remove('policy', mine.id)
    assert.deepEqual(await admin.list('rbac_policy'), [])
  },
)

onCloud('kinds of rules tell what drivers take', async ({ as }) => {
  const types = await as('blue').list('rule_type', '?all_supported=true')
  assert.deepEqual(types.map((one) => one.type).sort(), [
    'bandwidth_limit',
    'dscp_marking',
    'minimum_bandwidth',
    'minimum_packet_rate',
    'packet_rate_limit',
  ])
  assert.ok(types.every((one) => one.drivers === undefined))
  const limit = (await as('blue').call('GET', 'qos/rule-types/bandwidth_limit')).body.rule_type
  assert.deepEqual(limit.drivers[0].supported_parameters, [
    { parameter_name: 'max_kbps', parameter_type: 'range', parameter_values: { start: 0, end: 2147483647 } },
    {
      parameter_name: 'max_burst_kbps',
      parameter_type: 'range',
      parameter_values: { start: 0, end: 2147483647 },
    },
    { parameter_name: 'direction', parameter_type: 'choices', parameter_values: ['ingress', 'egress'] },
  ])
  assert.equal((await as('blue').call('GET', 'qos/rule-types/frobnicate')).status, 404)
})

onCloud('guarantees become requests to the placement service', async ({ admin, as }) => {
  const flat = { 'provider:network_type': 'flat', 'provider:physical_network': 'public-1' }
  const network = await admin.create('network', { ...flat, shared: true })
  const tunnel = await admin.create('network', {})
  const policy = await admin.create('policy', { shared: true })
  const rule = async (type: string, body: Shown): Promise<Shown> => {
    const at = `qos/policies/${policy.id}/${type}_rules`
    return (await admin.call('POST', at, { [`${type}_rule`]: body })).body[`${type}_rule`]
  }
  const port = await admin.create('port', { network_id: network.id, qos_policy_id: policy.id })
  assert.equal(port.resource_request, null, 'nothing is guaranteed yet')
  await rule('minimum_bandwidth', { min_kbps: 1000 })
  await rule('minimum_bandwidth', { min_kbps: 500, direction: 'ingress' })
  await rule('bandwidth_limit', { max_kbps: 5000 })
  const one = (await admin.show('port', port.id)).resource_request
  assert.deepEqual(one, {
    request_groups: [
      {
        id: one.request_groups[0].id,
        required: ['CUSTOM_PHYSNET_PUBLIC_1', 'CUSTOM_VNIC_TYPE_NORMAL'],
        resources: { NET_BW_EGR_KILOBIT_PER_SEC: 1000, NET_BW_IGR_KILOBIT_PER_SEC: 500 },
      },
    ],
    same_subtree: [],
  })
  await rule('minimum_packet_rate', { min_kpps: 7, direction: 'any' })
  const both = (await admin.show('port', port.id)).resource_request
  assert.equal(both.request_groups.length, 2)
  assert.deepEqual(
    both.same_subtree,
    both.request_groups.map((group: Shown) => group.id),
  )
  const onTunnel = await admin.create('port', { network_id: tunnel.id, qos_policy_id: policy.id })
  assert.deepEqual(
    onTunnel.resource_request.request_groups.map((group: Shown) => group.resources),
    [{ NET_PACKET_RATE_KILOPACKET_PER_SEC: 7 }],
  )
  await admin.update('network', network.id, { qos_policy_id: policy.id })
  const plain = await as('blue').create('port', { network_id: network.id })
  assert.ok(!('resource_request' in plain), 'for administrators')
  assert.equal((await admin.show('port', plain.id)).resource_request.request_groups.length, 2)
})
