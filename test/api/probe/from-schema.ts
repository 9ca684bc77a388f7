/**
 * Values for JSON schemas: valid ones, as far as a schema tells, and mutated ones. Ids come from what is known to be
 * there, by the name under which they are asked for (`network_id`, `security_groups`).
 */
import type { Random } from './random.ts'

export type Schema = Readonly<Record<string, unknown>>

export interface Surroundings {
  random: Random
  /** Follows `#/components/…`. */
  resolve(reference: string): Schema
  /** The id of some object of that name (`network`); undefined where none is known. */
  idOf(name: string): string | undefined
}

const samples: readonly string[] = [
  '10.3.0.0/24',
  '2001:db8:3::/64',
  'fa:16:3e:01:02:03',
  'example.org.',
  'web',
  'a',
  '10.1.2.3',
  '2001:db8::3',
  'tcp',
  'ingress',
  'IPv4',
  '80',
  'revision_number=1',
]

/** What some attributes take, beyond what a schema can say. */
const words: Readonly<Record<string, readonly string[]>> = {
  device_owner: ['', 'compute:nova', 'compute:nova', 'network:dhcp'],
  host: ['host-1', 'host-2'],
  'binding:host_id': ['', 'host-1'],
  binding_key: ['host-1', 'host-2'],
  object_type: ['network', 'network', 'security_group', 'address_group'],
  action: ['access_as_shared'],
  target_tenant: ['*', 'blue', 'green'],
  alias: ['binding', 'provider'],
  'provider:network_type': ['vxlan', 'local', 'flat'],
  network_type: ['vxlan', 'local', 'vlan'],
  agent_type: ['DHCP agent'],
  service_type: ['L3_ROUTER_NAT', 'QOS'],
  resource_type: ['security_group'],
  rule_type_id: ['bandwidth_limit', 'dscp_marking'],
  segmentation_type: ['vlan'],
  // Few, so that what was added can be taken away.
  addresse: ['10.0.0.0/24', '10.1.0.0/24', '192.0.2.7/32'],
  prefixe: ['10.0.0.0/16', '10.8.0.0/16', '2001:db8::/40'],
  type: ['bandwidth_limit', 'dscp_marking'],
  tag: ['a', 'b', 'c'],
  tags: ['a', 'b', 'c'],
}

/** Names of attributes that hold ids of something else than their name says. */
const aliases: Readonly<Record<string, string>> = {
  object: 'network',
  remote_group: 'security_group',
  remote_address_group: 'address_group',
  subnetpool: 'subnetpool',
  qos_policy: 'policy',
  resource: 'security_group',
  target: 'port',
  fixed_port: 'port',
  local_port: 'port',
  network_ip_availability: 'network',
  ...Object.fromEntries(
    ['bandwidth_limit', 'dscp_marking', 'minimum_bandwidth', 'minimum_packet_rate'].map((kind) => [
      `alias_${kind}_rule`,
      `policy_${kind}_rule`,
    ]),
  ),
  ext_parent: 'port',
}

/** A value that the schema allows. */
export function valid(schema: Schema, name: string, around: Surroundings, depth = 0): unknown {
  const { random } = around
  if (typeof schema.$ref === 'string') return valid(around.resolve(schema.$ref), name, around, depth)
  const alternatives = (schema.oneOf ?? schema.anyOf) as readonly Schema[] | undefined
  if (alternatives) {
    const { oneOf: _one, anyOf: _any, ...shared } = schema
    return valid({ ...shared, ...random.pick(alternatives) }, name, around, depth)
  }
  if (schema.const !== undefined) return schema.const
  if (Array.isArray(schema.enum)) return random.pick(schema.enum)
  if (schema.default !== undefined && random.chance(0.2)) return schema.default
  const type = Array.isArray(schema.type) ? random.pick(schema.type) : schema.type
  switch (type) {
    case 'null':
      return null
    case 'boolean':
      return random.chance(0.5)
    case 'integer':
    case 'number':
      return integer(schema, random)
    case 'array': {
      const singular = name.replace(/s$/, '')
      const size = Math.max(Number(schema.minItems ?? 0), random.below(depth > 4 ? 1 : 3))
      const list = Array.from({ length: size }, () =>
        valid((schema.items ?? {}) as Schema, singular, around, depth + 1),
      )
      return schema.uniqueItems === true
        ? [...new Map(list.map((one) => [JSON.stringify(one), one])).values()]
        : list
    }
    case 'object':
      return object(schema, around, depth)
    case 'string':
      return text(schema, name, around)
    default:
      return schema.properties ? object(schema, around, depth) : random.pick(samples)
  }
}

