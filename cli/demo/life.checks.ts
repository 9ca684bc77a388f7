/** A port's life: its status follows its packets, its name resolves, its address serves the next one at once. */
import { list, type Port, remove, show } from '../../client/networking.ts'
import { CommandError, run } from '../../host/run.ts'
import { resolvConfOf } from '../instance/instance.ts'
import { attach, detach, insideOf } from '../instance/plug.ts'
import { type Check, CheckFailure, expectSame, expectSoon } from './check.ts'
import { expectedOf, seenIn } from './dhcp.checks.ts'
import { difference, footprint } from './footprint.ts'
import { captureFrames, sendFrames } from './frames.ts'
import { addressOf, ping } from './traffic.checks.ts'
import { buildNetwork, type Resident, removeNetworks, settle, unsettle, type World } from './world.ts'

const statusOf = async (world: World, { id }: Port) => (await show(world.clients.admin, 'port', id))?.status

const status: Check = {
  name: 'a port is ACTIVE when its first packet passes, and DOWN when unplugged',
  async run(world) {
    const { blue1, blue2 } = world.residents
    const { ovsdb } = world.memory.ovs
    const look = `${world.layout.log}/agent.log and ${world.layout.log}/server.log`
    const ask = () => statusOf(world, blue2.port)
    await detach(ovsdb, blue2.record)
    await expectSoon('blue2 unplugged: status of its port', ask, 'DOWN', 5000, look)
    const capture = await captureFrames(blue1.record.namespace)
    const started = performance.now()
    let active = 0
    try {
      await attach(ovsdb, blue2.record)
      await expectSoon('blue2 plugged: status of its port', ask, 'ACTIVE', 5000, look)
      active = performance.now() - started
      // One frame, sent once: it has to pass now.
      const { mac_address: from } = blue2.port
      await sendFrames(blue2.record.namespace, [{ from, to: blue1.port.mac_address, marker: 'first' }])
      const seen = async () => capture.markers.has('first')
      await expectSoon('the first frame after ACTIVE arrives at blue1', seen, true, 500, look)
    } finally {
      await capture.stop()
    }
    expectSame('blue2 pings blue1', await ping(blue2.record.namespace, addressOf(blue1)), true, look)
    return `ACTIVE ${Math.round(active)} ms after it was plugged`
  },
}

/** What the resolver inside an instance answers; '' for nothing. */
async function lookUp(world: World, { record }: Resident, name: string): Promise<string> {
  try {
    const argv = insideOf(record.namespace, resolvConfOf(world.layout, record.name), [
      'getent',
      'ahostsv4',
      name,
    ])
    return (await run(argv)).split(' ')[0] ?? ''
  } catch (error) {
    // Status 2: no such name.
    if (error instanceof CommandError && error.status === 2) return ''
    throw error
  }
}

/** The name that the resolver inside an instance finds for an address; '' for none. */
async function lookUpAddress(world: World, { record }: Resident, address: string): Promise<string> {
  const argv = insideOf(record.namespace, resolvConfOf(world.layout, record.name), [
    'getent',
    'hosts',
    address,
  ])
  const text = await run(argv).catch((error: unknown) => {
    if (error instanceof CommandError && error.status === 2) return ''
    throw error
  })
  return text.trim().split(/\s+/)[1] ?? ''
}

const dns: Check = {
  name: "names of ports resolve at the network's dnsmasq",
  async run(world) {
    const { blue1, blue2, outside1 } = world.residents
    const look = `the dnsmasq of qdhcp-${blue1.network.id} and ${world.layout.log}/agent.log`
    const address = addressOf(blue2)
    expectSame('blue1 looks up blue2', await lookUp(world, blue1, 'blue2'), address, look)
    expectSame('its full name', await lookUp(world, blue1, 'blue2.cloud.internal'), address, look)
    expectSame('and its address', await lookUpAddress(world, blue1, address), 'blue2.cloud.internal', look)
    expectSame('a name of another network', await lookUp(world, blue1, 'red1.cloud.internal'), '', look)
    const generated = outside1.port.dns_assignment?.[0]?.fqdn.replace(/\.$/, '') ?? ''
    expectSame(
      `outside1 looks up ${generated}`,
      await lookUp(world, outside1, generated),
      addressOf(outside1),
      look,
    )
    return `blue2.cloud.internal is ${address}`
  },
}

/** Milliseconds after which "at once" is over: an ordinary lease attempt takes far less, a retry takes 1000. */
const atOnce = 3000

const reuse: Check = {
  name: 'an address given to another port is served by DHCP at once',
  async run(world) {
    const first = await settle(world, 'blue3', 'blue', {})
    const address = addressOf(first)
    const second = await unsettle(world, first).then(() =>
      settle(world, 'blue3', 'blue', { ip_address: address }),
    )
    try {
      const look = `${world.layout.log}/agent.log and the leases of qdhcp-${second.network.id}`
      expectSame('MAC addresses differ', first.port.mac_address !== second.port.mac_address, true, look)
      expectSame('what the second got', await seenIn(world, second), await expectedOf(world, second), look)
      expectSame(`within ${atOnce} ms`, second.addressed < atOnce, true, look)
    } finally {
      await unsettle(world, second)
    }
    return `${address} again after ${Math.round(second.addressed)} ms`
  },
}

const nothingLeft: Check = {
  name: 'deleting all leaves nothing behind',
  async run(world) {
    const { clients, memory } = world
    const before = await footprint(memory.ovs)
    const made = await buildNetwork(clients.blue, 'gone-soon', {}, { cidr: '10.7.0.0/24' })
    const here = { ...world, networks: { ...world.networks, blue: made } }
    try {
      await settle(here, 'gone1', 'blue', {})
      await settle(here, 'gone2', 'blue', {})
      const grown = difference(before, await footprint(memory.ovs)).length
      if (grown === 0)
        throw new CheckFailure('two instances change the host', 'new objects', 'none', 'cli/demo')
    } finally {
      await removeNetworks(world, [made.network])
    }
    const left = async () => difference(before, await footprint(memory.ovs))
    await expectSoon('what is left of it on the host', left, [], 5000, `${world.layout.log}/agent.log`)
    const ports = await list(clients.admin, 'port', { network_id: made.network.id })
    expectSame('its ports in the API', ports, [], `${world.layout.log}/server.log`)
    await remove(clients.admin, 'network', made.network.id)
    return 'namespaces, links, ports, flows and processes are as before'
  },
}

export const lifeChecks: readonly Check[] = [status, dns, reuse, nothingLeft]
