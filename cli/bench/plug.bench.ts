/** What plugging costs: until ACTIVE, and until the first packet passes; one at a time, and 200 at once. */
import { setTimeout as sleep } from 'node:timers/promises'
import { type Client, createClient } from '../../client/http.ts'
import { create, list, type Port, show } from '../../client/networking.ts'
import { run } from '../../host/run.ts'
import { captureFrames, repeatFrame, sendFrames } from '../demo/frames.ts'
import { attach, makeNamespace, plug, unplug } from '../instance/plug.ts'
import type { InstanceRecord } from '../instance/record.ts'
import { readCloud, requireMemory } from '../state/layout.ts'
import { vsctl } from '../up/bridges.ts'
import { type Bench, type Figure, round } from './bench.place.ts'
import { percentile } from './rate.ts'

const repetitions = 30
const burstSize = 200
const largeBurst = 500
const deadline = 60_000

/** A network of that prefix, served by DHCP; its id. */
export async function benchNetwork(client: Client, name: string, cidr: string): Promise<string> {
  const network = await create(client, 'network', { name })
  await create(client, 'subnet', { network_id: network.id, ip_version: 4, cidr })
  return network.id
}

/** What a compute service says of a port on that host. */
export const binding = (host: string, id: string) => ({
  device_id: id,
  device_owner: 'compute:nova',
  'binding:host_id': host,
})

/** How an instance of that port is plugged. */
export function recordOf(port: Port, name: string): InstanceRecord {
  return {
    name,
    id: port.device_id,
    portId: port.id,
    madePort: true,
    mac: port.mac_address,
    mtu: 1450,
    device: `tap${port.id.slice(0, 11)}`,
    namespace: `inst-${name}`,
  }
}

async function isActive(client: Client, id: string): Promise<boolean> {
  return (await show(client, 'port', id))?.status === 'ACTIVE'
}

/** Asks every so many milliseconds; answers when it was so. */
export async function timeOf(
  what: () => Promise<boolean> | boolean,
  failure: string,
  every = 2,
): Promise<number> {
  const end = performance.now() + deadline
  while (performance.now() < end) {
    if (await what()) return performance.now()
    await sleep(every)
  }
  throw new Error(failure)
}

/** Throws when a port is ACTIVE before its frames pass. What it plugged is unplugged again. */
export async function measurePlug({ layout }: Bench): Promise<Figure[]> {
  const { host, ovs } = requireMemory(layout)
  const client = createClient(readCloud(layout, 'admin'))
  const network_id = await benchNetwork(client, 'bench-plug', '10.8.0.0/24')
  const settle = async (name: string) => {
    const port = await create(client, 'port', { network_id, ...binding(host, name) })
    const record = recordOf(port, name)
    await makeNamespace(record)
    await plug(ovs.ovsdb, record)
    return record
  }
  const receiver = await settle('bench-receiver')
  await timeOf(() => isActive(client, receiver.portId), 'the receiver does not become ACTIVE')
  const capture = await captureFrames(receiver.namespace)
  const actives: number[] = []
  const packets: number[] = []
  for (let n = 0; n < repetitions; n += 1) {
    const record = await settle(`bench-${n}`)
    await vsctl(ovs.ovsdb, ['del-port', 'br-int', record.device])
    await timeOf(async () => !(await isActive(client, record.portId)), 'a port without a device stays ACTIVE')
    const frame = { from: record.mac, to: receiver.mac, marker: `plug ${n}` }
    const sender = repeatFrame(record.namespace, frame, 1)
    const begun = performance.now()
    await attach(ovs.ovsdb, record)
    const first = timeOf(() => capture.markers.has(frame.marker), 'no packet passes')
    const active = await timeOf(() => isActive(client, record.portId), 'a port does not become ACTIVE')
    // One more frame, sent once: if it does not pass, ACTIVE was said too early.
    const proof = { ...frame, marker: `active ${n}` }
    await sendFrames(record.namespace, [proof])
    await first
    await sender.stop()
    await timeOf(
      () => capture.markers.has(proof.marker),
      'ACTIVE was said before the first packet could pass',
    )
    actives.push(active - begun)
    packets.push((capture.markers.get(frame.marker) ?? Number.NaN) - begun)
    await unplug(ovs.ovsdb, record)
  }
  await capture.stop()
  await unplug(ovs.ovsdb, receiver)
  await client.close()
  return [
    { what: 'plug until ACTIVE, p50', value: round(percentile(actives, 0.5)), unit: 'ms', aim: 'under 100' },
    { what: 'plug until ACTIVE, p99', value: round(percentile(actives, 0.99)), unit: 'ms' },
    { what: 'plug until the first packet, p50', value: round(percentile(packets, 0.5)), unit: 'ms' },
    { what: 'plug until the first packet, p99', value: round(percentile(packets, 0.99)), unit: 'ms' },
  ]
}

