/** The `openstack` command as it is, with the clouds.yaml that we write. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { cloudsText } from '../../cli/up/texts.ts'
import { createCloud, type WholeCloud } from '../whole/cloud.ts'
import { type Commands, startCommands } from './command.driver.ts'

const skip = existsSync('/usr/bin/openstack') ? false : 'needs python3-openstackclient'
const run = promisify(execFile)
let cloud: WholeCloud
let env: NodeJS.ProcessEnv

type Row = Record<string, unknown>
type User = 'admin' | 'blue'

/** One process a user; the first test starts the command itself. */
const commands = new Map<User, Commands>()

function of(user: User): Commands {
  const found = commands.get(user)
  if (!found) throw new Error(`no commands for ${user}`)
  return found
}

const openstack = (user: User, ...argv: string[]) => of(user).does(argv)
const shown = (user: User, ...argv: string[]) => of(user).shows(argv)
const listed = (user: User, ...argv: string[]) => of(user).shows<Row[]>(argv)
const refused = (user: User, argv: string[], reason: RegExp) => of(user).refuses(argv, reason)

before(async () => {
  if (skip) return
  cloud = await createCloud({ apiPort: 19796, identityPort: 15100 })
  const file = join(cloud.dir, 'clouds.yaml')
  await writeFile(
    file,
    cloudsText([
      ['admin', cloud.clouds.admin],
      ['blue', cloud.clouds.blue],
      ['red', cloud.clouds.red],
    ]),
  )
  const { HOME = '/root', PATH = '' } = process.env
  env = { HOME, PATH, OS_CLIENT_CONFIG_FILE: file }
  for (const user of ['admin', 'blue'] as const) {
    commands.set(user, startCommands('openstack', ['--os-cloud', user], env))
  }
})
after(async () => {
  for (const one of commands.values()) one.close()
  await cloud?.destroy()
})

test('openstack: token, catalogue, projects', { skip }, async () => {
  const { stdout } = await run('openstack', ['--os-cloud', 'blue', 'token', 'issue', '-f', 'json'], { env })
  assert.ok((JSON.parse(stdout) as Row).id)
  const [token, catalogue, projects, own] = await Promise.all([
    shown('blue', 'token', 'issue'),
    listed('blue', 'catalog', 'list'),
    listed('admin', 'project', 'list'),
    shown('blue', 'project', 'show', 'blue'),
  ])
  assert.match(String(token.project_id), /^[0-9a-f]{32}$/)
  assert.deepEqual(catalogue.map((service) => service.Type).sort(), ['identity', 'network'])
  const projectNames = projects.map((project) => project.Name)
  for (const name of ['admin', 'blue', 'red']) assert.ok(projectNames.includes(name), name)
  assert.equal(own.id, token.project_id)
})

test('openstack: networks', { skip }, async () => {
  const made = await shown('blue', 'network', 'create', 'first', '--description', 'the first')
  assert.equal(made.name, 'first')
  assert.equal(made.mtu, 1450)
  assert.equal(made.shared, false)
  await shown('blue', 'network', 'create', 'second', '--disable')
  const names = async (...filter: string[]) =>
    (await listed('blue', 'network', 'list', ...filter)).map((row) => row.Name).sort()
  assert.deepEqual(await names(), ['first', 'second'])
  assert.deepEqual(await names('--disable'), ['second'])
  await openstack('blue', 'network', 'set', 'first', '--name', 'renamed', '--tag', 'green', '--tag', 'fast')
  assert.deepEqual(await names('--tags', 'green'), ['renamed'])
  const after = await shown('blue', 'network', 'show', 'renamed')
  assert.deepEqual(after.tags, ['fast', 'green'])
  await openstack('blue', 'network', 'unset', 'renamed', '--tag', 'green')
  assert.deepEqual((await shown('blue', 'network', 'show', 'renamed')).tags, ['fast'])
  await refused('blue', ['network', 'set', 'renamed', '--share'], /403|Forbidden|not allowed/i)
  const provider = [
    '--provider-network-type',
    'flat',
    '--provider-physical-network',
    'public',
    '--external',
    '--share',
  ]
  const outside = await shown('admin', 'network', 'create', 'outside', ...provider)
  assert.equal(outside['provider:network_type'], 'flat')
  assert.equal(outside['router:external'], true)
  assert.deepEqual(await names(), ['outside', 'renamed', 'second'])
  await openstack('admin', 'network', 'delete', 'outside')
  await openstack('blue', 'network', 'delete', 'renamed', 'second')
  assert.deepEqual(await names(), [])
  await refused('blue', ['network', 'show', 'renamed'], /No Network found/i)
})

