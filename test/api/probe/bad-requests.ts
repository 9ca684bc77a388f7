/**
 * Requests on networks, subnets and ports for the bad-input test: valid ones, and valid ones with one mutation, each
 * with the answers that Neutron gives. `blue` asks, `red` owns what blue must never see, `green` has used up its quota.
 */
import type { AttributeFact, CollectionFact } from './facts.ts'
import { refusedValues, takenValues } from './hostile.ts'
import type { Random } from './random.ts'

export type Json = Record<string, unknown>

export interface Probe {
  /** What it tries, for the report of a failure. */
  what: string
  /** Mutated, or valid as it stands. */
  mutated: boolean
  /** One of `systematicMutations`. */
  systematic?: true
  method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  path: string
  /** Sent as JSON; a string is sent as it is. */
  body?: unknown
  headers?: Record<string, string>
  /** Answers that are right: `201`, `400 HTTPBadRequest`. */
  expects: readonly string[]
}

/** What the requests refer to. */
export interface World {
  network: string
  otherNetwork: string
  subnet: string
  subnet6: string
  otherSubnet: string
  port: string
  /** What a port that no request changes has in `subnet`. */
  heldIp: string
  heldMac: string
  red: { network: string; subnet: string; port: string }
  /** The network of `green`, who has as many networks, subnets and ports as it may have. */
  full: string
}

export interface Kind {
  name: 'network' | 'subnet' | 'port'
  collection: string
  facts: CollectionFact
}

const bad = '400 HTTPBadRequest'
const invalid = '400 InvalidInput'
const forbidden = '403 PolicyNotAuthorized'
export const absent = 'deadbeef-0000-4000-8000-00000000dead'

/** Texts that have bitten others. */
const nasty: readonly string[] = [
  "x' or '1'='1",
  "'; drop table ports; --",
  '1 union select * from tokens',
  '%',
  '_',
  '\\',
  '"',
  '$(touch /tmp/x)',
  '`id`',
  '; reboot',
  'a\nb',
  '\u202e',
  '🜁',
  '{"x":1}',
  '../../etc/passwd',
]

/** Attributes that another project's rules or other objects restrict: they have mutations of their own. */
const leftOut: ReadonlySet<string> = new Set([
  'network_id',
  'project_id',
  'tenant_id',
  'mac_address',
  'fixed_ips',
  'cidr',
  'ip_version',
  'prefixlen',
  'subnetpool_id',
  'use_default_subnetpool',
  'gateway_ip',
  'allocation_pools',
  'ipv6_ra_mode',
  'ipv6_address_mode',
  'segments',
  'segment_id',
  'mtu',
  'shared',
  'router:external',
  'is_default',
  'vlan_transparent',
  'qinq',
  'pvlan',
  'pvlan_type',
  'ha',
  'trusted',
  'qos_policy_id',
  'security_groups',
  'device_profile',
  'data_plane_status',
  'service_types',
  'allowed_address_pairs',
  'port_security_enabled',
  'numa_affinity_policy',
  'hints',
  'hardware_offload_type',
])

const isPlain = (name: string): boolean =>
  !leftOut.has(name) && !name.startsWith('provider:') && !name.startsWith('binding:')

/** Makes probes without end. Each mutation of `systematic` comes before any comes twice. */
export function* probes(
  world: World,
  kinds: readonly Kind[],
  systematic: readonly Mutation[],
  random: Random,
): Generator<Probe> {
  let turn: Mutation[] = []
  while (true) {
    const kind = random.pick(kinds)
    const roll = random.next()
    if (roll < 0.22) yield validRequest(world, kind, random)
    else if (roll < 0.7) {
      if (turn.length === 0) turn = random.shuffled(systematic)
      const mutation = turn.pop()
      if (mutation) yield { ...mutation(random), systematic: true }
    } else yield randomMutation(world, kind, random)
  }
}

export type Mutation = (random: Random) => Probe

let octets = 0
/** Prefixes that no other subnet has. */
function freshCidr(): string {
  octets = (octets + 1) % 60_000
  return `10.${100 + (octets >> 8)}.${octets & 255}.0/24`
}

