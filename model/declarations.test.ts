/**
 * The declarations against facts of Neutron's API (test/facts: resources.json, and since-zed.json for what is newer);
 * each difference is named below. Facts of extensions that are not declared are left aside.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { extensionCatalogue, extensionsOf } from './extensions/catalogue.ts'
import { boolean } from './fields/boolean.ts'
import { dhcpOptions } from './fields/dhcp-options.ts'
import { string } from './fields/string.ts'
import {
  type Attribute,
  type Attributes,
  attribute,
  compose,
  core,
  extension,
  resource,
  to,
} from './resource.ts'
import { coreResources } from './resources/core.ts'
import { network } from './resources/network.ts'

interface Fact {
  ext: string
  allow_post?: boolean
  allow_put?: boolean
  is_visible?: boolean
  is_filter?: boolean
  is_sort_key?: boolean
  enforce_policy?: boolean
  required_by_policy?: boolean
  required?: boolean
  default?: unknown
  validate?: Record<string, unknown>
  convert_to?: string
}

function facts<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`../test/facts/${name}.json`, import.meta.url), 'utf8')) as T
}

interface CollectionFact {
  singular?: string
  operations?: string[]
  attributes: Record<string, Fact>
}

const model = compose(coreResources, extensionsOf(extensionCatalogue.keys()))
const resources = declaredFacts()

/** The facts of the collections that are declared, with the attributes of the extensions that are. */
function declaredFacts(): Record<string, CollectionFact> {
  const all = facts<Record<string, CollectionFact>>('resources')
  const newer = facts<Record<string, Record<string, CollectionFact>>>('since-zed')
  for (const [alias, collections] of Object.entries(newer)) {
    if (!extensionCatalogue.has(alias)) continue
    for (const [collection, { attributes }] of Object.entries(collections)) {
      const brought = Object.entries(attributes).map(([name, one]) => [name, { ...one, ext: alias }])
      all[collection] = {
        ...all[collection],
        attributes: { ...all[collection]?.attributes, ...Object.fromEntries(brought) },
      }
    }
  }
  return Object.fromEntries(
    Object.entries(all).flatMap(([collection, fact]) => {
      const [parent = '', child] = collection.split('/')
      const declared = [...model.resources.values()].find((one) => one.collection === parent)
      if (!declared || (child !== undefined && !declared.members[child])) return []
      const attributes = Object.entries(fact.attributes).flatMap(([name, one]): [string, Fact][] => {
        if (one.ext !== core && !extensionCatalogue.has(one.ext)) return []
        // The facts of tag-creation name no attribute.
        return [[name, name === 'tags' ? { ...one, allow_post: true, default: [] } : one]]
      })
      return [[collection, { ...fact, attributes: Object.fromEntries(attributes) }]]
    }),
  )
}

/** Where a declaration differs from the facts on purpose: `collection.attribute field`, and why. */
const differences: Record<string, string> = {
  'ports/bindings.project_id required': 'the port has the owner; nobody sends it',
  'security_groups.stateful default': 'a project, or the cloud, may have another',
  'agents/dhcp_networks.network_id required': 'scheduling nothing is refused as what it is',
  'agents/dhcp_networks.network_id default': 'required instead',
  'alias_minimum_packet_rate_rules.project_id post': 'there is no POST',
  'alias_minimum_packet_rate_rules.project_id required': 'there is no POST',
  'alias_minimum_packet_rate_rules.tenant_id post': 'there is no POST',
  'alias_minimum_packet_rate_rules.tenant_id required': 'there is no POST',
}

