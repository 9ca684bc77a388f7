/** The `openstack` command across the Networking API: what each command answers, and what is there afterwards. */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { cloudsText } from '../../cli/up/texts.ts'
import { servicePluginNames } from '../../server/plugins.ts'
import { createCloud, type WholeCloud } from '../whole/cloud.ts'
import { type Commands, startCommands } from './command.driver.ts'

const skip = existsSync('/usr/bin/openstack') ? false : 'needs python3-openstackclient'

type Row = Record<string, unknown>
const users = ['admin', 'blue', 'red'] as const
type User = (typeof users)[number]

let cloud: WholeCloud
/** One a user. */
const drivers = new Map<User, Commands>()
let announced: Set<string>

function of(user: User): Commands {
  const driver = drivers.get(user)
  if (!driver) throw new Error(`no driver for ${user}`)
  return driver
}

const does = (user: User, text: string) => of(user).does(text)
const shows = (user: User, text: string) => of(user).shows(text)
const lists = (user: User, text: string) => of(user).shows<Row[]>(text)
const refuses = (user: User, text: string, reason: RegExp) => of(user).refuses(text, reason)
const names = async (user: User, text: string) =>
  (await lists(user, text)).map((row) => String(row.Name)).sort()

before(async () => {
  if (skip) return
  cloud = await createCloud({
    config:
      `[DEFAULT]\nagent_down_time = 600\nservice_plugins = ${servicePluginNames.join(',')}\n` +
      '[ml2]\ntype_drivers = local,flat,vlan,vxlan\n[ml2_type_vlan]\nnetwork_vlan_ranges = physnet1:100:199\n',
  })
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
  const env = { PATH: process.env.PATH, HOME: cloud.dir, OS_CLIENT_CONFIG_FILE: file }
  for (const user of users) drivers.set(user, startCommands('openstack', ['--os-cloud', user], env))
  await cloud.beat('compute-1')
  await cloud.beat('network-1', [
    {
      agent_type: 'DHCP agent',
      binary: 'neutron-dhcp-agent',
      availability_zone: 'nova',
      configurations: { dhcp_driver: 'neutron.agent.linux.dhcp.Dnsmasq' },
    },
  ])
  announced = new Set((await lists('admin', 'extension list --network')).map((row) => String(row.Alias)))
})

after(async () => {
  for (const driver of drivers.values()) driver.close()
  await cloud?.destroy()
})

/** A part of the script; what needs an extension that is not announced is left out, and told. */
function part(name: string, alias: string | null, work: () => Promise<void>): void {
  test(name, { skip }, async (t) => {
    if (alias !== null && !announced.has(alias)) return t.skip(`${alias} is not announced`)
    await work()
  })
}

part('extensions, zones, tokens', null, async () => {
  assert.equal((await shows('blue', 'extension show port-security')).alias, 'port-security')
  await refuses('blue', 'extension show nothing', /No Extension found/i)
  assert.ok(
    (await lists('blue', 'availability zone list --network')).some((row) => row['Zone Name'] === 'nova'),
  )
  assert.ok((await shows('blue', 'token issue')).id)
  const projects = await names('admin', 'project list')
  const people = await names('admin', 'user list')
  assert.ok(users.every((name) => projects.includes(name) && people.includes(name)))
  assert.ok((await names('admin', 'role list')).includes('member'))
  await refuses('blue', 'user list', /403/)
})

part('networks', null, async () => {
  const made = await shows(
    'blue',
    'network create n1 --description one --tag a --tag b --dns-domain n1.test. --mtu 1400',
  )
  assert.deepEqual([made.name, made.description, made.mtu, made.dns_domain], ['n1', 'one', 1400, 'n1.test.'])
  assert.equal(made.port_security_enabled, true)
  await does('blue', 'network create n2 --disable --disable-port-security')
  assert.equal((await shows('blue', 'network show n2')).port_security_enabled, false)
  assert.deepEqual(await names('blue', 'network list --disable'), ['n2'])
  assert.deepEqual(await names('blue', 'network list --tags a,b'), ['n1'])
  assert.deepEqual(await names('blue', 'network list --any-tags a,c'), ['n1'])
  assert.deepEqual(await names('blue', 'network list --not-tags a'), ['n2'])
  assert.deepEqual(await names('blue', 'network list --not-any-tags a,c'), ['n2'])
  assert.deepEqual(await names('blue', 'network list --name n2'), ['n2'])
  assert.equal((await lists('blue', 'network list --long'))[0]?.State !== undefined, true)
  await does('blue', 'network set n2 --name n3 --enable --enable-port-security --mtu 1300')
  assert.equal((await shows('blue', 'network show n3')).mtu, 1300)
  await does('blue', 'network unset n1 --tag a')
  assert.deepEqual((await shows('blue', 'network show n1')).tags, ['b'])
  await does('blue', 'network set n1 --no-tag')
  assert.deepEqual((await shows('blue', 'network show n1')).tags, [])
  await refuses('red', 'network show n1', /No Network found/i)
  await refuses('red', `network show ${made.id}`, /No Network found/i)
  await refuses('blue', 'network create no --share', /403/)
  await refuses('blue', 'network create no --provider-network-type vlan', /403/)
  await does('blue', 'network delete n1 n3')
  assert.deepEqual(await names('blue', 'network list'), [])
})