/** A body that Neutron takes. */
function validBody(world: World, { name, facts }: Kind, random: Random): Json {
  const body: Json = {}
  for (const [attribute, fact] of Object.entries(facts.attributes)) {
    if (!fact.allow_post || !isPlain(attribute) || !random.chance(0.4)) continue
    const values = takenValues(fact)
    if (values.length > 0) body[attribute] = random.pick(values)
  }
  if (name === 'port') body.network_id = world.network
  if (name === 'subnet') Object.assign(body, { network_id: world.network, ip_version: 4, cidr: freshCidr() })
  return body
}

/** Changes that Neutron takes. */
function validChanges({ facts }: Kind, random: Random): Json {
  const body: Json = {}
  for (const [attribute, fact] of Object.entries(facts.attributes)) {
    if (!fact.allow_put || !isPlain(attribute) || attribute === 'enable_dhcp' || !random.chance(0.3)) continue
    const values = takenValues(fact)
    if (values.length > 0) body[attribute] = random.pick(values)
  }
  return body
}

const ownId = (world: World, kind: Kind): string => world[kind.name]

function post(kind: Kind, what: string, body: Json, ...expects: string[]): Probe {
  const path = kind.collection
  return { what, mutated: true, method: 'POST', path, body: { [kind.name]: body }, expects }
}

function put(world: World, kind: Kind, what: string, body: Json, ...expects: string[]): Probe {
  const path = `${kind.collection}/${ownId(world, kind)}`
  return { what, mutated: true, method: 'PUT', path, body: { [kind.name]: body }, expects }
}

function validRequest(world: World, kind: Kind, random: Random): Probe {
  const roll = random.next()
  const valid = { what: 'valid', mutated: false } as const
  if (roll < 0.45) {
    const body = { [kind.name]: validBody(world, kind, random) }
    return { ...valid, method: 'POST', path: kind.collection, body, expects: ['201'] }
  }
  if (roll < 0.5) {
    const list = Array.from({ length: 1 + random.below(3) }, () => validBody(world, kind, random))
    return {
      ...valid,
      method: 'POST',
      path: kind.collection,
      body: { [kind.collection]: list },
      expects: ['201'],
    }
  }
  if (roll < 0.7) {
    const path = `${kind.collection}/${ownId(world, kind)}`
    return {
      ...valid,
      method: 'PUT',
      path,
      body: { [kind.name]: validChanges(kind, random) },
      expects: ['200'],
    }
  }
  if (roll < 0.8) {
    return { ...valid, method: 'GET', path: `${kind.collection}/${ownId(world, kind)}`, expects: ['200'] }
  }
  const query = validQuery(kind, random)
  return { ...valid, method: 'GET', path: `${kind.collection}?${query}`, expects: ['200'] }
}

function validQuery({ facts }: Kind, random: Random): URLSearchParams {
  const query = new URLSearchParams()
  const attributes = Object.entries(facts.attributes)
  const filters = attributes.filter(
    ([name, fact]) => fact.is_filter && !fact.convert_to && !['tenant_id', 'revision_number'].includes(name),
  )
  const sorts = attributes.filter(([, fact]) => fact.is_sort_key)
  const fields = attributes.filter(([, fact]) => fact.is_visible)
  for (let i = random.below(3); i > 0; i--) {
    const [name, fact] = random.pick(filters)
    query.append(name, filterText(name, fact, random))
  }
  for (let i = random.below(3); i > 0; i--) {
    query.append('sort_key', random.pick(sorts)[0])
    query.append('sort_dir', random.pick(['asc', 'desc']))
  }
  for (let i = random.below(4); i > 0; i--) query.append('fields', random.pick(fields)[0])
  if (random.chance(0.3)) query.append('limit', String(random.below(5)))
  return query
}

/** The text of a filter that is there but finds what is like it, or nothing. */
function filterText(name: string, fact: AttributeFact, random: Random): string {
  if (name === 'fixed_ips') {
    return `${random.pick(['ip_address', 'subnet_id', 'ip_address_substr'])}=${random.pick(nasty)}`
  }
  return random.chance(0.5) ? random.pick(nasty) : String(random.pick([...takenValues(fact), 'x']))
}

