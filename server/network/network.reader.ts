/** Reads networks: rows with segments, subnets, availability zones and tags, a query each for a whole page. */
import { type Expression, type SqlBool, sql } from 'kysely'
import { grouped } from '../../lib/grouped.ts'
import { accessColumn, flag, plainColumns, standardColumns } from '../columns.ts'
import { isRouted } from '../ipam/fixed-ips.ts'
import { numberOrNull } from '../ml2/segments.ts'
import type { QueryScope, Reader, View } from '../resource.ts'
import { isOneOf } from '../store/lists.ts'
import { prepared } from '../store/prepared.ts'
import type { ReadTx } from '../store/store.ts'
import { tagFilters, tagsOf } from '../tag/tags.ts'

const ownColumns = [
  ...standardColumns,
  'admin_state_up',
  'status',
  'mtu',
  'port_security_enabled',
  'dns_domain',
  'availability_zone_hints',
  'qos_policy_id',
  'is_default',
] as const

export const networkReader: Reader = {
  table: 'networks',
  columns: {
    ...plainColumns('networks', ownColumns),
    shared: accessColumn('access_as_shared', 'networks.id'),
    'router:external': accessColumn('access_as_external', 'networks.id'),
  },
  usual: { admin_state_up: 1, description: '', status: 'ACTIVE', is_default: 0 },
  filters: {
    ...tagFilters('network', 'networks'),
    'provider:network_type': segmentFilter('network_type'),
    'provider:physical_network': segmentFilter('physical_network'),
    'provider:segmentation_id': segmentIdFilter,
  },
  views: networkViews,
}

/** True where one of the network's segments has one of the values; the empty text stands for none. */
function segmentFilter(column: 'network_type' | 'physical_network') {
  return ({ tx }: QueryScope, values: readonly string[]) =>
    withSegment(orNone(values, `s.${column}`, isOneOf(tx.engine, `s.${column}`, values)))
}

function segmentIdFilter({ tx }: QueryScope, values: readonly string[]): Expression<SqlBool> {
  const ids = values.filter((text) => /^\d{1,15}$/.test(text)).map(Number)
  const named = ids.length === 0 ? sql`1 = 0` : isOneOf(tx.engine, 's.segmentation_id', ids)
  return withSegment(orNone(values, 's.segmentation_id', named))
}

function orNone(values: readonly string[], column: string, condition: Expression<unknown>) {
  return values.includes('') ? sql`(${condition} or ${sql.ref(column)} is null)` : condition
}

function withSegment(condition: Expression<unknown>): Expression<SqlBool> {
  return sql<SqlBool>`networks.id in (select s.network_id from network_segments s where ${condition})`
}

const segmentsOfNetworks = prepared('network-views-segments', (db, p: { ids: readonly string[] }, engine) =>
  db
    .selectFrom('network_segments')
    .select(['network_id', 'network_type', 'physical_network', 'segmentation_id'])
    .where(isOneOf(engine, 'network_id', p.ids))
    .orderBy('network_id')
    .orderBy('segment_index'),
)

interface ProviderView {
  'provider:network_type': string
  'provider:physical_network': string | null
  'provider:segmentation_id': number | null
}

async function segmentViews(tx: ReadTx, ids: readonly string[]): Promise<Map<string, ProviderView[]>> {
  const rows = await segmentsOfNetworks.all(tx, { ids })
  return grouped(
    rows.map((row) => [
      row.network_id,
      {
        'provider:network_type': row.network_type,
        'provider:physical_network': row.physical_network,
        'provider:segmentation_id': numberOrNull(row.segmentation_id),
      },
    ]),
  )
}

const subnetsOfNetworks = prepared('network-views-subnets', (db, p: { ids: readonly string[] }, engine) =>
  db
    .selectFrom('subnets as s')
    .leftJoin('subnetpools as p', 'p.id', 's.subnetpool_id')
    .select(['s.network_id', 's.id', 's.ip_version', 's.segment_id', 'p.address_scope_id'])
    .where(isOneOf(engine, 's.network_id', p.ids))
    .orderBy('s.created_at')
    .orderBy('s.id'),
)

const zonesOfNetworks = prepared('network-views-zones', (db, p: { ids: readonly string[] }, engine) =>
  db
    .selectFrom('network_dhcp_agents as d')
    .innerJoin('agents', 'agents.id', 'd.agent_id')
    .select(['d.network_id', 'agents.availability_zone'])
    .distinct()
    .where(isOneOf(engine, 'd.network_id', p.ids))
    .where('agents.availability_zone', 'is not', null)
    .orderBy('agents.availability_zone'),
)

async function networkViews(
  { tx }: QueryScope,
  rows: Record<string, unknown>[],
  wanted: ReadonlySet<string>,
): Promise<View[]> {
  const ids = rows.map((row) => String(row.id))
  const wantsSegments = wanted.has('segments') || [...wanted].some((name) => name.startsWith('provider:'))
  const none = new Map<string, never[]>()
  const segments = wantsSegments ? await segmentViews(tx, ids) : none
  const wantsSubnets = ['subnets', 'l2_adjacency', 'ipv4_address_scope', 'ipv6_address_scope'].some((name) =>
    wanted.has(name),
  )
  const subnets = wantsSubnets
    ? grouped((await subnetsOfNetworks.all(tx, { ids })).map((row) => [row.network_id, row]))
    : none
  const zones = wanted.has('availability_zones')
    ? grouped((await zonesOfNetworks.all(tx, { ids })).map((row) => [row.network_id, row.availability_zone]))
    : none
  const tags = wanted.has('tags') ? await tagsOf(tx, 'network', ids) : []
  return rows.map((row, i) => {
    const id = String(row.id)
    const own: SubnetOfNetwork[] = subnets.get(id) ?? []
    return {
      ...row,
      id,
      admin_state_up: flag(row.admin_state_up),
      port_security_enabled: flag(row.port_security_enabled),
      shared: flag(row.shared),
      'router:external': flag(row['router:external']),
      is_default: flag(row.is_default),
      availability_zone_hints: JSON.parse(String(row.availability_zone_hints ?? '[]')) as string[],
      availability_zones: zones.get(id) ?? [],
      subnets: own.map((subnet) => subnet.id),
      l2_adjacency: !isRouted(own),
      tags: tags[i],
      ipv4_address_scope: scopeOf(own, 4),
      ipv6_address_scope: scopeOf(own, 6),
      ...providerView(segments.get(id) ?? []),
    }
  })
}

interface SubnetOfNetwork {
  id: string
  ip_version: number
  segment_id: string | null
  address_scope_id: string | null
}

/** The address scope of a network's subnets of that family; they are all of one. */
function scopeOf(subnets: readonly SubnetOfNetwork[], version: number): string | null {
  return subnets.find((subnet) => subnet.ip_version === version)?.address_scope_id ?? null
}

/** One segment shows as provider attributes, several as `segments`; the last one may have been deleted. */
function providerView(segments: readonly ProviderView[]): Record<string, unknown> {
  const [only, ...others] = segments
  if (!only) return noProvider
  return others.length === 0 ? { ...only } : { segments }
}

const noProvider = {
  'provider:network_type': null,
  'provider:physical_network': null,
  'provider:segmentation_id': null,
}