part('provider networks', 'provider', async () => {
  const vlan = await shows(
    'admin',
    'network create v1 --provider-network-type vlan --provider-physical-network physnet1 --provider-segment 150',
  )
  assert.deepEqual([vlan['provider:network_type'], vlan['provider:segmentation_id']], ['vlan', 150])
  await refuses(
    'admin',
    'network create v2 --provider-network-type vlan --provider-physical-network physnet1 --provider-segment 150',
    /409|in use/i,
  )
  assert.deepEqual(await names('admin', 'network list --provider-segment 150'), ['v1'])
  assert.deepEqual(await names('admin', 'network list --provider-network-type vlan'), ['v1'])
  assert.deepEqual(await names('admin', 'network list --provider-physical-network physnet1'), ['v1'])
  const outside = await shows(
    'admin',
    'network create out --external --share --provider-network-type flat --provider-physical-network public',
  )
  assert.equal(outside['router:external'], true)
  assert.deepEqual(await names('blue', 'network list --external'), ['out'])
  assert.deepEqual(await names('blue', 'network list --share'), ['out'])
  await does('admin', 'network set out --internal --no-share')
  assert.deepEqual(await names('blue', 'network list --external'), [])
  await does('admin', 'network delete v1 out')
})

part('subnets', null, async () => {
  await does('blue', 'network create n1')
  const made = await shows(
    'blue',
    'subnet create s1 --network n1 --subnet-range 10.5.0.0/24 --gateway 10.5.0.254 --dns-nameserver 192.0.2.53 ' +
      '--allocation-pool start=10.5.0.10,end=10.5.0.20 --allocation-pool start=10.5.0.30,end=10.5.0.40 ' +
      '--host-route destination=198.51.100.0/24,gateway=10.5.0.9 --description first --tag x',
  )
  assert.equal(made.gateway_ip, '10.5.0.254')
  assert.equal((made.allocation_pools as Row[]).length, 2)
  const six = await shows(
    'blue',
    'subnet create s6 --network n1 --ip-version 6 --subnet-range 2001:db8:5::/64 --ipv6-ra-mode slaac --ipv6-address-mode slaac',
  )
  assert.deepEqual([six.ip_version, six.ipv6_ra_mode, six.gateway_ip], [6, 'slaac', '2001:db8:5::1'])
  const none = await shows(
    'blue',
    'subnet create s0 --network n1 --subnet-range 10.6.0.0/24 --gateway none --no-dhcp',
  )
  assert.deepEqual([none.gateway_ip, none.enable_dhcp], [null, false])
  assert.deepEqual(await names('blue', 'subnet list --network n1'), ['s0', 's1', 's6'])
  assert.deepEqual(await names('blue', 'subnet list --ip-version 6'), ['s6'])
  assert.deepEqual(await names('blue', 'subnet list --no-dhcp'), ['s0'])
  assert.deepEqual(await names('blue', 'subnet list --dhcp'), ['s1', 's6'])
  assert.deepEqual(await names('blue', 'subnet list --gateway 10.5.0.254'), ['s1'])
  assert.deepEqual(await names('blue', 'subnet list --subnet-range 10.6.0.0/24'), ['s0'])
  assert.deepEqual(await names('blue', 'subnet list --tags x'), ['s1'])
  await does(
    'blue',
    'subnet set s1 --name s2 --no-dhcp --dns-nameserver 192.0.2.54 --gateway 10.5.0.1 --tag y',
  )
  const changed = await shows('blue', 'subnet show s2')
  assert.deepEqual([changed.enable_dhcp, changed.gateway_ip, changed.tags], [false, '10.5.0.1', ['x', 'y']])
  await does('blue', 'subnet set s2 --no-allocation-pool --allocation-pool start=10.5.0.50,end=10.5.0.60')
  assert.deepEqual((await shows('blue', 'subnet show s2')).allocation_pools, [
    { start: '10.5.0.50', end: '10.5.0.60' },
  ])
  await does(
    'blue',
    'subnet unset s2 --dns-nameserver 192.0.2.53 --host-route destination=198.51.100.0/24,gateway=10.5.0.9',
  )
  const unset = await shows('blue', 'subnet show s2')
  assert.deepEqual([unset.dns_nameservers, unset.host_routes], [['192.0.2.54'], []])
  await refuses('blue', 'subnet create bad --network n1 --subnet-range 10.5.0.128/25', /overlaps|400/i)
  await refuses('blue', 'subnet create bad --network n1 --subnet-range 10.7.0.0/24 --gateway 10.7.0.0', /400/)
  await does(
    'admin',
    'subnet set s6 --service-type network:floatingip_agent_gateway'.replace('s6', String(six.id)),
  )
  assert.deepEqual((await shows('blue', 'subnet show s6')).service_types, [
    'network:floatingip_agent_gateway',
  ])
  await does('blue', 'subnet delete s0 s2 s6')
  await does('blue', 'network delete n1')
})

