/** One suite over every kind: what it takes and makes of it, what it refuses and in which stage, how filters read. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { addressPairs } from './address-pairs.ts'
import { allocationPools } from './allocation-pools.ts'
import { boolean } from './boolean.ts'
import { cidr } from './cidr.ts'
import { derived, timestamp } from './derived.ts'
import { dhcpOptions } from './dhcp-options.ts'
import { dnsDomain, dnsName } from './dns.ts'
import { fixedIps } from './fixed-ips.ts'
import { hostRoutes } from './host-routes.ts'
import { integer, integerAmong, nonNegative } from './integer.ts'
import { ipAddress } from './ip-address.ts'
import { ConversionError, type Kind, orNull, ValidationError } from './kind.ts'
import { serviceTypes, uniqueStrings, zoneHints } from './lists.ts'
import { macAddressOrNew } from './mac-address.ts'
import { nameservers } from './nameservers.ts'
import { networkSegments } from './network-segments.ts'
import { object } from './object.ts'
import { string } from './string.ts'
import { subnetpoolId, uuid } from './uuid.ts'
import { values } from './values.ts'

interface Suite {
  kind: Kind<unknown>
  /** Pairs of what is sent and what is kept. */
  takes: readonly (readonly [unknown, unknown])[]
  /** Refused by the validator (HTTPBadRequest). */
  refuses: readonly unknown[]
  /** Refused by the converter (InvalidInput). */
  cannotConvert?: readonly unknown[]
  filters?: readonly (readonly [string, string | number | null])[]
}

const id = '0f2b3a5c-1d2e-4f60-8a9b-0c1d2e3f4a5b'

