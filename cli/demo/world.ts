/**
 * The demo's world, built through the public API: the tenants blue and red, each with a network of the same
 * addresses; the flat provider network behind br-ex, a VLAN network on physnet1, and a GRE network with IPv6.
 */
import { type Client, createClient } from '../../client/http.ts'
import { create, list, type Network, type Port, remove, type Subnet } from '../../client/networking.ts'
import { type Created, createInstance, deleteInstance } from '../instance/instance.ts'
import { listRecords } from '../instance/record.ts'
import { type Layout, type Memory, readCloud } from '../state/layout.ts'
import { publicAddress, publicCidr } from '../up/texts.ts'

export type TenantName = 'blue' | 'red'

/** Marks what the demo made, for the next one to clear away. */
const description = 'made by nucleon demo'

export interface Clients {
  admin: Client
  blue: Client
  red: Client
}

/** An instance with all that the API says of where it is. */
export interface Resident extends Created {
  name: string
  network: Network
  subnet: Subnet
}

export type ResidentName = 'blue1' | 'blue2' | 'red1' | 'red2' | 'outside1' | 'vlan1' | 'gre1' | 'gre2'

export interface World {
  layout: Layout
  memory: Memory
  clients: Clients
  networks: Record<TenantName | 'public' | 'vlan' | 'gre', { network: Network; subnet: Subnet }>
  residents: Record<ResidentName, Resident>
}

/** Administrator and tenants; each logs in with its first request. */
export function openClients(layout: Layout): Clients {
  const open = (name: 'admin' | TenantName) => createClient(readCloud(layout, name))
  return { admin: open('admin'), blue: open('blue'), red: open('red') }
}

/** Ends the connections that are kept, when no request is under way any more. */
export async function closeClients(clients: Clients): Promise<void> {
  await Promise.all(Object.values(clients).map((client: Client) => client.close()))
}

/** Both tenants use the same addresses; red gives DNS servers of its own and no gateway, blue a route and a gateway. */
const cidr = '10.0.0.0/24'
export const blueRoute = { destination: '10.99.0.0/16', nexthop: '10.0.0.254' }

/** A host on the VLAN that the cloud knows nothing of; outside of the pool, as an operator would have it. */
export const vlanOutside = '10.100.0.200/24'

const subnets: Record<TenantName | 'public' | 'vlan' | 'gre', Record<string, unknown>> = {
  blue: { cidr, host_routes: [blueRoute] },
  red: { cidr, gateway_ip: null, dns_nameservers: ['192.0.2.53', '198.51.100.53'] },
  public: {
    cidr: publicCidr,
    gateway_ip: publicAddress,
    allocation_pools: [{ start: '172.24.4.10', end: '172.24.4.200' }],
  },
  vlan: { cidr: '10.100.0.0/24', allocation_pools: [{ start: '10.100.0.10', end: '10.100.0.99' }] },
  gre: { cidr: '10.1.0.0/24', enable_dhcp: false },
}

/** blue2 and red2 have the same MAC as well; red1's exists in red alone. */
const places = {
  blue1: { tenant: 'blue', ip_address: '10.0.0.11', mac_address: 'fa:16:3e:00:0b:11' },
  blue2: { tenant: 'blue', ip_address: '10.0.0.12', mac_address: 'fa:16:3e:00:00:12' },
  red1: { tenant: 'red', ip_address: '10.0.0.11', mac_address: 'fa:16:3e:00:0a:11' },
  red2: { tenant: 'red', ip_address: '10.0.0.12', mac_address: 'fa:16:3e:00:00:12' },
} as const

/** Makes a network with one IPv4 subnet, NAME-v4, marked as the demo's. `subnet` has to say the prefix. */
export async function buildNetwork(
  client: Client,
  name: string,
  network: Record<string, unknown>,
  subnet: Record<string, unknown>,
): Promise<{ network: Network; subnet: Subnet }> {
  const made = await create(client, 'network', { name, description, ...network })
  const attributes = { name: `${name}-v4`, network_id: made.id, ip_version: 4, ...subnet }
  return { network: made, subnet: await create(client, 'subnet', attributes) }
}

