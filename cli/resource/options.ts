/** Attributes of the model as options of the command line, and their texts as values: `--fixed-ip subnet=s1`. */
import type { Kind } from '../../model/fields/kind.ts'
import type { Attribute, Attributes } from '../../model/resource.ts'
import { UserError } from '../errors.ts'

/** How one attribute is written on the command line. */
export interface AttributeOption {
  attribute: string
  /** Without dashes. */
  name: string
  shape: 'switch' | 'list' | 'scalar'
  /** What a switch is called when it says no. */
  off: string
  /** The resource that its text names: `network` of network_id, `security_group` of security_groups. */
  refers: string | undefined
  /** Values that are switches of their own: `--ingress`. */
  choices: readonly string[]
  /** The attribute that takes what stands after a colon: `80:81`. */
  until: string | undefined
  kind: Kind<unknown>
}

/** Names that the `openstack` command uses and the API does not; of a switch yes and no. */
const usual: Readonly<Record<string, string | readonly [on: string, off: string]>> = {
  admin_state_up: ['enable', 'disable'],
  shared: ['share', 'no-share'],
  'router:external': ['external', 'internal'],
  is_default: ['default', 'no-default'],
  enable_dhcp: ['dhcp', 'no-dhcp'],
  port_security_enabled: ['enable-port-security', 'disable-port-security'],
  cidr: 'subnet-range',
  gateway_ip: 'gateway',
  dns_nameservers: 'dns-nameserver',
  allowed_address_pairs: 'allowed-address',
  extra_dhcp_opts: 'extra-dhcp-option',
  'binding:host_id': 'host',
  'binding:vnic_type': 'vnic-type',
  'binding:profile': 'binding-profile',
  'provider:segmentation_id': 'provider-segment',
  prefixes: 'pool-prefix',
  addresses: 'address',
  stateful: ['stateful', 'stateless'],
  prefixlen: 'prefix-length',
  default_prefixlen: 'default-prefix-length',
  min_prefixlen: 'min-prefix-length',
  max_prefixlen: 'max-prefix-length',
  subnetpool_id: 'subnet-pool',
  use_default_subnetpool: ['use-default-subnet-pool', 'no-default-subnet-pool'],
  remote_ip_prefix: 'remote-ip',
  port_range_min: 'dst-port',
  'segment.segmentation_id': 'segment',
  'trunk.port_id': 'parent-port',
  sub_ports: 'subport',
  'rbac_policy.object_type': 'type',
  target_tenant: 'target-project',
}

/** Resources that attributes name, where these are not called like them. */
const meant: Readonly<Record<string, string>> = {
  qos_policy_id: 'policy',
  remote_group_id: 'security_group',
  remote_address_group_id: 'address_group',
  fixed_port_id: 'port',
  local_port_id: 'port',
  target_tenant: 'project',
  security_groups: 'security_group',
  service_profiles: 'service_profile',
}

type Schema = { type?: unknown; anyOf?: unknown; properties?: unknown }

function types(schema: Schema): string[] {
  if (Array.isArray(schema.anyOf)) return schema.anyOf.flatMap((one: Schema) => types(one))
  return [schema.type].flat().filter((type) => typeof type === 'string')
}

const dashed = (text: string) => text.replaceAll(/[_:]/g, '-')

/** The options of the attributes of a resource, or of what is below one, that `wanted` picks. */
export function optionsOf(
  owner: { name: string; attributes: Attributes },
  wanted: (attribute: Attribute) => boolean,
): AttributeOption[] {
  return Object.entries(owner.attributes).flatMap(([attribute, one]) => {
    if (!wanted(one) || attribute === 'tenant_id' || attribute === 'tags') return []
    const all = types(one.kind.schema)
    const shape = all.includes('boolean') ? 'switch' : all.includes('array') ? 'list' : 'scalar'
    const [, referred] = (!all.includes('integer') && /^(\w+)_id$/.exec(attribute)) || []
    const refers = meant[attribute] ?? referred
    const plain = dashed(referred ?? (shape === 'list' ? attribute.replace(/s$/, '') : attribute))
    const name = usual[`${owner.name}.${attribute}`] ?? usual[attribute] ?? plain
    const [on, off] = typeof name === 'string' ? [name, `no-${name}`] : name
    const { enum: values } = one.kind.schema
    const choices = attribute === 'direction' && Array.isArray(values) ? (values as string[]) : []
    const until = attribute === 'port_range_min' ? 'port_range_max' : undefined
    return [{ attribute, name: on, shape, off, refers, choices, until, kind: one.kind } as const]
  })
}

/** `start=10.0.0.1,end=10.0.0.9` -> an object; keys with dashes become the API's; JSON stays what it is. */
export function itemOf(text: string): unknown {
  if (/^[[{]/.test(text)) return jsonOf(text)
  if (!/^[\w-]+=/.test(text)) return text
  return Object.fromEntries(
    text.split(/,(?=[\w-]+=)/).map((part) => {
      const split = part.indexOf('=')
      return [part.slice(0, split).replaceAll('-', '_'), part.slice(split + 1)]
    }),
  )
}

/** Throws UserError, showing the text, where it is not JSON. */
export function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new UserError(`this is not JSON: ${text}`)
  }
}

/** The text of a scalar as the API takes it: `none` is null where null may be. */
export function scalarOf(kind: Kind<unknown>, text: string): unknown {
  const all = types(kind.schema)
  if (/^none$/i.test(text) && all.includes('null')) return null
  if (all.includes('object')) return itemOf(text)
  if (all.includes('integer') && /^-?\d{1,15}$/.test(text)) return Number(text)
  return text
}
