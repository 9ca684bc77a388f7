/**
 * What users type cannot become a line, an option or an argument of dnsmasq: hostile texts through every attribute of
 * networks, subnets and ports, by the API, the documents and the DHCP role. A text is refused with 400, or what the
 * role writes holds to the grammar of each file, line by line, with as many lines as a harmless text gives.
 */
import assert from 'node:assert/strict'
import { dhcpRole } from '../agents/dhcp/dhcp.role.ts'
import { envelope } from '../agents/testing/documents.ts'
import { piecesOf, testView } from '../agents/testing/view.ts'
import type { HostObject } from '../host/objects.ts'
import type { Envelope } from '../model/documents/documents.ts'
import { type Cloud, ovsHost, type Shown, startCloud } from '../server/features.testing.ts'
import { onSqlite } from '../server/store/testing.ts'

const role = dhcpRole(
  {
    integrationBridge: 'br-int',
    checksumInSoftware: true,
    directory: '/run/dhcp',
    user: null,
    leaseDuration: 86400,
    leaseMax: 1000,
    dnsServers: ['192.0.2.53'],
    localResolv: false,
    configFile: null,
    broadcastReply: false,
    renewalTime: 0,
    rebindingTime: 0,
    ipv6: true,
  },
  'nova',
)

/** What an attacker adds; EVIL marks what must never stand where dnsmasq would act on it. */
const hostile: readonly string[] = [
  ...[
    '\n',
    '\r',
    '\r\n',
    '\t',
    '\u000b',
    '\u000c',
    '\u0000',
    '\u001b',
    '\u007f',
    '\u0085',
    '\u2028',
    '\u2029',
  ],
  ...[
    ',',
    '=',
    '#',
    ' #',
    ' ',
    '"',
    "'",
    '\\',
    '\\n',
    '\\"',
    ':',
    ';',
    '|',
    '&',
    '*',
    '!',
    '[',
    ']',
    '%0a',
    'é',
    '💥',
  ],
  ...['`touch /tmp/EVIL`', '$(touch /tmp/EVIL)', '; touch /tmp/EVIL', '../../../EVIL', '/etc/EVIL'],
  ...[
    '\nEVIL',
    '\r\nEVIL',
    '\ntag:subnet-EVIL,option:router,6.6.6.6',
    ',option:router,6.6.6.6',
    '\naddress=/#/6.6.6.6',
  ],
  ...[
    '"\nEVIL',
    '",EVIL',
    '\\\nEVIL',
    ',set:EVIL',
    ',id:*',
    ',ignore',
    '--dhcp-script=/bin/EVIL',
    ' --conf-file=/EVIL',
  ],
  ...[
    '\n6.6.6.6 EVIL',
    ' EVIL',
    ',fa:16:3e:66:66:66,EVIL,10.0.0.66',
    'x'.repeat(70),
    'x'.repeat(300),
    'x'.repeat(2000),
  ],
]

const uuid = '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}'
const mac = '[0-9a-f]{2}(?::[0-9a-f]{2}){5}'
const four = '\\d{1,3}(?:\\.\\d{1,3}){3}'
const sixteen = '[0-9a-f:.]+'
const word = '[a-z0-9_](?:[a-z0-9_.-]{0,251}[a-z0-9_])?'
/** Bare, or quoted with every quote and backslash escaped. */
const value = '(?:[\\w.:/[\\]@+=~!-]*|"(?:[^"\\\\\\p{Cc}\\u2028\\u2029]|\\\\["\\\\])*")'

/** What a line of each file may look like, at most 1000 bytes of it. */
const grammar: Record<string, RegExp> = {
  hosts: new RegExp(`^${mac}(?:,id:[\\w.:-]{1,255})?,${word},(?:${four}|(?:\\[${sixteen}\\])+)$`),
  addn_hosts: new RegExp(`^(?:${four}|${sixteen}) ${word}(?: ${word})?$`),
  opts: new RegExp(
    `^tag:(?:subnet|port)-${uuid},(?:tag:!?[\\w-]{1,64},)?(?:option6?:)?[\\w+-]{1,64}(?:,${value})*$`,
    'u',
  ),
}

const argument = new RegExp(
  [
    'dnsmasq',
    '--(?:keep-in-foreground|no-hosts|no-resolv|bind-dynamic|except-interface=lo|conf-file=/dev/null)',
    `--pid-file=/run/dhcp/${uuid}/pid`,
    `--(?:dhcp-hostsdir|hostsdir|dhcp-optsdir|dhcp-leasefile)=/run/dhcp/${uuid}/(?:hosts|addn_hosts|opts|leases)`,
    '--dhcp-match=set:ipxe,175',
    '--dhcp-userclass=set:ipxe6,iPXE',
    '--interface=tap[0-9a-f-]{11}',
    `--dhcp-range=set:subnet-${uuid},(?:${four},static,${four}|${sixteen},static,\\d{2,3}),86400s`,
    '--dhcp-option-force=option:mtu,\\d+',
    '--dhcp-lease-max=\\d+',
    '--domain=cloud\\.example',
    '--server=192\\.0\\.2\\.53',
    `--dhcp-mac=set:port-${uuid},${mac}`,
  ]
    .map((one) => `^${one}$`)
    .join('|'),
)