/** Builds a port as the tenant, and an instance on it. */
export async function settle(
  world: Pick<World, 'layout' | 'memory' | 'clients' | 'networks'>,
  name: string,
  tenant: TenantName,
  attributes: { ip_address?: string; mac_address?: string },
): Promise<Resident> {
  const { network, subnet } = world.networks[tenant]
  const port: Port = await create(world.clients[tenant], 'port', {
    name,
    dns_name: name,
    network_id: network.id,
    ...(attributes.mac_address === undefined ? {} : { mac_address: attributes.mac_address }),
    ...(attributes.ip_address === undefined
      ? {}
      : { fixed_ips: [{ subnet_id: subnet.id, ip_address: attributes.ip_address }] }),
  })
  const place = { layout: world.layout, memory: world.memory, admin: world.clients.admin }
  return { name, network, subnet, ...(await createInstance(place, name, { port: port.id })) }
}

/** Removes an instance and the port that `settle` made for it. */
export async function unsettle(
  world: Pick<World, 'layout' | 'memory' | 'clients'>,
  resident: Resident,
): Promise<void> {
  const { layout, memory, clients } = world
  await deleteInstance({ layout, memory, admin: clients.admin }, resident.name)
  await remove(clients.admin, 'port', resident.port.id)
}

/** Removes networks with the instances and ports on them. */
export async function removeNetworks(
  { layout, memory, clients }: Pick<World, 'layout' | 'memory' | 'clients'>,
  networks: readonly Network[],
): Promise<void> {
  const { admin } = clients
  for (const { id } of networks) {
    const ports = await list(admin, 'port', { network_id: id })
    for (const record of listRecords(layout)) {
      if (ports.some((port) => port.id === record.portId))
        await deleteInstance({ layout, memory, admin }, record.name)
    }
    for (const port of ports) {
      if (!port.device_owner.startsWith('network:')) await remove(admin, 'port', port.id)
    }
    await remove(admin, 'network', id)
  }
}

/** Clears away what an earlier demo made. */
export async function clearWorld(world: Pick<World, 'layout' | 'memory' | 'clients'>): Promise<void> {
  const earlier = await list(world.clients.admin, 'network', { description })
  await removeNetworks(world, earlier)
}

/** Builds networks, ports and instances; instances are plugged all at once, and each is waited for. */
export async function buildWorld(layout: Layout, memory: Memory, clients: Clients): Promise<World> {
  const { admin } = clients
  const [blue, red, outside, vlan, gre] = await Promise.all([
    buildNetwork(clients.blue, 'blue-net', {}, subnets.blue),
    buildNetwork(clients.red, 'red-net', {}, subnets.red),
    buildNetwork(
      admin,
      'public',
      { 'provider:network_type': 'flat', 'provider:physical_network': 'public', 'router:external': true },
      subnets.public,
    ),
    buildNetwork(
      admin,
      'vlan-net',
      { 'provider:network_type': 'vlan', 'provider:physical_network': 'physnet1' },
      subnets.vlan,
    ),
    buildNetwork(admin, 'gre-net', { 'provider:network_type': 'gre' }, subnets.gre),
  ])
  await create(admin, 'subnet', {
    name: 'gre-net-v6',
    network_id: gre.network.id,
    ip_version: 6,
    cidr: 'fd00:1::/64',
    gateway_ip: null,
    enable_dhcp: false,
  })
  const base = { layout, memory, clients, networks: { blue, red, public: outside, vlan, gre } }
  const named = (name: keyof typeof places) => settle(base, name, places[name].tenant, places[name])
  const plain = async (name: string, on: typeof vlan): Promise<Resident> => {
    const target = { network: on.network.id }
    return { name, ...on, ...(await createInstance({ layout, memory, admin }, name, target)) }
  }
  const [blue1, blue2, red1, red2, outside1, vlan1, gre1, gre2] = await Promise.all([
    named('blue1'),
    named('blue2'),
    named('red1'),
    named('red2'),
    plain('outside1', outside),
    plain('vlan1', vlan),
    plain('gre1', gre),
    plain('gre2', gre),
  ])
  return { ...base, residents: { blue1, blue2, red1, red2, outside1, vlan1, gre1, gre2 } }
}
