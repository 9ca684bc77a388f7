/** Instances of one network reach each other; tenants with the same addresses never see each other's frames. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { CommandError, run } from '../../host/run.ts'
import { repository } from '../paths.ts'
import { vsctl } from '../up/bridges.ts'
import { publicAddress } from '../up/texts.ts'
import { type Check, CheckFailure, expectSame } from './check.ts'
import { type Capture, captureFrames, type FrameSpec, sendFrames } from './frames.ts'
import type { Resident, World } from './world.ts'

const flowsHint =
  'the flows of br-int (ovs-ofctl dump-flows br-int) and the tags of its ports (ovs-vsctl show)'

/** The first IPv4 address of an instance. */
export function addressOf(resident: Resident): string {
  return resident.port.fixed_ips[0]?.ip_address ?? ''
}

/** Pings once; true if an answer came. `size` bytes of payload go in one packet or not at all. */
export async function ping(
  namespace: string | null,
  address: string,
  size = 56,
  seconds = 2,
): Promise<boolean> {
  const enter = namespace === null ? [] : ['ip', 'netns', 'exec', namespace]
  const [program = 'ping', ...args] = [...enter, 'ping', '-n', '-c', '1', '-M', 'do', '-s', String(size)]
  try {
    await run([program, ...args, '-W', String(seconds), address])
    return true
  } catch (error) {
    if (error instanceof CommandError && error.status !== null) return false
    throw error
  }
}

