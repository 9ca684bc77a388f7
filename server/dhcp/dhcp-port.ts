/**
 * The port of a DHCP server: one for each agent that serves a network, on that agent's host, with an address on each
 * subnet with DHCP.
 */
import { namespaceDns, uuid5 } from '../../lib/uuid.ts'
import { isAutoAddressed } from '../ipam/fixed-ips.ts'
import type { Ml2 } from '../ml2/ml2.ts'
import { createPort, type PortNetwork, removePort, updatePort } from '../port/port.store.ts'
import { prepared } from '../store/prepared.ts'
import type { ReadTx, Tx } from '../store/store.ts'

export const dhcpOwner = 'network:dhcp'

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
    .where('ports.device_owner', '=', dhcpOwner),
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
 * Brings the DHCP ports of a network in line with its subnets and with the hosts whose agents serve it: creates what
 * is missing, adds and drops addresses, removes ports that serve nothing. A subnet that has no address left is left
 * out, and looked at again when subnets or agents of the network change.
 */
export async function syncDhcpPorts(
  tx: Tx,
  ml2: Ml2,
  network: PortNetwork,
  hosts: readonly string[],
): Promise<void> {
  const ports = await portsOf(tx, network.id)
  const served = network.subnets.filter((subnet) => subnet.enable_dhcp === 1)
  const free = new Set((await withFreeAddresses.all(tx, { network_id: network.id })).map((row) => row.id))
  const wantedDevices = new Map(hosts.map((host) => [dhcpDeviceId(host, network.id), host]))
  for (const port of ports) {
    const ours = /^dhcp[0-9a-f-]{36}-/.test(port.deviceId)
    if (ours && (served.length === 0 || !wantedDevices.has(port.deviceId))) await removePort(tx, ml2, port.id)
  }
  if (served.length === 0) return
  for (const [deviceId, host] of wantedDevices) {
    const port = ports.find((one) => one.deviceId === deviceId)
    const has = port?.subnets ?? new Set<string>()
    const wanted = served.filter((one) => isAutoAddressed(one) || has.has(one.id) || free.has(one.id))
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
    } else if (wanted.length !== has.size || wanted.some((subnet) => !has.has(subnet.id))) {
      await updatePort(tx, ml2, port.id, { fixed_ips })
    }
  }
}
