import assert from 'node:assert/strict'
import test from 'node:test'
import { defaultSettings, type NetworkingSettings } from '../settings.ts'
import { maximumMtu } from './mtu.ts'

type Changes = { [S in keyof NetworkingSettings]?: Partial<NetworkingSettings[S]> }

function mtuOf(types: readonly string[], changes: Changes = {}): number {
  const settings = defaultSettings()
  const changed = Object.fromEntries(
    Object.entries(settings).map(([name, section]) => [
      name,
      { ...section, ...changes[name as keyof NetworkingSettings] },
    ]),
  ) as NetworkingSettings
  const segments = types.map((text) => {
    const [network_type = '', physical_network = null] = text.split(' ')
    return { network_type, physical_network }
  })
  return maximumMtu(changed, segments)
}

test('defaults are those of Neutron', () => {
  const defaults = { 'vlan a': 1500, 'flat a': 1500, local: 1500, vxlan: 1450, gre: 1458, geneve: 1450 }
  for (const [type, mtu] of Object.entries(defaults)) assert.equal(mtuOf([type]), mtu, type)
})

test('tunnels over IPv6 cost 20 bytes more', () => {
  const ml2 = { overlay_ip_version: 6 }
  assert.deepEqual(
    ['vxlan', 'gre', 'geneve'].map((type) => mtuOf([type], { ml2 })),
    [1430, 1438, 1430],
  )
})

test('max_header_size is the Geneve header', () => {
  assert.equal(mtuOf(['geneve'], { ml2_type_geneve: { max_header_size: 38 } }), 1442)
  assert.equal(mtuOf(['vxlan'], { ml2_type_geneve: { max_header_size: 38 } }), 1450)
})

test('the lower of global_physnet_mtu and path_mtu counts for tunnels, each only where it is set', () => {
  const tunnel = (global: number, path: number) =>
    mtuOf(['vxlan'], { DEFAULT: { global_physnet_mtu: global }, ml2: { path_mtu: path } })
  assert.deepEqual([tunnel(9000, 1600), tunnel(1500, 9000), tunnel(0, 1600)], [1550, 1450, 1550])
  assert.equal(tunnel(0, 0), 1500, 'nothing known')
})

test('physical_network_mtus counts for flat and VLAN, where it is lower', () => {
  const ml2 = {
    physical_network_mtus: new Map([
      ['small', 1400],
      ['big', 9000],
    ]),
  }
  assert.deepEqual(
    ['vlan small', 'vlan big', 'flat small', 'flat other'].map((type) => mtuOf([type], { ml2 })),
    [1400, 1500, 1400, 1500],
  )
  assert.equal(mtuOf(['vlan big'], { ml2, DEFAULT: { global_physnet_mtu: 0 } }), 9000)
})

test('of several segments the smallest counts', () => {
  assert.equal(mtuOf(['vlan a', 'gre', 'vxlan']), 1450)
})