/** Sends so many bytes by TCP; throws when they do not arrive as they were. */
async function transfer(from: Resident, to: Resident, bytes: number): Promise<void> {
  const script = `${repository}/cli/demo/tcp.pl`
  const server = spawn(
    'ip',
    ['netns', 'exec', to.record.namespace, 'perl', script, 'serve', addressOf(to), '8080'],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  const ended = once(server, 'close')
  try {
    await once(server.stdout, 'data')
    const inside = ['ip', 'netns', 'exec', from.record.namespace] as const
    const said = await run([...inside, 'perl', script, 'send', addressOf(to), '8080', String(bytes)], {
      timeout: 15_000,
    })
    const [seen, expected] = said.trim().split('\n')
    expectSame('bytes and their sum after the transfer', seen, expected, flowsHint)
  } catch (error) {
    if (error instanceof CheckFailure) throw error
    throw new CheckFailure(
      `${from.name} sends ${bytes} bytes by TCP to ${to.name}`,
      'all of them',
      String(error),
      `${flowsHint}, and whether TX checksums are off (ethtool -k eth0 inside)`,
    )
  } finally {
    server.kill()
    await ended
  }
}

function reach(tenant: 'blue' | 'red'): Check {
  return {
    name: `${tenant}1 and ${tenant}2 reach each other`,
    async run({ residents }) {
      const pair = [residents[`${tenant}1`], residents[`${tenant}2`]] as const
      for (const [from, to] of [pair, pair.toReversed() as [Resident, Resident]] as const) {
        const answered = await ping(from.record.namespace, addressOf(to))
        expectSame(`${from.name} pings ${to.name}`, answered, true, flowsHint)
      }
      await transfer(pair[0], pair[1], 1_000_000)
      return 'ping both ways, 1 MB by TCP'
    },
  }
}

/** Headers of IPv4 and ICMP. */
const pingOverhead = 28

const mtuCheck: Check = {
  name: 'a packet of the MTU passes whole, one byte more is refused',
  async run({ residents: { blue1, blue2 } }) {
    const most = blue1.network.mtu - pingOverhead
    const passes = await ping(blue1.record.namespace, addressOf(blue2), most)
    expectSame(`${most} bytes of ping, unfragmented`, passes, true, flowsHint)
    const refused = !(await ping(blue1.record.namespace, addressOf(blue2), most + 1, 0.5))
    expectSame(`${most + 1} bytes of ping are refused`, refused, true, 'the MTU of eth0 inside')
    return `MTU ${blue1.network.mtu}`
  },
}

/** The local VLANs in use on br-int. */
async function localVlans(world: World): Promise<number[]> {
  const text = await vsctl(world.memory.ovs.ovsdb, ['--bare', '--columns=tag', 'list', 'Port'])
  return [...new Set(text.split('\n').filter(Boolean).map(Number))].filter((tag) => tag < 4095)
}

/** A frame of one sender: who must see it, and who may; nobody else. */
interface Experiment {
  sender: Resident
  frame: FrameSpec
  must: readonly Resident[]
  may: readonly Resident[]
}

/**
 * What a tenant's first instance sends: to its own second one and to everybody (these must arrive, at that very
 * moment); to MACs of other networks, and tagged with every VLAN that could mean another network (these must not
 * get there; a MAC that its own network does not know is flooded in that network, as by any switch).
 */
function experimentsOf(
  me: Resident,
  mine: Resident,
  others: readonly Resident[],
  vlans: readonly number[],
): Experiment[] {
  const from = me.port.mac_address
  const send = (
    label: string,
    must: readonly Resident[],
    frame: Omit<FrameSpec, 'from' | 'marker'>,
    may: readonly Resident[] = [],
  ) => ({
    sender: me,
    must,
    may,
    frame: { from, marker: `${me.name} ${label}`, ...frame },
  })
  const toMine = { to: mine.port.mac_address }
  return [
    send('to its neighbour', [mine], toMine),
    send('to all', [mine], {}),
    ...others.flatMap((other) => {
      const to = other.port.mac_address
      const alsoMine = to === mine.port.mac_address ? [mine] : []
      return [
        send(`to ${other.name}`, alsoMine, { to }, [mine]),
        ...vlans.map((vlan) => send(`to ${other.name} on VLAN ${vlan}`, [], { to, vlans: [vlan] })),
        ...vlans.map((vlan) => send(`to ${other.name} on VLAN 0 and ${vlan}`, [], { to, vlans: [0, vlan] })),
      ]
    }),
    ...vlans.map((vlan) => send(`to all on VLAN ${vlan}`, [], { vlans: [vlan] })),
  ]
}

const isolation: Check = {
  name: 'the tenants never see each other, with the same CIDR, addresses and MAC',
  async run(world) {
    const { blue1, blue2, red1, red2, outside1 } = world.residents
    const vlans = [...new Set([...(await localVlans(world)), 1, 2, 3, 4, 100, 4094])]
    const experiments = [
      ...experimentsOf(blue1, blue2, [red1, red2, outside1], vlans),
      ...experimentsOf(red1, red2, [blue1, blue2, outside1], vlans),
    ]
    const watched = [blue1, blue2, red1, red2, outside1]
    const captures = new Map<Resident, Capture>()
    for (const resident of watched) captures.set(resident, await captureFrames(resident.record.namespace))
    try {
      await Promise.all(
        [blue1, red1].map((sender) => {
          const frames = experiments.filter((each) => each.sender === sender).map((each) => each.frame)
          return sendFrames(sender.record.namespace, frames)
        }),
      )
      await sleep(400)
    } finally {
      await Promise.all([...captures.values()].map((capture) => capture.stop()))
    }
    const wrong = experiments.flatMap(({ frame, must, may }) => {
      const seenBy = watched.filter((each) => captures.get(each)?.markers.has(frame.marker))
      const right =
        must.every((each) => seenBy.includes(each)) &&
        seenBy.every((each) => must.includes(each) || may.includes(each))
      const names = (residents: readonly Resident[]) => residents.map((each) => each.name)
      return right ? [] : [{ frame: frame.marker, due: names(must), seenBy: names(seenBy) }]
    })
    if (wrong.length > 0) {
      const show = (key: 'due' | 'seenBy') =>
        wrong.slice(0, 5).map((each) => `${each.frame}: ${each[key].join(' ') || 'nobody'}`)
      throw new CheckFailure(
        `${wrong.length} of ${experiments.length} frames`,
        show('due'),
        show('seenBy'),
        flowsHint,
      )
    }
    const arrived = experiments.filter((each) => each.must.length > 0).length
    return `${experiments.length} frames, ${arrived} to their own arrived, ${experiments.length - arrived} reached nobody else`
  },
}

const flat: Check = {
  name: 'the provider network reaches this host, both ways',
  async run({ residents: { outside1 } }) {
    const look = 'the flows of br-ex and the address of br-ex (ip address show br-ex)'
    expectSame(
      `outside1 pings ${publicAddress}`,
      await ping(outside1.record.namespace, publicAddress),
      true,
      look,
    )
    expectSame('this host pings outside1', await ping(null, addressOf(outside1)), true, look)
    return `${addressOf(outside1)} and ${publicAddress}`
  },
}

export const trafficChecks: readonly Check[] = [reach('blue'), reach('red'), mtuCheck, isolation, flat]
