/** What the kernel's and dnsmasq's texts are read as. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { failedLines } from './ip.batch.ts'
import { parseView, withPrefix } from './ip.view.ts'
import { isLeaseText, leasesWithin, parseLeases, servedPrefixes } from './leases.file.ts'

describe('texts of a Linux host', () => {
  test('a namespace, from ip -json', () => {
    const links = [
      {
        ...{
          ifindex: 2,
          link_index: 5,
          ifname: 'tap1',
          flags: ['BROADCAST', 'UP'],
          mtu: 1450,
          ifalias: 'nucleon',
        },
        ...{ address: 'fa:16:3e:00:00:01', linkinfo: { info_kind: 'veth' } },
        addr_info: [
          { family: 'inet', local: '10.0.0.2', prefixlen: 24, scope: 'global' },
          { family: 'inet6', local: 'fe80::1', prefixlen: 64, scope: 'link' },
          { family: 'inet6', local: '2001:db8::9', prefixlen: 64, scope: 'global', dynamic: true },
        ],
      },
    ]
    const routes = [
      { type: 'unicast', dst: 'default', gateway: '10.0.0.1', dev: 'tap1', table: 'main', protocol: '78' },
      { type: 'unicast', dst: '192.0.2.7', dev: 'tap1', protocol: 'static' },
      { type: 'local', dst: '10.0.0.2', dev: 'tap1', table: 'local', protocol: 'kernel' },
      { type: 'unicast', dst: 'default', gateway: 'fe80::2', dev: 'tap1', table: 'main', protocol: 'ra' },
    ]
    const view = parseView(`${JSON.stringify(links)}\n${JSON.stringify(routes)}\n`)
    assert.deepEqual(view.links.get('tap1'), {
      ...{
        index: 2,
        name: 'tap1',
        mac: 'fa:16:3e:00:00:01',
        mtu: 1450,
        up: true,
        alias: 'nucleon',
        type: 'veth',
      },
      peerIndex: 5,
    })
    assert.deepEqual(view.addresses, [{ link: 'tap1', cidr: '10.0.0.2/24' }])
    assert.deepEqual(
      view.routes.map((route) => `${route.destination} ${route.family} ${route.via}`),
      ['default 4 10.0.0.1', '192.0.2.7/32 4 null', 'default 6 fe80::2'],
    )
    assert.equal(withPrefix('2001:db8::1'), '2001:db8::1/128')
  })

  test('which lines of a batch have failed', () => {
    const text =
      'Cannot find device "x"\nCommand failed -:4\nRTNETLINK answers: File exists\nCommand failed -:7\n'
    assert.deepEqual(failedLines(text), [
      { line: 4, reason: 'Cannot find device "x"' },
      { line: 7, reason: 'RTNETLINK answers: File exists' },
    ])
  })

  test('a lease file', () => {
    const text = [
      '1700000000 FA:16:3e:00:00:05 10.0.0.5 host-10-0-0-5 01:fa:16:3e:00:00:05',
      '1700000000 fa:16:3e:00:00:06 10.0.0.6 * *',
      'duid 00:01:00:01:2c:9b:aa:bb:fa:16:3e:00:00:02',
      '1700000000 4065 2001:db8::5 * 00:03:00:01:fa:16:3e:00:00:05',
      '1700000000 T77 2001:db8::6 * 00:02:00:00:ab:11',
    ].join('\n')
    assert.deepEqual(
      parseLeases(text).map((lease) => [lease.ip, lease.mac, lease.clientId, lease.iaid]),
      [
        ['10.0.0.5', 'fa:16:3e:00:00:05', '01:fa:16:3e:00:00:05', undefined],
        ['10.0.0.6', 'fa:16:3e:00:00:06', undefined, undefined],
        ['2001:db8::5', 'fa:16:3e:00:00:05', '00:03:00:01:fa:16:3e:00:00:05', '4065'],
        ['2001:db8::6', undefined, '00:02:00:00:ab:11', '77'],
      ],
    )
    assert.ok(isLeaseText(text))
    assert.ok(isLeaseText(''))
    assert.ok(isLeaseText('\n\n'))
    assert.equal(isLeaseText('nonsense\n'), false)
    assert.equal(isLeaseText(`${text}\n1700000000 fa:16:3e:00`), false)
    assert.equal(parseLeases(text)[2]?.serverId, '00:01:00:01:2c:9b:aa:bb:fa:16:3e:00:00:02')
  })

  test('leases that a server has ranges for', () => {
    const served = servedPrefixes([
      'dnsmasq',
      '--dhcp-range=set:subnet-1,10.0.0.0,static,255.255.255.0,86400s',
      '--dhcp-range=set:subnet-2,2001:db8:1::,static,64,infinite',
    ])
    const kept = [
      '1700000000 fa:16:3e:00:00:05 10.0.0.5 host-10-0-0-5 01:fa:16:3e:00:00:05',
      'duid 00:01:00:01:2c:9b:aa:bb:fa:16:3e:00:00:02',
      '1700000000 4065 2001:db8:1::5 * 00:03:00:01:fa:16:3e:00:00:05',
      '',
    ]
    const others = ['0 fa:16:3e:00:00:06 10.0.1.6 * *', '1700000000 T77 2001:db8:2::6 * 00:02:00:00:ab:11']
    assert.equal(leasesWithin(served, [...others, ...kept].join('\n')), kept.join('\n'))
    assert.equal(leasesWithin([], `${others.join('\n')}\n`), '')
  })
})
