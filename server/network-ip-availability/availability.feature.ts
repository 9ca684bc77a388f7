/**
 * How many addresses networks have and how many are in use. Totals are of the allocation pools (of the whole prefix,
 * where a subnet has no pools); in use is every address that a port has, outside the pools too. The details tell the
 * two apart. Three statements, whatever is asked for.
 */
import { sql } from 'kysely'
import { hostRange, type IpRange, parseCidr, sortableValue } from '../../lib/addresses.ts'
import { exactInteger } from '../../lib/json.ts'
import type { Resource } from '../../model/resource.ts'
import type { ComputedFeature } from '../resource.ts'
import { isOneOf } from '../store/lists.ts'
import { prepared } from '../store/prepared.ts'
import type { ReadTx } from '../store/store.ts'
import { poolRanges } from '../subnet/subnet.rules.ts'

/** A network without subnets has zeros; counts come out exact, however large (an IPv6 /64). */
export function networkIpAvailability(resource: Resource): ComputedFeature {
  return {
    resource,
    key: 'network_id',
    ownFilters: ['network_id', 'network_name', 'project_id', 'ip_version'],
    async list(tx, _context, filters) {
      const rows = await subnetsOfNetworks(tx, filters)
      const subnets = await countSubnets(tx, rows)
      const networks = new Map<string, SubnetRow[]>()
      for (const row of rows) networks.set(row.network_id, [...(networks.get(row.network_id) ?? []), row])
      return [...networks.values()].map((group) => networkView(group, subnets))
    },
  }
}

interface SubnetRow {
  network_id: string
  network_name: string
  project_id: string
  /** Null of a network without subnets. */
  subnet_id: string | null
  subnet_name: string | null
  ip_version: number | null
  cidr: string | null
  allocation_pools: string | null
}

/** A row for each subnet, and one for each network without any. */
async function subnetsOfNetworks(
  tx: ReadTx,
  filters: ReadonlyMap<string, readonly string[]>,
): Promise<SubnetRow[]> {
  let statement = tx.db
    .selectFrom('networks as n')
    .leftJoin('subnets as s', 's.network_id', 'n.id')
    .select([
      'n.id as network_id',
      'n.name as network_name',
      'n.project_id',
      's.id as subnet_id',
      's.name as subnet_name',
      's.ip_version',
      's.cidr',
      's.allocation_pools',
    ])
  for (const [name, values] of filters) {
    statement = statement.where(isOneOf(tx.engine, filtered[name as keyof typeof filtered], values))
  }
  return statement.orderBy('n.id').orderBy('s.created_at').orderBy('s.id').execute()
}

const filtered = {
  network_id: sql.ref('n.id'),
  network_name: sql.ref('n.name'),
  project_id: sql.ref('n.project_id'),
  ip_version: sql`cast(s.ip_version as text)`,
}

const used = prepared('ip-availability-used', (db, p: { subnets: readonly string[] }, engine) =>
  db
    .selectFrom('ip_allocations')
    .select((eb) => ['subnet_id', eb.fn.countAll<number>().as('used')])
    .where(isOneOf(engine, 'subnet_id', p.subnets))
    .groupBy('subnet_id'),
)

/** `ranges`: JSON of [subnet id, first, last]; the addresses in use of each, in that order. */
const usedInRanges = prepared('ip-availability-in-pools', (db, p: { ranges: string }, engine) =>
  db
    .selectFrom(
      engine === 'postgres'
        ? sql<{ value: unknown }>`jsonb_array_elements(${p.ranges}::jsonb)`.as('r')
        : sql<{ value: unknown }>`json_each(${p.ranges})`.as('r'),
    )
    .select([
      sql<string>`r.value ->> 0`.as('subnet_id'),
      sql<number>`(select count(*) from ip_allocations a where a.subnet_id = r.value ->> 0
        and a.ip between r.value ->> 1 and r.value ->> 2)`.as('used'),
    ]),
)

/** Names as the API has them; of a network it is the sum of its subnets. */
interface Counts {
  total_ips: bigint
  used_ips: bigint
  total_ips_in_subnet: bigint
  total_ips_in_allocation_pool: bigint
  used_ips_in_subnet: bigint
  used_ips_in_allocation_pool: bigint
}

async function countSubnets(tx: ReadTx, rows: readonly SubnetRow[]): Promise<Map<string, Counts>> {
  const subnets = rows.flatMap(({ subnet_id: id, cidr: text, allocation_pools: pools }) => {
    const cidr = text === null ? undefined : parseCidr(text)
    if (id === null || !cidr) return []
    return [{ id, cidr, pools: poolRanges(JSON.parse(pools ?? '[]')) }]
  })
  if (subnets.length === 0) return new Map()
  const ids = subnets.map((subnet) => subnet.id)
  const inUse = sums(await used.all(tx, { subnets: ids }))
  const ranges = subnets.flatMap(({ id, cidr: { version }, pools }) =>
    pools.map(({ first, last }) => [id, sortableValue(first, version), sortableValue(last, version)]),
  )
  const inPools = sums(await usedInRanges.all(tx, { ranges: JSON.stringify(ranges) }))
  return new Map(
    subnets.map(({ id, cidr, pools }): [string, Counts] => {
      const pooled = pools.reduce((sum, range) => sum + sizeOf(range), 0n)
      const all = inUse.get(id) ?? 0n
      return [
        id,
        {
          total_ips: pools.length > 0 ? pooled : sizeOf(cidr),
          used_ips: all,
          // Without the addresses of IPv4 that no port can have.
          total_ips_in_subnet: sizeOf(cidr.version === 4 ? hostRange(cidr) : cidr),
          total_ips_in_allocation_pool: pooled,
          used_ips_in_subnet: all,
          used_ips_in_allocation_pool: inPools.get(id) ?? 0n,
        },
      ]
    }),
  )
}

function sums(rows: readonly { subnet_id: string; used: number | string }[]): Map<string, bigint> {
  const found = new Map<string, bigint>()
  for (const row of rows) found.set(row.subnet_id, (found.get(row.subnet_id) ?? 0n) + BigInt(row.used))
  return found
}

const sizeOf = ({ first, last }: IpRange): bigint => last - first + 1n

function networkView(
  group: readonly SubnetRow[],
  subnets: ReadonlyMap<string, Counts>,
): Record<string, unknown> {
  const [{ network_id, network_name, project_id }] = group as [SubnetRow]
  const parts = group.flatMap((row) => {
    const counts = subnets.get(row.subnet_id ?? '')
    return counts ? [{ row, counts }] : []
  })
  return {
    id: network_id,
    network_id,
    network_name,
    project_id,
    ...countsView(parts.map(({ counts }) => counts)),
    subnet_ip_availability: parts.map(({ row, counts }) => ({
      subnet_id: row.subnet_id,
      subnet_name: row.subnet_name,
      ip_version: row.ip_version,
      cidr: row.cidr,
      ...countsView([counts]),
    })),
  }
}

function countsView(parts: readonly Counts[]): Record<string, unknown> {
  const sum = (name: keyof Counts) => exactInteger(parts.reduce((total, one) => total + one[name], 0n))
  return {
    total_ips: sum('total_ips'),
    used_ips: sum('used_ips'),
    ip_availability_details: {
      total_ips_in_subnet: sum('total_ips_in_subnet'),
      total_ips_in_allocation_pool: sum('total_ips_in_allocation_pool'),
      used_ips_in_subnet: sum('used_ips_in_subnet'),
      used_ips_in_allocation_pool: sum('used_ips_in_allocation_pool'),
    },
  }
}
