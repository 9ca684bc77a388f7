/**
 * Debian's tempest: all of tempest.api.network with every API extension on, against a server with embedded identity.
 * What does not run is a closed list, tempest/skips.json, and what does run has a floor.
 */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { create } from '../../client/networking.ts'
import { servicePluginNames } from '../../server/plugins.ts'
import { createCloud, type WholeCloud } from '../whole/cloud.ts'

const run = promisify(execFile)
const here = new URL('tempest', import.meta.url).pathname
const skip = existsSync('/usr/bin/tempest') ? false : 'needs tempest'

/** Fewest tests that run: a run that finds nothing to do is no success. */
const floor = 178

type Skips = Record<string, { reason: string; tests: string[] }>

interface Outcome {
  test: string
  result: 'ok' | 'FAILED' | 'SKIPPED'
}

function configuration(cloud: WholeCloud, publicNetwork: string): string {
  const { admin } = cloud.clouds
  return `[DEFAULT]
log_file = tempest.log
[oslo_concurrency]
lock_path = ${cloud.dir}
[auth]
use_dynamic_credentials = true
create_isolated_networks = false
admin_username = ${admin.username}
admin_password = ${admin.password}
admin_project_name = ${admin.projectName}
admin_domain_name = Default
[identity]
uri_v3 = ${admin.authUrl}
auth_version = v3
region = RegionOne
[service_available]
neutron = true
nova = false
glance = false
cinder = false
swift = false
[network]
public_network_id = ${publicNetwork}
floating_network_name = public
[network-feature-enabled]
api_extensions = all
ipv6_subnet_attributes = true
`
}

/** What tempest's text says became of each test; of a whole class where its set-up decided. */
function outcomesOf(output: string): Outcome[] {
  const pattern = /^\{\d+\} (?:setUpClass \()?([\w.]+)\)?(?: \[[\d.]+s\])? \.\.\. (ok|FAILED|SKIPPED)/gm
  return [...output.matchAll(pattern)].map(([, test, result]) => ({
    test: test ?? '',
    result: result as Outcome['result'],
  }))
}

/** The part of the output that tells of one failed test. */
function storyOf(output: string, test: string): string {
  const start = output.indexOf(`${test}`)
  const end = output.indexOf('\n{', start)
  return output.slice(start, Math.min(end < 0 ? output.length : end, start + 4000))
}

test('tempest.api.network', { skip, timeout: 240_000 }, async (t) => {
  const cloud = await createCloud({
    config: `[DEFAULT]\nagent_down_time = 600\nservice_plugins = ${servicePluginNames.join(',')}\n`,
  })
  t.after(() => cloud.destroy())
  await cloud.beat('compute-1', [
    {
      agent_type: 'DHCP agent',
      binary: 'neutron-dhcp-agent',
      availability_zone: 'nova',
      configurations: { dhcp_driver: 'neutron.agent.linux.dhcp.Dnsmasq' },
    },
  ])
  // Shared: this tempest is older than the rule by which subnets of external networks are there for everybody.
  const network = await create(cloud.admin, 'network', {
    name: 'public',
    shared: true,
    'router:external': true,
    'provider:network_type': 'flat',
    'provider:physical_network': 'public',
  })
  const subnet = { network_id: network.id, ip_version: 4, cidr: '198.51.100.0/24', enable_dhcp: false }
  await create(cloud.admin, 'subnet', subnet)

  const skips: Skips = JSON.parse(await readFile(join(here, 'skips.json'), 'utf8'))
  const listed = Object.values(skips).flatMap(({ tests }) => tests)
  const isListed = (name: string) =>
    listed.some((one) => name === one || name.startsWith(`${one}.`) || one.startsWith(`${name}.`))
  await mkdir(join(cloud.dir, 'etc'))
  await writeFile(join(cloud.dir, 'etc', 'tempest.conf'), configuration(cloud, network.id))
  await writeFile(
    join(cloud.dir, '.stestr.conf'),
    '[DEFAULT]\ntest_path=/usr/lib/python3/dist-packages/tempest/test_discover\n' +
      'top_dir=/usr/lib/python3/dist-packages/tempest\ngroup_regex=([^\\.]*\\.)*\n',
  )
  await writeFile(
    join(cloud.dir, 'exclude'),
    listed.map((name) => `^${name.replaceAll('.', '\\.')}(\\.|\\[|$)`).join('\n'),
  )
  const options = { cwd: cloud.dir, env: { ...process.env, PYTHONPATH: here }, maxBuffer: 2 ** 28 }
  await run('stestr', ['init'], options)
  const which = ['--regex', '^tempest\\.api\\.network\\.']
  const all = await run('tempest', ['run', ...which, '--list-tests'], options)
  for (const name of listed) assert.ok(all.stdout.includes(name), `skips.json: there is no ${name}`)

  const { stdout } = await run(
    'tempest',
    ['run', ...which, '--exclude-list', join(cloud.dir, 'exclude'), '--concurrency', '2'],
    options,
  ).catch((error: Error & { stdout: string }) => error)
  const outcomes = outcomesOf(stdout)
  const named = (result: Outcome['result']) =>
    outcomes.filter((one) => one.result === result).map((one) => one.test)
  const [passed, failed, skipped] = [named('ok'), named('FAILED'), named('SKIPPED')]
  t.diagnostic(`${passed.length} passed, ${failed.length} failed, ${skipped.length} skipped`)
  for (const name of failed) t.diagnostic(storyOf(stdout, name))
  assert.deepEqual(failed, [])
  assert.deepEqual(
    skipped.filter((name) => !isListed(name)),
    [],
    'skipped without standing in skips.json',
  )
  assert.ok(passed.length >= floor, `only ${passed.length} tests ran:\n${stdout.slice(-2000)}`)
})