/** One transaction that plugs internal ports: plain taps, so that the wiring is measured and not the making of veths. */
export function plugging(ovsdb: string, ports: readonly Port[]): [string, ...string[]] {
  const commands = ports.flatMap((port) => {
    const device = `tap${port.id.slice(0, 11)}`
    return [
      ...['--', 'add-port', 'br-int', device, 'tag=4095', '--', 'set', 'Interface', device, 'type=internal'],
      `external_ids:iface-id=${port.id}`,
      'external_ids:iface-status=active',
      `external_ids:attached-mac="${port.mac_address}"`,
    ]
  })
  return ['ovs-vsctl', `--db=unix:${ovsdb}`, '--no-wait', '--timeout=60', ...commands.slice(1)]
}

/** Creates bound ports, some hundred in a request. */
export async function boundPorts(
  client: Client,
  host: string,
  network_id: string,
  count: number,
): Promise<Port[]> {
  const asked = Array.from({ length: count }, (_, n) => ({ network_id, ...binding(host, `burst-${n}`) }))
  const made: Port[] = []
  for (let at = 0; at < count; at += 500) {
    const body = await client.request('POST', '/ports', { ports: asked.slice(at, at + 500) })
    made.push(...(body as { ports: Port[] }).ports)
  }
  return made
}

/** Asks until that many of a network's instance ports have the status. */
async function untilAll(client: Client, network_id: string, status: string, count: number): Promise<number> {
  const query = { network_id, status, device_owner: 'compute:nova', fields: 'id' }
  const all = async () => (await list(client, 'port', query)).length === count
  return timeOf(all, `not all of ${count} ports become ${status}`, 20)
}

interface Burst {
  client: Client
  network_id: string
  ports: Port[]
  /** Milliseconds from the plugs until all are ACTIVE. */
  took: number
}

async function plugAtOnce({ layout }: Bench, name: string, cidr: string, count: number): Promise<Burst> {
  const { host, ovs } = requireMemory(layout)
  const client = createClient(readCloud(layout, 'admin'))
  const network_id = await benchNetwork(client, name, cidr)
  const ports = await boundPorts(client, host, network_id, count)
  const begun = performance.now()
  const plugged = run(plugging(ovs.ovsdb, ports))
  const done = await untilAll(client, network_id, 'ACTIVE', count)
  await plugged
  return { client, network_id, ports, took: done - begun }
}

/** The 200 ports stay plugged: restart and memory are measured with them. */
export async function measureBurst(bench: Bench): Promise<Figure[]> {
  const { client, took } = await plugAtOnce(bench, 'bench-burst', '10.9.0.0/22', burstSize)
  await client.close()
  return [
    {
      what: `${burstSize} ports plugged at once, all ACTIVE`,
      value: round(took),
      unit: 'ms',
      aim: 'under 2000',
    },
  ]
}

/** The large burst, and its end: all unplugged at once. Nothing of it stays. */
export async function measureLargeBurst(bench: Bench): Promise<Figure[]> {
  const { ovs } = requireMemory(bench.layout)
  const burst = await plugAtOnce(bench, 'bench-large-burst', '10.10.0.0/22', largeBurst)
  const { client, network_id, ports } = burst
  const devices = ports.flatMap((port) => ['--', 'del-port', 'br-int', `tap${port.id.slice(0, 11)}`])
  const begun = performance.now()
  // Without --no-wait it ends when the switch has done it.
  const unplugged = run(['ovs-vsctl', `--db=unix:${ovs.ovsdb}`, '--timeout=60', ...devices.slice(1)], {
    timeout: 60_000,
  })
  const down = await untilAll(client, network_id, 'DOWN', largeBurst)
  await unplugged
  const gone = performance.now()
  for (const { id } of ports) await client.request('DELETE', `/ports/${id}`)
  await client.request('DELETE', `/networks/${network_id}`)
  await client.close()
  return [
    { what: `${largeBurst} ports plugged at once, all ACTIVE`, value: round(burst.took), unit: 'ms' },
    { what: `${largeBurst} ports unplugged at once, all DOWN`, value: round(down - begun), unit: 'ms' },
    {
      what: `${largeBurst} ports unplugged at once, until Open vSwitch is done with them`,
      value: round(gone - begun),
      unit: 'ms',
    },
  ]
}