const suites: Record<string, Suite> = {
  boolean: {
    kind: boolean,
    takes: [
      [true, true],
      [false, false],
      ['TRUE', true],
      ['off', false],
      ['y', true],
      [1, true],
      [0, false],
    ],
    refuses: [],
    cannotConvert: [null, '', 'maybe', 2, [], {}, [true]],
    filters: [
      ['True', 1],
      ['no', 0],
    ],
  },
  string: {
    kind: string(3),
    takes: [
      ['', ''],
      ['abc', 'abc'],
      ['😀😀😀', '😀😀😀'],
    ],
    refuses: [null, 1, 'abcd', 'a\0', '\ud800', ['a'], {}],
    filters: [['x', 'x']],
  },
  'string or null': {
    kind: orNull(string(3)),
    takes: [
      [null, null],
      ['a', 'a'],
    ],
    refuses: ['abcd', 1],
  },
  integer: {
    kind: integer,
    takes: [
      [5, 5],
      ['5', 5],
      ['-7', -7],
      [1.0, 1],
    ],
    refuses: [],
    cannotConvert: [null, '', '1.5', 1.5, 'x', 2 ** 53, '99999999999999999999', [], true],
    filters: [['7', 7]],
  },
  'non-negative integer': {
    kind: nonNegative,
    takes: [
      [0, 0],
      ['3', 3],
    ],
    refuses: [-1],
    cannotConvert: ['x'],
  },
  'integer among': {
    kind: integerAmong([4, 6]),
    takes: [
      ['4', 4],
      [6, 6],
    ],
    refuses: [5],
    cannotConvert: [null],
  },
  uuid: {
    kind: uuid,
    takes: [
      [id, id],
      [id.toUpperCase(), id],
      [id.replaceAll('-', ''), id],
      [`{${id}}`, id],
    ],
    refuses: [null, '', 'x', `${id}0`, 5, [id]],
    filters: [['anything', 'anything']],
  },
  'subnet pool': {
    kind: subnetpoolId,
    takes: [
      ['prefix_delegation', 'prefix_delegation'],
      [id, id],
    ],
    refuses: ['x'],
  },
  values: { kind: values(['slaac', 'other']), takes: [['slaac', 'slaac']], refuses: [null, 'SLAAC', '', 1] },
  'ip address': {
    kind: ipAddress,
    takes: [
      ['10.0.0.1', '10.0.0.1'],
      ['2001:DB8::0001', '2001:db8::1'],
    ],
    refuses: [null, '', '10.0.0', '10.0.0.01', '10.0.0.1/24', 1, '::1%eth0', '1.2.3.4\n'],
    filters: [
      ['2001:DB8::1', '2001:db8::1'],
      ['nonsense', 'nonsense'],
    ],
  },
  cidr: {
    kind: cidr,
    takes: [
      ['10.0.0.0/24', '10.0.0.0/24'],
      ['2001:DB8::/64', '2001:db8::/64'],
    ],
    refuses: [null, '10.0.0.0', '10.0.0.0/33', 'x/24', 5],
    filters: [['2001:DB8::/64', '2001:db8::/64']],
  },
  mac: {
    kind: macAddressOrNew,
    takes: [
      ['FA:16:3E:00:00:01', 'fa:16:3e:00:00:01'],
      [null, null],
    ],
    refuses: ['', 'fa:16:3e:00:00', '01:00:5e:00:00:01', '00:00:00:00:00:00', 'fa-16-3e-00-00-01', 5],
    filters: [['FA:16:3E:00:00:01', 'fa:16:3e:00:00:01']],
  },
  'allocation pools': {
    kind: allocationPools,
    takes: [
      [[], []],
      [[{ start: '10.0.0.2', end: '10.0.0.9' }], [{ start: '10.0.0.2', end: '10.0.0.9' }]],
      [[{ start: 'FD00::2', end: 'fd00::9' }], [{ start: 'fd00::2', end: 'fd00::9' }]],
    ],
    refuses: [
      null,
      'x',
      [{}],
      [{ start: '10.0.0.2' }],
      [{ start: '10.0.0.2', end: '10.0.0.9', x: 1 }],
      [null],
    ],
  },
  nameservers: {
    kind: nameservers,
    takes: [
      [null, []],
      [
        ['8.8.8.8', '::1'],
        ['8.8.8.8', '::1'],
      ],
    ],
    refuses: ['8.8.8.8', ['x'], ['8.8.8.8', '8.8.8.8'], [1]],
  },
  'host routes': {
    kind: hostRoutes,
    takes: [
      [null, []],
      [
        [{ destination: '10.1.0.0/16', nexthop: '10.0.0.1' }],
        [{ destination: '10.1.0.0/16', nexthop: '10.0.0.1' }],
      ],
      [[{ destination: '::/0', nexthop: 'FD00::1' }], [{ destination: '::/0', nexthop: 'fd00::1' }]],
    ],
    refuses: [
      'x',
      [{}],
      [{ destination: '10.1.0.1/16', nexthop: '10.0.0.1' }],
      [{ destination: '127.0.0.0/8', nexthop: '10.0.0.1' }],
      [{ destination: '10.1.0.0/16' }],
      [
        { destination: '10.1.0.0/16', nexthop: '10.0.0.1' },
        { destination: '10.1.0.0/16', nexthop: '10.0.0.1' },
      ],
      [{ destination: '10.1.0.0/16', nexthop: '10.0.0.1', metric: 1 }],
    ],
  },
  'fixed IPs': {
    kind: fixedIps,
    takes: [
      [[], []],
      [[{}], [{}]],
      [[{ subnet_id: id, ip_address: '10.0.0.5' }], [{ subnet_id: id, ip_address: '10.0.0.5' }]],
    ],
    refuses: [
      null,
      {},
      [{ ip_address: 'x' }],
      [{ subnet_id: 'x' }],
      [{ ip: '10.0.0.5' }],
      [{ ip_address: null }],
      [{ ip_address: '10.0.0.5' }, { ip_address: '10.0.0.5' }],
    ],
    filters: [['ip_address=10.0.0.5', 'ip_address=10.0.0.5']],
  },
  'address pairs': {
    kind: addressPairs,
    takes: [
      [null, []],
      [[{ ip_address: '10.0.0.9/24' }], [{ ip_address: '10.0.0.0/24' }]],
      [[{ ip_address: '0.0.0.0/0' }], [{ ip_address: '0.0.0.0/0' }]],
      [[{ ip_address: '224.0.0.0/3' }], [{ ip_address: '224.0.0.0/3' }]],
      [
        [{ ip_address: 'FD00::5', mac_address: 'FA:16:3E:00:00:01' }],
        [{ ip_address: 'fd00::5', mac_address: 'fa:16:3e:00:00:01' }],
      ],
    ],
    refuses: [
      {},
      [{}],
      [{ mac_address: 'fa:16:3e:00:00:01' }],
      [{ ip_address: 'x' }],
      [{ ip_address: '10.0.0.5', mac_address: 'x' }],
      [{ ip_address: '10.0.0.5' }, { ip_address: '10.0.0.5' }],
      [{ ip_address: '10.0.0.5', x: 1 }],
      [{ ip_address: '224.0.0.1' }],
      [{ ip_address: '239.255.0.0/16' }],
      [{ ip_address: 'ff02::5' }],
      [{ ip_address: 'ff00::/8' }],
      [{ ip_address: '10.0.0.5', mac_address: '01:00:5e:00:00:01' }],
    ],
  },
  'DHCP options': {
    kind: dhcpOptions,
    takes: [
      [null, null],
      [[{ opt_name: 'mtu', opt_value: '1400' }], [{ opt_name: 'mtu', opt_value: '1400', ip_version: 4 }]],
      [
        [{ opt_name: 'mtu', opt_value: null, ip_version: '6' }],
        [{ opt_name: 'mtu', opt_value: null, ip_version: 6 }],
      ],
      [[{ opt_name: 'router', opt_value: '' }], [{ opt_name: 'router', opt_value: '', ip_version: 4 }]],
    ],
    refuses: [
      {},
      [{}],
      [{ opt_name: 'mtu' }],
      [{ opt_name: 'mtu', opt_value: '' }],
      [{ opt_name: ' ', opt_value: 'x' }],
      [{ opt_name: 'mtu', opt_value: 'x\ndhcp-script=/bin/sh' }],
      [{ opt_name: 'router', opt_value: 'x\r' }],
      [{ opt_name: 'm\ntu', opt_value: 'x' }],
      [{ opt_name: 'mtu', opt_value: 'x', ip_version: 5 }],
      [{ opt_name: 'mtu', opt_value: 'x', other: 5 }],
      [{ opt_name: 'x'.repeat(65), opt_value: 'x' }],
    ],
    cannotConvert: [[{ opt_name: 'mtu', opt_value: 'x', ip_version: 'four' }]],
  },
  'DNS name': {
    kind: dnsName,
    takes: [
      ['', ''],
      ['My-VM', 'my-vm'],
      ['vm.example.org.', 'vm.example.org.'],
    ],
    refuses: ['-x', 'a..b', 'a_b', `${'a'.repeat(64)}`, 'x.42', 'a b', 'a\nb', 'ü'],
    cannotConvert: [null, 5],
  },
  'DNS domain': {
    kind: dnsDomain,
    takes: [
      ['', ''],
      ['Example.Org.', 'example.org.'],
    ],
    refuses: ['example.org', '.', '-.org.', 'a..org.'],
    cannotConvert: [null],
  },
  'unique strings': {
    kind: uniqueStrings(4),
    takes: [
      [[], []],
      [
        ['a', 'b'],
        ['a', 'b'],
      ],
    ],
    refuses: [null, 'a', ['a', 'a'], [''], [' '], ['abcde'], [1]],
    filters: [['a,b', 'a,b']],
  },
  'zone hints': { kind: zoneHints, takes: [[['nova'], ['nova']]], refuses: [null, [''], ['a', 'a'], [1]] },
  'service types': {
    kind: serviceTypes,
    takes: [
      [
        ['compute:nova', 'network:dhcp'],
        ['compute:nova', 'network:dhcp'],
      ],
    ],
    refuses: [null, ['c'], ['computer'], ['compute'], [1], ['network:x', 'network:x']],
  },
  object: {
    kind: object,
    takes: [
      [{}, {}],
      [{ a: [{ b: 'c' }] }, { a: [{ b: 'c' }] }],
    ],
    refuses: [null, [], 'x', { a: '\0' }, { a: ['\ud800'] }, { '\0': 1 }],
  },
  'network segments': {
    kind: networkSegments,
    takes: [
      [
        [{ 'provider:network_type': 'vlan', 'provider:segmentation_id': '5' }],
        [{ 'provider:network_type': 'vlan', 'provider:segmentation_id': 5 }],
      ],
    ],
    refuses: [null, [1], [{ x: 1 }], [{ 'provider:network_type': 5 }]],
    cannotConvert: [[{ 'provider:segmentation_id': 'x' }]],
  },
  timestamp: { kind: timestamp, takes: [], refuses: ['2026-01-31T12:00:00Z', null] },
  derived: { kind: derived({ type: 'array' }), takes: [], refuses: [[], null] },
}

for (const [name, { kind, takes, refuses, cannotConvert = [], filters = [] }] of Object.entries(suites)) {
  test(`kind ${name}`, () => {
    for (const [sent, kept] of takes) assert.deepEqual(kind.parse(sent), kept, JSON.stringify(sent))
    for (const sent of refuses) {
      assert.throws(() => kind.parse(sent), ValidationError, `takes ${JSON.stringify(sent)}`)
    }
    for (const sent of cannotConvert) {
      assert.throws(() => kind.parse(sent), ConversionError, `takes ${JSON.stringify(sent)}`)
    }
    for (const [text, value] of filters) assert.equal(kind.filter?.(text), value)
    // What was taken once is taken again and stays the same: an update may send back what was shown.
    for (const [, kept] of takes) assert.deepEqual(kind.parse(kept), kept)
    assert.equal(typeof kind.schema, 'object')
  })
}

test('no kind changes what it was given to parse', () => {
  for (const [name, { kind, takes }] of Object.entries(suites)) {
    for (const [sent] of takes) {
      const before = JSON.stringify(sent)
      kind.parse(sent)
      assert.equal(JSON.stringify(sent), before, name)
    }
  }
})