part('ports', null, async () => {
  await does('blue', 'network create n1')
  await does('blue', 'subnet create s1 --network n1 --subnet-range 10.7.0.0/24')
  const made = await shows(
    'blue',
    'port create p1 --network n1 --fixed-ip subnet=s1,ip-address=10.7.0.5 --mac-address fa:16:3e:01:02:03 ' +
      '--description first --dns-name one --tag x --allowed-address ip-address=10.7.0.100,mac-address=fa:16:3e:01:02:03 ' +
      '--extra-dhcp-option name=mtu,value=1300,ip-version=4',
  )
  assert.equal(made.mac_address, 'fa:16:3e:01:02:03')
  assert.equal(made.dns_name, 'one')
  assert.equal((made.allowed_address_pairs as Row[])[0]?.ip_address, '10.7.0.100')
  await refuses('blue', 'port create p2 --network n1 --mac-address fa:16:3e:01:02:03', /409/)
  await refuses('blue', 'port create p2 --network n1 --fixed-ip ip-address=10.7.0.5', /409/)
  await refuses('blue', 'port create p2 --network n1 --fixed-ip ip-address=10.9.0.5', /400/)
  await does(
    'blue',
    'port create p2 --network n1 --disable --no-fixed-ip --device device-1 --device-owner compute:me',
  )
  assert.deepEqual(await names('blue', 'port list --network n1 --device-id device-1'), ['p2'])
  assert.deepEqual(await names('blue', 'port list --device-owner compute:me'), ['p2'])
  assert.deepEqual(await names('blue', 'port list --mac-address fa:16:3e:01:02:03'), ['p1'])
  assert.deepEqual(await names('blue', 'port list --fixed-ip ip-address=10.7.0.5'), ['p1'])
  assert.deepEqual(await names('blue', 'port list --fixed-ip subnet=s1,ip-substring=7.0.5'), ['p1'])
  assert.deepEqual(await names('blue', 'port list --tags x'), ['p1'])
  await does(
    'blue',
    'port set p1 --name p3 --fixed-ip subnet=s1 --description other --dns-name three --tag y',
  )
  const changed = await shows('blue', 'port show p3')
  assert.deepEqual(
    [(changed.fixed_ips as Row[]).length, changed.dns_name, changed.tags],
    [2, 'three', ['x', 'y']],
  )
  await does(
    'blue',
    'port unset p3 --fixed-ip subnet=s1,ip-address=10.7.0.5 --allowed-address ip-address=10.7.0.100,mac-address=fa:16:3e:01:02:03',
  )
  const unset = await shows('blue', 'port show p3')
  assert.deepEqual([(unset.fixed_ips as Row[]).length, unset.allowed_address_pairs], [1, []])
  await does('blue', 'port set p2 --enable --disable-port-security --no-security-group')
  assert.equal((await shows('blue', 'port show p2')).port_security_enabled, false)
  await does('blue', 'port set p2 --device device-2 --device-owner compute:other')
  assert.equal((await shows('blue', 'port show p2')).device_owner, 'compute:other')
  assert.deepEqual(await names('blue', 'port list --device-id device-1'), [])
  await does('admin', `port set ${made.id} --host compute-1 --vnic-type normal`)
  const bound = await shows('admin', `port show ${made.id}`)
  assert.deepEqual([bound.binding_host_id, bound.binding_vif_type], ['compute-1', 'ovs'])
  assert.equal((await lists('admin', 'port list --host compute-1')).length, 1)
  await refuses('admin', `port set ${made.id} --binding-profile a=1`, /403/)
  await does('admin', `port unset ${made.id} --host`)
  assert.equal((await shows('admin', `port show ${made.id}`)).binding_vif_type, 'unbound')
  await refuses('blue', 'subnet delete s1', /409|in use/i)
  await does('blue', 'port delete p2 p3')
  await does('blue', 'network delete n1')
})

