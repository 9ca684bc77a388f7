import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ConfigError, type ConfigSources, loadConfig } from './load.ts'
import {
  boolean,
  dict,
  float,
  integer,
  list,
  multi,
  numberRange,
  oneOf,
  option,
  text,
  vlanRange,
} from './option.ts'
import { dhcpAgentSections, isKnownOption, l2AgentSections, loadRoleConfig, serverSections } from './roles.ts'
import { sampleConfig } from './sample.ts'

const sections = {
  DEFAULT: {
    debug: boolean({ default: false, help: 'Debug.' }),
    port: integer({ default: 9696, min: 0, max: 65535, help: 'Port.' }),
    rate: float({ default: 0.5, min: 0, help: 'Rate.' }),
    state_dir: text({ default: '/var', help: 'State.' }),
    strategy: option(oneOf(['one', 'two']), { default: 'one', help: 'Strategy.' }),
    password: text({ default: null, secret: true, help: 'Password.' }),
    secret_number: integer({ default: null, secret: true, help: 'Secret.' }),
  },
  ml2: {
    types: list({ default: ['local'], help: 'Types.' }),
    vnis: list({ default: [], help: 'Ranges.' }, numberRange({ min: 1, max: 100 })),
    vlans: list({ default: [], help: 'VLANs.' }, vlanRange()),
    mappings: dict({ help: 'Bridges.' }),
    files: multi({ default: ['a'], help: 'Files.' }),
  },
}

function load(textOrFiles: string | string[], sources: Omit<ConfigSources, 'files'> = {}) {
  const texts = typeof textOrFiles === 'string' ? [textOrFiles] : textOrFiles
  return loadConfig(sections, { files: texts.map((text, i) => ({ path: `f${i}.conf`, text })), ...sources })
}

test('answers defaults, frozen', () => {
  const { values, warnings } = load('')
  assert.equal(values.DEFAULT.port, 9696)
  assert.equal(values.DEFAULT.password, null)
  assert.deepEqual(values.ml2.files, ['a'])
  assert.deepEqual(warnings, [])
  assert.ok(Object.isFrozen(values) && Object.isFrozen(values.ml2))
})

test('reads every kind', () => {
  const { values } = load(`
[default]
debug = YES
port = 80
rate = 1e3
strategy = TWO
[ML2]
types = flat,
  vxlan
vnis = 1:10, 20:30
vlans = physnet1:100:199, physnet2
mappings = public:br-ex, physnet1:br-1
files = one
files = two
`)
  assert.deepEqual(
    { ...values.DEFAULT },
    {
      debug: true,
      port: 80,
      rate: 1000,
      state_dir: '/var',
      strategy: 'two',
      password: null,
      secret_number: null,
    },
  )
  assert.deepEqual(values.ml2.types, ['flat', 'vxlan'])
  assert.deepEqual(values.ml2.vnis, [
    { first: 1, last: 10 },
    { first: 20, last: 30 },
  ])
  assert.deepEqual(values.ml2.vlans, [
    { physicalNetwork: 'physnet1', range: { first: 100, last: 199 } },
    { physicalNetwork: 'physnet2', range: null },
  ])
  assert.deepEqual(
    [...values.ml2.mappings],
    [
      ['public', 'br-ex'],
      ['physnet1', 'br-1'],
    ],
  )
  assert.deepEqual(values.ml2.files, ['one', 'two'])
})

test('later files win, the environment over files, flags over all', () => {
  const files = ['[DEFAULT]\nport = 1\nport = 2\nstate_dir = /a', '[DEFAULT]\nport = 3']
  assert.equal(load(files).values.DEFAULT.port, 3)
  assert.equal(load(files).values.DEFAULT.state_dir, '/a')
  const environment = { OS_DEFAULT__PORT: '4' }
  assert.equal(load(files, { environment }).values.DEFAULT.port, 4)
  const flags = [{ flag: '--port', section: 'DEFAULT', name: 'port', value: '5' }]
  assert.equal(load(files, { environment, flags }).values.DEFAULT.port, 5)
})

test('substitutes options of the same section, of DEFAULT and of others, declared or not', () => {
  const { values } = load(`
[DEFAULT]
root = /srv
state_dir = $root/state
[ml2]
local = L
types = $local, \${state_dir}, $DEFAULT.root, $port
`)
  assert.deepEqual(values.ml2.types, ['L', '/srv/state', '/srv', '9696'])
})

