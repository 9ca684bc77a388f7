/**
 * Instances in place of a compute service: binds a port to this host as the administrator, as Nova would, plugs a
 * network namespace into it, and gives it its addresses.
 */
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Client } from '../../client/http.ts'
import { create, list, type Network, type Port, remove, show, update } from '../../client/networking.ts'
import { run } from '../../host/run.ts'
import { UserError } from '../errors.ts'
import type { Layout, Memory } from '../state/layout.ts'
import { type Lease, leaseAddress } from './dhcp-client.ts'
import { makeNamespace, plug, unplug } from './plug.ts'
import {
  addRecord,
  type InstanceRecord,
  instanceDirectory,
  readRecord,
  removeRecord,
  requireInstanceName,
} from './record.ts'

/** Where instances live: the state, what it remembers, and the administrator's client. */
export interface Place {
  layout: Layout
  memory: Memory
  admin: Client
}

export interface Created {
  record: InstanceRecord
  port: Port
  /** Null where no subnet of the port has DHCP: its addresses were set by hand then. */
  lease: Lease | null
  /** Milliseconds from the beginning of plugging until each. */
  plugged: number
  active: number
  addressed: number
}

/** Seconds that the agent may take to wire a port. */
const wiringDeadline = 30

async function findNetwork(admin: Client, nameOrId: string): Promise<Network> {
  const byId = await show(admin, 'network', nameOrId)
  if (byId !== undefined) return byId
  const [network, ...others] = await list(admin, 'network', { name: nameOrId })
  if (network === undefined) throw new UserError(`there is no network ${nameOrId}`)
  if (others.length > 0) throw new UserError(`several networks are named ${nameOrId}`, 'Name it by its id.')
  return network
}

/** Binds an existing port, or makes one on the network, in the network's project, that has the instance's name in DNS. */
async function boundPort(
  { admin, memory }: Place,
  id: string,
  name: string,
  target: { port: string } | { network: string },
): Promise<Port> {
  const binding = { device_id: id, device_owner: 'compute:nova', 'binding:host_id': memory.host }
  if ('network' in target) {
    const network = await findNetwork(admin, target.network)
    return create(admin, 'port', {
      name,
      dns_name: name.toLowerCase(),
      network_id: network.id,
      project_id: network.project_id,
      ...binding,
    })
  }
  const port = await show(admin, 'port', target.port)
  if (port === undefined) throw new UserError(`there is no port ${target.port}`)
  if (port.device_id !== '') throw new UserError(`port ${port.id} is in use by ${port.device_id}`)
  return update(admin, 'port', port.id, binding)
}

async function waitForActive(admin: Client, portId: string, layout: Layout): Promise<void> {
  const deadline = performance.now() + wiringDeadline * 1000
  for (;;) {
    const port = await show(admin, 'port', portId)
    if (port?.status === 'ACTIVE') return
    if (performance.now() > deadline) {
      throw new UserError(
        `port ${portId} is ${port?.status ?? 'gone'}, not ACTIVE, ${wiringDeadline} s after it was plugged`,
        `See ${layout.log}/agent.log, and whether the agents are alive: openstack network agent list`,
      )
    }
    await sleep(10)
  }
}

/** Addresses of subnets without DHCP are set as a configuration drive would. */
async function setAddresses(admin: Client, namespace: string, port: Port): Promise<void> {
  const lines: string[] = []
  for (const fixed of port.fixed_ips) {
    const subnet = await show(admin, 'subnet', fixed.subnet_id)
    if (subnet === undefined || subnet.enable_dhcp) continue
    // Nobody else has the address: the server gave it.
    const nodad = fixed.ip_address.includes(':') ? ' nodad' : ''
    lines.push(`address replace ${fixed.ip_address}/${subnet.cidr.split('/')[1]} dev eth0${nodad}`)
    if (subnet.gateway_ip !== null) lines.push(`route replace default via ${subnet.gateway_ip} dev eth0`)
  }
  if (lines.length > 0) await run(['ip', '-n', namespace, '-batch', '-'], { input: `${lines.join('\n')}\n` })
}

async function hasDhcp(admin: Client, port: Port): Promise<boolean> {
  for (const { subnet_id: id, ip_address: address } of port.fixed_ips) {
    if (!address.includes(':') && (await show(admin, 'subnet', id))?.enable_dhcp === true) return true
  }
  return false
}

/** Gives the port back: deletes it if we made it, else clears what Nova clears. */
async function releasePort(
  admin: Client,
  record: Pick<InstanceRecord, 'portId' | 'madePort'>,
): Promise<void> {
  if (record.madePort) return remove(admin, 'port', record.portId)
  if ((await show(admin, 'port', record.portId)) === undefined) return
  await update(admin, 'port', record.portId, { device_id: '', device_owner: '', 'binding:host_id': '' })
}

/** Makes an instance and waits until it has its addresses. What was made is undone when a step fails. */
export async function createInstance(
  place: Place,
  name: string,
  target: { port: string } | { network: string },
): Promise<Created> {
  const { layout, memory, admin } = place
  const id = randomUUID()
  requireInstanceName(name)
  const port = await boundPort(place, id, name, target)
  const record: InstanceRecord = {
    name,
    id,
    portId: port.id,
    madePort: 'network' in target,
    mac: port.mac_address,
    mtu: (await show(admin, 'network', port.network_id))?.mtu ?? 1500,
    device: `tap${port.id.slice(0, 11)}`,
    namespace: `inst-${name}`,
  }
  try {
    if (port['binding:vif_type'] !== 'ovs') {
      throw new UserError(
        `port ${port.id} cannot be bound on ${memory.host} (${port['binding:vif_type']})`,
        'Is the L2 agent alive, and can it reach the network? See: openstack network agent list',
      )
    }
    addRecord(layout, record)
    let made = false
    try {
      const started = performance.now()
      const elapsed = () => performance.now() - started
      await makeNamespace(record)
      made = true
      await plug(memory.ovs.ovsdb, record)
      const plugged = elapsed()
      await waitForActive(admin, port.id, layout)
      const active = elapsed()
      const lease = (await hasDhcp(admin, port))
        ? await leaseAddress(record.namespace, instanceDirectory(layout, name))
        : null
      await setAddresses(admin, record.namespace, port)
      return { record, port, lease, plugged, active, addressed: elapsed() }
    } catch (error) {
      if (made) await unplug(memory.ovs.ovsdb, record)
      removeRecord(layout, name)
      throw error
    }
  } catch (error) {
    await releasePort(admin, record)
    throw error
  }
}

/** Unplugs an instance, then gives its port back, as Nova does. */
export async function deleteInstance({ layout, memory, admin }: Place, name: string): Promise<void> {
  const record = readRecord(layout, name)
  await unplug(memory.ovs.ovsdb, record)
  await releasePort(admin, record)
  removeRecord(layout, name)
}

/** Where an instance keeps its resolv.conf. */
export function resolvConfOf(layout: Layout, name: string): string {
  return join(instanceDirectory(layout, name), 'resolv.conf')
}