part('segments', 'segment', async () => {
  const network = await shows(
    'admin',
    'network create routed --share --provider-network-type vlan --provider-physical-network physnet1 --provider-segment 160',
  )
  const [first] = await lists('admin', 'network segment list --network routed')
  assert.equal(first?.['Network Type'], 'vlan')
  await does('admin', `network segment set ${first?.ID} --name rack1 --description here`)
  const made = await shows(
    'admin',
    'network segment create --network routed --network-type vlan --physical-network physnet1 --segment 161 rack2',
  )
  assert.deepEqual([made.name, made.segmentation_id, made.network_id], ['rack2', 161, network.id])
  assert.deepEqual(await names('admin', 'network segment list --network routed'), ['rack1', 'rack2'])
  const shown = await shows('admin', 'network segment show rack1')
  assert.deepEqual([shown.description, shown.physical_network], ['here', 'physnet1'])
  const subnet = await shows(
    'admin',
    'subnet create s1 --network routed --network-segment rack1 --subnet-range 10.8.0.0/24',
  )
  assert.equal(subnet.segment_id, first?.ID)
  await refuses('admin', 'subnet create s2 --network routed --subnet-range 10.9.0.0/24', /400/)
  await refuses('admin', 'network segment delete rack1', /409|Conflict/)
  await refuses('blue', 'network segment show rack1', /No Segment found/i)
  const deferred = await shows('blue', 'port create waits --network routed')
  assert.deepEqual([deferred.fixed_ips, deferred.ip_allocation], [[], 'deferred'])
  await does('blue', 'port delete waits')
  await does('admin', 'subnet delete s1')
  await does('admin', 'network segment delete rack2')
  await does(
    'admin',
    'network create plain --provider-network-type vlan --provider-physical-network physnet1',
  )
  await does('admin', 'subnet create s3 --network plain --subnet-range 10.8.0.0/24')
  const [only] = await lists('admin', 'network segment list --network plain')
  await does('admin', `subnet set s3 --network-segment ${only?.ID}`)
  assert.equal((await shows('admin', 'subnet show s3')).segment_id, only?.ID)
  await does('admin', 'network delete plain routed')
})

part('network segment ranges', 'network-segment-range', async () => {
  const all = await lists('admin', 'network segment range list --long')
  const ranges = all.filter((range) => range['Network Type'] === 'vlan')
  assert.deepEqual(
    ranges.map((range) => [range['Minimum ID'], range['Maximum ID'], range.Default]),
    [[100, 199, true]],
  )
  const { id: blue } = await shows('admin', 'project show blue')
  const made = await shows(
    'admin',
    `network segment range create own --private --project ${blue} --network-type vxlan --minimum 70000 --maximum 70001`,
  )
  assert.deepEqual([made.shared, made.project_id, made.available], [false, blue, ['70000-70001']])
  await does('admin', 'network segment range set own --name blues --minimum 70000 --maximum 70002')
  await does('blue', 'network create first')
  const shown = await shows('admin', 'network segment range show blues')
  assert.deepEqual(
    [shown.maximum, shown.used, shown.available],
    [70002, { [String(blue)]: ['70000'] }, ['70001-70002']],
  )
  assert.equal((await shows('admin', 'network show first'))['provider:segmentation_id'], 70000)
  assert.ok((await names('admin', 'network segment range list --used')).includes('blues'))
  await refuses('admin', 'network segment range delete blues', /409|Conflict/)
  await refuses(
    'admin',
    'network segment range create two --network-type vxlan --minimum 70002 --maximum 70005',
    /409|overlap/i,
  )
  await refuses(
    'blue',
    'network segment range create mine --network-type vxlan --minimum 9 --maximum 9',
    /40[03]/,
  )
  await does('blue', 'network delete first')
  await does('admin', 'network segment range delete blues')
  const shared = await shows(
    'admin',
    'network segment range create all --network-type vlan --physical-network physnet9 --minimum 5 --maximum 6',
  )
  assert.equal(shared.shared, true)
  const network = await shows(
    'admin',
    'network create nine --provider-network-type vlan --provider-physical-network physnet9',
  )
  assert.equal(network['provider:segmentation_id'], 5)
  await does('admin', 'network delete nine')
  await does('admin', 'network segment range delete all')
})