/** What host-a has, as documents. */
async function documentsOf(cloud: Cloud, networkId: string): Promise<Envelope[]> {
  return cloud.store.read(async (tx) => {
    const rows = await tx.db.selectFrom('ports').select('id').where('network_id', '=', networkId).execute()
    const ids = rows.map((row) => row.id)
    const { network, port, 'dhcp-entry': entry } = cloud.sources
    return [
      ...Array.from((await network.bodies(tx, [networkId])).values(), (body) => envelope('network', body)),
      ...Array.from((await port.bodies(tx, ids)).values(), (body) => envelope('port', body)),
      ...Array.from((await entry.bodies(tx, ids)).values(), (body) => envelope('dhcp-entry', body)),
    ]
  })
}

/** How many lines each file may have at most, by what the documents hold; and how many arguments dnsmasq. */
function limits(documents: readonly Envelope[]): Map<string, number> {
  const most = new Map<string, number>()
  let ranges = 0
  let tagged = 0
  for (const { type, body } of documents) {
    if (type === 'network') {
      ranges = body.subnets.length
      const fours = body.subnets.filter((subnet) => subnet.ip_version === 4).length
      const lines = body.subnets.map(({ ip_version, host_routes }) =>
        ip_version === 4 && (host_routes.length > 0 || fours > 1) ? 4 : 2,
      )
      most.set(
        'opts/network',
        lines.reduce((sum, count) => sum + count, 0),
      )
    }
    if (type === 'dhcp-entry') {
      most.set(`opts/${body.id}`, body.extra_dhcp_opts.length)
      most.set(`hosts/${body.id}`, body.fixed_ips.length)
      most.set(`addn_hosts/${body.id}`, body.fixed_ips.length)
      if (body.extra_dhcp_opts.length > 0) tagged += 1
    }
  }
  return most.set('arguments', argumentsAlways + ranges + tagged)
}

const argumentsAlways = 19

/** Asserts that all that dnsmasq reads is what it should be, and not more. */
async function check(cloud: Cloud, networkId: string, label: string): Promise<void> {
  const documents = await documentsOf(cloud, networkId)
  const most = limits(documents)
  const objects: HostObject[] = [...piecesOf(role, testView(documents)).values()].flat()
  assert.ok(
    objects.some((object) => object.kind === 'process'),
    label,
  )
  for (const object of objects) {
    if (object.kind === 'process') {
      for (const each of object.argv) assert.match(each, argument, label)
      assert.ok(object.argv.length <= (most.get('arguments') ?? 0), `${label}: ${object.argv.join(' ')}`)
    }
    if (object.kind !== 'file') continue
    const [, directory = '', name = ''] = filePath.exec(object.path) ?? []
    const known = grammar[directory]
    assert.ok(known, `${label}: ${object.path}`)
    const lines = object.content.split('\n')
    assert.equal(lines.pop(), '', label)
    assert.ok(
      lines.length <= (most.get(`${directory}/${name}`) ?? 0),
      `${label}: ${object.path}\n${object.content}`,
    )
    for (const line of lines) {
      assert.match(line, known, label)
      assert.ok(Buffer.byteLength(line) <= 1000, label)
    }
  }
}

const filePath = new RegExp(`^/run/dhcp/${uuid}/(\\w+)/(${uuid}|network)$`)

/** An attribute, a harmless value of it, and the body that it stands in. */
interface Case {
  attribute: string
  harmless: string
  body(text: string): Shown
}

const simple = (attribute: string, harmless: string): Case => ({
  attribute,
  harmless,
  body: (text) => ({ [attribute]: text }),
})
const within = (attribute: string, harmless: string, value: (text: string) => unknown): Case => ({
  attribute,
  harmless,
  body: (text) => ({ [attribute.split('.')[0] ?? '']: value(text) }),
})

