/** `nucleon network create …` against a running server: every verb, names, lists of items, formats, mistakes. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { parse } from 'yaml'
import { cloudsText } from '../../cli/up/texts.ts'
import { createCloud, type WholeCloud } from '../whole/cloud.ts'

const run = promisify(execFile)
const main = new URL('../../cli/main.ts', import.meta.url).pathname
let cloud: WholeCloud
let env: NodeJS.ProcessEnv

type Row = Record<string, unknown>

async function nucleon(...argv: string[]): Promise<string> {
  const { stdout } = await run(process.execPath, [main, ...argv], { env, timeout: 30_000 })
  return stdout
}

const json = async <T>(...argv: string[]) => JSON.parse(await nucleon(...argv, '-f', 'json')) as T

async function refused(argv: string[], reason: RegExp): Promise<void> {
  await assert.rejects(nucleon(...argv), (error: Error & { stderr?: string; code?: number }) => {
    assert.equal(error.code, 1)
    assert.match(error.stderr ?? '', reason)
    assert.doesNotMatch(error.stderr ?? '', /\n\s+at /, 'no stack')
    return true
  })
}

before(async () => {
  cloud = await createCloud()
  const file = join(cloud.dir, 'clouds.yaml')
  const { admin, blue, red } = cloud.clouds
  await writeFile(
    file,
    cloudsText([
      ['admin', admin],
      ['blue', blue],
      ['red', red],
    ]),
  )
  env = { PATH: process.env.PATH, HOME: cloud.dir, OS_CLIENT_CONFIG_FILE: file, OS_CLOUD: 'blue' }
})
after(() => cloud?.destroy())

test('networks, subnets and ports from creation to deletion', async () => {
  const network = await json<Row>('network', 'create', 'net1', '--description', 'first', '--tag', 'green')
  assert.deepEqual([network.name, network.description, network.tags], ['net1', 'first', ['green']])
  const subnet = await json<Row>(
    ...[
      'subnet',
      'create',
      'sub1',
      '--network',
      'net1',
      '--subnet-range',
      '10.3.0.0/24',
      '--ip-version',
      '4',
    ],
    ...['--dns-nameserver', '192.0.2.53', '--allocation-pool', 'start=10.3.0.10,end=10.3.0.99'],
  )
  assert.equal(subnet.network_id, network.id)
  assert.deepEqual(subnet.allocation_pools, [{ start: '10.3.0.10', end: '10.3.0.99' }])
  const port = await json<Row>(
    ...['port', 'create', 'port1', '--network', 'net1', '--fixed-ip', 'subnet=sub1,ip-address=10.3.0.5'],
  )
  assert.deepEqual(port.fixed_ips, [{ subnet_id: subnet.id, ip_address: '10.3.0.5' }])
  const six = ['--network', 'net1', '--ip-version', '6', '--subnet-range', '2001:db8:3::/64', '--no-dhcp']
  await nucleon('subnet', 'create', 'six', ...six)
  const availability = await nucleon(
    'ip',
    'availability',
    'show',
    'net1',
    '-f',
    'json',
    '--os-cloud',
    'admin',
  )
  assert.match(availability, new RegExp(`"total_ips": ${90n + 2n ** 64n - 2n},`))
  const table = await nucleon('ip', 'availability', 'list', '--os-cloud', 'admin')
  assert.match(table, new RegExp(`\\| net1 +\\| ${90n + 2n ** 64n - 2n} \\| 1 `))
  await nucleon('subnet', 'delete', 'six')

  await nucleon('subnet', 'set', 'sub1', '--dns-nameserver', '192.0.2.54', '--no-dhcp')
  const changed = await json<Row>('subnet', 'show', 'sub1')
  assert.deepEqual([changed.dns_nameservers, changed.enable_dhcp], [['192.0.2.53', '192.0.2.54'], false])
  await nucleon('subnet', 'unset', 'sub1', '--dns-nameserver', '192.0.2.53')
  assert.deepEqual((await json<Row>('subnet', 'show', 'sub1')).dns_nameservers, ['192.0.2.54'])
  await nucleon('port', 'set', 'port1', '--fixed-ip', 'subnet=sub1', '--tag', 'a', '--tag', 'b')
  assert.equal(((await json<Row>('port', 'show', 'port1')).fixed_ips as Row[]).length, 2)
  await nucleon('port', 'unset', 'port1', '--fixed-ip', 'ip-address=10.3.0.5', '--tag', 'a')
  const left = await json<Row>('port', 'show', 'port1')
  assert.deepEqual([(left.fixed_ips as Row[]).length, left.tags], [1, ['b']])
  await nucleon('network', 'set', 'net1', '--disable')

  assert.deepEqual(await json('network', 'list', '-c', 'name', '--disable'), [{ name: 'net1' }])
  assert.deepEqual(await json('network', 'list', '-c', 'name', '--enable'), [])
  assert.deepEqual(await json('port', 'list', '-c', 'name', '--network', 'net1', '--sort', 'name:desc'), [
    { name: 'port1' },
  ])
  assert.deepEqual(parse(await nucleon('subnet', 'show', 'sub1', '-f', 'yaml', '-c', 'cidr')), {
    cidr: '10.3.0.0/24',
  })
  assert.match(await nucleon('network', 'list'), /^\| [0-9a-f-]{36} \| net1 \| [0-9a-f-]{36} \|$/m)
  await nucleon('port', 'delete', 'port1')
  await nucleon('network', 'delete', 'net1')
  assert.deepEqual(await json('subnet', 'list'), [])
})

test("an administrator's resources: agents, rbac policies, quotas", async () => {
  await cloud.beat('compute-7')
  const admin = ['--os-cloud', 'admin']
  const [agent] = await json<Row[]>('network', 'agent', 'list', ...admin)
  assert.deepEqual([agent?.host, agent?.alive], ['compute-7', true])
  const network = await json<Row>('network', 'create', 'lent', ...admin)
  const entry = await json<Row>(
    ...['rbac', 'policy', 'create', '--object-type', 'network', '--object', String(network.id)],
    ...['--action', 'access_as_shared', '--target-tenant', '*', ...admin],
  )
  assert.equal((await json<Row>('network', 'show', 'lent')).shared, true)
  await nucleon('rbac', 'policy', 'delete', String(entry.id), ...admin)
  await nucleon('network', 'delete', 'lent', ...admin)
})

test('mistakes are told in words', async () => {
  await refused(['network', 'show', 'nothing'], /there is no network nothing/)
  await refused(['network', 'create', 'x', '--colour', 'red'], /--colour/)
  await refused(['network', 'create', 'x', '--share'], /403 PolicyNotAuthorized/)
  await refused(['netwrok', 'list'], /there is no command netwrok list/)
  await nucleon('network', 'create', 'twin')
  await nucleon('network', 'create', 'twin')
  await refused(['network', 'show', 'twin'], /2 of the networks are called twin/)
  assert.match(await nucleon('network', '--help'), /--subnet|--description/)
})