part('agents', 'agent', async () => {
  const rows = await lists('admin', 'network agent list')
  assert.deepEqual(rows.map((row) => row['Agent Type']).sort(), ['DHCP agent', 'Open vSwitch agent'])
  const [dhcp] = await lists('admin', 'network agent list --agent-type dhcp')
  assert.equal((await lists('admin', 'network agent list --host compute-1')).length, 1)
  await does('admin', `network agent set ${dhcp?.ID} --description the-one`)
  assert.equal((await shows('admin', `network agent show ${dhcp?.ID}`)).description, 'the-one')
  const network = await shows('admin', 'network create served')
  await does('admin', `network agent add network --dhcp ${dhcp?.ID} served`)
  assert.equal((await lists('admin', `network agent list --network ${network.id}`)).length, 1)
  assert.ok((await names('admin', `network list --agent ${dhcp?.ID}`)).includes('served'))
  await does('admin', `network agent remove network --dhcp ${dhcp?.ID} served`)
  assert.ok(!(await names('admin', `network list --agent ${dhcp?.ID}`)).includes('served'))
  await refuses('blue', `network agent set ${dhcp?.ID} --disable`, /403|404|No Agent/i)
  await does('admin', 'network delete served')
})

part('addresses in use', 'network-ip-availability', async () => {
  await does('blue', 'network create counted')
  await does('blue', 'subnet create counted4 --network counted --subnet-range 10.8.0.0/24 --no-dhcp')
  await does(
    'blue',
    'subnet create counted6 --network counted --ip-version 6 --subnet-range 2001:db8:8::/64 --no-dhcp',
  )
  await does('blue', 'port create counted1 --network counted')
  const rows = await lists('admin', 'ip availability list')
  const row = rows.find((one) => one['Network Name'] === 'counted')
  assert.deepEqual([row?.['Total IPs'], row?.['Used IPs']], [253, 1])
  assert.equal((await lists('admin', 'ip availability list --ip-version 6 --project blue')).length, 1)
  assert.equal((await lists('admin', 'ip availability list --project red')).length, 0)
  const out = await does('admin', 'ip availability show counted -f json')
  assert.ok(out.includes(`"total_ips": ${2n ** 64n - 2n + 253n},`), out)
  assert.deepEqual(await lists('blue', 'ip availability list'), [])
  await does('blue', 'port delete counted1')
  await does('blue', 'network delete counted')
})

part('RBAC policies', 'rbac-policies', async () => {
  const network = await shows('blue', 'network create lent')
  const { id: red } = await shows('admin', 'project show red')
  const made = await shows(
    'blue',
    `network rbac create ${network.id} --type network --action access_as_shared --target-project ${red}`,
  )
  assert.deepEqual([made.action, made.object_id], ['access_as_shared', network.id])
  assert.deepEqual(await names('red', 'network list'), ['lent'])
  assert.equal((await lists('blue', 'network rbac list --type network')).length, 1)
  assert.equal((await lists('blue', 'network rbac list --action access_as_shared --long')).length, 1)
  assert.equal((await shows('blue', `network rbac show ${made.id}`)).object_type, 'network')
  await refuses(
    'blue',
    `network rbac create ${network.id} --type network --action access_as_shared --target-all-projects`,
    /403/,
  )
  const port = await shows('red', 'port create theirs --network lent')
  await refuses('blue', `network rbac delete ${made.id}`, /409/)
  await does('red', `port delete ${port.id}`)
  await does('blue', `network rbac delete ${made.id}`)
  assert.deepEqual(await names('red', 'network list'), [])
  await does('blue', 'network delete lent')
})

part('quotas', 'quotas', async () => {
  // `quota set` wants a compute service as well, which this cloud has not.
  const { id: red } = await shows('admin', 'project show red')
  await cloud.admin.request('PUT', `/quotas/${red}`, { quota: { network: 2, subnet: 5, port: 6 } })
  const [limits] = await lists('admin', 'quota list --network --project red')
  assert.deepEqual([limits?.Networks, limits?.Subnets, limits?.Ports], [2, 5, 6])
  await does('red', 'network create q1')
  await does('red', 'network create q2')
  await refuses('red', 'network create q3', /409|quota/i)
  await cloud.admin.request('DELETE', `/quotas/${red}`)
  await does('red', 'network create q3')
  await does('red', 'network delete q1 q2 q3')
})

