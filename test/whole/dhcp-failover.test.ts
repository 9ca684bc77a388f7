/** Two DHCP agents: both serve a network, or one takes over from a host that is lost, lease and address included. */
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, before, test } from 'node:test'
import { create, list, type Network, type Port } from '../../client/networking.ts'
import { type TestProcess, whyNoTestHosts } from '../kernel/sandbox.ts'
import {
  type CloudHost,
  computePort,
  createCloud,
  type Instance,
  processesNamed,
  until,
  untilStatus,
  type WholeCloud,
} from './cloud.ts'

const skip = whyNoTestHosts() ?? false
let cloud: WholeCloud
let one: CloudHost
let two: CloudHost

before(async () => {
  if (skip) return
  const times = 'report_interval = 1\n[DEFAULT]\nagent_down_time = 3\n'
  cloud = await createCloud({ remote: true, config: times })
  one = await cloud.addHost('one')
  two = await cloud.addHost('two')
  await one.startAgent()
})
after(() => cloud?.destroy())

async function servedNetwork(): Promise<Network> {
  const network = await create(cloud.blue, 'network', {})
  await create(cloud.blue, 'subnet', { network_id: network.id, ip_version: 4, cidr: '10.0.0.0/24' })
  return network
}

async function dhcpPorts({ id }: Network): Promise<Port[]> {
  return list(cloud.admin, 'port', {
    network_id: id,
    device_owner: 'network:dhcp',
    sort_key: 'id',
    sort_dir: 'asc',
  })
}

async function hostsOf(network: Network): Promise<string[]> {
  const answer = (await cloud.admin.request('GET', `/networks/${network.id}/dhcp-agents`)) as {
    agents: { host: string }[]
  }
  return answer.agents.map((agent) => agent.host).sort()
}

async function instanceOn(host: CloudHost, network: Network): Promise<Instance> {
  const port = await computePort(cloud.admin, host === one ? 'one' : 'two', { network_id: network.id })
  const instance = await host.plug(port)
  await untilStatus(cloud.admin, port.id, 'ACTIVE')
  return instance
}

interface Client {
  process: TestProcess
  /** What happened, in order: `bound 10.0.0.5 from 10.0.0.2, DNS 10.0.0.2`. */
  events: string[]
}

/** A DHCP client that stays and renews. */
async function clientIn(host: CloudHost, { namespace }: Instance): Promise<Client> {
  const script = join(host.dir, 'watch.sh')
  await writeFile(
    script,
    '#!/bin/sh\n[ "$1" != bound ] || ip address replace "$ip/$mask" dev "$interface"\necho "$1 $ip from $serverid, DNS $dns"\n',
    { mode: 0o755 },
  )
  const process = await host.spawn(
    [
      'ip',
      'netns',
      'exec',
      namespace,
      'busybox',
      'udhcpc',
      '-f',
      '-i',
      'eth0',
      '-t',
      '20',
      '-T',
      '1',
      '-s',
      script,
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  const events: string[] = []
  const { stdout } = process.child
  assert.ok(stdout)
  createInterface({ input: stdout }).on('line', (line) => {
    if (/^\w+ .*from/.test(line)) events.push(line)
  })
  return { process, events }
}

test('a lost host: its network goes to another with the same address, and clients renew with that', {
  skip,
}, async () => {
  const network = await servedNetwork()
  const [before_] = await dhcpPorts(network)
  assert.deepEqual(await hostsOf(network), ['one'])
  await two.startAgent()
  const instance = await instanceOn(two, network)
  const client = await clientIn(two, instance)
  await until('the client has its lease', async () =>
    client.events.some((event) => event.startsWith('bound')),
  )
  const ip = instance.port.fixed_ips[0]?.ip_address
  const server = before_?.fixed_ips[0]?.ip_address
  const told = `${ip} from ${server}, DNS ${server}`
  assert.deepEqual(client.events.slice(-1), [`bound ${told}`])

  await one.killAgent()
  for (const line of await processesNamed(one, 'dnsmasq')) process.kill(Number(line.split(' ')[0]), 'SIGKILL')
  await one.run(['ip', 'link', 'set', 'br-phy', 'down'])
  await until('the other agent serves', async () => (await hostsOf(network)).join() === 'two', 20)
  const [after_, ...more] = await dhcpPorts(network)
  assert.deepEqual(more, [])
  assert.deepEqual(
    [after_?.id, after_?.mac_address, after_?.fixed_ips, after_?.['binding:host_id']],
    [before_?.id, before_?.mac_address, before_?.fixed_ips, 'two'],
  )
  await untilStatus(cloud.admin, after_?.id ?? '', 'ACTIVE')
  client.events.length = 0
  // udhcpc's sign to renew at once.
  client.process.kill('SIGUSR1')
  await until('the client has renewed its lease', async () => client.events.length > 0)
  assert.deepEqual(client.events.slice(0, 1), [`renew ${told}`], 'and was refused nothing before')
  client.process.kill('SIGKILL')
  await client.process.ended
  await instance.unplug()
  await one.run(['ip', 'link', 'set', 'br-phy', 'up'])
  await one.startAgent()
  await until(
    'what it served no more is gone there',
    async () => (await processesNamed(one, 'dnsmasq')).length === 0,
  )
})

test('two agents serve one network: clients are told of both, and served when one is gone', {
  skip,
}, async () => {
  const network = await servedNetwork()
  const [first = ''] = await hostsOf(network)
  const second = first === 'one' ? 'two' : 'one'
  const [agent] = await list(cloud.admin, 'agent', { host: second, agent_type: 'DHCP agent' })
  await cloud.admin.request('POST', `/agents/${agent?.id}/dhcp-networks`, { network_id: network.id })
  const ports = await dhcpPorts(network)
  for (const port of ports) await untilStatus(cloud.admin, port.id, 'ACTIVE')
  const servers = ports.map((port) => port.fixed_ips[0]?.ip_address ?? '').sort()
  assert.deepEqual(servers, ['10.0.0.2', '10.0.0.3'])
  const instance = await instanceOn(two, network)
  const client = await clientIn(two, instance)
  await until('the client has its lease', async () =>
    client.events.some((event) => event.startsWith('bound')),
  )
  assert.match(client.events.at(-1) ?? '', /DNS 10\.0\.0\.2 10\.0\.0\.3$/)
  const name = `host-${instance.port.fixed_ips[0]?.ip_address.replaceAll('.', '-')}.cloud.test`
  for (const server of servers) {
    const answer = await instance.run(['busybox', 'nslookup', '-type=a', name, server])
    assert.match(answer, new RegExp(`Address: ${instance.port.fixed_ips[0]?.ip_address}`), server)
  }
  client.process.kill('SIGKILL')
  await client.process.ended

  await cloud.admin.request('DELETE', `/agents/${agent?.id}/dhcp-networks/${network.id}`)
  const again = await clientIn(two, instance)
  await until('the one that is left gives the same', async () =>
    again.events.some((event) => event.startsWith('bound')),
  )
  assert.match(
    again.events.at(-1) ?? '',
    new RegExp(`^bound ${instance.port.fixed_ips[0]?.ip_address} from `),
  )
  again.process.kill('SIGKILL')
  await again.process.ended
  const reserved = (await dhcpPorts(network)).find((port) => port.device_id === 'reserved_dhcp_port')
  assert.ok(reserved && servers.includes(reserved.fixed_ips[0]?.ip_address ?? ''))
})
