/** Reads ports: rows with their addresses, active bindings and tags, a query each for a whole page. */
import { type Expression, type Kysely, type SqlBool, sql } from 'kysely'
import { beginningsOf, canonicalIp } from '../../lib/addresses.ts'
import { badRequest } from '../../lib/errors.ts'
import { picked } from '../../lib/records.ts'
import { flag, parentNetworkColumns, plainColumns, standardColumns } from '../columns.ts'
import type { FixedIp } from '../ipam/fixed-ips.ts'
import { type ResourceRequest, resourceRequestsOf } from '../qos/resource-request.ts'
import type { QueryScope, Reader, View } from '../resource.ts'
import { groupsOf } from '../security-group/port-groups.ts'
import { portGroupsFilter } from '../security-group/security-group.feature.ts'
import type { NetworkingSettings } from '../settings.ts'
import { eachOf, holds, isOneOf, listsOfEach } from '../store/lists.ts'
import { prepared } from '../store/prepared.ts'
import type { Engine, ReadTx } from '../store/store.ts'
import type { Tables } from '../store/tables.ts'
import { tagFilters, tagsOf } from '../tag/tags.ts'
import { trunkDetailsOf } from '../trunk/subports.ts'
import { dnsAssigner } from './dns.ts'
import { shownExtras } from './extras.ts'
import { holderColumns } from './holders.ts'

const ownColumns = [
  ...standardColumns,
  'network_id',
  'mac_address',
  'admin_state_up',
  'status',
  'device_id',
  'device_owner',
  'port_security_enabled',
  'dns_name',
  'ip_allocation',
  'allowed_address_pairs',
  'extra_dhcp_opts',
  'qos_policy_id',
  'extras',
] as const

/** `settings` name the server's dns_domain. */
export function portReader(settings: NetworkingSettings): Reader {
  return {
    table: 'ports',
    always: ['extras', 'trunk_id'],
    unviewed: ['binding:host_id'],
    columns: {
      ...plainColumns('ports', ownColumns),
      ...parentNetworkColumns('ports.network_id'),
      qos_network_policy_id: () =>
        sql`(select n.qos_policy_id from networks n where n.id = ports.network_id)`,
      ...holderColumns,
      'binding:host_id': () =>
        sql`(select b.host from port_bindings b where b.port_id = ports.id and b.status = 'ACTIVE')`,
    },
    usual: { admin_state_up: 1, description: '', ip_allocation: 'immediate' },
    filters: {
      ...tagFilters('port', 'ports'),
      fixed_ips: fixedIpsFilter,
      security_groups: portGroupsFilter,
      'binding:host_id': ({ tx }, values) =>
        sql<SqlBool>`ports.id in (select b.port_id from port_bindings b where b.status = 'ACTIVE'
          and ${isOneOf(tx.engine, 'b.host', values)})`,
    },
    views: (scope, rows, wanted) => portViews(scope, rows, wanted, settings),
  }
}

/**
 * `fixed_ips=ip_address=10.0.0.5`, `subnet_id=…`, `ip_address_substr=…`: values of one kind are OR-ed, kinds AND-ed.
 */
function fixedIpsFilter({ tx }: QueryScope, values: readonly string[]): Expression<SqlBool> {
  const asked: Record<string, string[]> = { ip_address: [], subnet_id: [], ip_address_substr: [] }
  for (const value of values) {
    const [, key = '', text = ''] = /^([a-z_]+)=(.*)$/s.exec(value) ?? []
    const list = asked[key]
    if (!list)
      throw badRequest(`Invalid filter fixed_ips=${value}: use ip_address=, subnet_id= or ip_address_substr=`)
    list.push(text)
  }
  const { ip_address: addresses = [], subnet_id: subnets = [], ip_address_substr: parts = [] } = asked
  const conditions: Expression<SqlBool>[] = []
  const having = (condition: Expression<SqlBool>): void => {
    conditions.push(sql<SqlBool>`ports.id in (select a.port_id from ip_allocations a where ${condition})`)
  }
  if (addresses.length > 0) {
    const canonical = addresses.map((address) => canonicalIp(address) ?? address)
    having(isOneOf(tx.engine, 'a.ip_address', canonical))
  }
  if (subnets.length > 0) having(isOneOf(tx.engine, 'a.subnet_id', subnets))
  for (const part of parts.map((text) => text.toLowerCase())) {
    having(holds(tx.engine, ['ip_allocations', 'a'], 'ip_address', part, beginningsOf(part)))
  }
  return sql<SqlBool>`(${sql.join(conditions, sql` and `)})`
}

const allocationsOfPorts = prepared('port-views-addresses', (db, p: { ids: readonly string[] }, engine) =>
  db
    .selectFrom(eachOf(engine, p.ids))
    .crossJoin('ip_allocations as a')
    .select(['each.key', 'a.subnet_id', 'a.ip_address', 'a.position'])
    .whereRef('a.port_id', '=', 'each.value'),
)

