/** What holds in the database of a cloud whatever was asked of it, read from outside with SQL of its own. */
import { DatabaseSync } from 'node:sqlite'
import { sortableIp } from '../../../lib/addresses.ts'

/** Tables of objects, by the names that tags and RBAC policies have for them. */
const tables: Readonly<Record<string, string>> = {
  network: 'networks',
  subnet: 'subnets',
  port: 'ports',
  subnetpool: 'subnetpools',
  address_scope: 'address_scopes',
  address_group: 'address_groups',
  security_group: 'security_groups',
  security_group_rule: 'security_group_rules',
  policy: 'qos_policies',
  qos_policy: 'qos_policies',
  trunk: 'trunks',
  segment: 'network_segments',
  network_segment_range: 'network_segment_ranges',
  local_ip: 'local_ips',
  metering_label: 'metering_labels',
  log: 'logs',
}

/** Tables with a revision, whose every row a change has told of. */
const revised: Readonly<Record<string, string>> = {
  network: 'networks',
  subnet: 'subnets',
  port: 'ports',
  security_group: 'security_groups',
  security_group_rule: 'security_group_rules',
  subnetpool: 'subnetpools',
  policy: 'qos_policies',
  trunk: 'trunks',
}

/** Each answers the rows that should not be there. */
const rules: Readonly<Record<string, string>> = {
  'an address lies outside its subnet': `select a.* from ip_allocations a join subnets s on s.id = a.subnet_id
     where a.ip < s.first_ip or a.ip > s.last_ip`,
  'an address is given twice': `select subnet_id, ip from ip_allocations group by subnet_id, ip having count(*) > 1`,
  'an address is on another network than its port': `select a.* from ip_allocations a
     join ports p on p.id = a.port_id join subnets s on s.id = a.subnet_id where p.network_id <> s.network_id`,
  'a MAC address is twice on a network': `select network_id, mac_address from ports
     group by network_id, mac_address having count(*) > 1`,
  'a port has no active binding, or several': `select p.id from ports p left join port_bindings b
     on b.port_id = p.id and b.status = 'ACTIVE' group by p.id having count(b.port_id) <> 1`,
  'a port is bound to a segment that is gone': `select b.* from port_bindings b where b.segment_id is not null
     and not exists (select 1 from network_segments s where s.id = b.segment_id and s.network_id = b.network_id)`,
  'a segment is claimed twice': `select claim from network_segments where claim is not null
     group by claim having count(*) > 1`,
  'subnets of a network overlap': `select a.id, b.id from subnets a join subnets b
     on a.network_id = b.network_id and a.id < b.id and a.ip_version = b.ip_version
     and a.first_ip <= b.last_ip and b.first_ip <= a.last_ip`,
  'two subnets of a pool overlap': `select a.id, b.id from subnets a join subnets b
     on a.subnetpool_id = b.subnetpool_id and a.id < b.id and a.first_ip <= b.last_ip and b.first_ip <= a.last_ip`,
  'several pools are the default': `select ip_version from subnetpools where is_default = 1
     group by ip_version having count(*) > 1`,
  'a project has several default groups': `select project_id from security_groups where is_default = 1
     group by project_id having count(*) > 1`,
  'a sub-port is a trunk': 'select s.port_id from subports s join trunks t on t.port_id = s.port_id',
  'free values are of a subnet that is gone': `select pool from free_ranges
     where pool glob '????????-????-*' and not exists (select 1 from subnets s where s.id = pool)`,
  'free values that touch': `select a.pool, a.first from free_ranges a join free_ranges b
     on a.pool = b.pool and a.first < b.first and a.last >= b.first`,
  'an identifier is free and in use': `select s.claim from network_segments s join free_ranges f
     on f.pool = s.network_type and f.first <= printf('%032x', s.segmentation_id)
     and f.last >= printf('%032x', s.segmentation_id)`,
  ...Object.fromEntries(
    Object.entries(revised).flatMap(([object, table]) => [
      [`a ${object} with a revision below 0`, `select id from ${table} where revision_number < 0`],
      [
        `a ${object} came without a change`,
        `select o.id from ${table} o where not exists
         (select 1 from changes c where c.object = '${object}' and c.id = o.id and c.operation = 'create')`,
      ],
    ]),
  ),
}

type Row = Record<string, unknown>

/** What is known of a cloud beside its database. */
export interface Expectations {
  /** Limits that nobody has changed: project -> table -> rows. */
  quotas: Readonly<Record<string, Readonly<Record<string, number>>>>
  /** Identifiers that tenants' networks may have: type of network -> how many, counted from 1. */
  identifiers: Readonly<Record<string, number>>
}

/** What is broken, in words; nothing where all holds. */
export function brokenInvariants(path: string, expectations: Expectations): string[] {
  const database = new DatabaseSync(path, { readOnly: true })
  const all = (query: string): Row[] => database.prepare(query).all()
  try {
    const broken: string[] = []
    const [integrity] = all('pragma integrity_check')
    if (integrity?.integrity_check !== 'ok') broken.push(`integrity: ${JSON.stringify(integrity)}`)
    const queries = { 'a reference to what is gone': 'pragma foreign_key_check', ...rules }
    for (const [what, query] of Object.entries(queries)) {
      const [first] = all(query)
      if (first) broken.push(`${what}: ${JSON.stringify(first)}`)
    }
    return [
      ...broken,
      ...strays(all, 'tags', 'object'),
      ...strays(all, 'rbac_policies', 'object_type'),
      ...lostAddresses(all),
      ...lostBlocks(all),
      ...lostIdentifiers(all, expectations.identifiers),
      ...overruns(all, expectations.quotas),
    ]
  } finally {
    database.close()
  }
}

