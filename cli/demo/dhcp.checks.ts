/** Every instance got by DHCP exactly what Neutron's rules give it, as its kernel and its resolv.conf say. */
import { existsSync, readFileSync } from 'node:fs'
import { list } from '../../client/networking.ts'
import { run } from '../../host/run.ts'
import { resolvConfOf } from '../instance/instance.ts'
import { type Check, expectSame } from './check.ts'
import type { Resident, World } from './world.ts'

/** What an instance has, and what it should have, in the same words. */
export interface Equipment {
  address: string[]
  mtu: number
  /** `destination via gateway`, or `destination` for what is on the link. */
  routes: string[]
  nameservers: string[]
  search: string[]
}

interface LinkView {
  mtu: number
  addr_info: { family: string; local: string; prefixlen: number }[]
}

/** What Neutron's rules give: from the API's answers alone. */
export async function expectedOf(world: World, { port, network, subnet }: Resident): Promise<Equipment> {
  const servers = await list(world.clients.admin, 'port', {
    network_id: network.id,
    device_owner: 'network:dhcp',
  })
  const routes = [
    subnet.cidr,
    ...subnet.host_routes.map((route) => `${route.destination} via ${route.nexthop}`),
    ...(subnet.gateway_ip === null ? [] : [`default via ${subnet.gateway_ip}`]),
  ]
  const own = servers.flatMap((server) => server.fixed_ips.map((fixed) => fixed.ip_address))
  const [, prefix] = subnet.cidr.split('/')
  return {
    address: port.fixed_ips.map((fixed) => `${fixed.ip_address}/${prefix}`),
    mtu: network.mtu,
    routes: routes.sort(),
    nameservers: subnet.dns_nameservers.length > 0 ? subnet.dns_nameservers : own.sort(),
    search: ['cloud.internal'],
  }
}

/** What the instance's kernel and resolv.conf say. */
export async function seenIn(world: World, { record }: Resident): Promise<Equipment> {
  const ip = ['ip', '-n', record.namespace, '-json', '-4'] as const
  const [link]: LinkView[] = JSON.parse(await run([...ip, 'address', 'show', 'dev', 'eth0']))
  const routes: { dst: string; gateway?: string }[] = JSON.parse(await run([...ip, 'route', 'show']))
  const file = resolvConfOf(world.layout, record.name)
  const lines = (existsSync(file) ? readFileSync(file, 'utf8') : '')
    .split('\n')
    .map((line) => line.split(' '))
  const wordsOf = (key: string) => lines.filter((line) => line[0] === key).flatMap((line) => line.slice(1))
  return {
    address: link?.addr_info.map((each) => `${each.local}/${each.prefixlen}`) ?? [],
    mtu: link?.mtu ?? 0,
    routes: routes
      .map((each) => (each.gateway === undefined ? each.dst : `${each.dst} via ${each.gateway}`))
      .sort(),
    nameservers: wordsOf('nameserver').sort(),
    search: wordsOf('search'),
  }
}

export const dhcpChecks: readonly Check[] = (
  ['blue1', 'blue2', 'red1', 'red2', 'outside1', 'vlan1'] as const
).map((name) => ({
  name: `${name} got by DHCP what Neutron's rules give it`,
  async run(world) {
    const resident = world.residents[name]
    const expected = await expectedOf(world, resident)
    const look = `${world.layout.instances}/${name}/udhcpc.log and ${world.layout.log}/agent.log`
    expectSame('address, gateway, DNS servers, routes and MTU', await seenIn(world, resident), expected, look)
    expectSame('MAC address', await macOf(resident), resident.port.mac_address, look)
    return `${expected.address.join(', ')}, MTU ${expected.mtu}, DNS ${expected.nameservers.join(' ')}`
  },
}))

async function macOf({ record }: Resident): Promise<string> {
  return (await run(['ip', 'netns', 'exec', record.namespace, 'cat', '/sys/class/net/eth0/address'])).trim()
}