/** Each attribute with each value that its converter and validator must refuse, on POST and on PUT, and more. */
export function systematicMutations(world: World, kind: Kind): Mutation[] {
  const mutations: Mutation[] = []
  for (const [name, fact] of Object.entries(kind.facts.attributes)) {
    const isOwner = name === 'project_id' || name === 'tenant_id'
    for (const { value, type, why } of refusedValues(fact)) {
      const expected = `400 ${type}`
      if (fact.allow_post && !(isOwner && value === null)) {
        mutations.push((random) =>
          post(kind, `${name}: ${why}`, { ...validBody(world, kind, random), [name]: value }, expected),
        )
      }
      if (fact.allow_put) {
        mutations.push((random) =>
          put(world, kind, `${name}: ${why}`, { ...validChanges(kind, random), [name]: value }, expected),
        )
      }
    }
    if (!fact.allow_post) {
      mutations.push((random) =>
        post(kind, `${name} is not for POST`, { ...validBody(world, kind, random), [name]: 'x' }, bad),
      )
    }
    if (!fact.allow_put) {
      mutations.push((random) =>
        put(world, kind, `${name} is not for PUT`, { ...validChanges(kind, random), [name]: 'x' }, bad),
      )
    }
    if (fact.required && !isOwner) {
      mutations.push((random) => {
        const { [name]: _left, ...body } = validBody(world, kind, random)
        return post(kind, `${name} is left out`, body, bad)
      })
    }
    if (fact.is_filter) {
      for (const text of nasty) {
        mutations.push(() => ({
          what: `filter ${name}`,
          mutated: true,
          method: 'GET',
          path: `${kind.collection}?${new URLSearchParams({ [name]: text })}`,
          expects:
            fact.convert_to === 'convert_to_boolean' || fact.convert_to === 'convert_to_int'
              ? [invalid]
              : ['200', bad, invalid],
        }))
      }
    }
    if (!fact.is_sort_key) {
      mutations.push(() => get(kind, `sort by ${name}`, { sort_key: name, sort_dir: 'asc' }, bad))
    }
  }
  return [...mutations, ...semanticMutations(world, kind)]
}

function get(kind: Kind, what: string, query: Record<string, string>, ...expects: string[]): Probe {
  const path = `${kind.collection}?${new URLSearchParams(query)}`
  return { what, mutated: true, method: 'GET', path, expects }
}

