/** Two hosts, one server, three machines: instances of a network reach each other over VXLAN, and agents are seen to live and die. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { create, list } from '../../client/networking.ts'
import { whyNoTestHosts } from '../kernel/sandbox.ts'
import {
  type CloudHost,
  capture,
  computePort,
  createCloud,
  pings,
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
  cloud = await createCloud({ remote: true, config: 'report_interval = 1\n[DEFAULT]\nagent_down_time = 4\n' })
  one = await cloud.addHost('one')
  two = await cloud.addHost('two')
  await one.startAgent()
  await two.startAgent()
})
after(() => cloud?.destroy())

test('instances on different hosts reach each other over VXLAN, those of another network do not', {
  skip,
}, async () => {
  const network = await create(cloud.blue, 'network', { name: 'wide' })
  const other = await create(cloud.red, 'network', { name: 'other' })
  await create(cloud.blue, 'subnet', { network_id: network.id, ip_version: 4, cidr: '10.0.0.0/24' })
  await create(cloud.red, 'subnet', { network_id: other.id, ip_version: 4, cidr: '10.0.0.0/24' })
  const ports = {
    a: await computePort(cloud.admin, 'one', { network_id: network.id }),
    b: await computePort(cloud.admin, 'two', { network_id: network.id }),
    c: await computePort(cloud.admin, 'two', {
      network_id: other.id,
      fixed_ips: [{ ip_address: '10.0.0.77' }],
    }),
  }
  const [a, b, c] = [await one.plug(ports.a), await two.plug(ports.b), await two.plug(ports.c)]
  for (const port of Object.values(ports)) await untilStatus(cloud.admin, port.id, 'ACTIVE')
  await Promise.all([a.dhcp(), b.dhcp(), c.dhcp()])

  const ear = await capture(two, 'eth0', '', { namespace: c.namespace, inbound: true })
  assert.ok(await pings(a, ports.b.fixed_ips[0]?.ip_address ?? ''), 'a reaches b')
  assert.equal(await pings(a, '10.0.0.77'), false, 'a does not reach c')
  const seen = await ear.stop()
  assert.equal(seen.includes(ports.a.mac_address), false, `frames of a arrived at c:\n${seen}`)

  const bytes = await a.run([
    'ping',
    '-c',
    '1',
    '-W',
    '2',
    '-M',
    'do',
    '-s',
    '1422',
    ports.b.fixed_ips[0]?.ip_address ?? '',
  ])
  assert.match(bytes, /1 received/, 'a full packet of MTU 1450 passes unfragmented')
  await assert.rejects(
    a.run(['ping', '-c', '1', '-W', '2', '-M', 'do', '-s', '1423', ports.b.fixed_ips[0]?.ip_address ?? '']),
    'one byte more does not',
  )
})

test('an agent that stops reporting is shown dead, and alive again when it is back', { skip }, async () => {
  const alive = async (): Promise<boolean[]> =>
    (await list(cloud.admin, 'agent', { host: 'two' })).map((agent) => agent.alive)
  assert.deepEqual(await alive(), [true, true])
  await two.killAgent()
  await until('the agents of two are dead', async () => (await alive()).every((value) => !value), 15)
  assert.ok((await list(cloud.admin, 'agent', { host: 'one' })).every((agent) => agent.alive))
  await two.startAgent()
  await until('they are alive again', async () => (await alive()).every((value) => value), 15)
})