part('security groups', 'security-group', async () => {
  const made = await shows('blue', 'security group create web --description servers --tag x')
  assert.equal((made.rules as Row[]).length, 2)
  assert.deepEqual(await names('blue', 'security group list --tags x'), ['web'])
  assert.deepEqual(await names('blue', 'security group list'), ['default', 'web'])
  const rule = await shows(
    'blue',
    'security group rule create web --protocol tcp --dst-port 80:81 --remote-ip 10.0.0.0/8',
  )
  assert.deepEqual([rule.protocol, rule.port_range_min, rule.port_range_max], ['tcp', 80, 81])
  const group = await shows(
    'blue',
    'security group rule create web --ethertype IPv6 --protocol icmp --remote-group web',
  )
  assert.equal(group.remote_group_id, made.id)
  await refuses(
    'blue',
    'security group rule create web --protocol tcp --dst-port 80:81 --remote-ip 10.0.0.0/8',
    /409/,
  )
  assert.equal((await lists('blue', 'security group rule list web')).length, 4)
  assert.equal((await lists('blue', 'security group rule list web --ingress')).length, 2)
  assert.equal((await shows('blue', `security group rule show ${rule.id}`)).id, rule.id)
  await does('blue', 'network create guarded')
  const port = await shows('blue', 'port create guarded1 --network guarded --security-group web')
  assert.deepEqual(port.security_group_ids, [made.id])
  await refuses('blue', 'security group delete web', /409|in use/i)
  await does('blue', 'port unset guarded1 --security-group web')
  assert.deepEqual((await shows('blue', 'port show guarded1')).security_group_ids, [])
  await does('blue', `security group rule delete ${rule.id} ${group.id}`)
  await does('blue', 'security group set web --name site --stateless')
  assert.equal((await shows('blue', 'security group show site')).stateful, false)
  await refuses('red', 'security group show site', /No SecurityGroup found/i)
  await does('blue', 'port delete guarded1')
  await does('blue', 'network delete guarded')
  await does('blue', 'security group delete site')
})

part('address groups', 'address-group', async () => {
  await does('blue', 'address group create office --address 192.0.2.0/24 --description all')
  await does('blue', 'address group set office --address 198.51.100.0/24')
  await does('blue', 'address group unset office --address 192.0.2.0/24')
  assert.deepEqual((await shows('blue', 'address group show office')).addresses, ['198.51.100.0/24'])
  assert.deepEqual(await names('blue', 'address group list'), ['office'])
  await does('blue', 'address group delete office')
})

part('QoS', 'qos', async () => {
  const made = await shows('admin', 'network qos policy create gold --description best --share')
  assert.deepEqual([made.name, made.shared], ['gold', true])
  assert.deepEqual(await names('blue', 'network qos policy list'), ['gold'])
  const rule = await shows(
    'admin',
    'network qos rule create gold --type bandwidth-limit --max-kbps 3000 --max-burst-kbits 300 --egress',
  )
  assert.equal(rule.max_kbps, 3000)
  const mark = await shows('admin', 'network qos rule create gold --type dscp-marking --dscp-mark 8')
  await does('admin', 'network qos rule create gold --type minimum-bandwidth --min-kbps 100 --egress')
  assert.equal((await lists('admin', 'network qos rule list gold')).length, 3)
  await does('admin', `network qos rule set gold ${rule.id} --max-kbps 4000`)
  assert.equal((await shows('admin', `network qos rule show gold ${rule.id}`)).max_kbps, 4000)
  await does('admin', `network qos rule delete gold ${mark.id}`)
  assert.ok((await lists('admin', 'network qos rule type list')).length > 0)
  await does('admin', 'network qos rule type show bandwidth_limit')
  const network = await shows('blue', 'network create slow --qos-policy gold')
  assert.equal(network.qos_policy_id, made.id)
  await refuses('admin', 'network qos policy delete gold', /409/)
  await does('blue', 'network set slow --no-qos-policy')
  await does('blue', 'port create limited --network slow --qos-policy gold')
  await does('blue', 'port unset limited --qos-policy')
  await does('blue', 'port delete limited')
  await does('admin', 'network qos policy set gold --name silver --no-share')
  assert.deepEqual(await names('blue', 'network qos policy list'), [])
  await refuses('blue', 'network qos policy create mine', /403/)
  await does('admin', 'network qos policy delete silver')
  await does('blue', 'network delete slow')
})

part('metering', 'metering', async () => {
  const made = await shows('admin', 'network meter create count --description all')
  assert.equal(made.name, 'count')
  const rule = await shows(
    'admin',
    'network meter rule create count --ingress --remote-ip-prefix 10.0.0.0/24',
  )
  assert.equal(rule.direction, 'ingress')
  assert.equal((await lists('admin', 'network meter rule list')).length, 1)
  assert.equal((await shows('admin', `network meter rule show ${rule.id}`)).id, rule.id)
  assert.deepEqual(await names('admin', 'network meter list'), ['count'])
  assert.equal((await shows('admin', 'network meter show count')).description, 'all')
  await refuses('blue', 'network meter create mine', /403/)
  await does('admin', `network meter rule delete ${rule.id}`)
  await does('admin', 'network meter delete count')
})