test('names file, line, option and what was expected of every wrong value at once', () => {
  const wrong = `[DEFAULT]
debug = perhaps
port = 70000
password = $nobody
strategy = three
state_dir = $state_dir
[ml2]
vnis = 10:1
mappings = a:b,a:c`
  assert.throws(
    () => load(wrong),
    (error) => {
      assert.ok(error instanceof ConfigError)
      assert.deepEqual(
        error.problems.map(({ where, message }) => `${where} ${message}`),
        [
          'f0.conf:2 [DEFAULT] debug = perhaps: expected true or false',
          'f0.conf:3 [DEFAULT] port = 70000: expected an integer from 0 to 65535',
          'f0.conf:6 [DEFAULT] state_dir: $state_dir refers to itself',
          'f0.conf:5 [DEFAULT] strategy = three: expected one of one, two',
          'f0.conf:4 [DEFAULT] password: $nobody refers to an option that is not set',
          'f0.conf:8 [ml2] vnis = 10:1: expected a list with commas between, each FIRST:LAST with integers from 1 to 100',
          'f0.conf:9 [ml2] mappings = a:b,a:c: expected a list of KEY:VALUE with commas between, each key once, each value a text',
        ],
      )
      return true
    },
  )
})

test('keeps secrets out of messages', () => {
  assert.throws(
    () => load('[DEFAULT]\nsecret_number = hunter2'),
    (error) => error instanceof ConfigError && !error.message.includes('hunter2'),
  )
})

test('a file that is none of the dialect is an error with its line', () => {
  assert.throws(() => load('[DEFAULT]\nwhat'), /f0\.conf:2: neither a section nor an option/)
})

test('warns about unknown options, not about those that are known elsewhere', () => {
  const { warnings } = load('[DEFAULT]\nprot = 1\nknown = 2', { isKnown: (_, name) => name === 'known' })
  assert.deepEqual(warnings, [{ where: 'f0.conf:2', message: 'unknown option [DEFAULT] prot is ignored' }])
})

const stock = `
[DEFAULT]
core_plugin = ml2
service_plugins =
auth_strategy = keystone
state_path = /var/lib/neutron
transport_url = rabbit://openstack:x@controller
dhcp_agent_notification = true
notify_nova_on_port_status_changes = true
interface_driver = openvswitch
[agent]
root_helper = "sudo /usr/bin/neutron-rootwrap /etc/neutron/rootwrap.conf"
tunnel_types = vxlan
l2_population = true
extensions =
[database]
connection = sqlite:////var/lib/neutron/neutron.sqlite
[keystone_authtoken]
www_authenticate_uri = http://controller:5000
auth_url = http://controller:5000
memcached_servers = controller:11211
auth_type = password
project_domain_name = default
user_domain_name = default
project_name = service
username = neutron
password = NEUTRON_PASS
[nova]
region_name = RegionOne
[oslo_concurrency]
lock_path = $state_path/lock
[placement]
auth_type = password
[experimental]
linuxbridge = true
[linux_bridge]
physical_interface_mappings = provider:eth1
[vxlan]
enable_vxlan = true
[service_providers]
service_provider = VPN:strongswan:x:default
[ml2]
type_drivers = flat,vlan,vxlan
tenant_network_types = vxlan
mechanism_drivers = openvswitch,l2population
extension_drivers = port_security
[ml2_type_flat]
flat_networks = provider
[ml2_type_vxlan]
vni_ranges = 1:1000
[securitygroup]
firewall_driver = openvswitch
[ovs]
bridge_mappings = provider:br-provider
local_ip = 10.0.0.31
[quotas]
quota_driver = neutron.db.quota.driver_nolock.DbQuotaNoLockDriver
quota_router = 10
quota_trunk = 3
`

test('a stock configuration starts every role without a word', () => {
  for (const sections of [serverSections, l2AgentSections, dhcpAgentSections]) {
    assert.deepEqual(loadRoleConfig(sections, { files: [{ path: 'stock', text: stock }] }).warnings, [])
  }
  const { values } = loadRoleConfig(l2AgentSections, { files: [{ path: 'stock', text: stock }] })
  assert.equal(values.ovs.bridge_mappings.get('provider'), 'br-provider')
  assert.equal(isKnownOption('agent', 'tunel_types'), false)
  const ofDnsmasq = ['dnsmasq_config_file', 'dhcp_broadcast_reply', 'dnsmasq_base_log_dir']
  assert.deepEqual(
    ofDnsmasq.map((name) => isKnownOption('DEFAULT', name)),
    [true, true, true],
  )
  const { quotas } = loadRoleConfig(serverSections, { files: [{ path: 'stock', text: stock }] }).values
  assert.deepEqual([quotas.quota_trunk, quotas.quota_subnetpool, quotas.default_quota], [3, null, -1])
})

test('the sample file names every option, and what it shows is the default', () => {
  for (const sections of [serverSections, l2AgentSections, dhcpAgentSections]) {
    const sample = sampleConfig(sections)
    const uncommented = sample.replace(/^#(\w+ = (?!<None>).*)$/gm, '$1')
    const { values, warnings } = loadRoleConfig(sections, { files: [{ path: 'sample', text: uncommented }] })
    assert.deepEqual(values, loadRoleConfig(sections, {}).values)
    assert.deepEqual(warnings, [])
    for (const [section, options] of Object.entries(sections)) {
      assert.ok(sample.includes(`[${section}]\n`))
      for (const name of Object.keys(options)) assert.match(sample, new RegExp(`^#${name} =`, 'm'))
    }
  }
})