const ofPort: readonly Case[] = [
  simple('name', 'a'),
  simple('description', 'a'),
  simple('device_id', 'a'),
  simple('device_owner', 'compute:nova'),
  simple('dns_name', 'vm'),
  simple('mac_address', 'fa:16:3e:00:00:77'),
  within('fixed_ips.ip_address', '10.0.0.77', (ip_address) => [{ ip_address }]),
  within('allowed_address_pairs.ip_address', '10.0.0.78', (ip_address) => [{ ip_address }]),
  within('allowed_address_pairs.mac_address', 'fa:16:3e:00:00:78', (mac_address) => [
    { ip_address: '10.0.0.78', mac_address },
  ]),
  ...([4, 6] as const).flatMap((ip_version) => [
    ...['26', 'tag:ipxe,67', 'client-id', 'classless-static-route'].map((opt_name) =>
      within(`extra_dhcp_opts.opt_value of ${opt_name} ${ip_version}`, '1400', (opt_value) => [
        { opt_name, opt_value, ip_version },
      ]),
    ),
    ...['mtu', 'tag:!ipxe,67'].map((harmless) =>
      within(`extra_dhcp_opts.opt_name ${ip_version}`, harmless, (opt_name) => [
        { opt_name, opt_value: '1400', ip_version },
      ]),
    ),
  ]),
  within('extra_dhcp_opts.ip_version', '4', (ip_version) => [
    { opt_name: 'mtu', opt_value: '1400', ip_version },
  ]),
]

const ofSubnet: readonly Case[] = [
  simple('name', 'a'),
  simple('description', 'a'),
  simple('cidr', '10.1.0.0/24'),
  simple('gateway_ip', '10.0.0.1'),
  within('dns_nameservers.0', '192.0.2.1', (text) => [text]),
  within('host_routes.destination', '10.9.0.0/16', (destination) => [{ destination, nexthop: '10.0.0.9' }]),
  within('host_routes.nexthop', '10.0.0.9', (nexthop) => [{ destination: '10.9.0.0/16', nexthop }]),
  within('allocation_pools.start', '10.0.0.10', (start) => [{ start, end: '10.0.0.20' }]),
  within('service_types.0', 'compute:nova', (text) => [text]),
  within('ipv6_address_mode', 'slaac', (text) => text),
]

const ofNetwork: readonly Case[] = [
  simple('name', 'a'),
  simple('description', 'a'),
  simple('dns_domain', 'a.example.'),
]

const soak = process.env.NUCLEON_TEST_SOAK === '1'

/** Alone, behind something harmless; in the long version in front and within too. */
const forms = (harmless: string, evil: string): string[] => [
  evil,
  harmless + evil,
  ...(soak ? [evil + harmless, `${harmless}${evil}${harmless}`] : []),
]

/** 400, or done; addresses may also be taken, and subnets overlap. */
const fair: readonly number[] = [200, 201, 400, 409]

onSqlite(
  'no attribute puts a line, an option or an argument of its own before dnsmasq',
  async ({ store, t }) => {
    const cloud = await startCloud(store)
    const { admin } = cloud
    await cloud.beat('host-a', { ovs: ovsHost('192.0.2.1'), dhcp: {} })
    const network = await admin.create('network', {})
    const on = { network_id: network.id, ip_version: 4 }
    const subnet = await admin.create('subnet', { ...on, cidr: '10.0.0.0/24' })
    await admin.create('subnet', { ...on, ip_version: 6, cidr: '2001:db8::/64' })
    const tried = { refused: 0, inert: 0 }

    /** Each text goes into an object that is there, and into one that is made with it. */
    async function attack(
      name: 'port' | 'subnet' | 'network',
      one: Case,
      id: string,
      base: Shown,
    ): Promise<void> {
      const { attribute, harmless, body } = one
      const texts = hostile.flatMap((evil) => forms(harmless, evil))
      for (const text of [harmless, ...texts]) {
        const label = `${name}.${attribute} = ${JSON.stringify(text.slice(0, 80))}`
        const sent = { [name]: { ...base, ...body(text) } }
        for (const answer of [
          await admin.call('PUT', `${name}s/${id}`, { [name]: body(text) }),
          await admin.call('POST', `${name}s`, sent),
        ]) {
          assert.ok(fair.includes(answer.status), `${label}: ${answer.status} ${JSON.stringify(answer.body)}`)
          if (answer.status >= 400) {
            tried.refused += 1
            continue
          }
          tried.inert += 1
          await check(cloud, network.id, label)
          if (answer.status === 201) await admin.remove(name, answer.body[name].id)
        }
      }
    }

    for (const one of ofPort) {
      const port = await admin.create('port', { network_id: network.id })
      await attack('port', one, port.id, { network_id: network.id })
      await admin.remove('port', port.id)
    }
    for (const one of ofSubnet) await attack('subnet', one, subnet.id, { ...on, cidr: '10.5.0.0/24' })
    for (const one of ofNetwork) await attack('network', one, network.id, {})
    assert.ok(tried.refused > 1000 && tried.inert > 1000, JSON.stringify(tried))
    t.diagnostic(`${tried.refused} refused, ${tried.inert} inert`)
    await cloud.close()
  },
)
