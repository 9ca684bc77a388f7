import assert from 'node:assert/strict'
import test from 'node:test'
import { dnsName, optionLine } from './text.ts'

const line = (opt_name: string, opt_value: string | null, ip_version: 4 | 6 = 4) =>
  optionLine('port-1', { opt_name, opt_value, ip_version })

test('options by name and number, for both families, with a tag of the client', () => {
  assert.equal(line('mtu', '1400'), 'tag:port-1,option:mtu,1400')
  assert.equal(line('67', 'boot.img'), 'tag:port-1,67,boot.img')
  assert.equal(line('dns-server', '[2001:db8::1]', 6), 'tag:port-1,option6:dns-server,[2001:db8::1]')
  assert.equal(line('23', '[2001:db8::1]', 6), 'tag:port-1,option6:23,[2001:db8::1]')
  assert.equal(line('tag:!ipxe,bootfile-name', 'x'), 'tag:port-1,tag:!ipxe,option:bootfile-name,x')
  assert.equal(line('ntp-server', '192.0.2.1,192.0.2.2'), 'tag:port-1,option:ntp-server,192.0.2.1,192.0.2.2')
})

test('an option without a value keeps the subnet’s from the client', () => {
  assert.equal(line('router', ''), 'tag:port-1,option:router')
  assert.equal(line('classless-static-route', ' '), 'tag:port-1,option:classless-static-route')
})

test('text that dnsmasq would read as something else is quoted', () => {
  assert.equal(line('domain-name', 'a b'), 'tag:port-1,option:domain-name,"a b"')
  assert.equal(line('domain-name', 'x #y'), 'tag:port-1,option:domain-name,"x #y"')
  assert.equal(line('domain-name', 'say "hi" \\'), 'tag:port-1,option:domain-name,"say \\"hi\\" \\\\"')
})

test('what cannot be said safely is not said', () => {
  const escapes = ['x\ntag:port-2,option:router,6.6.6.6', 'x\ry', 'x\u0000', '\u007f', 'a\tb', 'x\u2028y']
  for (const value of escapes) assert.equal(line('domain-name', value), undefined, JSON.stringify(value))
  const names = [
    '',
    'mtu\n',
    'mtu,1\noption:router',
    'option:mtu',
    'tag:a',
    'tag:a b,mtu',
    'tag:a,tag:b,mtu',
    '#',
  ]
  for (const name of names) assert.equal(line(name, '1'), undefined, JSON.stringify(name))
  // The rest of a line that is too long would be read as a line of its own.
  assert.equal(line('domain-name', 'x'.repeat(1000)), undefined)
  assert.equal(line('mtu', null), undefined)
})

test('names are those of the DNS, without the final dot', () => {
  assert.equal(dnsName('vm-1.example.org.'), 'vm-1.example.org')
  assert.equal(dnsName('_srv.example.org'), '_srv.example.org')
  for (const bad of ['', '.', 'a b', 'a\nb', 'a,b', '-a', 'a..b', 'a#', undefined, 'a'.repeat(254)]) {
    assert.equal(dnsName(bad), undefined, String(bad))
  }
})