part('subnet pools and address scopes', 'subnet_allocation', async () => {
  const scope = await shows('blue', 'address scope create space --ip-version 4')
  assert.deepEqual(await names('blue', 'address scope list --ip-version 4'), ['space'])
  await does('blue', 'address scope set space --name room')
  const made = await shows(
    'blue',
    'subnet pool create pool1 --pool-prefix 10.40.0.0/16 --default-prefix-length 26 --min-prefix-length 24 ' +
      '--address-scope room --description addresses --tag x',
  )
  assert.deepEqual([made.address_scope_id, made.default_prefixlen], [scope.id, 26])
  await does('blue', 'network create pooled')
  const chosen = await shows('blue', 'subnet create from1 --network pooled --subnet-pool pool1')
  assert.match(String(chosen.cidr), /^10\.40\.\d+\.\d+\/26$/)
  await does('blue', 'subnet create from2 --network pooled --subnet-pool pool1 --prefix-length 28')
  await refuses(
    'blue',
    'subnet create from3 --network pooled --subnet-pool pool1 --prefix-length 20',
    /400|prefix/i,
  )
  assert.equal((await shows('blue', 'network show pooled')).ipv4_address_scope, scope.id)
  assert.deepEqual(await names('blue', 'subnet list --subnet-pool pool1'), ['from1', 'from2'])
  await does('blue', 'subnet pool set pool1 --pool-prefix 10.41.0.0/16 --name pool2 --tag y')
  const changed = await shows('blue', 'subnet pool show pool2')
  assert.deepEqual([changed.prefixes, changed.tags], [['10.40.0.0/15'], ['x', 'y']])
  await does('blue', 'subnet pool unset pool2 --tag x')
  assert.deepEqual(await names('blue', 'subnet pool list --tags y'), ['pool2'])
  await refuses('blue', 'subnet pool delete pool2', /existing allocations/)
  await refuses('blue', 'address scope delete room', /409|in use/i)
  await refuses('blue', 'subnet pool create no --pool-prefix 10.50.0.0/16 --share', /403/)
  await does('blue', 'network delete pooled')
  await does('blue', 'subnet pool delete pool2')
  await does('blue', 'address scope delete room')
})

part('topologies that are allocated', 'auto-allocated-topology', async () => {
  const command = 'network auto allocated topology'
  await refuses('blue', `${command} create --check-resources`, /409|default external network/i)
  await does('admin', 'network create outside --external --default')
  assert.equal((await shows('admin', 'network show outside')).is_default, true)
  await refuses('admin', 'network create other --external --default', /409|default external network/i)
  await refuses('blue', `${command} create`, /409|default subnet pool/i)
  await does(
    'admin',
    'subnet pool create common --share --default --pool-prefix 10.60.0.0/16 --default-prefix-length 26',
  )
  // The command shows an attribute that no server answers: what counts is that it is not refused.
  await does('blue', `${command} create --check-resources`)
  assert.deepEqual(await names('blue', 'network list --internal'), [])
  const made = await shows('blue', `${command} create`)
  assert.equal((await shows('blue', `${command} create --or-show`)).id, made.id)
  assert.equal((await shows('admin', `${command} create --project ${made.project_id}`)).id, made.id)
  await refuses('red', `${command} create --project ${made.project_id}`, /disallowed by policy/)
  assert.deepEqual(await names('blue', 'network list --internal'), ['auto_allocated_network'])
  assert.deepEqual(await names('blue', 'subnet list --subnet-pool common'), ['auto_allocated_subnet_v4'])
  await does('blue', `port create held --network ${made.id}`)
  await refuses('blue', `${command} delete`, /409|in use/i)
  await does('blue', 'port delete held')
  await does('blue', `${command} delete`)
  assert.deepEqual(await names('blue', 'network list --internal'), [])
  await does('admin', 'network set outside --no-default')
  assert.equal((await shows('admin', 'network show outside')).is_default, false)
  await does('admin', 'subnet pool delete common')
  await does('admin', 'network delete outside')
})

