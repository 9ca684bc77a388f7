/** Attributes of the model as options of the command line, and their texts as values: `--fixed-ip subnet=s1`. */
import type { Kind } from '../../model/fields/kind.ts'
import type { Attribute, Resource } from '../../model/resource.ts'
import { UserError } from '../errors.ts'

/** How one attribute is written on the command line. */
export interface AttributeOption {
  attribute: string
  /** Without dashes. */
  name: string
  shape: 'switch' | 'list' | 'scalar'
  /** What a switch is called when it says no. */
  off: string
  /** The resource that its text names: `network` of network_id. */
  refers: string | undefined
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
}

type Schema = { type?: unknown; anyOf?: unknown; properties?: unknown }

function types(schema: Schema): string[] {
  if (Array.isArray(schema.anyOf)) return schema.anyOf.flatMap((one: Schema) => types(one))
  return [schema.type].flat().filter((type) => typeof type === 'string')
}

const dashed = (text: string) => text.replaceAll(/[_:]/g, '-')

/** The options of a resource's attributes that `wanted` picks. */
export function optionsOf(resource: Resource, wanted: (attribute: Attribute) => boolean): AttributeOption[] {
  return Object.entries(resource.attributes).flatMap(([attribute, one]) => {
    if (!wanted(one) || attribute === 'tenant_id') return []
    const all = types(one.kind.schema)
    const shape = all.includes('boolean') ? 'switch' : all.includes('array') ? 'list' : 'scalar'
    const refers = /^(\w+)_id$/.exec(attribute)?.[1]
    const plain = refers ? dashed(refers) : dashed(shape === 'list' ? attribute.replace(/s$/, '') : attribute)
    const name = usual[attribute] ?? plain
    const [on, off] = typeof name === 'string' ? [name, `no-${name}`] : name
    return [{ attribute, name: on, shape, off, refers, kind: one.kind } as const]
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
