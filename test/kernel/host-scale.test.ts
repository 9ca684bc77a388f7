/** Two hundred ports at once, and the restart of an agent that has them: how long it takes, and that nothing is touched. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { HostObject, SegmentRef } from '../../host/objects.ts'
import { segmentKey } from '../../host/objects.ts'
import { type RemoteHost, startRemoteHost } from './host.remote.ts'
import { createTestHost, type TestHost, whyNoTestHosts } from './sandbox.ts'

const count = 200
const segment: SegmentRef = {
  networkId: 'net-1',
  networkType: 'vxlan',
  physicalNetwork: null,
  segmentationId: 7,
}
const numbers = Array.from({ length: count }, (_, i) => i)

function port(n: number): [string, HostObject[]] {
  const name = `tap${n}`
  const mac = `fa:16:3e:00:${(n >> 8).toString(16).padStart(2, '0')}:${(n & 255).toString(16).padStart(2, '0')}`
  const flow = (table: number, priority: number, match: string, actions: string): HostObject => ({
    kind: 'flow',
    bridge: 'br-int',
    table,
    priority,
    match: `in_port={port:${name}}${match}`,
    actions,
  })
  return [
    `port ${n}`,
    [
      { kind: 'ovs-tag', port: name, segment },
      flow(0, 10, ',vlan_tci=0x0000/0x1fff', 'resubmit(,24)'),
      flow(0, 9, '', 'drop'),
      flow(24, 2, `,arp,arp_spa=10.0.${n >> 8}.${n & 255}`, 'resubmit(,25)'),
      flow(24, 1, ',arp', 'drop'),
      flow(24, 0, '', 'resubmit(,25)'),
      flow(25, 2, `,dl_src=${mac}`, `mod_vlan_vid:{vlan:${segmentKey(segment)}},resubmit(,60)`),
    ],
  ]
}

const base: [string, HostObject[]] = [
  'base',
  [
    { kind: 'ovs-bridge', name: 'br-int', datapathType: 'netdev', failMode: 'secure' },
    { kind: 'flow', bridge: 'br-int', table: 0, priority: 0, match: '', actions: 'drop' },
    { kind: 'flow', bridge: 'br-int', table: 60, priority: 3, match: '', actions: 'NORMAL' },
  ],
]

describe('two hundred ports', { skip: whyNoTestHosts() ?? false }, () => {
  let box: TestHost
  let host: RemoteHost
  const dump = (): Promise<string> =>
    box.run(['ovs-ofctl', 'dump-flows', '--no-names', 'br-int', 'cookie=0x4e75/-1'])
  const agesOf = (text: string): number[] =>
    [...text.matchAll(/duration=([\d.]+)s/g)].map((found) => Number(found[1]))

  before(async () => {
    box = await createTestHost('scale')
    host = await startRemoteHost(box)
    await host.become(base)
  })
  after(async () => {
    await host?.stop()
    await box?.destroy()
  })

  test('plugged at once, all are wired', async (t) => {
    // Devices that only sit there: what is measured is our work, not the making of links.
    await box.run(['ip', '-batch', '-'], {
      input: numbers.map((n) => `link add tap${n} type veth peer name p${n}\nlink set tap${n} up\n`).join(''),
    })
    await host.set(...numbers.map(port))
    const plug = numbers.flatMap((n) => [
      ...['--', 'add-port', 'br-int', `tap${n}`],
      ...['--', 'set', 'interface', `tap${n}`, `external_ids:iface-id=port${n}`],
    ])
    await box.run(['ovs-vsctl', ...plug.slice(1)])
    const began = performance.now()
    for (const n of numbers) await host.settled(`port ${n}`)
    t.diagnostic(`settled ${Math.round(performance.now() - began)} ms after the plugging program had ended`)
    assert.equal(agesOf(await dump()).length, count * 6 + 2)
    assert.ok(performance.now() - began < 2000)
  })

  test('one more beside them takes no longer for their number', async (t) => {
    await host.set(['port 0', []])
    await host.idle()
    const began = performance.now()
    await host.become(port(0))
    t.diagnostic(`settled in ${Math.round(performance.now() - began)} ms`)
    assert.ok(performance.now() - began < 500)
  })

  test('a restarted agent has all of it, and writes nothing', async (t) => {
    const ages = agesOf(await dump()).sort((a, b) => a - b)
    const config = await box.run(['ovs-vsctl', 'get', 'Open_vSwitch', '.', 'next_cfg'])
    host.process.kill('SIGKILL')
    await host.process.ended
    await new Promise((resolve) => setTimeout(resolve, 1000))
    host = await startRemoteHost(box)
    const began = performance.now()
    await host.become(base, ...numbers.map(port))
    t.diagnostic(`all settled ${Math.round(performance.now() - began)} ms after the agent had started`)
    assert.ok(performance.now() - began < 1000)
    const later = agesOf(await dump()).sort((a, b) => a - b)
    assert.equal(later.length, ages.length)
    assert.ok((later[0] ?? 0) >= (ages[0] ?? 0) + 1, 'a flow was written again')
    assert.equal(await box.run(['ovs-vsctl', 'get', 'Open_vSwitch', '.', 'next_cfg']), config)
    assert.deepEqual(host.logs, [])
  })
})
