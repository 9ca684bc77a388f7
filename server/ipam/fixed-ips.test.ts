import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type AddressableSubnet,
  diffAddresses,
  type FixedIpRequest,
  planAddresses,
  servingSubnets,
} from './fixed-ips.ts'

const subnet = (id: string, cidr: string, more: Partial<AddressableSubnet> = {}): AddressableSubnet => ({
  id,
  cidr,
  ip_version: cidr.includes(':') ? 6 : 4,
  ipv6_ra_mode: null,
  ipv6_address_mode: null,
  allocation_pools: '[]',
  service_types: '[]',
  enable_dhcp: 1,
  segment_id: null,
  ...more,
})

const a = subnet('a', '10.0.0.0/24')
const b = subnet('b', '10.1.0.0/24')
const slaac = subnet('slaac', '2001:db8::/64', { ipv6_ra_mode: 'slaac' })
const stateful = subnet('stateful', '2001:db8:1::/64', { ipv6_address_mode: 'dhcpv6-stateful' })
const all = [a, b, slaac, stateful]

const told = (plans: ReturnType<typeof planAddresses>): string[] =>
  plans === undefined
    ? ['deferred']
    : plans.map((plan) =>
        plan.kind === 'any'
          ? `any ${plan.subnets.map((one) => one.id).join('|')}`
          : `${plan.kind} ${plan.subnet.id}${plan.kind === 'specific' ? ` ${plan.ip}` : ''}`,
      )

test('without wishes: any IPv4, any stateful IPv6, and every SLAAC subnet', () => {
  assert.deepEqual(told(planAddresses('n', all, '', undefined)), ['any a|b', 'any stateful', 'eui64 slaac'])
  assert.deepEqual(told(planAddresses('n', [], '', undefined)), [])
})

test('routers choose their SLAAC addresses, others have them unasked', () => {
  const wish = [{ subnet_id: 'slaac' }]
  assert.deepEqual(told(planAddresses('n', all, '', wish)), ['eui64 slaac'])
  assert.deepEqual(told(planAddresses('n', all, 'network:router_interface', wish)), ['any slaac'])
  const gateway = [{ subnet_id: 'slaac', ip_address: '2001:db8::' }]
  assert.deepEqual(told(planAddresses('n', all, 'network:router_interface', gateway)), [
    'specific slaac 2001:db8::',
  ])
})

test('an update keeps what is asked for again, by address or by subnet', () => {
  const current = [
    { subnet_id: 'a', ip_address: '10.0.0.2' },
    { subnet_id: 'a', ip_address: '10.0.0.3' },
    { subnet_id: 'slaac', ip_address: '2001:db8::5' },
  ]
  const auto = new Set(['slaac'])
  assert.deepEqual(diffAddresses(current, [{ subnet_id: 'a' }, { ip_address: '10.0.0.3' }], auto), {
    keep: [current[1], current[0], current[2]],
    remove: [],
    add: [],
  })
  assert.deepEqual(diffAddresses(current, [{ subnet_id: 'b', ip_address: '10.0.0.2' }], auto), {
    keep: [current[2]],
    remove: [current[0], current[1]],
    add: [{ subnet_id: 'b', ip_address: '10.0.0.2' }],
  })
  assert.deepEqual(diffAddresses(current, [], new Set()).remove, current)
})

test('on a routed network the host says which subnets, or the addresses asked for', () => {
  const one = subnet('one', '10.0.0.0/24', { segment_id: 's1' })
  const also = subnet('also', '2001:db8::/64', { segment_id: 's1', ipv6_ra_mode: 'slaac' })
  const two = subnet('two', '10.1.0.0/24', { segment_id: 's2' })
  const service = subnet('service', '10.2.0.0/24', { segment_id: 's2', service_types: '["compute:b"]' })
  const routed = [one, also, two, service]
  const at = (host: string, ...segments: string[]) => ({ host, segments: new Set(segments) })
  const plan = (requested: FixedIpRequest[] | undefined, place = at(''), owner = '') =>
    told(planAddresses('n', routed, owner, requested, place))
  assert.deepEqual(plan(undefined), ['deferred'])
  assert.deepEqual(plan([]), [])
  assert.deepEqual(plan(undefined, at('h', 's1')), ['any one', 'eui64 also'])
  assert.deepEqual(plan(undefined, at('h', 's2', 's3')), ['any two'])
  assert.deepEqual(plan(undefined, at('h', 's2'), 'compute:b'), ['any service|two'])
  assert.deepEqual(plan([{ ip_address: '10.1.0.9' }]), ['specific two 10.1.0.9'])
  assert.deepEqual(plan([{ subnet_id: 'one' }]), ['any one', 'eui64 also'])
  const refused: [string, () => unknown][] = [
    ['HostNotConnectedToAnySegment', () => plan(undefined, at('h'))],
    ['HostNotConnectedToAnySegment', () => plan([], at('h', 's3'))],
    ['HostConnectedToMultipleSegments', () => plan(undefined, at('h', 's1', 's2'))],
    ['FixedIpsSubnetsNotOnSameSegment', () => plan([{ subnet_id: 'one' }, { ip_address: '10.1.0.9' }])],
    ['InvalidInput', () => plan([{ subnet_id: 'two' }], at('h', 's1'))],
    ['InvalidIpForNetwork', () => plan([{ ip_address: '10.1.0.9' }], at('h', 's1'))],
    ['InvalidIpForNetwork', () => plan([{ ip_address: '10.9.0.9' }])],
  ]
  for (const [name, ask] of refused) assert.throws(ask, { name })
})

test('service subnets serve the owner that is one of their types, and no part of it', () => {
  const nova = subnet('nova', '10.0.0.0/24', { service_types: '["compute:nova"]' })
  const compute = subnet('compute', '10.1.0.0/24', { service_types: '["compute:"]', enable_dhcp: 0 })
  const router = subnet('router', '10.2.0.0/24', {
    service_types: '["network:router_gateway","network:dhcp"]',
  })
  const ids = (owner: string, ...subnets: AddressableSubnet[]) =>
    servingSubnets(subnets, owner).map((one) => one.id)
  const cases: [string, string[]][] = [
    ['', ['a']],
    ['c', ['a']],
    ['compute:', ['compute', 'a']],
    ['compute:nova', ['nova', 'a']],
    ['compute:novae', ['a']],
    ['compute:az', ['a']],
    ['computer', ['a']],
    ['network:router_gateway', ['router', 'a']],
    ['network:router_interface', ['a']],
    ['network:dhcp', ['nova', 'router', 'a']],
  ]
  for (const [owner, expected] of cases) {
    assert.deepEqual(ids(owner, nova, compute, router, a), expected, owner)
  }
  assert.deepEqual(ids('compute:x', nova, router), [])
})
