/** Agent and server die by SIGKILL under traffic: no packet is lost, and nothing that was right is touched. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { create } from '../../client/networking.ts'
import { whyNoTestHosts } from '../kernel/sandbox.ts'
import {
  type CloudHost,
  computePort,
  createCloud,
  type Instance,
  processesNamed,
  untilStatus,
  type WholeCloud,
} from './cloud.ts'

const skip = whyNoTestHosts() ?? false
let cloud: WholeCloud
let host: CloudHost
let a: Instance
let b: Instance

before(async () => {
  if (skip) return
  cloud = await createCloud()
  host = await cloud.addHost('one')
  await host.startAgent()
  const network = await create(cloud.blue, 'network', { name: 'steady' })
  await create(cloud.blue, 'subnet', { network_id: network.id, ip_version: 4, cidr: '10.1.0.0/24' })
  const ports = [
    await computePort(cloud.admin, 'one', { network_id: network.id }),
    await computePort(cloud.admin, 'one', { network_id: network.id }),
  ] as const
  a = await host.plug(ports[0])
  b = await host.plug(ports[1])
  for (const port of ports) await untilStatus(cloud.admin, port.id, 'ACTIVE')
  await a.dhcp()
  await b.dhcp()
})
after(() => cloud?.destroy())

interface HostFacts {
  ofports: string
  dnsmasq: string[]
  /** Match and actions of each flow, with its age in seconds. */
  flows: Map<string, number>
}

async function facts(): Promise<HostFacts> {
  const flows = new Map<string, number>()
  for (const bridge of ['br-int', 'br-tun']) {
    const text = await host.run(['ovs-ofctl', '-O', 'OpenFlow13', 'dump-flows', bridge])
    for (const line of text.split('\n').filter((each) => each.includes('duration='))) {
      const age = Number(/duration=([\d.]+)s/.exec(line)?.[1])
      // Learned flows come and go with traffic.
      if (line.includes('hard_timeout')) continue
      flows.set(
        `${bridge} ${line.replace(/duration=[^,]*, |n_packets=\d+, |n_bytes=\d+, |(idle|hard)_age=\d+, /g, '').trim()}`,
        age,
      )
    }
  }
  return {
    ofports: await host.run(['ovs-vsctl', '--format=csv', '--columns=name,ofport', 'list', 'Interface']),
    dnsmasq: await processesNamed(host, 'dnsmasq'),
    flows,
  }
}

/** Pings 20 times a second while `work` goes on; answers [sent, received]. */
async function underPing(work: () => Promise<void>): Promise<[number, number]> {
  const address = b.port.fixed_ips[0]?.ip_address ?? ''
  const ping = await host.spawn(['ip', 'netns', 'exec', a.namespace, 'ping', '-i', '0.05', '-q', address])
  let said = ''
  ping.child.stdout?.on('data', (data) => {
    said += data
  })
  await sleep(500)
  await work()
  await sleep(1000)
  ping.kill('SIGINT')
  await ping.ended
  const [, sent, received] = /(\d+) packets transmitted, (\d+) received/.exec(said) ?? []
  return [Number(sent), Number(received)]
}

function assertUntouched(earlier: HostFacts, later: HostFacts): void {
  assert.equal(later.ofports, earlier.ofports, 'ofports')
  assert.deepEqual(later.dnsmasq, earlier.dnsmasq, 'pids and start times of dnsmasq')
  assert.ok(earlier.dnsmasq.length > 0 && earlier.flows.size > 10)
  assert.deepEqual([...later.flows.keys()].sort(), [...earlier.flows.keys()].sort(), 'flows')
  for (const [flow, age] of earlier.flows)
    assert.ok((later.flows.get(flow) ?? -1) > age, `${flow} is as old as it was`)
}

test('the agent is killed and started again under a ping: nothing is lost, nothing is touched', {
  skip,
}, async () => {
  const earlier = await facts()
  const [sent, received] = await underPing(async () => {
    await host.killAgent()
    await sleep(500)
    await host.startAgent()
    await sleep(1000)
  })
  assert.ok(sent > 40, `${sent} packets sent`)
  assert.equal(received, sent)
  assertUntouched(earlier, await facts())
})

test('the server is killed and started again under a ping: nothing is lost, nothing is touched', {
  skip,
}, async () => {
  const earlier = await facts()
  const [sent, received] = await underPing(async () => {
    await cloud.killServer()
    await sleep(500)
    await cloud.startServer()
    await sleep(1000)
  })
  assert.ok(sent > 40, `${sent} packets sent`)
  assert.equal(received, sent)
  assertUntouched(earlier, await facts())
  const port = await computePort(cloud.admin, 'one', { network_id: a.port.network_id })
  const late = await host.plug(port)
  await untilStatus(cloud.admin, port.id, 'ACTIVE')
  await late.dhcp()
})
