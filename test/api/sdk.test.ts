/**
 * openstacksdk's network proxy, each resource that is served: create, get, find, list with filters, update, delete, and
 * what else it can do to one. What of the proxy is not called is a closed list.
 */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { cloudsText } from '../../cli/up/texts.ts'
import { servicePluginNames } from '../../server/plugins.ts'
import { createCloud, type WholeCloud } from '../whole/cloud.ts'
import { type Driver, startDriver } from './python.driver.ts'

const skip = existsSync('/usr/lib/python3/dist-packages/openstack') ? false : 'needs python3-openstackclient'

type Row = Record<string, unknown>
type User = 'admin' | 'blue'

interface Answer {
  value?: unknown
  error?: string
  status?: number | null
  why?: string
}

/** What is not called, and why: each pattern stands for whole names. */
const leftOut: Readonly<Record<string, RegExp>> = {
  'routers and what stands on them are not served yet':
    /(\w*_)?(routers?|ips?|ips|port_forwardings?|conntrack_helpers?|ndp_prox(y|ies))(_\w+)?/,
  'no load balancers': /\w*_?(load_balancers?|listeners?|pools?|pool_members?|health_monitors?)/,
  'no VPN': /\w*vpn_\w+/,
  'no firewalls': /\w*firewall_\w+|(insert_rule_into|remove_rule_from)_policy/,
  'neither labels nor their rules can be changed': /update_metering_label(_rule)?/,
  'of every proxy, not of networking':
    /request|head|get|put|post|patch|delete|invalidate|client_\w+|register_\w+|get_(api_major_version|all_version_data|endpoint(_data)?|project_id|token|user_id)/,
}
/** Names that a pattern above takes too much of. */
const stillCalled: ReadonlySet<string> = new Set(
  [
    ...['subnet_pool', 'local_ip', 'network_ip_availability'].flatMap((name) =>
      ['create', 'get', 'find', 'update', 'delete'].map((verb) => `${verb}_${name}`),
    ),
    ...['create', 'get', 'find', 'delete'].map((verb) => `${verb}_local_ip_association`),
    ...['subnet_pools', 'local_ips', 'local_ip_associations', 'network_ip_availabilities'],
  ].filter((name) => !/(create|update|delete)_network_ip_availability/.test(name)),
)

let cloud: WholeCloud
let driver: Driver
let announced: Set<string>
const called = new Set<string>()

async function ask(user: User, name: string, args: readonly unknown[], options: Row): Promise<Answer> {
  called.add(name)
  return driver.ask<Answer>({ cloud: user, call: name, args, options })
}

async function call<Value = Row>(
  user: User,
  name: string,
  args: readonly unknown[] = [],
  options: Row = {},
): Promise<Value> {
  const { value, error, why } = await ask(user, name, args, options)
  assert.equal(error, undefined, `${name} ${JSON.stringify([args, options])}: ${why}`)
  return value as Value
}

async function refused(status: number, user: User, name: string, ...args: unknown[]): Promise<void> {
  const answer = await ask(user, name, args, {})
  assert.equal(answer.status, status, `${name}: ${JSON.stringify(answer)}`)
}

/** The attributes of `object` that `like` names. */
function part(object: Row | null, like: Row): Row {
  return Object.fromEntries(Object.keys(like).map((name) => [name, object?.[name]]))
}

interface Resource {
  /** As in `create_network`. */
  name: string
  /** As in `networks()`. */
  plural: string
  user: User
  /** The alias of the extension that brings it. */
  alias?: string
  /** What it is made of, in the SDK's words; the answer shows the same. */
  body(): Row | Promise<Row>
  /** What an update changes; absent where there is none. */
  change?: Row
  /** Finds it alone: by its id if absent, which the SDK does not know as a filter of some. */
  filter?: (made: Row) => Row
  /** The id of what it stands below: the last of the positional arguments. */
  below?: () => Promise<string>
  /** Answers of create that say something else than was asked. */
  unlike?: readonly string[]
  /** Beyond the common: gets what was made. */
  more?: (made: Row) => Promise<void>
}

