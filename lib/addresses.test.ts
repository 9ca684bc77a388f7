import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  beginningsOf,
  broadcast,
  canonicalCidr,
  canonicalIp,
  contains,
  eui64,
  formatCidr,
  fromSortable,
  hostMask,
  hostRange,
  netmask,
  overlaps,
  parseCidr,
  parseHostPort,
  parseIp,
  sortableAdd,
  sortableIp,
  sortableToIp,
  subtractRanges,
} from './addresses.ts'

function cidr(text: string) {
  const parsed = parseCidr(text)
  assert.ok(parsed, text)
  return parsed
}

test('addresses are read strictly', () => {
  for (const [text, canonical] of [
    ['10.0.0.1', '10.0.0.1'],
    ['255.255.255.255', '255.255.255.255'],
    ['0.0.0.0', '0.0.0.0'],
    ['2001:DB8:0:0::1', '2001:db8::1'],
    ['::', '::'],
    ['fe80::1', 'fe80::1'],
    ['1:0:0:2:0:0:0:3', '1:0:0:2::3'],
  ] as const) {
    assert.equal(canonicalIp(text), canonical)
  }
  for (const text of [
    '',
    '10.0.0',
    '10.0.0.1.',
    '10.0.0.256',
    '010.0.0.1',
    '1.2.3.4\n',
    ' 1.2.3.4',
    '0x7f.0.0.1',
    '10',
    '::1%eth0',
    ':::',
    '2001:db8::g',
    '1:2:3:4:5:6:7',
    '::ffff:10.0.0.1',
    '10.0.0.1/24',
    '::1\n',
  ]) {
    assert.equal(parseIp(text), undefined, JSON.stringify(text))
  }
})

test('the stored form keeps the order and comes back', () => {
  const ordered = [
    '::1',
    '0.0.0.0',
    '9.255.255.255',
    '10.0.0.2',
    '10.0.0.10',
    '255.255.255.255',
    '2001:db8::',
    'ff02::1',
  ]
  const stored = ordered.map(sortableIp)
  assert.deepEqual([...stored].sort(), stored)
  assert.deepEqual(stored.map(fromSortable), ordered)
  assert.ok(stored.every((text) => /^[0-9a-f]{32}$/.test(text)))
  assert.equal(fromSortable(sortableAdd(sortableIp('10.0.0.255'), 1)), '10.0.1.0')
  assert.equal(fromSortable(sortableAdd(sortableIp('2001:db8::1:0'), -1)), '2001:db8::ffff')
  assert.deepEqual(sortableToIp(sortableIp('10.0.0.1')), { version: 4, value: 0x0a000001n })
})

test('prefixes', () => {
  assert.equal(canonicalCidr('10.0.0.77/24'), '10.0.0.0/24')
  assert.equal(canonicalCidr('2001:DB8::1/64'), '2001:db8::/64')
  for (const text of [
    '10.0.0.0',
    '10.0.0.0/33',
    '10.0.0.0/',
    '::/129',
    '10.0.0.0/-1',
    '10.0.0.0/0x8',
    '/24',
    '10.0.0.0/24/24',
  ]) {
    assert.equal(parseCidr(text), undefined, text)
  }
  const small = cidr('192.168.1.16/28')
  assert.equal(formatCidr(small), '192.168.1.16/28')
  assert.equal(broadcast(small), '192.168.1.31')
  assert.equal(netmask(small), '255.255.255.240')
  assert.equal(hostMask(small), '0.0.0.15')
  assert.equal(broadcast(cidr('10.0.0.0/31')), undefined)
  assert.ok(contains(small, '192.168.1.31') && !contains(small, '192.168.1.32') && !contains(small, '::1'))
  assert.ok(contains(cidr('0.0.0.0/0'), '255.255.255.255'))
  assert.ok(overlaps(small, cidr('192.168.0.0/16')) && !overlaps(small, cidr('192.168.1.32/28')))
  assert.deepEqual(hostRange(cidr('10.0.0.0/30')), { first: 0x0a000001n, last: 0x0a000002n })
  assert.deepEqual(hostRange(cidr('10.0.0.4/31')), { first: 0x0a000004n, last: 0x0a000005n })
  assert.deepEqual(hostRange(cidr('fd00::/126')).last, (0xfd00n << 112n) + 3n)
})

test('ranges without holes', () => {
  const range = (first: number, last = first) => ({ first: BigInt(first), last: BigInt(last) })
  assert.deepEqual(subtractRanges([range(1, 10)], [range(1)]), [range(2, 10)])
  assert.deepEqual(subtractRanges([range(1, 10)], [range(5, 6), range(10, 20)]), [range(1, 4), range(7, 9)])
  assert.deepEqual(subtractRanges([range(8, 9), range(1, 3)], [range(2)]), [range(1), range(3), range(8, 9)])
  assert.deepEqual(subtractRanges([range(1, 3)], [range(0, 9)]), [])
})

test('EUI-64', () => {
  assert.equal(eui64('2001:db8::/64', 'fa:16:3e:00:00:01'), '2001:db8::f816:3eff:fe00:1')
  assert.throws(() => eui64('10.0.0.0/24', 'fa:16:3e:00:00:01'), TypeError)
  assert.throws(() => eui64('2001:db8::/64', 'fa:16:3e:00:00'), TypeError)
})

test('a host and a port', () => {
  assert.deepEqual(parseHostPort('cloud.example:9696'), { host: 'cloud.example', port: 9696 })
  assert.deepEqual(parseHostPort('[2001:db8::1]:0'), { host: '2001:db8::1', port: 0 })
  for (const text of ['', ':1', 'a', 'a:', 'a:b', 'a:65536', '2001:db8::1:80', '[::1]', 'a:1 ']) {
    assert.equal(parseHostPort(text), undefined, text)
  }
})

test('a part with three dots tells how an address begins', () => {
  assert.deepEqual(beginningsOf('192.0.2.'), ['192.0.2.'])
  assert.deepEqual(beginningsOf('92.0.2.7'), ['92.0.2.7', '192.0.2.7'])
  assert.equal(beginningsOf('8.0.2.77')?.length, 25)
  assert.equal(beginningsOf('.0.2.7')?.length, 256)
  for (const part of ['', '7', '0.2.', '.0.2', '1.2.3.4.', '1..2.3', '2001:db8::', 'a.0.0.1', '1000.0.2.7']) {
    assert.equal(beginningsOf(part), undefined, part)
  }
})