type All = (query: string) => Row[]

/** Rows that name an object by its kind and id, and the object is gone. */
function strays(all: All, table: string, kind: string): string[] {
  return all(`select distinct ${kind} as kind from ${table}`).flatMap((row) => {
    const objects = tables[String(row.kind)]
    if (objects === undefined) return [`${table}: what is a ${row.kind}?`]
    const query = `select * from ${table} where ${kind} = '${row.kind}'
      and not exists (select 1 from ${objects} o where o.id = object_id)`
    return all(query).map((stray) => `${table} of what is gone: ${JSON.stringify(stray)}`)
  })
}

const numberOf = (sortable: unknown): bigint => BigInt(`0x${String(sortable)}`)

interface Range {
  first: bigint
  last: bigint
}

const size = (ranges: readonly Range[]): bigint =>
  ranges.reduce((sum, { first, last }) => sum + last - first + 1n, 0n)
const among = (ranges: readonly Range[], value: bigint): boolean =>
  ranges.some(({ first, last }) => first <= value && value <= last)

function freeOf(all: All, pool: unknown): Range[] {
  return all(`select first, last from free_ranges where pool = '${pool}'`).map(({ first, last }) => ({
    first: numberOf(first),
    last: numberOf(last),
  }))
}

/** Subnets of whose pools an address is neither free nor given, or both, or free outside of them. */
function lostAddresses(all: All): string[] {
  return all('select id, allocation_pools from subnets').flatMap(({ id, allocation_pools: text }) => {
    const pools = (JSON.parse(String(text)) as { start: string; end: string }[]).map(({ start, end }) => ({
      first: numberOf(sortableIp(start)),
      last: numberOf(sortableIp(end)),
    }))
    const free = freeOf(all, id)
    const given = all(`select ip from ip_allocations where subnet_id = '${id}'`).map(({ ip }) => numberOf(ip))
    const stray = free.filter(({ first, last }) => !(among(pools, first) && among(pools, last)))
    const twice = given.filter((value) => among(free, value))
    const accounted = size(free) + BigInt(given.filter((value) => among(pools, value)).length)
    if (stray.length === 0 && twice.length === 0 && accounted === size(pools)) return []
    return [
      `subnet ${id}: ${size(pools)} in its pools ${text}, ${accounted} free or given, ${twice.length} both`,
    ]
  })
}

/** Subnet pools whose free blocks and subnets are not together what their prefixes are. */
function lostBlocks(all: All): string[] {
  return all('select id from subnetpools').flatMap(({ id }) => {
    const ranges = (query: string) =>
      all(query).map(({ first, last }) => ({ first: numberOf(first), last: numberOf(last) }))
    const prefixes = ranges(`select first, last from subnetpool_prefixes where subnetpool_id = '${id}'`)
    const blocks = all(`select first, bits from subnetpool_blocks where subnetpool_id = '${id}'`).map(
      ({ first, bits }) => ({
        first: numberOf(first),
        last: numberOf(first) + (1n << BigInt(Number(bits))) - 1n,
      }),
    )
    const cut = ranges(`select first_ip as first, last_ip as last from subnets where subnetpool_id = '${id}'`)
    const overlap = blocks.some((block) =>
      cut.some((one) => block.first <= one.last && one.first <= block.last),
    )
    const stray = [...blocks, ...cut].some(
      ({ first, last }) => !(among(prefixes, first) && among(prefixes, last)),
    )
    if (!overlap && !stray && size(blocks) + size(cut) === size(prefixes)) return []
    return [`subnet pool ${id}: ${size(prefixes)} addresses, ${size(blocks)} free, ${size(cut)} in subnets`]
  })
}

/** Identifiers that are neither free nor in use. */
function lostIdentifiers(all: All, expected: Expectations['identifiers']): string[] {
  return Object.entries(expected).flatMap(([type, count]) => {
    const free = freeOf(all, type)
    const used = new Set(
      all(`select segmentation_id as id from network_segments where network_type = '${type}'`).map(
        ({ id }) => id,
      ),
    )
    const lost = Array.from({ length: count }, (_, i) => i + 1).filter(
      (id) => !used.has(id) && !among(free, BigInt(id)),
    )
    return lost.length === 0 ? [] : [`${type}: neither free nor in use: ${lost.join(', ')}`]
  })
}

function overruns(all: All, quotas: Expectations['quotas']): string[] {
  return Object.entries(quotas).flatMap(([project, limits]) =>
    Object.entries(limits).flatMap(([table, limit]) => {
      const [row] = all(`select count(*) as count from ${table} where project_id = '${project}'`)
      return Number(row?.count) > limit ? [`${project} has ${row?.count} ${table} of ${limit}`] : []
    }),
  )
}