/** Create, get, find by name and id, list with a filter, update, delete. */
async function walk(resource: Resource): Promise<void> {
  const { name, plural, user, change, unlike = [] } = resource
  const below = resource.below ? [await resource.below()] : []
  const body = await resource.body()
  const made = await call(user, `create_${name}`, below, body)
  const { id } = made
  const plain = Object.fromEntries(Object.entries(body).filter(([one]) => !unlike.includes(one)))
  assert.deepEqual(part(made, plain), plain, `create_${name}`)
  const shown = await call(user, `get_${name}`, [id, ...below])
  assert.deepEqual(part(shown, { id, ...plain }), { id, ...plain }, `get_${name}`)
  for (const key of new Set([id, made.name ?? id])) {
    assert.equal((await call(user, `find_${name}`, [key, ...below])).id, id, `find_${name} ${key}`)
  }
  const all = await call<Row[]>(user, plural, below)
  assert.ok(
    all.some((one) => one.id === id),
    `${plural}() has it`,
  )
  const found = await call<Row[]>(user, plural, below, resource.filter?.(made) ?? { id })
  assert.deepEqual(
    found.map((one) => one.id),
    [id],
    `${plural} with a filter`,
  )
  if (change) {
    const changed = await call(user, `update_${name}`, [id, ...below], change)
    assert.deepEqual(part(changed, change), change, `update_${name}`)
    assert.deepEqual(part(await call(user, `get_${name}`, [id, ...below]), change), change)
  }
  await resource.more?.(made)
  await call(user, `delete_${name}`, [id, ...below])
  await refused(404, user, `get_${name}`, id, ...below)
  assert.equal(await call(user, `find_${name}`, [id, ...below]), null, `find_${name} of what is gone`)
}

let counter = 0
const named = (more: Row = {}): Row => ({ name: `one-${++counter}`, ...more })
const byName = ({ name }: Row): Row => ({ name })
const description = { description: 'changed' }

let network: string
let subnet: string
let policy: string
let localIp: string
const newPort = async (more: Row = {}): Promise<Row> =>
  call('blue', 'create_port', [], { network_id: network, ...more })

const qosRule = (kind: string, plural: string, body: Row, change: Row): Resource => ({
  name: `qos_${kind}_rule`,
  plural: plural,
  user: 'admin',
  alias: 'qos',
  below: async () => policy,
  body: () => body,
  change,
  filter: () => ({}),
})

