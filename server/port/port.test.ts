import assert from 'node:assert/strict'
import { test } from 'node:test'
import { dnsAssigner, storedDnsName } from './dns.ts'
import { randomMac } from './mac.ts'

test('MACs keep three octets of the base, and the fourth unless it is 00', () => {
  const few = Array.from({ length: 50 }, () => randomMac('fa:16:3e:00:00:00'))
  assert.ok(few.every((mac) => /^fa:16:3e(:[0-9a-f]{2}){3}$/.test(mac)))
  assert.ok(new Set(few.map((mac) => mac.slice(9, 11))).size > 5)
  assert.match(randomMac('FA:16:3E:4F:00:00'), /^fa:16:3e:4f:/)
})

test('names: the own one, full ones, and what addresses are called', () => {
  const names = (name: string, domain: string) => dnsAssigner(domain)(name, [{ ip_address: '10.7.0.5' }])[0]
  assert.deepEqual(names('', 'openstacklocal'), {
    ip_address: '10.7.0.5',
    hostname: 'host-10-7-0-5',
    fqdn: 'host-10-7-0-5.openstacklocal.',
  })
  assert.equal(names('web', 'cloud.example')?.fqdn, 'web.cloud.example.')
  assert.deepEqual(names('web.cloud.example.', 'cloud.example.'), {
    ip_address: '10.7.0.5',
    hostname: 'web',
    fqdn: 'web.cloud.example.',
  })
  assert.equal(dnsAssigner('x')('', [{ ip_address: '2001:db8::5' }])[0]?.hostname, 'host-2001-db8--5')
  assert.equal(storedDnsName('web', 'openstacklocal.'), '')
  assert.equal(storedDnsName('Web', 'cloud.example.'), 'web')
  assert.throws(() => storedDnsName('web.elsewhere.', 'cloud.example'), { name: 'InvalidInput' })
})
