import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type AddressableSubnet, diffAddresses, planAddresses } from './fixed-ips.ts'

const subnet = (id: string, cidr: string, more: Partial<AddressableSubnet> = {}): AddressableSubnet => ({
  id,
  cidr,
  ip_version: cidr.includes(':') ? 6 : 4,
  ipv6_ra_mode: null,
  ipv6_address_mode: null,
  allocation_pools: '[]',
  service_types: '[]',
  ...more,
})

const a = subnet('a', '10.0.0.0/24')
const b = subnet('b', '10.1.0.0/24')
const slaac = subnet('slaac', '2001:db8::/64', { ipv6_ra_mode: 'slaac' })
const stateful = subnet('stateful', '2001:db8:1::/64', { ipv6_address_mode: 'dhcpv6-stateful' })
const all = [a, b, slaac, stateful]

const told = (plans: ReturnType<typeof planAddresses>): string[] =>
  plans.map((plan) =>
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