const resources: readonly Resource[] = [
  {
    name: 'network',
    plural: 'networks',
    user: 'blue',
    body: () => named({ description: 'first', mtu: 1400, is_port_security_enabled: false }),
    change: { is_admin_state_up: false, ...description },
    filter: ({ name }) => ({ name, is_shared: false, is_admin_state_up: true }),
    async more({ id, name, revision_number }) {
      await call('blue', 'update_network', [id], { name, if_revision: Number(revision_number) + 1 })
      const stale = await ask('blue', 'update_network', [id], { name, if_revision: revision_number })
      assert.equal(stale.status, 412)
      assert.deepEqual(await call<Row[]>('blue', 'networks', [], { name, is_admin_state_up: true }), [])
    },
  },
  {
    name: 'subnet',
    plural: 'subnets',
    user: 'blue',
    body: () => ({
      ...named({ network_id: network, ip_version: 4, cidr: '10.20.0.0/24', dns_nameservers: ['192.0.2.53'] }),
      allocation_pools: [{ start: '10.20.0.10', end: '10.20.0.20' }],
    }),
    change: { is_dhcp_enabled: false, dns_nameservers: [], ...description },
    filter: () => ({ network_id: network, cidr: '10.20.0.0/24' }),
  },
  {
    name: 'port',
    plural: 'ports',
    user: 'blue',
    body: () => named({ network_id: network, fixed_ips: [{ subnet_id: subnet, ip_address: '10.30.0.7' }] }),
    change: { is_admin_state_up: false, device_id: 'device', ...description },
    filter: () => ({ fixed_ips: 'ip_address=10.30.0.7' }),
    async more({ id }) {
      const ports = await call<Row[]>('blue', 'get_subnet_ports', [subnet])
      assert.ok(ports.some((one) => one.id === id))
      const several = await call<Row[]>('blue', 'create_ports', [
        [1, 2].map((number) => ({ name: `bulk-${number}`, network_id: network })),
      ])
      assert.deepEqual(several.map((one) => one.name).sort(), ['bulk-1', 'bulk-2'])
      for (const one of several) await call('blue', 'delete_port', [one.id])
    },
  },
  {
    name: 'subnet_pool',
    plural: 'subnet_pools',
    user: 'blue',
    alias: 'subnet_allocation',
    body: () => named({ prefixes: ['10.40.0.0/16'], default_prefix_length: 26 }),
    change: description,
    filter: byName,
    async more({ id }) {
      const { id: network_id } = await call('blue', 'create_network', [], { name: 'cut' })
      const made = await call('blue', 'create_subnet', [], { network_id, ip_version: 4, subnet_pool_id: id })
      assert.match(String(made.cidr), /^10\.40\.\d+\.\d+\/26$/)
      await refused(400, 'blue', 'delete_subnet_pool', id)
      await call('blue', 'delete_network', [network_id])
    },
  },
  {
    name: 'address_scope',
    plural: 'address_scopes',
    user: 'blue',
    alias: 'address-scope',
    body: () => named({ ip_version: 6 }),
    change: { name: 'scope-renamed' },
    filter: ({ name }) => ({ name, ip_version: 6 }),
  },
  {
    name: 'address_group',
    plural: 'address_groups',
    user: 'blue',
    alias: 'address-group',
    body: () => named({ addresses: ['192.0.2.0/24'] }),
    change: description,
    filter: byName,
    async more({ id }) {
      await call('blue', 'add_addresses_to_address_group', [id, ['198.51.100.0/24']])
      await call('blue', 'remove_addresses_from_address_group', [id, ['192.0.2.0/24']])
      assert.deepEqual((await call('blue', 'get_address_group', [id])).addresses, ['198.51.100.0/24'])
    },
  },
  {
    name: 'security_group',
    plural: 'security_groups',
    user: 'blue',
    alias: 'security-group',
    body: () => named({ description: 'servers' }),
    change: { stateful: false, ...description },
    filter: byName,
    async more({ id }) {
      const rule = { security_group_id: id, direction: 'ingress', protocol: 'udp' }
      const made = await call<Row[]>('blue', 'create_security_group_rules', [
        [53, 123].map((port) => ({ ...rule, port_range_min: port, port_range_max: port })),
      ])
      assert.deepEqual(made.map((one) => one.port_range_min).sort(), [123, 53])
      const tagged = await call('blue', 'get_security_group', [id])
      assert.equal((tagged.security_group_rules as Row[]).length, 4)
    },
  },
  {
    name: 'security_group_rule',
    plural: 'security_group_rules',
    user: 'blue',
    alias: 'security-group',
    async body() {
      const group = await call('blue', 'create_security_group', [], named())
      return {
        ...{ security_group_id: group.id, direction: 'ingress', protocol: 'tcp', ether_type: 'IPv4' },
        ...{ port_range_min: 80, port_range_max: 81, remote_ip_prefix: '10.0.0.0/8' },
      }
    },
    filter: ({ security_group_id }) => ({ security_group_id, direction: 'ingress' }),
  },
  {
    name: 'rbac_policy',
    plural: 'rbac_policies',
    user: 'blue',
    alias: 'rbac-policies',
    body: async () => ({
      object_type: 'network',
      object_id: network,
      action: 'access_as_shared',
      target_project_id: 'f'.repeat(32),
    }),
    change: { target_project_id: 'e'.repeat(32) },
    filter: () => ({ object_id: network, action: 'access_as_shared' }),
  },
  {
    name: 'qos_policy',
    plural: 'qos_policies',
    user: 'admin',
    alias: 'qos',
    body: () => named({ is_shared: true }),
    change: { is_shared: false, ...description },
    filter: byName,
  },
  qosRule(
    'bandwidth_limit',
    'qos_bandwidth_limit_rules',
    { max_kbps: 1000, max_burst_kbps: 100, direction: 'egress' },
    { max_kbps: 2000 },
  ),
  qosRule('dscp_marking', 'qos_dscp_marking_rules', { dscp_mark: 8 }, { dscp_mark: 10 }),
  qosRule(
    'minimum_bandwidth',
    'qos_minimum_bandwidth_rules',
    { min_kbps: 100, direction: 'egress' },
    { min_kbps: 200 },
  ),
  qosRule(
    'minimum_packet_rate',
    'qos_minimum_packet_rate_rules',
    { min_kpps: 100, direction: 'any' },
    { min_kpps: 200 },
  ),
  {
    name: 'trunk',
    plural: 'trunks',
    user: 'blue',
    alias: 'trunk',
    body: async () => named({ port_id: (await newPort()).id }),
    change: { is_admin_state_up: false, ...description },
    filter: ({ port_id }) => ({ port_id }),
    async more({ id }) {
      await call('blue', 'update_trunk', [id], { is_admin_state_up: true })
      const child = (await newPort()).id
      const entry = { port_id: child, segmentation_type: 'vlan', segmentation_id: 7 }
      await call('blue', 'add_trunk_subports', [id, [entry]])
      const { sub_ports: ports } = await call('blue', 'get_trunk_subports', [id])
      assert.deepEqual(ports, [entry])
      await call('blue', 'delete_trunk_subports', [id, [{ port_id: child }]])
      assert.deepEqual((await call('blue', 'get_trunk', [id])).sub_ports, [])
    },
  },
  {
    name: 'segment',
    plural: 'segments',
    user: 'admin',
    alias: 'segment',
    body: () => named({ network_id: network, network_type: 'vxlan', segmentation_id: 4711 }),
    change: { name: 'segment-renamed' },
    filter: byName,
  },
  {
    name: 'network_segment_range',
    plural: 'network_segment_ranges',
    user: 'admin',
    alias: 'network-segment-range',
    body: () => named({ shared: true, network_type: 'vxlan', minimum: 200_000, maximum: 200_010 }),
    change: { maximum: 200_020 },
    filter: byName,
  },
  {
    name: 'flavor',
    plural: 'flavors',
    user: 'admin',
    alias: 'flavors',
    body: () => named({ service_type: 'L3_ROUTER_NAT' }),
    change: { is_enabled: false, ...description },
    filter: byName,
    async more({ id }) {
      const profile = await call('admin', 'create_service_profile', [], { meta_info: 'x' })
      await call('admin', 'associate_flavor_with_service_profile', [id, profile.id])
      assert.deepEqual((await call('admin', 'get_flavor', [id])).service_profile_ids, [profile.id])
      await refused(409, 'admin', 'delete_service_profile', profile.id)
      await call('admin', 'disassociate_flavor_from_service_profile', [id, profile.id])
      await call('admin', 'delete_service_profile', [profile.id])
    },
  },
  {
    name: 'service_profile',
    plural: 'service_profiles',
    user: 'admin',
    alias: 'flavors',
    body: () => ({ meta_info: `info-${++counter}`, description: 'first' }),
    change: { is_enabled: false, ...description },
    filter: () => ({ description: 'first' }),
  },
  {
    name: 'local_ip',
    plural: 'local_ips',
    user: 'blue',
    alias: 'local_ip',
    body: () => named({ network_id: network }),
    change: description,
    filter: byName,
  },
  {
    name: 'metering_label',
    plural: 'metering_labels',
    user: 'admin',
    alias: 'metering',
    body: () => named({ description: 'first' }),
    filter: byName,
  },
  {
    name: 'metering_label_rule',
    plural: 'metering_label_rules',
    user: 'admin',
    alias: 'metering',
    async body() {
      const label = await call('admin', 'create_metering_label', [], named())
      return { metering_label_id: label.id, direction: 'ingress', remote_ip_prefix: '10.0.0.0/24' }
    },
    filter: ({ metering_label_id }) => ({ metering_label_id }),
  },
]

