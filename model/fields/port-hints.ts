/** Hints of a port for what plugs it: settings that Open vSwitch takes for its interface. */
import { isObject, type Kind, onlyKeys, refuse, shown } from './kind.ts'

export interface PortHints {
  openvswitch?: { other_config?: { 'tx-steering'?: 'thread' | 'hash' } }
}

const path = ['openvswitch', 'other_config', 'tx-steering'] as const
const steerings: readonly unknown[] = ['thread', 'hash']

/** Neutron: type:dict_or_none of the hints that extensions define; here port-hint-ovs-tx-steering. */
export const portHints: Kind<PortHints> = {
  name: 'port-hints',
  schema: {
    type: 'object',
    properties: {
      openvswitch: {
        type: 'object',
        properties: {
          other_config: { type: 'object', properties: { 'tx-steering': { enum: steerings } } },
        },
      },
    },
  },
  parse(value) {
    let inner: unknown = value
    for (const key of path) {
      if (!isObject(inner)) return refuse(`${shown(inner)} is not a dictionary`)
      onlyKeys(inner, [key])
      inner = inner[key]
      if (inner === undefined) return value as PortHints
    }
    if (!steerings.includes(inner)) refuse(`${shown(inner)} is not in [${steerings.join(', ')}]`)
    return value as PortHints
  },
}
