/** What plugging costs: until ACTIVE, and until the first packet passes; one at a time, and 200 at once. */
import { setTimeout as sleep } from 'node:timers/promises'
import { type Client, createClient } from '../../client/http.ts'
import { create, list, type Port, show } from '../../client/networking.ts'
import { run } from '../../host/run.ts'
import { captureFrames, repeatFrame, sendFrames } from '../demo/frames.ts'
import { attach, plug, unplug } from '../instance/plug.ts'
import type { InstanceRecord } from '../instance/record.ts'
import { readCloud, requireMemory } from '../state/layout.ts'
import { vsctl } from '../up/bridges.ts'
import { type Bench, type Figure, round } from './bench.place.ts'
import { percentile } from './rate.ts'

const repetitions = 30
const burstSize = 200
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

/** Asks every two milliseconds; answers when it was so. */
export async function timeOf(what: () => Promise<boolean> | boolean, failure: string): Promise<number> {
  const end = performance.now() + deadline
  while (performance.now() < end) {
    if (await what()) return performance.now()
    await sleep(2)
  }
  throw new Error(failure)
}

export async function measurePlug({ layout }: Bench): Promise<Figure[]> {
  const { host, ovs } = requireMemory(layout)
  const client = createClient(readCloud(layout, 'admin'))
  const network_id = await benchNetwork(client, 'bench-plug', '10.8.0.0/24')
  const settle = async (name: string) => {
    const port = await create(client, 'port', { network_id, ...binding(host, name) })
    const record = recordOf(port, name)
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

/** The devices are internal ports: plain taps, so that the burst measures the wiring and not the making of veths. */
export async function measureBurst({ layout }: Bench): Promise<Figure[]> {
  const { host, ovs } = requireMemory(layout)
  const client = createClient(readCloud(layout, 'admin'))
  const network_id = await benchNetwork(client, 'bench-burst', '10.9.0.0/22')
  const asked = Array.from({ length: burstSize }, (_, n) => ({ network_id, ...binding(host, `burst-${n}`) }))
  const body = (await client.request('POST', '/ports', { ports: asked })) as { ports: Port[] }
  const transaction = body.ports.flatMap((port) => {
    const device = `tap${port.id.slice(0, 11)}`
    return [
      ...['--', 'add-port', 'br-int', device, 'tag=4095', '--', 'set', 'Interface', device, 'type=internal'],
      `external_ids:iface-id=${port.id}`,
      'external_ids:iface-status=active',
      `external_ids:attached-mac="${port.mac_address}"`,
    ]
  })
  const begun = performance.now()
  const plugging = run([
    'ovs-vsctl',
    `--db=unix:${ovs.ovsdb}`,
    '--no-wait',
    '--timeout=30',
    ...transaction.slice(1),
  ])
  const allActive = async () => {
    const active = await list(client, 'port', {
      network_id,
      status: 'ACTIVE',
      device_owner: 'compute:nova',
      fields: 'id',
    })
    return active.length === burstSize
  }
  const done = await timeOf(allActive, `not all of ${burstSize} ports become ACTIVE`)
  await plugging
  await client.close()
  return [
    {
      what: `${burstSize} ports plugged at once, all ACTIVE`,
      value: round(done - begun),
      unit: 'ms',
      aim: 'under 2000',
    },
  ]
}