/** What is well formed, and wrong for what is there. */
function semanticMutations(world: World, kind: Kind): Mutation[] {
  const fixed = (probe: () => Probe): Mutation => probe
  const common: Mutation[] = [world.red[kind.name], absent].flatMap((id) => {
    const type = `404 ${kind.name[0]?.toUpperCase()}${kind.name.slice(1)}NotFound`
    const path = `${kind.collection}/${id}`
    return [
      fixed(() => ({ what: 'foreign', mutated: true, method: 'GET', path, expects: [type] })),
      fixed(() => ({ what: 'foreign', mutated: true, method: 'DELETE', path, expects: [type] })),
      fixed(() => get(kind, 'foreign marker', { limit: '1', marker: id }, type)),
      (random: Random) => ({
        what: 'foreign',
        mutated: true,
        method: 'PUT',
        path,
        body: { [kind.name]: validChanges(kind, random) },
        expects: [type],
      }),
      fixed(() => get(kind, 'foreign id', { id }, '200')),
    ]
  })
  const withBody =
    (what: string, attributes: Json, ...expects: string[]): Mutation =>
    (random) =>
      post(kind, what, { ...validBody(world, kind, random), ...attributes }, ...expects)
  const withChange =
    (what: string, attributes: Json, ...expects: string[]): Mutation =>
    (random) =>
      put(world, kind, what, { ...validChanges(kind, random), ...attributes }, ...expects)
  const own: Record<Kind['name'], Mutation[]> = {
    network: [
      withBody('shared by a member', { shared: true }, forbidden),
      withBody('external by a member', { 'router:external': true }, forbidden),
      withBody('provider by a member', { 'provider:network_type': 'vxlan' }, forbidden),
      withBody('unknown zone', { availability_zone_hints: ['nowhere'] }, '404 AvailabilityZoneNotFound'),
      withChange('tiny MTU', { mtu: 1 }, invalid),
      withBody('huge MTU', { mtu: 100_000 }, invalid),
      withChange('shared by a member', { shared: true }, forbidden),
      withChange('provider by a member', { 'provider:segmentation_id': 5 }, forbidden),
      withChange('huge MTU', { mtu: 100_000 }, invalid),
      fixed(() => ({
        what: 'in use',
        mutated: true,
        method: 'DELETE',
        path: `networks/${world.network}`,
        expects: ['409 NetworkInUse'],
      })),
    ],
    subnet: [
      ...onForeignNetworks(withBody, world.red.network),
      withBody('no cidr', { cidr: null }, '400 BadRequest'),
      withBody('overlap', { cidr: '10.1.128.0/17' }, invalid),
      withBody('overlap around', { cidr: '10.0.0.0/8' }, invalid),
      withBody('family', { ip_version: 6 }, invalid),
      withBody('whole internet', { cidr: '0.0.0.0/0' }, invalid),
      withBody('loopback with DHCP', { cidr: '127.0.0.0/8', enable_dhcp: true, host_routes: [] }, invalid),
      withBody('multicast with DHCP', { cidr: '224.0.0.0/4', enable_dhcp: true }, invalid),
      withBody('tiny with DHCP', { cidr: '10.250.0.0/32', enable_dhcp: true }, invalid),
      withBody(
        'pool outside',
        { allocation_pools: [{ start: '10.1.0.5', end: '10.1.0.9' }], cidr: '10.251.0.0/24' },
        '400 OutOfBoundsAllocationPool',
      ),
      withBody(
        'pool reversed',
        { allocation_pools: [{ start: '10.251.0.9', end: '10.251.0.5' }], cidr: '10.251.0.0/24' },
        '400 InvalidAllocationPool',
      ),
      withBody(
        'pools overlap',
        {
          cidr: '10.251.0.0/24',
          allocation_pools: [
            { start: '10.251.0.5', end: '10.251.0.9' },
            { start: '10.251.0.9', end: '10.251.0.12' },
          ],
        },
        '409 OverlappingAllocationPools',
      ),
      withBody(
        'gateway in a pool',
        {
          cidr: '10.251.0.0/24',
          gateway_ip: '10.251.0.7',
          allocation_pools: [{ start: '10.251.0.5', end: '10.251.0.9' }],
        },
        '409 GatewayConflictWithAllocationPools',
      ),
      withBody('gateway family', { gateway_ip: '2001:db8::1' }, invalid),
      withBody(
        'six name servers',
        { dns_nameservers: [1, 2, 3, 4, 5, 6].map((i) => `10.9.9.${i}`) },
        '400 DNSNameServersExhausted',
      ),
      withBody('name server family', { dns_nameservers: ['2001:db8::1'] }, invalid),
      withBody(
        'too many routes',
        {
          host_routes: Array.from({ length: 21 }, (_, i) => ({
            destination: `10.200.${i}.0/24`,
            nexthop: '10.1.0.1',
          })),
        },
        '400 HostRoutesExhausted',
      ),
      withBody('IPv6 modes on IPv4', { ipv6_ra_mode: 'slaac' }, invalid),
      withBody(
        'modes that do not fit',
        {
          ip_version: 6,
          cidr: '2001:db8:77::/64',
          ipv6_ra_mode: 'slaac',
          ipv6_address_mode: 'dhcpv6-stateful',
          enable_dhcp: true,
          dns_nameservers: [],
          host_routes: [],
        },
        invalid,
      ),
      withBody(
        'SLAAC without /64',
        {
          ip_version: 6,
          cidr: '2001:db8:77::/65',
          ipv6_ra_mode: 'slaac',
          ipv6_address_mode: 'slaac',
          enable_dhcp: true,
          dns_nameservers: [],
          host_routes: [],
        },
        invalid,
      ),
      withBody('cidr and prefixlen', { prefixlen: 24 }, '400 BadRequest'),
      withBody('unknown pool', { subnetpool_id: absent, cidr: null }, '404 SubnetPoolNotFound', invalid),
      withChange(
        'pool outside',
        { allocation_pools: [{ start: '10.2.0.5', end: '10.2.0.9' }] },
        '400 OutOfBoundsAllocationPool',
      ),
      withChange('gateway family', { gateway_ip: '2001:db8::1' }, invalid),
      fixed(() => ({
        what: 'in use',
        mutated: true,
        method: 'DELETE',
        path: `subnets/${world.subnet}`,
        expects: ['409 SubnetInUse'],
      })),
    ],
    port: [
      ...onForeignNetworks(withBody, world.red.network),
      withBody(
        'address taken',
        { fixed_ips: [{ ip_address: world.heldIp }] },
        '409 IpAddressAlreadyAllocated',
        '409 IpAddressInUse',
      ),
      withBody('address outside', { fixed_ips: [{ ip_address: '192.0.2.9' }] }, '400 InvalidIpForNetwork'),
      withBody(
        'address outside the subnet',
        { fixed_ips: [{ subnet_id: world.subnet, ip_address: '192.0.2.9' }] },
        '400 InvalidIpForSubnet',
      ),
      withBody(
        'network address',
        { fixed_ips: [{ subnet_id: world.subnet, ip_address: '10.1.0.0' }] },
        '400 InvalidIpForSubnet',
      ),
      withBody(
        'broadcast address',
        { fixed_ips: [{ subnet_id: world.subnet, ip_address: '10.1.255.255' }] },
        '400 InvalidIpForSubnet',
      ),
      withBody('subnet of another network', { fixed_ips: [{ subnet_id: world.otherSubnet }] }, invalid),
      withBody(
        'subnet of another project',
        { fixed_ips: [{ subnet_id: world.red.subnet }] },
        '404 SubnetNotFound',
        invalid,
      ),
      withBody(
        'subnet that is not there',
        { fixed_ips: [{ subnet_id: absent }] },
        '404 SubnetNotFound',
        invalid,
      ),
      withBody('neither', { fixed_ips: [{}] }, invalid),
      withBody('MAC taken', { mac_address: world.heldMac }, '409 MacAddressInUse'),
      withBody('binding by a member', { 'binding:host_id': 'h' }, forbidden),
      withBody('profile by a member', { 'binding:profile': { x: 1 } }, forbidden),
      withBody(
        'pairs without security',
        { port_security_enabled: false, allowed_address_pairs: [{ ip_address: '10.9.0.5' }] },
        '409 AddressPairAndPortSecurityRequired',
      ),
      withBody(
        'pairs twice',
        {
          port_security_enabled: true,
          allowed_address_pairs: [{ ip_address: '10.9.0.5' }, { ip_address: '10.9.0.5' }],
        },
        '400 DuplicateAddressPairInRequest',
        bad,
      ),
      withBody(
        'too many pairs',
        {
          port_security_enabled: true,
          allowed_address_pairs: Array.from({ length: 11 }, (_, i) => ({ ip_address: `10.9.0.${i}` })),
        },
        '400 AllowedAddressPairExhausted',
      ),
      withChange('address outside', { fixed_ips: [{ ip_address: '192.0.2.9' }] }, '400 InvalidIpForNetwork'),
      withChange('subnet of another network', { fixed_ips: [{ subnet_id: world.otherSubnet }] }, invalid),
      withChange('binding by a member', { 'binding:host_id': 'h' }, forbidden),
    ],
  }
  return [...common, ...own[kind.name], ...overQuota(world, kind), ...malformed(world, kind)]
}