/** The addresses of each of the ports, in their order. */
export async function addressesOf(tx: ReadTx, ids: readonly string[]): Promise<(readonly FixedIp[])[]> {
  const rows = await allocationsOfPorts.all(tx, { ids })
  rows.sort((a, b) => a.position - b.position)
  return listsOfEach(ids.length, rows, ({ subnet_id, ip_address }) => ({ subnet_id, ip_address }))
}

const activeBindings = (db: Kysely<Tables>, ids: readonly string[], engine: Engine) =>
  db
    .selectFrom(eachOf(engine, ids))
    .crossJoin('port_bindings as b')
    .whereRef('b.port_id', '=', 'each.value')
    .where('b.status', '=', 'ACTIVE')

const bindingsOfPorts = prepared('port-views-bindings', (db, p: { ids: readonly string[] }, engine) =>
  activeBindings(db, p.ids, engine).select([
    'each.key',
    'b.host',
    'b.vif_type',
    'b.vnic_type',
    'b.profile',
    'b.vif_details',
  ]),
)

/** What tenants see of a binding. */
const vnicTypesOfPorts = prepared('port-views-vnic-types', (db, p: { ids: readonly string[] }, engine) =>
  activeBindings(db, p.ids, engine).select(['each.key', 'b.vnic_type']),
)

type BindingRow = Awaited<ReturnType<(typeof bindingsOfPorts)['all']>>[number]

/** The active binding of each of the ports, with what is wanted of it. */
async function bindingsOf(
  tx: ReadTx,
  ids: readonly string[],
  wanted: ReadonlySet<string>,
): Promise<(readonly Partial<BindingRow>[])[]> {
  const names = [...wanted].filter((name) => name.startsWith('binding:'))
  if (names.length === 0) return []
  const statement = names.join() === 'binding:vnic_type' ? vnicTypesOfPorts : bindingsOfPorts
  return listsOfEach(ids.length, await statement.all(tx, { ids }), (row) => row)
}

async function portViews(
  { tx }: QueryScope,
  rows: Record<string, unknown>[],
  wanted: ReadonlySet<string>,
  { DEFAULT: options }: NetworkingSettings,
): Promise<View[]> {
  const ids = rows.map((row) => String(row.id))
  const wants = (...names: string[]): boolean => names.some((name) => wanted.has(name))
  const addresses = wants('fixed_ips', 'dns_assignment') ? await addressesOf(tx, ids) : []
  const bindings = await bindingsOf(tx, ids, wanted)
  const tags = wants('tags') ? await tagsOf(tx, 'port', ids) : []
  const parents = rows.filter((row) => row.trunk_id !== null).map((row) => String(row.id))
  const trunks =
    wants('trunk_details') && parents.length > 0
      ? await trunkDetailsOf(tx, parents)
      : new Map<string, Record<string, unknown>>()
  const guaranteed = rows.filter((row) => row.qos_policy_id !== null || row.qos_network_policy_id !== null)
  const requests =
    wants('resource_request') && guaranteed.length > 0
      ? await resourceRequestsOf(
          tx,
          guaranteed.map((row) => String(row.id)),
        )
      : new Map<string, ResourceRequest>()
  const groups = wants('security_groups') ? await groupsOf(tx, ids) : []
  const dnsAssignment = dnsAssigner(options.dns_domain)
  const view = picked([...new Set([...Object.keys(rows[0] ?? {}), ...viewedKeys])])
  return rows.map((row, i) => {
    const id = ids[i] ?? ''
    const fixedIps = addresses[i] ?? emptyList
    const binding = bindings[i]?.[0]
    const shown = Object.assign(view(row) as View, shownExtras(row.extras))
    shown.admin_state_up = flag(row.admin_state_up)
    shown.port_security_enabled = flag(row.port_security_enabled)
    shown.allowed_address_pairs = parsed(row.allowed_address_pairs)
    shown.extra_dhcp_opts = parsed(row.extra_dhcp_opts)
    shown.fixed_ips = fixedIps
    shown.security_groups = groups[i] ?? emptyList
    shown.dns_assignment = dnsAssignment(String(row.dns_name ?? ''), fixedIps)
    shown.tags = tags[i] ?? emptyList
    shown.trunk_details = trunks.get(id)
    shown.resource_request = requests.get(id) ?? null
    shown['binding:host_id'] = binding?.host
    shown['binding:vnic_type'] = binding?.vnic_type
    shown['binding:profile'] = parsed(binding?.profile)
    shown['binding:vif_type'] = binding?.vif_type
    shown['binding:vif_details'] = parsed(binding?.vif_details)
    return shown
  })
}

/** What views have that is no column of the same name. */
const viewedKeys = [
  'fixed_ips',
  'security_groups',
  'dns_assignment',
  'tags',
  'trunk_details',
  'resource_request',
  'binding:host_id',
  'binding:vnic_type',
  'binding:profile',
  'binding:vif_type',
  'binding:vif_details',
  ...Object.keys(shownExtras('{}')),
]

const [emptyList, emptyDictionary] = [Object.freeze([]), Object.freeze({})]

/** JSON of a column; what most ports have costs nothing. */
function parsed(json: unknown): unknown {
  if (json === '[]') return emptyList
  if (json === '{}') return emptyDictionary
  return typeof json === 'string' ? JSON.parse(json) : undefined
}