/** Kinds that a validator or converter may be declared as. Absent: any (nobody sets it, or there is none). */
const kindsOf: Record<string, readonly string[]> = {
  'type:uuid': ['uuid'],
  'type:string': ['string'],
  'type:string_or_none': ['string'],
  'type:values': ['values', 'integer'],
  'type:non_negative': ['integer'],
  'type:range': ['integer'],
  'type:uuid_or_none': ['uuid'],
  'type:list_of_unique_strings': ['unique-strings'],
  'type:ip_pools': ['allocation-pools'],
  'type:subnet_or_none': ['cidr'],
  'type:not_empty_string': ['not-empty-string'],
  'type:nameservers': ['nameservers'],
  'type:hostroutes': ['host-routes'],
  'type:ip_address_or_none': ['ip-address'],
  'type:subnetpool_id_or_none': ['subnetpool-id'],
  'type:mac_address': ['mac-address'],
  'type:fixed_ips': ['fixed-ips'],
  'type:allowed_address_pairs': ['address-pairs'],
  'type:list_of_any_key_specs_or_none': ['dhcp-options'],
  'type:dns_domain_name': ['dns-domain'],
  'type:dns_host_name': ['dns-name'],
  'type:dict_or_none': ['object', 'port-hints'],
  'type:boolean': ['boolean'],
  'type:network_segments': ['network-segments'],
  'type:availability_zone_hint_list': ['zone-hints'],
  'type:list_of_subnet_service_types': ['service-types'],
  convert_validate_port_value: ['port-value'],
  convert_protocol: ['protocol'],
  convert_ip_prefix_to_cidr: ['ip-prefix'],
  'type:name_not_default': ['group-name'],
  'type:uuid_list': ['uuids'],
  'type:subnet_list': ['cidrs'],
  convert_valid_object_type: ['rbac-object-type'],
  'type:subports': ['subports'],
  'type:service_plugin_type': ['string'],
  convert_to_boolean: ['boolean'],
  convert_to_boolean_if_not_none: ['boolean'],
  convert_to_int: ['integer'],
}

function attributesOf(collection: string): Attributes {
  const [parent, child] = collection.split('/')
  const found = [...model.resources.values()].find((one) => one.collection === parent)
  assert.ok(found, collection)
  if (!child) return found.attributes
  const member = found.members[child]
  assert.ok(member, collection)
  return member.lists && Object.keys(member.attributes).length === 0
    ? (model.resources.get(member.lists)?.attributes ?? {})
    : member.attributes
}

function compare(where: string, one: Attribute, fact: Fact): string[] {
  const wrong: string[] = []
  const same = (field: string, ours: unknown, theirs: unknown): void => {
    if (JSON.stringify(ours) !== JSON.stringify(theirs) && !differences[`${where} ${field}`]) {
      wrong.push(`${where} ${field}: ${JSON.stringify(ours)}, Neutron has ${JSON.stringify(theirs)}`)
    }
  }
  same('post', one.post, fact.allow_post ?? false)
  same('put', one.put, fact.allow_put ?? false)
  same('visible', one.visible, fact.is_visible ?? false)
  same('filter', one.filter, fact.is_filter ?? false)
  same('sort', one.sort, fact.is_sort_key ?? false)
  same('enforcePolicy', one.enforcePolicy, fact.enforce_policy ?? false)
  same('requiredByPolicy', one.requiredByPolicy, fact.required_by_policy ?? false)
  // The owner is filled in from the token before anything is required.
  same('required', one.required, fact.required ?? false)
  // A default of what nobody may set has no effect.
  if (one.post) same('default', one.default, fact.default === '$unspecified' ? undefined : fact.default)
  if (one.post || one.put) {
    const rule = Object.keys(fact.validate ?? {})[0] ?? fact.convert_to
    const kinds = rule === undefined ? undefined : kindsOf[rule]
    if (rule !== undefined && !kinds) wrong.push(`${where}: nothing is known of ${rule}`)
    if (kinds && !kinds.includes(one.kind.name)) wrong.push(`${where}: kind ${one.kind.name} for ${rule}`)
    if (rule?.endsWith('_or_none')) {
      assert.equal(one.kind.parse(null), null, `${where} takes null`)
    }
    const max = fact.validate?.['type:string']
    if (typeof max === 'number') same('length', one.kind.schema.maxLength, max)
    const allowed = fact.validate?.['type:values']
    if (allowed) same('values', one.kind.schema.enum, allowed)
  }
  return wrong
}