before(async () => {
  if (skip) return
  cloud = await createCloud({
    config: `[DEFAULT]\nagent_down_time = 600\nservice_plugins = ${servicePluginNames.join(',')}\n`,
  })
  const file = join(cloud.dir, 'clouds.yaml')
  const { admin, blue } = cloud.clouds
  await writeFile(
    file,
    cloudsText([
      ['admin', admin],
      ['blue', blue],
    ]),
  )
  driver = startDriver('sdk.driver.py', [], {
    PATH: process.env.PATH,
    HOME: cloud.dir,
    OS_CLIENT_CONFIG_FILE: file,
  })
  await cloud.beat('compute-1')
  await cloud.beat('network-1', [
    {
      agent_type: 'DHCP agent',
      binary: 'neutron-dhcp-agent',
      availability_zone: 'nova',
      configurations: {},
    },
  ])
  announced = new Set((await call<Row[]>('blue', 'extensions')).map((one) => String(one.alias)))
  network = String((await call('blue', 'create_network', [], { name: 'ground' })).id)
  const range = { network_id: network, ip_version: 4, cidr: '10.30.0.0/24', name: 'range' }
  subnet = String((await call('blue', 'create_subnet', [], range)).id)
  policy = String((await call('admin', 'create_qos_policy', [], { name: 'rules' })).id)
  localIp = String((await call('blue', 'create_local_ip', [], { network_id: network })).id)
})
after(async () => {
  driver?.close()
  await cloud?.destroy()
})

