/** Reads subnets: all of a subnet is one row, but for its tags. */
import { accessColumn, flag, parentNetworkColumns, plainColumns, standardColumns } from '../columns.ts'
import type { Reader } from '../resource.ts'
import { tagFilters, tagsOf } from '../tag/tags.ts'

const ownColumns = [
  ...standardColumns,
  'network_id',
  'ip_version',
  'cidr',
  'gateway_ip',
  'enable_dhcp',
  'ipv6_ra_mode',
  'ipv6_address_mode',
  'allocation_pools',
  'dns_nameservers',
  'host_routes',
  'service_types',
  'dns_publish_fixed_ip',
  'subnetpool_id',
  'segment_id',
] as const

const lists = ['allocation_pools', 'dns_nameservers', 'host_routes', 'service_types'] as const

export const subnetReader: Reader = {
  table: 'subnets',
  columns: {
    ...plainColumns('subnets', ownColumns),
    ...parentNetworkColumns('subnets.network_id'),
    shared: accessColumn('access_as_shared', 'subnets.network_id'),
    'router:external': accessColumn('access_as_external', 'subnets.network_id'),
  },
  usual: { description: '', enable_dhcp: 1 },
  filters: tagFilters('subnet', 'subnets'),
  async views({ tx }, rows, wanted) {
    const ids = rows.map((row) => String(row.id))
    const tags = wanted.has('tags') ? await tagsOf(tx, 'subnet', ids) : []
    return rows.map((row, i) => {
      const id = String(row.id)
      const parsed = lists.map((name) => [name, typeof row[name] === 'string' ? JSON.parse(row[name]) : []])
      return {
        ...row,
        id,
        enable_dhcp: flag(row.enable_dhcp),
        dns_publish_fixed_ip: flag(row.dns_publish_fixed_ip),
        shared: flag(row.shared),
        'router:external': flag(row['router:external']),
        ...Object.fromEntries(parsed),
        tags: tags[i],
      }
    })
  },
}