for (const [collection, { attributes }] of Object.entries(resources)) {
  // Listed agents are those of the collection agents; Neutron declares them twice, with other sort keys.
  if (collection === 'networks/dhcp_agents') continue
  // The facts do not list their attributes: one for each resource that has a quota.
  if (collection === 'quotas') continue
  test(`${collection} is declared as Neutron has it`, () => {
    const declared = attributesOf(collection)
    assert.deepEqual(Object.keys(declared).sort(), Object.keys(attributes).sort())
    const wrong = Object.entries(attributes).flatMap(([name, fact]) => {
      const one = declared[name]
      return one ? compare(`${collection}.${name}`, one, fact) : []
    })
    assert.deepEqual(wrong, [])
  })
}

test('a difference that is no difference is not listed', () => {
  for (const key of Object.keys(differences)) {
    const [where = ''] = key.split(' ')
    const [collection = '', name = ''] = where.split('.')
    assert.ok(resources[collection]?.attributes[name], key)
  }
})

test('extensions are announced with the names and dates that clients know', () => {
  const known = facts<Record<string, { name: string; updated: string; requires: string[] }>>('extensions')
  /** The name tells which resources have tags; DNS names and topologies come without routers. */
  const named = ['standard-attr-tag']
  /** Not among the facts. */
  const newer = ['security-groups-default-rules']
  const loose = ['dns-integration', 'auto-allocated-topology']
  for (const one of extensionCatalogue.values()) {
    const fact = known[one.alias]
    if (newer.includes(one.alias)) continue
    assert.ok(fact, one.alias)
    if (!named.includes(one.alias)) {
      assert.equal(
        one.name.toLowerCase(),
        fact.name
          .toLowerCase()
          .replace("agent's resource view synced to placement", 'agent resources synced'),
        one.alias,
      )
    }
    assert.equal(one.updated, fact.updated, one.alias)
    if (loose.includes(one.alias)) continue
    assert.deepEqual(
      fact.requires.filter((alias) => !one.requires.includes(alias)),
      [],
      one.alias,
    )
  }
})

test('attributes exist when their extension is loaded', () => {
  const bare = compose(coreResources, [])
  assert.equal(bare.resources.get('network')?.attributes['provider:network_type'], undefined)
  assert.equal(bare.resources.get('agent'), undefined)
  const readOnly = compose(coreResources, extensionsOf(['net-mtu']))
  assert.equal(readOnly.resources.get('network')?.attributes.mtu?.put, false)
  const writable = compose(coreResources, extensionsOf(['net-mtu', 'net-mtu-writable']))
  assert.equal(writable.resources.get('network')?.attributes.mtu?.put, true)
})

test('nonsense in declarations fails, and says where', () => {
  assert.throws(
    () => compose(coreResources, extensionsOf(['net-mtu-writable'])),
    /net-mtu-writable requires net-mtu/,
  )
  assert.throws(() => extensionsOf(['no-such-thing']), /unknown extension no-such-thing; known are .*net-mtu/)
  assert.throws(
    () => resource('thing', { attributes: { up: attribute(boolean, { write: 'never', required: true }) } }),
    /thing\.up: is required, but nobody may set it/,
  )
  assert.throws(
    () =>
      resource('thing', { attributes: { name: attribute(string(2), { write: 'always', default: 'abc' }) } }),
    /thing\.name: its default is not valid/,
  )
  assert.throws(
    () => to(network, { opts: attribute(dhcpOptions, { write: 'always', filter: true }) }),
    /network\.opts: is a filter/,
  )
  assert.throws(
    () => resource('thing', { parent: { resource: 'network', key: 'net' }, attributes: {} }),
    /thing.*'net'/,
  )
  const stray = extension('stray', {
    name: 'stray',
    description: '',
    updated: '',
    adds: [{ resource: 'router', attributes: {}, actions: {} }],
  })
  assert.throws(() => compose(coreResources, [stray]), /stray adds to router, which is not loaded/)
})
