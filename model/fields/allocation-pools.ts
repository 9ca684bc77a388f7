/** Allocation pools of a subnet: ranges of addresses, both ends included. */
import { ipAddress, ipAddressOf } from './ip-address.ts'
import { isObject, type Kind, listOf, onlyKeys, refuse, shown } from './kind.ts'

export interface AllocationPool {
  start: string
  end: string
}

/** Neutron: convert_ip_to_canonical_format, type:ip_pools. */
export const allocationPools: Kind<AllocationPool[]> = {
  name: 'allocation-pools',
  schema: {
    type: 'array',
    items: {
      type: 'object',
      properties: { start: ipAddress.schema, end: ipAddress.schema },
      required: ['start', 'end'],
      additionalProperties: false,
    },
  },
  parse: (value) =>
    listOf(value).map((pool) => {
      if (!isObject(pool)) return refuse(`Invalid data format for IP pool: ${shown(pool)}`)
      onlyKeys(pool, ['start', 'end'])
      return { start: ipAddressOf(pool.start), end: ipAddressOf(pool.end) }
    }),
}
