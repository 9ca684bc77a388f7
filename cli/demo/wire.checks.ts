/** Networks of other types than the tenants' VXLAN: VLAN with a host outside of the cloud, and GRE with IPv6. */
import { list } from '../../client/networking.ts'
import { run } from '../../host/run.ts'
import { vsctl } from '../up/bridges.ts'
import { type Check, expectSame, expectSoon } from './check.ts'
import { captureFrames, sendFrames } from './frames.ts'
import { addressOf, ping } from './traffic.checks.ts'
import { type Resident, vlanOutside, type World } from './world.ts'

/** A machine on physnet1 that the cloud knows nothing of: a card on each of these VLANs, `demo-vlan100` … */
async function withOutsider<T>(
  { memory }: World,
  vlans: readonly number[],
  work: (namespace: string, cards: readonly string[]) => Promise<T>,
): Promise<T> {
  const { ovsdb } = memory.ovs
  const namespace = 'demo-outside'
  const cards = vlans.map((vlan) => `demo-vlan${vlan}`)
  // What a demo left that was killed in here.
  await run(['ip', 'netns', 'del', namespace]).catch(() => {})
  await run(['ip', 'netns', 'add', namespace])
  try {
    const ports = vlans.flatMap((vlan, index) => {
      const card = cards[index] ?? ''
      return [
        '--',
        '--may-exist',
        'add-port',
        'br-physnet1',
        card,
        `tag=${vlan}`,
        '--',
        'set',
        'Interface',
        card,
        'type=internal',
      ]
    })
    await vsctl(ovsdb, ports.slice(1))
    const lines = cards.map((card) => `link set ${card} netns ${namespace}`)
    await run(['ip', '-batch', '-'], { input: `${lines.join('\n')}\n` })
    const up = cards.map((card) => `link set ${card} up`)
    await run(['ip', '-n', namespace, '-batch', '-'], { input: `${up.join('\n')}\n` })
    return await work(namespace, cards)
  } finally {
    await vsctl(
      ovsdb,
      cards.flatMap((card) => ['--', '--if-exists', 'del-port', 'br-physnet1', card]).slice(1),
    )
    await run(['ip', 'netns', 'del', namespace])
  }
}

const vlan: Check = {
  name: 'a VLAN network reaches a host outside of the cloud, and no other VLAN',
  async run(world) {
    const { vlan1 } = world.residents
    const id = vlan1.network['provider:segmentation_id'] ?? 0
    const look = 'the flows of br-int and br-physnet1, and the tags of their ports (ovs-vsctl show)'
    return withOutsider(world, [id, id + 1], async (namespace, [card = '', beside = '']) => {
      await run(['ip', '-n', namespace, 'address', 'add', vlanOutside, 'dev', card])
      const [outside = ''] = vlanOutside.split('/')
      const inside = addressOf(vlan1)
      expectSame(`vlan1 pings ${outside}`, await ping(vlan1.record.namespace, outside), true, look)
      expectSame(`${outside} pings vlan1`, await ping(namespace, inside), true, look)
      const captures = [await captureFrames(namespace, card), await captureFrames(namespace, beside)] as const
      try {
        const frame = { from: vlan1.port.mac_address, marker: 'vlan1 to all' }
        await sendFrames(vlan1.record.namespace, [frame])
        const seen = async () => captures[0].markers.has(frame.marker)
        await expectSoon(`a frame of vlan1 arrives on VLAN ${id}`, seen, true, 2000, look)
        expectSame(`what of it is on VLAN ${id + 1}`, [...captures[1].markers.keys()], [], look)
      } finally {
        await Promise.all(captures.map((capture) => capture.stop()))
      }
      return `VLAN ${id} of physnet1, ${inside} and ${outside}`
    })
  },
}

/** Where frames out of GRE tunnels enter br-tun, in Neutron's numbers. */
const greTable = 3

const gre: Check = {
  name: 'a GRE network carries IPv4 and IPv6, with its own MTU',
  async run(world) {
    const { gre1, gre2 } = world.residents
    const look = 'the flows of br-int, and the agents (openstack network agent list)'
    expectSame('type of the network', gre1.network['provider:network_type'], 'gre', look)
    const pair = [gre1, gre2] as const
    for (const [from, to] of [pair, pair.toReversed() as [Resident, Resident]] as const) {
      for (const { ip_address: address } of to.port.fixed_ips) {
        const answered = await ping(from.record.namespace, address)
        expectSame(`${from.name} pings ${address}`, answered, true, look)
      }
    }
    const key = (gre1.network['provider:segmentation_id'] ?? 0).toString(16)
    const bridge = `unix:${world.memory.ovs.ovsRunDir}/br-tun.mgmt`
    const flows = await run(['ovs-ofctl', 'dump-flows', bridge, `table=${greTable},tun_id=0x${key}`])
    const known = flows.includes('actions=mod_vlan_vid:')
    expectSame(`br-tun takes GRE key 0x${key}`, known, true, `ovs-ofctl dump-flows br-tun table=${greTable}`)
    const most = gre1.network.mtu - 28
    const whole = await ping(gre1.record.namespace, addressOf(gre2), most)
    expectSame(`${most} bytes of ping, unfragmented`, whole, true, look)
    const [agent] = await list(world.clients.admin, 'agent', { binary: 'neutron-openvswitch-agent' })
    const types = agent?.configurations?.tunnel_types
    expectSame('tunnel types of the agent', types, ['vxlan', 'gre', 'geneve'], look)
    return `key 0x${key}, MTU ${gre1.network.mtu}, ${gre2.port.fixed_ips.map((fixed) => fixed.ip_address).join(' and ')}`
  },
}

export const wireChecks: readonly Check[] = [vlan, gre]
