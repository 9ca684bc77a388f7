/** Tunnels between hosts whose endpoints have IPv6 addresses: every type, with the MTU that leaves room for them. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { whyNoTestHosts } from '../kernel/sandbox.ts'
import { type Builder, builderOf, passesWhole, withLargeMtu } from './builder.ts'
import { type CloudHost, capture, createCloud, pings, type WholeCloud } from './cloud.ts'

const skip = whyNoTestHosts() ?? false
let cloud: WholeCloud
let one: CloudHost
let two: CloudHost
let build: Builder

before(async () => {
  if (skip) return
  cloud = await createCloud({ overlay: 6 })
  build = builderOf(cloud)
  one = await cloud.addHost('one')
  two = await cloud.addHost('two')
  await one.startAgent()
  await two.startAgent()
})
after(() => cloud?.destroy())

const types = {
  vxlan: { mtu: 1430, frame: /fd00:2::11\.\d+ > fd00:2::12\.4789: VXLAN, .*vni 9\b/ },
  gre: { mtu: 1438, frame: /fd00:2::11 > fd00:2::12: GREv0, key=0x9,/ },
  geneve: { mtu: 1430, frame: /fd00:2::11\.\d+ > fd00:2::12\.6081: Geneve, .*vni 0x9\b/ },
}

for (const [type, { mtu, frame }] of Object.entries(types)) {
  test(`${type} over IPv6`, { skip }, async () => {
    const wire = { 'provider:network_type': type, 'provider:segmentation_id': 9 }
    const network = await build.network(type, wire, '10.1.0.0/24')
    assert.equal(network.mtu, mtu)
    const a = await build.settle(one, network, '10.1.0.11')
    const b = await build.settle(two, network, '10.1.0.12')
    await build.active(a, b)
    const frames = await capture(cloud.fabrics().underlay.host, one.wires.underlay, 'ip6 and not icmp6')
    assert.ok(await pings(a, '10.1.0.12'))
    assert.match(await frames.stop(), frame)
    assert.ok(await withLargeMtu([a, b], mtu, () => passesWhole(a, '10.1.0.12', mtu)))
  })
}