test('openstack: subnets', { skip }, async () => {
  await openstack('blue', 'network', 'create', 'n1')
  const made = await shown(
    ...(['blue', 'subnet', 'create', 's1', '--network', 'n1', '--subnet-range', '10.9.0.0/24'] as const),
    ...['--dns-nameserver', '192.0.2.53', '--allocation-pool', 'start=10.9.0.10,end=10.9.0.99'],
    ...['--host-route', 'destination=198.51.100.0/24,gateway=10.9.0.9'],
  )
  assert.equal(made.gateway_ip, '10.9.0.1')
  assert.deepEqual(made.allocation_pools, [{ start: '10.9.0.10', end: '10.9.0.99' }])
  assert.deepEqual(made.host_routes, [{ destination: '198.51.100.0/24', nexthop: '10.9.0.9' }])
  await refused(
    'blue',
    ['subnet', 'create', 's2', '--network', 'n1', '--subnet-range', '10.9.0.128/25'],
    /400|overlaps/i,
  )
  await openstack(
    'blue',
    'subnet',
    'set',
    's1',
    '--name',
    'renamed',
    '--no-dhcp',
    '--dns-nameserver',
    '192.0.2.54',
  )
  const changed = await shown('blue', 'subnet', 'show', 'renamed')
  assert.equal(changed.enable_dhcp, false)
  // The client puts what it adds first; the order is kept, since resolvers go by it.
  assert.deepEqual(changed.dns_nameservers, ['192.0.2.54', '192.0.2.53'])
  await openstack('blue', 'subnet', 'unset', 'renamed', '--dns-nameserver', '192.0.2.53')
  assert.deepEqual((await shown('blue', 'subnet', 'show', 'renamed')).dns_nameservers, ['192.0.2.54'])
  const rows = await listed('blue', 'subnet', 'list', '--network', 'n1')
  assert.deepEqual(
    rows.map((row) => row.Subnet),
    ['10.9.0.0/24'],
  )
  await openstack('blue', 'subnet', 'delete', 'renamed')
  assert.deepEqual(await listed('blue', 'subnet', 'list'), [])
  await openstack('blue', 'network', 'delete', 'n1')
})

test('openstack: ports', { skip }, async () => {
  await openstack('blue', 'network', 'create', 'n1')
  await openstack('blue', 'subnet', 'create', 's1', '--network', 'n1', '--subnet-range', '10.7.0.0/24')
  const made = await shown(
    'blue',
    ...['port', 'create', 'p1', '--network', 'n1', '--fixed-ip', 'subnet=s1,ip-address=10.7.0.5'],
  )
  assert.equal((made.fixed_ips as Row[])[0]?.ip_address, '10.7.0.5')
  assert.match(String(made.mac_address), /^fa:16:3e(:[0-9a-f]{2}){3}$/)
  assert.equal(made.status, 'DOWN')
  assert.equal(made.binding_host_id ?? null, null, 'a member does not see bindings')
  await refused(
    'blue',
    ['port', 'create', 'p2', '--network', 'n1', '--fixed-ip', 'ip-address=10.7.0.5'],
    /409|already allocated/i,
  )
  await openstack(
    'blue',
    'port',
    'set',
    'p1',
    '--name',
    'renamed',
    '--description',
    'x',
    '--fixed-ip',
    'subnet=s1',
  )
  const two = await shown('blue', 'port', 'show', 'renamed')
  assert.equal((two.fixed_ips as Row[]).length, 2)
  await openstack('blue', 'port', 'unset', 'renamed', '--fixed-ip', 'subnet=s1,ip-address=10.7.0.5')
  const one = await shown('blue', 'port', 'show', 'renamed')
  assert.equal((one.fixed_ips as Row[]).length, 1)
  assert.notEqual((one.fixed_ips as Row[])[0]?.ip_address, '10.7.0.5')
  await openstack('admin', 'port', 'set', String(made.id), '--host', 'nowhere')
  assert.equal((await shown('admin', 'port', 'show', String(made.id))).binding_vif_type, 'binding_failed')
  assert.equal((await listed('blue', 'port', 'list', '--fixed-ip', 'subnet=s1')).length, 1)
  await refused('blue', ['subnet', 'delete', 's1'], /409|in use/i)
  await openstack('blue', 'port', 'delete', 'renamed')
  await openstack('blue', 'network', 'delete', 'n1')
  assert.deepEqual(await listed('blue', 'port', 'list'), [])
})

test('openstack: agents', { skip }, async () => {
  await cloud.beat('compute-7')
  const rows = await listed('admin', 'network', 'agent', 'list')
  assert.deepEqual(
    rows.map((row) => [row['Agent Type'], row.Host, row.Alive]),
    [['Open vSwitch agent', 'compute-7', true]],
  )
  const agent = await shown('admin', 'network', 'agent', 'show', String(rows[0]?.ID))
  assert.equal(agent.binary, 'neutron-openvswitch-agent')
  assert.deepEqual(agent.configuration ?? agent.configurations, { tunnel_types: ['vxlan'] })
  await openstack('admin', 'network', 'agent', 'set', String(rows[0]?.ID), '--disable')
  assert.equal((await shown('admin', 'network', 'agent', 'show', String(rows[0]?.ID))).admin_state_up, false)
  await openstack('admin', 'network', 'agent', 'delete', String(rows[0]?.ID))
  assert.deepEqual(await listed('admin', 'network', 'agent', 'list'), [])
})