/** One more than the quota, or several at once. */
function overQuota(world: World, kind: Kind): Mutation[] {
  const { name, collection } = kind
  const bodyFor = (random: Random): Json => ({
    ...validBody(world, kind, random),
    ...(name !== 'network' && { network_id: world.full }),
  })
  const asked = {
    mutated: true,
    method: 'POST',
    path: collection,
    headers: { 'x-project': 'green' },
  } as const
  const expects = ['409 OverQuota']
  return [
    (random) => ({ ...asked, what: 'over quota', body: { [name]: bodyFor(random) }, expects }),
    (random) => ({
      ...asked,
      what: 'over quota in bulk',
      body: { [collection]: [bodyFor(random), bodyFor(random)] },
      expects,
    }),
  ]
}

type WithBody = (what: string, attributes: Json, ...expects: string[]) => Mutation

const onForeignNetworks = (withBody: WithBody, red: string): Mutation[] => [
  withBody("another project's network", { network_id: red }, '404 NetworkNotFound', '403 HTTPForbidden'),
  withBody('network that is not there', { network_id: absent }, '404 NetworkNotFound'),
]

/** What is wrong whatever the attributes. */
function malformed(world: World, kind: Kind): Mutation[] {
  const { collection, name } = kind
  const path = `${collection}/${ownId(world, kind)}`
  const raw = (what: string, body: unknown, ...expects: string[]): Mutation[] => [
    () => ({ what, mutated: true, method: 'POST', path: collection, body, expects }),
    () => ({ what, mutated: true, method: 'PUT', path, body, expects }),
  ]
  const deep = (depth: number) => `{"${name}":${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}}`
  const plain =
    (what: string, method: Probe['method'], where: string, ...expects: string[]): Mutation =>
    () => ({ what, mutated: true, method, path: where, expects })
  return [
    ...raw('no body', '', bad),
    ...raw('half a body', `{"${name}": {"name": "x"`, bad),
    ...raw('no JSON', `${name}=x`, bad),
    ...raw('a list', [], bad),
    ...raw('a number', 5, bad),
    ...raw('null', 'null', bad),
    ...raw('another key', { nonsense: {} }, bad),
    ...raw('a list for an object', { [name]: [] }, bad),
    ...raw('text for an object', { [name]: 'x' }, bad),
    ...raw('null for an object', { [name]: null }, bad),
    ...raw('deep', deep(200), bad),
    ...raw('deeper', deep(20_000), bad),
    ...raw('a name of 1 MiB', { [name]: { name: 'x'.repeat(2 ** 20) } }, '413 HTTPRequestEntityTooLarge'),
    ...raw('a name of nearly 1 MiB', { [name]: { name: 'x'.repeat(2 ** 20 - 100) } }, bad),
    ...raw('a prototype', `{"${name}": {"__proto__": {"name": "x"}}}`, bad),
    ...raw('a constructor', { [name]: { constructor: 'x' } }, bad),
    ...raw('unknown attributes', { [name]: { nonsense: 1, 'x y': 2 } }, bad),
    () => ({
      what: 'empty bulk',
      mutated: true,
      method: 'POST',
      path: collection,
      body: { [collection]: [] },
      expects: [bad],
    }),
    () => ({
      what: 'bulk of nothing',
      mutated: true,
      method: 'POST',
      path: collection,
      body: { [collection]: [null] },
      expects: [bad],
    }),
    (random) => ({
      what: 'bulk with one wrong',
      mutated: true,
      method: 'POST',
      path: collection,
      body: {
        [collection]: [validBody(world, kind, random), { ...validBody(world, kind, random), name: 5 }],
      },
      expects: [bad],
    }),
    plain('no such path', 'GET', `${collection}x`, '404 HTTPNotFound'),
    plain('no such method', 'PUT', collection, '405 HTTPMethodNotAllowed'),
    plain('no such method', 'POST', path, '405 HTTPMethodNotAllowed'),
    () => ({
      what: 'a body to delete',
      mutated: true,
      method: 'DELETE',
      path,
      body: { x: 1 },
      expects: [bad],
    }),
    () => ({
      what: 'an id that is none',
      mutated: true,
      method: 'GET',
      path: `${collection}/${encodeURIComponent("x' or 1=1 --")}`,
      expects: [`404 ${name[0]?.toUpperCase()}${name.slice(1)}NotFound`],
    }),
    (random) => ({
      what: 'another revision',
      mutated: true,
      method: 'PUT',
      path,
      body: { [name]: validChanges(kind, random) },
      headers: { 'if-match': 'revision_number=99999999' },
      expects: ['412 RevisionNumberConstraintFailed'],
    }),
    () => ({
      what: 'a revision that is none',
      mutated: true,
      method: 'PUT',
      path,
      body: { [name]: {} },
      headers: { 'if-match': 'revision_number=x' },
      expects: [bad],
    }),
    () => get(kind, 'a filter that is none', { nonsense: 'x' }, bad),
    () => get(kind, 'a limit that is none', { limit: 'x' }, '400 BadRequest'),
    () => get(kind, 'a limit below 0', { limit: '-1' }, '400 BadRequest'),
    () => get(kind, 'a direction that is none', { sort_key: 'id', sort_dir: 'up' }, bad),
    () => get(kind, 'a key without direction', { sort_key: 'id' }, bad),
    () => get(kind, 'a time that is none', { changed_since: 'yesterday' }, invalid),
    () => get(kind, 'two owners', { project_id: 'a', tenant_id: 'b' }, '400 TenantIdProjectIdFilterConflict'),
    () => get(kind, 'a long query', { name: 'x'.repeat(9000) }, '414 HTTPRequestURITooLong'),
    () => get(kind, 'null in a filter', { name: 'a\0b' }, bad),
    (random) =>
      post(kind, 'for another project', { ...validBody(world, kind, random), project_id: 'red' }, bad),
    (random) =>
      post(
        kind,
        'two owners',
        { ...validBody(world, kind, random), project_id: 'blue', tenant_id: 'red' },
        bad,
      ),
    (random) => ({
      what: 'owner in PUT',
      mutated: true,
      method: 'PUT',
      path,
      body: { [name]: { ...validChanges(kind, random), project_id: 'red' } },
      expects: [bad],
    }),
  ]
}