for (const resource of resources) {
  test(`${resource.name}: from creation to deletion`, { skip }, async (t) => {
    const { alias } = resource
    if (alias !== undefined && !announced.has(alias)) return t.skip(`${alias} is not announced`)
    await walk(resource)
  })
}

test('associations of a local IP', { skip }, async () => {
  const { id } = await newPort()
  const body = { fixed_port_id: id }
  const made = await call('blue', 'create_local_ip_association', [localIp], body)
  assert.equal(made.fixed_port_id, id)
  assert.equal((await call<Row[]>('blue', 'local_ip_associations', [localIp], body)).length, 1)
  assert.equal((await call('blue', 'get_local_ip_association', [id, localIp])).fixed_port_id, id)
  assert.equal((await call('blue', 'find_local_ip_association', [id, localIp])).fixed_port_id, id)
  await call('blue', 'delete_local_ip_association', [localIp, id])
  assert.deepEqual(await call('blue', 'local_ip_associations', [localIp]), [])
})

test('agents and whom they serve', { skip }, async () => {
  const agents = await call<Row[]>('admin', 'agents', [], { agent_type: 'DHCP agent' })
  assert.deepEqual(
    agents.map((one) => [one.host, one.is_alive]),
    [['network-1', true]],
  )
  const id = agents[0]?.id
  assert.equal((await call('admin', 'get_agent', [id])).binary, 'neutron-dhcp-agent')
  const changed = await call('admin', 'update_agent', [id], { description: 'the one' })
  assert.equal(changed.description, 'the one')
  const { id: served } = await call('admin', 'create_network', [], { name: 'served' })
  await call('admin', 'add_dhcp_agent_to_network', [id, served])
  const networks = await call<Row[]>('admin', 'dhcp_agent_hosting_networks', [id])
  assert.ok(networks.some((one) => one.id === served))
  const hosts = await call<Row[]>('admin', 'network_hosting_dhcp_agents', [served])
  assert.deepEqual(
    hosts.map((one) => one.id),
    [id],
  )
  await call('admin', 'remove_dhcp_agent_from_network', [id, served])
  assert.deepEqual(await call('admin', 'network_hosting_dhcp_agents', [served]), [])
  await call('admin', 'delete_network', [served])
  const [other] = await call<Row[]>('admin', 'agents', [], { host: 'compute-1' })
  await call('admin', 'delete_agent', [other?.id])
  assert.deepEqual(await call('admin', 'agents', [], { host: 'compute-1' }), [])
  await refused(404, 'blue', 'get_agent', id)
})

test('quotas', { skip }, async () => {
  const { project_id: blue } = await call('blue', 'get_network', [network])
  const defaults = await call('admin', 'get_quota_default', [blue])
  assert.equal(defaults.networks, 100)
  const changed = await call('admin', 'update_quota', [blue], { networks: 7, ports: 50 })
  assert.deepEqual([changed.networks, changed.ports], [7, 50])
  const shown = await call('admin', 'get_quota', [blue])
  assert.deepEqual([shown.networks, shown.ports], [7, 50])
  const details = await call('admin', 'get_quota', [blue], { details: true })
  assert.equal((details.networks as Row).limit, 7)
  assert.equal((details.networks as Row).used, 1)
  assert.equal((await call<Row[]>('admin', 'quotas')).length, 1)
  await call('admin', 'delete_quota', [blue])
  assert.equal((await call('admin', 'get_quota', [blue])).networks, 100)
})

