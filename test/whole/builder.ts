/** Networks and instances with fixed addresses, for tests of what is on the wire. */
import { create, type Network } from '../../client/networking.ts'
import { type CloudHost, computePort, type Instance, untilStatus, type WholeCloud } from './cloud.ts'

export interface Builder {
  network(name: string, wire: Record<string, unknown>, cidr: string): Promise<Network>
  /** An instance with that address (of a /24), which it is given by hand. */
  settle(host: CloudHost, network: Network, address: string): Promise<Instance>
  active(...instances: Instance[]): Promise<unknown>
}

/** Builds in a cloud as its administrator; subnets have no DHCP. */
export function builderOf({ admin }: WholeCloud): Builder {
  return {
    async network(name, wire, cidr) {
      const network = await create(admin, 'network', { name, ...wire })
      await create(admin, 'subnet', { network_id: network.id, ip_version: 4, cidr, enable_dhcp: false })
      return network
    },
    async settle(host, network, address) {
      const port = await computePort(admin, host.name, {
        network_id: network.id,
        fixed_ips: [{ ip_address: address }],
      })
      const instance = await host.plug(port)
      await instance.run(['ip', 'address', 'add', `${address}/24`, 'dev', 'eth0'])
      return instance
    },
    active: (...instances) => Promise.all(instances.map(({ port }) => untilStatus(admin, port.id, 'ACTIVE'))),
  }
}

/** True when a ping of so many bytes, headers included, is answered unfragmented. */
export async function passesWhole(from: Instance, address: string, bytes: number): Promise<boolean> {
  const size = String(bytes - 28)
  return from.run(['ping', '-c', '1', '-W', '2', '-M', 'do', '-s', size, address]).then(
    () => true,
    () => false,
  )
}

/** Answers while the MTU of both is so large that only the network limits a packet. */
export async function withLargeMtu<T>(
  instances: readonly Instance[],
  mtu: number,
  work: () => Promise<T>,
): Promise<T> {
  const set = async (bytes: number) => {
    for (const { run } of instances) await run(['ip', 'link', 'set', 'eth0', 'mtu', String(bytes)])
  }
  await set(1600)
  const result = await work()
  await set(mtu)
  return result
}
