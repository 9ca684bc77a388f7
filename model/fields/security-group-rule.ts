/** What rules of security groups are made of: ethertype, protocol, ports, remote prefix. */
import { formatIp, parseCidr, parseIp } from '../../lib/addresses.ts'
import {
  invalidCidr,
  securityGroupDefaultAlreadyExists,
  securityGroupInvalidPortValue,
  securityGroupRuleInvalidProtocol,
} from '../../lib/errors.ts'
import { protocolNumbers } from '../../lib/protocols.ts'
import { type Kind, sameText } from './kind.ts'
import { textOf } from './string.ts'
import { values } from './values.ts'

const ethertypes = values(['IPv4', 'IPv6'])

/** Neutron: convert_ethertype_to_case_insensitive, type:values. */
export const ethertype: Kind<'IPv4' | 'IPv6'> = {
  ...ethertypes,
  parse: (value) =>
    ethertypes.parse(typeof value === 'string' ? value.replace(/^ipv([46])$/i, 'IPv$1') : value),
}

/** Neutron: convert_protocol. Numbers become text; names are lower case. */
export const protocol: Kind<string | null> = {
  name: 'protocol',
  schema: { anyOf: [{ type: 'null' }, { type: 'string' }, { type: 'integer', minimum: 0, maximum: 255 }] },
  parse(value) {
    if (value === null) return null
    const text = typeof value === 'number' || typeof value === 'string' ? String(value).trim() : ''
    if (/^\d{1,9}$/.test(text) && Number(text) <= 255) return String(Number(text))
    const name = text.toLowerCase()
    if (!Object.hasOwn(protocolNumbers, name)) {
      throw securityGroupRuleInvalidProtocol(JSON.stringify(value), Object.keys(protocolNumbers).join(', '))
    }
    return name
  },
  filter: (text) => text.toLowerCase(),
}

/** Neutron: convert_validate_port_value. A port, or a type or code of ICMP. */
export const portValue: Kind<number | null> = {
  name: 'port-value',
  schema: { anyOf: [{ type: 'null' }, { type: 'integer', minimum: 0, maximum: 65535 }] },
  parse(value) {
    if (value === null) return null
    const port = portOf(value)
    if (port === undefined) throw securityGroupInvalidPortValue(JSON.stringify(value))
    return port
  },
  // What is no port is no rule's.
  filter: (text) => portOf(text) ?? -1,
}

function portOf(value: unknown): number | undefined {
  const port = typeof value === 'string' && /^\d{1,9}$/.test(value) ? Number(value) : value
  return typeof port === 'number' && Number.isInteger(port) && port >= 0 && port <= 65535 ? port : undefined
}

/** Neutron: convert_ip_prefix_to_cidr. Host bits stay as they were written; normalized_cidr has none. */
export const ipPrefix: Kind<string | null> = {
  name: 'ip-prefix',
  schema: { anyOf: [{ type: 'null' }, { type: 'string' }] },
  parse(value) {
    if (value === null || value === '') return null
    const prefix = prefixOf(value)
    if (prefix === undefined) throw invalidCidr(typeof value === 'string' ? value : JSON.stringify(value))
    return prefix
  },
  filter: (text) => prefixOf(text) ?? text,
}

function prefixOf(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined
  const [address = ''] = value.split('/')
  const ip = parseIp(address)
  if (!ip) return undefined
  const length = value.includes('/') ? parseCidr(value)?.prefixlen : ip.version === 4 ? 32 : 128
  return length === undefined ? undefined : `${formatIp(ip.value, ip.version)}/${length}`
}

/** Neutron: type:name_not_default, which no other group than a project's default one may be called. */
export const groupName: Kind<string> = {
  name: 'group-name',
  schema: { type: 'string', maxLength: 255 },
  parse(value) {
    const name = textOf(value, 255)
    if (name.toLowerCase() === 'default') throw securityGroupDefaultAlreadyExists()
    return name
  },
  filter: sameText,
}