/** One change that nobody has thought of: any value for any attribute, texts cut and joined, keys doubled. */
function randomMutation(world: World, kind: Kind, random: Random): Probe {
  const attributes = Object.entries(kind.facts.attributes)
  const isPost = random.chance(0.6)
  const body = isPost ? validBody(world, kind, random) : validChanges(kind, random)
  const [name, fact] = random.pick(attributes)
  const value = random.chance(0.5)
    ? arbitrary(random, 3)
    : random.pick([...nasty, ...takenValues(fact), ...refusedValues(fact).map((one) => one.value)])
  const mutated = { ...body, [random.chance(0.9) ? name : `${name}${random.pick(nasty)}`]: value }
  const what = `${name} = ${String(JSON.stringify(value)).slice(0, 60)}`
  if (random.chance(0.15)) {
    const text = JSON.stringify({ [kind.name]: mutated })
    const at = random.below(text.length)
    const cut =
      text.slice(0, at) +
      random.pick(['', '"', '\\', '\u0000', ',', '}', '[']) +
      text.slice(at + random.below(3))
    return isPost
      ? { what: `cut: ${what}`, mutated: true, method: 'POST', path: kind.collection, body: cut, expects: [] }
      : {
          what: `cut: ${what}`,
          mutated: true,
          method: 'PUT',
          path: `${kind.collection}/${ownId(world, kind)}`,
          body: cut,
          expects: [],
        }
  }
  return isPost ? post(kind, what, mutated) : put(world, kind, what, mutated)
}

function arbitrary(random: Random, depth: number): unknown {
  const roll = random.below(depth > 0 ? 9 : 7)
  switch (roll) {
    case 0:
      return null
    case 1:
      return random.chance(0.5)
    case 2:
      return random.pick([0, -1, 1, 1.5, 2 ** 31, 2 ** 53, -(2 ** 63), 1e308])
    case 3:
      return random.pick(nasty)
    case 4:
      return random.pick(['10.1.0.9', '2001:db8::5', '10.3.0.0/24', 'fa:16:3e:01:02:03', absent])
    case 5:
      return 'x'.repeat(random.below(400))
    case 6:
      return random.pick(['network:dhcp', 'compute:nova', 'network:router_interface', 'slaac', 'vxlan'])
    case 7:
      return Array.from({ length: random.below(4) }, () => arbitrary(random, depth - 1))
    default:
      return Object.fromEntries(
        Array.from({ length: random.below(4) }, () => [
          random.pick([
            'ip_address',
            'subnet_id',
            'mac_address',
            'opt_name',
            'opt_value',
            'start',
            'end',
            'destination',
            'nexthop',
            '__proto__',
            'x',
          ]),
          arbitrary(random, depth - 1),
        ]),
      )
  }
}
