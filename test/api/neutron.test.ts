/** The older `neutron` command, as Horizon, Heat and Nova use its library: what each command answers, for main resources. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { servicePluginNames } from '../../server/plugins.ts'
import { createCloud, type WholeCloud } from '../whole/cloud.ts'
import { type Commands, startCommands } from './command.driver.ts'

const skip = existsSync('/usr/bin/neutron') ? false : 'needs python3-neutronclient'

type Row = Record<string, unknown>

let cloud: WholeCloud
let blue: Commands
let admin: Commands
let env: (user: 'admin' | 'blue') => NodeJS.ProcessEnv

const names = async (commands: Commands, text: string): Promise<string[]> =>
  (await commands.shows<Row[]>(text)).map((row) => String(row.name)).sort()

before(async () => {
  if (skip) return
  cloud = await createCloud({
    config: `[DEFAULT]\nagent_down_time = 600\nservice_plugins = ${servicePluginNames.join(',')}\n`,
  })
  env = (user) => {
    const { authUrl, username, password, projectName } = cloud.clouds[user]
    return {
      PATH: process.env.PATH,
      HOME: cloud.dir,
      OS_AUTH_URL: authUrl,
      OS_USERNAME: username,
      OS_PASSWORD: password,
      OS_PROJECT_NAME: projectName,
      OS_USER_DOMAIN_ID: 'default',
      OS_PROJECT_DOMAIN_ID: 'default',
      OS_IDENTITY_API_VERSION: '3',
    }
  }
  blue = startCommands('neutron', [], env('blue'))
  admin = startCommands('neutron', [], env('admin'))
  await cloud.beat('network-1', [
    {
      agent_type: 'DHCP agent',
      binary: 'neutron-dhcp-agent',
      availability_zone: 'nova',
      configurations: { dhcp_driver: 'neutron.agent.linux.dhcp.Dnsmasq' },
    },
  ])
})
after(async () => {
  blue?.close()
  admin?.close()
  await cloud?.destroy()
})

test('the command itself', { skip }, async () => {
  const { stdout } = await promisify(execFile)('neutron', ['net-list', '-f', 'json'], { env: env('blue') })
  assert.deepEqual(JSON.parse(stdout), [])
})

test('networks, subnets, ports', { skip }, async () => {
  const network = await blue.shows('net-create old --description first')
  assert.deepEqual([network.name, network.description], ['old', 'first'])
  const subnet = await blue.shows(
    'subnet-create old 10.6.0.0/24 --name olds --allocation-pool start=10.6.0.10,end=10.6.0.20 --dns-nameserver 192.0.2.53',
  )
  assert.equal(subnet.gateway_ip, '10.6.0.1')
  await blue.refuses('subnet-create old 10.6.0.128/25', /overlap/)
  const port = await blue.shows('port-create old --name oldp --fixed-ip subnet_id=olds,ip_address=10.6.0.15')
  assert.equal(port.network_id, network.id)
  assert.match(JSON.stringify(port.fixed_ips), /10\.6\.0\.15/)
  await blue.refuses('port-create old --fixed-ip ip_address=10.6.0.15', /already allocated/)
  await blue.does('net-update old --name older')
  await blue.does('subnet-update olds --disable-dhcp')
  assert.equal((await blue.shows('subnet-show olds')).enable_dhcp, false)
  await blue.does('port-update oldp --admin-state-up False')
  assert.equal((await blue.shows('port-show oldp')).admin_state_up, false)
  assert.deepEqual(await names(blue, 'net-list'), ['older'])
  assert.deepEqual(await names(blue, 'net-list --name nothing'), [])
  assert.deepEqual(await names(blue, 'net-external-list'), [])
  assert.deepEqual(await names(blue, 'subnet-list --enable-dhcp False'), ['olds'])
  assert.deepEqual(await names(blue, `port-list --network-id ${network.id} --sort-key name --sort-dir asc`), [
    'oldp',
  ])
  await blue.refuses('net-delete older', /in use|ports still/)
  await blue.does('port-delete oldp')
  await blue.does('subnet-delete olds')
  await blue.does('net-delete older')
  assert.deepEqual(await names(blue, 'net-list'), [])
  await blue.refuses('net-show older', /Unable to find network/)
})

test('subnet pools and address scopes', { skip }, async () => {
  const scope = await blue.shows('address-scope-create wide 4')
  assert.equal(scope.ip_version, 4)
  const pool = await blue.shows(
    'subnetpool-create --pool-prefix 10.60.0.0/16 --default-prefixlen 26 --address-scope wide pool',
  )
  assert.deepEqual([pool.default_prefixlen, pool.address_scope_id], [26, scope.id])
  await blue.does('net-create cut')
  const subnet = await blue.shows('subnet-create --subnetpool pool --name piece cut')
  assert.match(String(subnet.cidr), /^10\.60\.\d+\.\d+\/26$/)
  await blue.refuses('subnetpool-delete pool', /existing allocations/)
  await blue.refuses('address-scope-delete wide', /address scope/i)
  await blue.does('net-delete cut')
  await blue.does('subnetpool-update --name pond pool')
  assert.deepEqual(await names(blue, 'subnetpool-list'), ['pond'])
  assert.equal((await blue.shows('subnetpool-show pond')).name, 'pond')
  await blue.does('subnetpool-delete pond')
  await blue.does('address-scope-update --name narrow wide')
  assert.deepEqual(await names(blue, 'address-scope-list'), ['narrow'])
  await blue.does('address-scope-delete narrow')
})

test('security groups and rules', { skip }, async () => {
  const group = await blue.shows('security-group-create web --description servers')
  assert.equal(group.description, 'servers')
  const rule = await blue.shows(
    'security-group-rule-create web --direction ingress --protocol tcp --port-range-min 80 --port-range-max 81 --remote-ip-prefix 10.0.0.0/8',
  )
  assert.deepEqual([rule.protocol, rule.port_range_max, rule.security_group_id], ['tcp', 81, group.id])
  await blue.refuses(
    'security-group-rule-create web --direction ingress --protocol tcp --port-range-min 80 --port-range-max 81 --remote-ip-prefix 10.0.0.0/8',
    /already exists/,
  )
  assert.equal((await blue.shows(`security-group-rule-show ${rule.id}`)).id, rule.id)
  assert.equal(
    (await blue.shows<Row[]>(`security-group-rule-list --security-group-id ${group.id}`)).length,
    3,
  )
  await blue.does('security-group-update web --name site')
  assert.deepEqual(await names(blue, 'security-group-list'), ['default', 'site'])
  await blue.does(`security-group-rule-delete ${rule.id}`)
  await blue.does('security-group-delete site')
})

test('quotas', { skip }, async () => {
  const { project_id: project } = await blue.shows('net-create counted')
  const changed = await admin.shows(`quota-update --tenant-id ${project} --network 1 --port 7`)
  assert.deepEqual([changed.network, changed.port], [1, 7])
  await blue.refuses('net-create more', /Quota exceeded/)
  assert.equal((await admin.shows(`quota-show --tenant-id ${project}`)).network, 1)
  assert.equal((await admin.shows<Row[]>('quota-list')).length, 1)
  await admin.does(`quota-delete --tenant-id ${project}`)
  assert.equal((await admin.shows(`quota-default-show --tenant-id ${project}`)).network, 100)
  await blue.does('net-delete counted')
})

test('RBAC policies', { skip }, async () => {
  const network = await blue.shows('net-create lent')
  const made = await blue.shows(
    `rbac-create --type network --action access_as_shared --target-tenant ${'f'.repeat(32)} lent`,
  )
  assert.deepEqual([made.object_id, made.action], [network.id, 'access_as_shared'])
  assert.equal((await blue.shows<Row[]>('rbac-list')).length, 1)
  await blue.does(`rbac-update --target-tenant ${'e'.repeat(32)} ${made.id}`)
  assert.equal((await blue.shows(`rbac-show ${made.id}`)).target_tenant, 'e'.repeat(32))
  await blue.does(`rbac-delete ${made.id}`)
  await blue.does('net-delete lent')
})

test('agents, zones, extensions', { skip }, async () => {
  const [agent] = await admin.shows<Row[]>('agent-list')
  assert.deepEqual([agent?.host, agent?.alive], ['network-1', ':-)'])
  await admin.does(`agent-update ${agent?.id} --description the-one --admin-state-up True`)
  assert.equal((await admin.shows(`agent-show ${agent?.id}`)).description, 'the-one')
  await admin.does('net-create served')
  await admin.does(`dhcp-agent-network-add ${agent?.id} served`)
  assert.deepEqual(await names(admin, `net-list-on-dhcp-agent ${agent?.id}`), ['served'])
  const [host] = await admin.shows<Row[]>('dhcp-agent-list-hosting-net served')
  assert.equal(host?.id, agent?.id)
  await admin.does(`dhcp-agent-network-remove ${agent?.id} served`)
  assert.deepEqual(await names(admin, `net-list-on-dhcp-agent ${agent?.id}`), [])
  await admin.does('net-delete served')
  const zones = await blue.shows<Row[]>('availability-zone-list')
  assert.ok(zones.some((zone) => zone.name === 'nova' && zone.resource === 'network'))
  assert.ok((await blue.shows<Row[]>('ext-list')).some(({ alias }) => alias === 'port-security'))
  assert.equal((await blue.shows('ext-show binding')).alias, 'binding')
  assert.deepEqual(await blue.shows('service-provider-list'), [])
})

test('QoS policies and rules', { skip }, async () => {
  const policy = await admin.shows('qos-policy-create gold --description best')
  assert.equal(policy.description, 'best')
  const limit = await admin.shows('qos-bandwidth-limit-rule-create gold --max-kbps 1000 --max-burst-kbps 100')
  assert.equal(limit.max_kbps, 1000)
  await admin.does(`qos-bandwidth-limit-rule-update ${limit.id} gold --max-kbps 2000`)
  assert.equal((await admin.shows(`qos-bandwidth-limit-rule-show ${limit.id} gold`)).max_kbps, 2000)
  const mark = await admin.shows('qos-dscp-marking-rule-create gold --dscp-mark 8')
  assert.equal(mark.dscp_mark, 8)
  const least = await admin.shows('qos-minimum-bandwidth-rule-create gold --min-kbps 100 --direction egress')
  assert.equal(least.min_kbps, 100)
  assert.equal((await admin.shows<Row[]>('qos-dscp-marking-rule-list gold')).length, 1)
  await admin.does(`qos-dscp-marking-rule-delete ${mark.id} gold`)
  assert.deepEqual(await admin.shows('qos-dscp-marking-rule-list gold'), [])
  const kinds = await blue.shows<Row[]>('qos-available-rule-types')
  assert.ok(kinds.some(({ type }) => type === 'dscp_marking'))
  const network = await admin.shows('net-create slow --qos-policy gold')
  assert.equal(network.qos_policy_id, policy.id)
  await admin.refuses('qos-policy-delete gold', /used by/)
  await admin.does('net-update slow --no-qos-policy')
  await admin.does('net-delete slow')
  await admin.does('qos-policy-update gold --name silver')
  assert.deepEqual(await names(admin, 'qos-policy-list'), ['silver'])
  await admin.does('qos-policy-delete silver')
})

test('tags', { skip }, async () => {
  await blue.does('net-create tagged')
  await blue.does('tag-add --resource-type network --resource tagged --tag a')
  await blue.does('tag-add --resource-type network --resource tagged --tag b')
  assert.deepEqual(await names(blue, 'net-list --tags a,b'), ['tagged'])
  await blue.does('tag-remove --resource-type network --resource tagged --tag a')
  assert.deepEqual(await names(blue, 'net-list --tags a'), [])
  await blue.does('tag-replace --resource-type network --resource tagged --tag c --tag d')
  assert.match(JSON.stringify((await blue.shows('net-show tagged')).tags), /c.*d/)
  await blue.does('tag-remove --resource-type network --resource tagged --all')
  assert.deepEqual(await names(blue, 'net-list --tags c'), [])
  await blue.does('net-delete tagged')
})

test('metering labels and rules', { skip }, async () => {
  const label = await admin.shows('meter-label-create count --description all')
  assert.equal(label.description, 'all')
  const rule = await admin.shows('meter-label-rule-create count 10.0.0.0/24 --direction egress')
  assert.equal(rule.direction, 'egress')
  assert.equal((await admin.shows<Row[]>('meter-label-rule-list')).length, 1)
  assert.equal((await admin.shows(`meter-label-rule-show ${rule.id}`)).id, rule.id)
  await admin.does(`meter-label-rule-delete ${rule.id}`)
  assert.deepEqual(await names(admin, 'meter-label-list'), ['count'])
  await admin.does('meter-label-delete count')
  assert.deepEqual(await admin.shows('meter-label-list'), [])
})

test('flavors and service profiles', { skip }, async () => {
  await admin.does('flavor-create thick L3_ROUTER_NAT --description first')
  const profile = await admin.shows('flavor-profile-create --metainfo x --description one')
  await admin.does(`flavor-associate thick ${profile.id}`)
  assert.match(JSON.stringify(await admin.shows('flavor-show thick')), new RegExp(String(profile.id)))
  await admin.does(`flavor-disassociate thick ${profile.id}`)
  await admin.does(`flavor-profile-delete ${profile.id}`)
  assert.deepEqual(await names(blue, 'flavor-list'), ['thick'])
  await admin.does('flavor-delete thick')
  assert.deepEqual(await names(blue, 'flavor-list'), [])
})