part('trunks', 'trunk', async () => {
  await does('blue', 'network create trunked')
  for (const name of ['parent', 'child1', 'child2'])
    await does('blue', `port create ${name} --network trunked`)
  const sub = (name: string, id: number) =>
    `--subport port=${name},segmentation-type=vlan,segmentation-id=${id}`
  const made = await shows('blue', `network trunk create t1 --parent-port parent ${sub('child1', 7)}`)
  assert.equal((made.sub_ports as Row[]).length, 1)
  await refuses('blue', 'network trunk create t2 --parent-port parent', /in use/)
  await does('blue', `network trunk set t1 --name t3 --description tagged ${sub('child2', 8)}`)
  const rows = await lists('blue', 'network subport list --trunk t3')
  assert.deepEqual(rows.map((row) => row['Segmentation ID']).sort(), [7, 8])
  await refuses('blue', 'port delete parent', /409|trunk/i)
  await does('blue', 'network trunk set t3 --disable')
  await refuses('blue', 'network trunk unset t3 --subport child1', /disabled/)
  await does('blue', 'network trunk set t3 --enable')
  await does('blue', 'network trunk unset t3 --subport child1')
  assert.equal(((await shows('blue', 'network trunk show t3')).sub_ports as Row[]).length, 1)
  assert.deepEqual(await names('blue', 'network trunk list'), ['t3'])
  assert.deepEqual(await names('red', 'network trunk list'), [])
  await does('blue', 'network trunk delete t3')
  await does('blue', 'port delete parent child1 child2')
  await does('blue', 'network delete trunked')
})

part('flavors and providers', 'flavors', async () => {
  const made = await shows(
    'admin',
    'network flavor create fast --service-type L3_ROUTER_NAT --description quick --enable',
  )
  assert.deepEqual([made.name, made.service_type], ['fast', 'L3_ROUTER_NAT'])
  const profile = await shows('admin', 'network flavor profile create --metainfo speed=9 --description nine')
  await does('admin', `network flavor add profile fast ${profile.id}`)
  assert.deepEqual((await shows('blue', 'network flavor show fast')).service_profile_ids, [profile.id])
  await refuses('admin', `network flavor profile delete ${profile.id}`, /409/)
  await does('admin', 'network flavor set fast --disable --name slow')
  assert.deepEqual(await names('blue', 'network flavor list'), ['slow'])
  await does('admin', `network flavor remove profile slow ${profile.id}`)
  await does('admin', `network flavor profile set ${profile.id} --metainfo speed=1`)
  assert.equal((await lists('admin', 'network flavor profile list')).length, 1)
  await refuses('admin', 'network flavor profile create --driver no.such.Driver', /404/)
  await refuses('blue', 'network flavor create mine --service-type QOS', /403/)
  assert.deepEqual(await lists('blue', 'network service provider list'), [])
  await does('admin', `network flavor profile delete ${profile.id}`)
  await does('admin', 'network flavor delete slow')
})

part('logging resources', 'logging', async () => {
  const types = await lists('admin', 'network loggable resources list')
  assert.ok(types.some((row) => Object.values(row).includes('security_group')))
  await does('admin', 'security group create watched')
  const made = await shows(
    'admin',
    'network log create seen --resource-type security_group --event DROP --resource watched',
  )
  assert.deepEqual([made.Name, made.Event], ['seen', 'DROP'])
  await does('admin', 'network log set seen --disable --name unseen')
  assert.deepEqual(await names('admin', 'network log list'), ['unseen'])
  assert.equal((await shows('admin', 'network log show unseen')).Enabled, false)
  await refuses('blue', 'network log create mine --resource-type security_group', /disallowed/)
  await does('admin', 'network log delete unseen')
  await does('admin', 'security group delete watched')
})

part('local IPs', 'local_ip', async () => {
  await does('blue', 'network create local')
  await does('blue', 'subnet create local1 --network local --subnet-range 10.9.0.0/24 --no-dhcp')
  const port = await shows('blue', 'port create behind --network local')
  const made = await shows('blue', 'local ip create --name near --network local --local-ip-address 10.9.0.99')
  assert.deepEqual([made.name, made.local_ip_address], ['near', '10.9.0.99'])
  await does('blue', 'local ip association create near behind')
  assert.equal((await lists('blue', 'local ip association list near')).length, 1)
  await refuses('blue', 'local ip delete near', /409/)
  await does('blue', `local ip association delete near ${port.id}`)
  await does('blue', 'local ip set near --name nearby --description next')
  assert.deepEqual(await names('blue', 'local ip list'), ['nearby'])
  assert.equal((await shows('blue', 'local ip show nearby')).description, 'next')
  await does('blue', 'local ip delete nearby')
  await does('blue', 'port delete behind')
  await does('blue', 'network delete local')
})

test('commands that were run', { skip }, (t) => {
  const commands = [...drivers.values()].reduce((sum, one) => sum + one.count(), 0)
  t.diagnostic(`${commands} commands`)
  assert.ok(commands >= 250, `${commands}`)
})
