/**
 * The port of a DHCP server: one for each agent that serves a network, on that agent's host, with an address on each
 * subnet with DHCP. On a routed network, on each subnet of the segment that the host is connected to.
 */
import { sql } from 'kysely'
import { namespaceDns, uuid5 } from '../../lib/uuid.ts'
import { type AddressableSubnet, isAutoAddressed, isRouted } from '../ipam/fixed-ips.ts'
import type { Ml2 } from '../ml2/ml2.ts'
import { createPort, type PortNetwork, removePort, updatePort } from '../port/port.store.ts'
import { segmentsOfHosts } from '../segment/host-segments.ts'
import { prepared } from '../store/prepared.ts'
import type { ReadTx, Tx } from '../store/store.ts'

export const dhcpOwner = 'network:dhcp'

/** device_id of a DHCP port whose agent is lost: whoever serves the network next takes it, address and all. */
export const reservedDhcpPort = 'reserved_dhcp_port'

/** What Neutron's agents call themselves on a network: `dhcp<uuid5 of the short host name>-<network id>`. */
export function dhcpDeviceId(host: string, networkId: string): string {
  return `dhcp${uuid5(namespaceDns, host.split('.')[0] ?? host)}-${networkId}`
}

const dhcpPorts = prepared('dhcp-ports', (db, p: { network_id: string }) =>
  db
    .selectFrom('ports')
    .leftJoin('ip_allocations as a', 'a.port_id', 'ports.id')
    .select(['ports.id', 'ports.device_id', 'a.subnet_id'])
    .where('ports.network_id', '=', p.network_id)
    .where('ports.device_owner', '=', sql.lit(dhcpOwner))
    .orderBy('ports.id'),
)

interface DhcpPort {
  id: string
  deviceId: string
  subnets: Set<string>
}

async function portsOf(tx: ReadTx, networkId: string): Promise<DhcpPort[]> {
  const ports = new Map<string, DhcpPort>()
  for (const row of await dhcpPorts.all(tx, { network_id: networkId })) {
    const port = ports.get(row.id) ?? { id: row.id, deviceId: row.device_id, subnets: new Set() }
    if (row.subnet_id !== null) port.subnets.add(row.subnet_id)
    ports.set(row.id, port)
  }
  return [...ports.values()]
}

const withFreeAddresses = prepared('subnets-with-free-addresses', (db, p: { network_id: string }) =>
  db
    .selectFrom('subnets')
    .innerJoin('free_ranges as f', 'f.pool', 'subnets.id')
    .select('subnets.id')
    .distinct()
    .where('subnets.network_id', '=', p.network_id),
)

/**
 * Brings the DHCP ports of a network in line with its subnets and with the hosts whose agents serve it. A port whose
 * agent serves no more is adopted by one that has none yet, so that clients find the same address; without such an
 * agent it is reserved for the next. Ports that serve nothing are removed. A subnet that has no address left is left
 * out, and looked at again when subnets or agents of the network change, and by completeDhcpPorts.
 */
export async function syncDhcpPorts(
  tx: Tx,
  ml2: Ml2,
  network: PortNetwork,
  hosts: readonly string[],
): Promise<void> {
  const ports = (await portsOf(tx, network.id)).filter((port) => isAgents(port.deviceId))
  const served = network.subnets.filter((subnet) => subnet.enable_dhcp === 1)
  if (served.length === 0) {
    for (const port of ports) await removePort(tx, ml2, port.id)
    return
  }
  const reach = isRouted(served) ? await segmentsOfHosts(tx, network.id, hosts) : undefined
  const servedOn = (host: string) => (reach ? onOneSegment(served, reach.get(host)) : served)
  const wantedDevices = new Map(
    hosts.filter((host) => servedOn(host).length > 0).map((host) => [dhcpDeviceId(host, network.id), host]),
  )
  const left = ports.filter((port) => !wantedDevices.has(port.deviceId)).sort(reservedLast)
  for (const [deviceId, host] of wantedDevices) {
    const own = ports.find((one) => one.deviceId === deviceId)
    const port = own ?? adopt(left, reach && new Set(servedOn(host).map((subnet) => subnet.id)))
    const has = port?.subnets ?? new Set<string>()
    // Asked for each: the port before may have taken the last.
    const free = new Set((await withFreeAddresses.all(tx, { network_id: network.id })).map((row) => row.id))
    const wanted = servedOn(host).filter((one) => isAutoAddressed(one) || has.has(one.id) || free.has(one.id))
    const fixed_ips = wanted.map((subnet) => ({ subnet_id: subnet.id }))
    if (!port) {
      if (fixed_ips.length === 0) continue
      await createPort(tx, ml2, network, {
        project_id: network.project_id,
        device_owner: dhcpOwner,
        device_id: deviceId,
        fixed_ips,
        binding: { host },
      })
      continue
    }
    const differs = wanted.length !== has.size || wanted.some((subnet) => !has.has(subnet.id))
    const adopted = own ? {} : { device_id: deviceId, binding: { host } }
    if (differs || !own) await updatePort(tx, ml2, port.id, { ...(differs && { fixed_ips }), ...adopted })
  }
  for (const port of left) {
    if (port.deviceId === reservedDhcpPort) continue
    await updatePort(tx, ml2, port.id, { device_id: reservedDhcpPort, binding: { host: '' } })
  }
}

/** What the host of a DHCP server is connected to; of a host on several segments, the first: an address is of one. */
function onOneSegment(
  subnets: readonly AddressableSubnet[],
  segments: ReadonlySet<string> | undefined,
): readonly AddressableSubnet[] {
  const first = subnets.find(({ segment_id: id }) => id !== null && segments?.has(id))
  return first ? subnets.filter((subnet) => subnet.segment_id === first.segment_id) : []
}

/** Takes a port out of the list; on a routed network, one with an address on these subnets. */
function adopt(left: DhcpPort[], subnets: ReadonlySet<string> | undefined): DhcpPort | undefined {
  const index = subnets ? left.findIndex((port) => [...port.subnets].some((id) => subnets.has(id))) : 0
  return index < 0 ? undefined : left.splice(index, 1)[0]
}

/** Ports that somebody else made for a DHCP server of his own are none of ours. */
function isAgents(deviceId: string): boolean {
  return deviceId === reservedDhcpPort || /^dhcp[0-9a-f-]{36}-/.test(deviceId)
}

/** The same in SQL, for ports that serve: those that wait for an agent aside. */
export const servingDevice = `dhcp${'_'.repeat(36)}-%`

/** What was in use until now is adopted before what has been waiting. */
function reservedLast(a: DhcpPort, b: DhcpPort): number {
  return Number(a.deviceId === reservedDhcpPort) - Number(b.deviceId === reservedDhcpPort)
}
