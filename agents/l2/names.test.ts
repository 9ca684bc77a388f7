import assert from 'node:assert/strict'
import test from 'node:test'
import { patchName, tapName, tunnelName } from './names.ts'

test('patch ports are named after the bridge, and a long name ends in a hash', () => {
  assert.equal(patchName('int-', 'br-ex'), 'int-br-ex')
  assert.equal(patchName('phy-', 'br-physnet1'), 'phy-br-physnet1')
  // sha1('br-physnet10') begins with the digits below.
  assert.equal(patchName('int-', 'br-physnet10'), 'int-br-ph63f67f')
  assert.equal(patchName('phy-', 'br-physnet10').length, 15)
  assert.notEqual(patchName('int-', 'br-physnet10'), patchName('int-', 'br-physnet11'))
})

test('tunnel ports are named after the remote address', () => {
  assert.equal(tunnelName('vxlan', '10.0.0.2'), 'vxlan-0a000002')
  assert.equal(tunnelName('gre', '192.168.1.250'), 'gre-c0a801fa')
  assert.match(tunnelName('geneve', '2001:db8::1'), /^geneve-[a-z2-7]{8}$/)
})

test('taps are named after the first 11 characters of the port', () => {
  assert.equal(tapName('9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d'), 'tap9b1deb4d-3b')
})