test('what is read alone: zones, extensions, availability of addresses, kinds, providers', {
  skip,
}, async () => {
  const zones = await call<Row[]>('blue', 'availability_zones', [], { resource: 'network' })
  assert.deepEqual(
    zones.map((one) => [one.name, one.state]),
    [['nova', 'available']],
  )
  assert.equal((await call('blue', 'find_extension', ['port-security'])).alias, 'port-security')
  assert.deepEqual(await call('blue', 'service_providers'), [])
  const kinds = await call<Row[]>('blue', 'qos_rule_types')
  assert.ok(kinds.some((one) => one.type === 'bandwidth_limit'))
  assert.equal((await call('admin', 'get_qos_rule_type', ['bandwidth_limit'])).type, 'bandwidth_limit')
  assert.equal((await call('admin', 'find_qos_rule_type', ['dscp_marking'])).type, 'dscp_marking')
  if (!announced.has('network-ip-availability')) return
  const shown = await call('admin', 'get_network_ip_availability', [network])
  assert.equal(shown.total_ips, 253)
  assert.equal((await call('admin', 'find_network_ip_availability', [network])).network_id, network)
  const six = await call<Row[]>('admin', 'network_ip_availabilities', [], { network_name: 'ground' })
  assert.equal(six.length, 1)
})

test('a topology is allocated once, and goes', { skip }, async () => {
  const refusal = await ask('blue', 'get_auto_allocated_topology', [], {})
  assert.equal(refusal.status, 409)
  const network_options = { name: 'out', is_router_external: true, is_default: true }
  const outside = await call('admin', 'create_network', [], network_options)
  assert.equal(outside.is_default, true)
  const pool = await call('admin', 'create_subnet_pool', [], {
    ...{ name: 'for all', prefixes: ['10.60.0.0/16'], default_prefix_length: 26 },
    ...{ is_shared: true, is_default: true },
  })
  assert.equal((await call('blue', 'validate_auto_allocated_topology')).id, 'dry-run=pass')
  const made = await call('blue', 'get_auto_allocated_topology')
  assert.equal((await call('blue', 'get_auto_allocated_topology')).id, made.id)
  const own = await call('blue', 'get_network', [made.id])
  assert.deepEqual([own.name, own.project_id], ['auto_allocated_network', made.project_id])
  assert.equal((await call('admin', 'get_auto_allocated_topology', [made.project_id])).id, made.id)
  await call('blue', 'delete_auto_allocated_topology')
  await refused(404, 'blue', 'get_network', made.id)
  await call('admin', 'delete_subnet_pool', [pool.id])
  await call('admin', 'delete_network', [outside.id])
})

test('tags', { skip }, async () => {
  const { id } = await call('blue', 'create_network', [], { name: 'tagged' })
  await call('blue', 'set_tags', [{ get_network: id }, ['a', 'b']])
  assert.deepEqual(((await call('blue', 'get_network', [id])).tags as string[]).sort(), ['a', 'b'])
  const found = await call<Row[]>('blue', 'networks', [], { tags: 'a,b' })
  assert.deepEqual(
    found.map((one) => one.id),
    [id],
  )
  assert.deepEqual(await call('blue', 'networks', [], { not_tags: 'a', name: 'tagged' }), [])
  await call('blue', 'delete_network', [id])
})

test('all else of the proxy is left out for a reason', { skip }, async (t) => {
  const methods = await driver.ask<Answer>({ cloud: 'blue', call: 'methods' })
  const isLeftOut = (name: string): boolean =>
    !stillCalled.has(name) && Object.values(leftOut).some((one) => new RegExp(`^(${one.source})$`).test(name))
  const pending = resources
    .filter(({ alias }) => alias !== undefined && !announced.has(alias))
    .flatMap(({ name, plural }) => [
      plural,
      ...['create', 'get', 'find', 'update', 'delete'].map((verb) => `${verb}_${name}`),
    ])
  const names = methods.value as string[]
  t.diagnostic(`${called.size} of ${names.length} methods called`)
  assert.deepEqual(
    names.filter((name) => !called.has(name) && !isLeftOut(name) && !pending.includes(name)),
    [],
  )
})