function integer({ minimum = 0, maximum }: Schema, random: Random): number {
  const low = Number(minimum)
  const high = maximum === undefined ? low + 3000 : Number(maximum)
  return random.chance(0.2) ? random.pick([low, high]) : low + random.below(Math.min(high - low + 1, 100_000))
}

function object(schema: Schema, around: Surroundings, depth: number): Record<string, unknown> {
  const { random } = around
  const required = (schema.required ?? []) as readonly string[]
  const properties = Object.entries((schema.properties ?? {}) as Record<string, Schema>)
  const some = random.next() * random.next() * 0.5
  return Object.fromEntries(
    properties
      .filter(([name]) => required.includes(name) || random.chance(depth === 0 ? 1 : likelihood(name, some)))
      .map(([name, one]) => [name, valid(one, name, around, depth + 1)]),
  )
}

/** Attributes that go together with few others are seldom sent, and those that make sense alone often. */
function likelihood(name: string, usual: number): number {
  if (name === 'cidr' || name === 'object_type') return 0.9
  if (name === 'network_id') return 0.6
  return /pool|segment|prefixlen|ipv6_|provider:|gateway|qos_policy|project_id|tenant_id/.test(name)
    ? usual / 6
    : usual
}

function text(schema: Schema, name: string, { random, idOf }: Surroundings): string {
  const fitting = words[name]
  if (fitting && random.chance(0.9)) return random.pick(fitting)
  const asked = name.replace(/_id$/, '')
  const id = idOf(aliases[asked] ?? asked)
  if (id !== undefined && (schema.format === 'uuid' || name.endsWith('_id')) && random.chance(0.9)) return id
  switch (schema.format) {
    case 'uuid':
      return 'deadbeef-0000-4000-8000-00000000dead'
    case 'ipv4':
      return `10.${random.below(4)}.${random.below(3)}.${random.below(255)}`
    case 'ipv6':
      return `2001:db8:${random.below(3)}::${random.below(4000).toString(16)}`
    case 'date-time':
      return '2026-01-31T12:00:00Z'
  }
  if (typeof schema.pattern === 'string') {
    const pattern = new RegExp(schema.pattern, 'u')
    if (/prefix|cidr/.test(name) || pattern.test('10.3.0.0/24')) {
      return `10.${random.below(200)}.${random.below(250)}.0/${24 + random.below(5)}`
    }
    return random.pick(samples.filter((one) => pattern.test(one)).concat(samples[0] ?? ''))
  }
  const max = Number(schema.maxLength ?? 40)
  return (
    random
      .pick(['', 'a', 'b', `n${random.below(1000)}`, 'x'.repeat(Math.min(max, 300)), '名'])
      .slice(0, max) || 'x'.repeat(Number(schema.minLength ?? 0))
  )
}

/** Something else than what a schema may ask for. */
export function anything(random: Random, depth = 3): unknown {
  switch (random.below(depth > 0 ? 10 : 8)) {
    case 0:
      return null
    case 1:
      return random.chance(0.5)
    case 2:
      return random.pick([0, -1, 1, 1.5, 65_536, 2 ** 31, 2 ** 53, -(2 ** 63), 1e308])
    case 3:
      return random.pick(["' or 1=1 --", '$(id)', 'a\nb', '\u0000', '\ud800', '%', '../..', '__proto__'])
    case 4:
      return random.pick(samples)
    case 5:
      return 'x'.repeat(random.below(600))
    case 6:
      return String(random.below(70_000) - 100)
    case 7:
      return ''
    case 8:
      return Array.from({ length: random.below(4) }, () => anything(random, depth - 1))
    default:
      return Object.fromEntries(
        Array.from({ length: random.below(4) }, () => [
          random.pick(['id', 'name', 'ip_address', 'port_id', 'segmentation_id', '__proto__', 'x']),
          anything(random, depth - 1),
        ]),
      )
  }
}

/** The value with one part of it changed, left out, or added. */
export function mutated(value: unknown, random: Random): unknown {
  if (Array.isArray(value)) {
    if (value.length === 0 || random.chance(0.2))
      return random.chance(0.5) ? [...value, anything(random)] : anything(random)
    const at = random.below(value.length)
    return value.map((one, i) => (i === at ? mutated(one, random) : one))
  }
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value)
    const roll = random.next()
    if (entries.length === 0 || roll < 0.1)
      return { ...value, [random.pick(['id', 'nonsense', 'name'])]: anything(random) }
    const at = random.below(entries.length)
    if (roll < 0.2) return Object.fromEntries(entries.filter((_one, i) => i !== at))
    return Object.fromEntries(entries.map(([key, one], i) => [key, i === at ? mutated(one, random) : one]))
  }
  return anything(random)
}
