/** Rows of subnet pools that subnets depend on: which pool a subnet is of, and its prefix, taken and given back. */
import { sql } from 'kysely'
import {
  addressBits,
  type Cidr,
  cidrOf,
  mappedValue,
  parseCidr,
  sortableNumber,
} from '../../lib/addresses.ts'
import {
  badResourceRequest,
  maxPrefixSubnetAllocationError,
  minPrefixSubnetAllocationError,
  networkAddressScopeAffinityError,
  networkSubnetPoolAffinityError,
  subnetAllocationError,
  subnetPoolNotFound,
  subnetPoolQuotaExceeded,
} from '../../lib/errors.ts'
import { accessColumn } from '../columns.ts'
import type { Context } from '../context.ts'
import { prepared } from '../store/prepared.ts'
import type { ReadTx, Tx } from '../store/store.ts'
import type { SubnetpoolTable } from '../store/tables/subnetpools.ts'
import type { Tables } from '../store/tables.ts'
import { fillBlocks, giveBlock, takeBlock, takeThatBlock } from './blocks.ts'
import { quotaUnit } from './subnetpool.rules.ts'

const byId = prepared('subnetpool-by-id', (db, p: { id: string }) =>
  db.selectFrom('subnetpools').selectAll().where('id', '=', p.id),
)

/** Throws SubnetPoolNotFound; whose it is, and who may use it, is not looked at. */
export async function subnetpoolRow(tx: ReadTx, id: string): Promise<SubnetpoolTable> {
  const row = await byId.first(tx, { id })
  if (!row) throw subnetPoolNotFound(id)
  return row
}

const defaultOf = prepared('subnetpool-default', (db, p: { ip_version: number }) =>
  db.selectFrom('subnetpools').selectAll().where('ip_version', '=', p.ip_version).where('is_default', '=', 1),
)

/** The pool that subnets of that family come from where a request asks for the default. */
export async function defaultSubnetpool(tx: ReadTx, version: number): Promise<SubnetpoolTable | undefined> {
  return defaultOf.first(tx, { ip_version: version })
}

/** Whether the caller may use an object that is his own or shared with him; an administrator may use all. */
export async function mayUse(
  tx: ReadTx,
  context: Context,
  table: 'subnetpools' | 'address_scopes' | 'networks',
  id: string,
): Promise<boolean> {
  if (context.isAdmin) return true
  const { rows } = await sql<{ open: number }>`
    select case when ${sql.ref(`${table}.project_id`)} = ${context.projectId ?? ''} then 1
      else ${accessColumn('access_as_shared', `${table}.id`)({ tx, context })} end as open
    from ${sql.table(table satisfies keyof Tables)} where ${sql.ref(`${table}.id`)} = ${id}`.execute(tx.db)
  return rows[0]?.open === 1
}

/** The same for a caller who may use it: his own, or shared with him. */
export async function usableDefaultPool(
  tx: ReadTx,
  context: Context,
  version: number,
): Promise<SubnetpoolTable | undefined> {
  const pool = await defaultSubnetpool(tx, version)
  return pool && (await mayUse(tx, context, 'subnetpools', pool.id)) ? pool : undefined
}

/** What a body of a subnet says of where its prefix comes from. */
export interface PrefixWish {
  ip_version: number
  project_id: string
  cidr: Cidr | undefined
  prefixlen?: number | null
  subnetpool_id?: string | null
  use_default_subnetpool?: boolean
  allocation_pools?: unknown
}

/** The pool that a new subnet is to come from; undefined: none. Throws BadRequest and SubnetPoolNotFound. */
export async function poolOfSubnet(
  tx: ReadTx,
  context: Context,
  wish: PrefixWish,
): Promise<SubnetpoolTable | undefined> {
  const { subnetpool_id: id, ip_version: version } = wish
  if (wish.use_default_subnetpool) {
    if (id !== undefined && id !== null) {
      throw badResourceRequest('subnets', 'subnetpool_id and use_default_subnetpool cannot both be specified')
    }
    const pool = await usableDefaultPool(tx, context, version)
    if (!pool) throw badResourceRequest('subnets', `No default subnetpool found for IPv${version}`)
    return pool
  }
  if (id === undefined || id === null) return undefined
  if (id === 'prefix_delegation') {
    throw badResourceRequest('subnets', 'Prefix delegation is not available')
  }
  const pool = await subnetpoolRow(tx, id)
  if (!(await mayUse(tx, context, 'subnetpools', id))) throw subnetPoolNotFound(id)
  return pool
}

/** Cuts the prefix of a new subnet out of a pool. Throws what Neutron does, and SubnetAllocationError (409). */
export async function takePrefix(tx: Tx, pool: SubnetpoolTable, wish: PrefixWish): Promise<Cidr> {
  const { ip_version: version, cidr } = wish
  if (version !== pool.ip_version) {
    throw badResourceRequest(
      'subnets',
      `Cannot allocate IPv${version} subnet from IPv${pool.ip_version} subnet pool`,
    )
  }
  if (cidr === undefined && wish.allocation_pools !== undefined && wish.allocation_pools !== null) {
    throw badResourceRequest('subnets', 'allocation_pools allowed only for specific subnet requests')
  }
  const prefixlen = cidr?.prefixlen ?? wish.prefixlen ?? pool.default_prefixlen
  if (prefixlen > pool.max_prefixlen) throw maxPrefixSubnetAllocationError(prefixlen, pool.max_prefixlen)
  if (prefixlen < pool.min_prefixlen) throw minPrefixSubnetAllocationError(prefixlen, pool.min_prefixlen)
  const bits = addressBits(version) - prefixlen
  await checkQuota(tx, pool, wish.project_id, 1n << BigInt(bits))
  if (cidr) {
    const block = { first: mappedValue({ version: cidr.version, value: cidr.first }), bits }
    if (await takeThatBlock(tx, pool.id, block)) return cidr
    throw subnetAllocationError('Cannot allocate requested subnet from the available set of prefixes')
  }
  const first = await takeBlock(tx, pool.id, bits)
  if (first === undefined) {
    throw subnetAllocationError(`Insufficient prefix space to allocate subnet size /${prefixlen}`)
  }
  const value = version === 4 ? first & 0xffffffffn : first
  return cidrOf({ version: version === 4 ? 4 : 6, value }, prefixlen)
}

/** Throws SubnetPoolQuotaExceeded where the project would have more of the pool than default_quota. */
async function checkQuota(tx: ReadTx, pool: SubnetpoolTable, project: string, wanted: bigint): Promise<void> {
  if (!pool.default_quota) return
  const rows = await tx.db
    .selectFrom('subnets')
    .select(['first_ip', 'last_ip'])
    .where('subnetpool_id', '=', pool.id)
    .where('project_id', '=', project)
    .execute()
  const used = rows.reduce((sum, { first_ip, last_ip }) => sum + sizeOf(first_ip, last_ip), 0n)
  if (used + wanted > BigInt(pool.default_quota) * quotaUnit(pool.ip_version)) throw subnetPoolQuotaExceeded()
}

const sizeOf = (first: string, last: string): bigint => sortableNumber(last) - sortableNumber(first) + 1n

/** Gives the prefix of a subnet that goes back to its pool. */
export async function givePrefix(
  tx: Tx,
  subnet: { subnetpool_id: string | null; first_ip: string; cidr: string; ip_version: number },
): Promise<void> {
  const cidr = parseCidr(subnet.cidr)
  if (subnet.subnetpool_id === null || !cidr) return
  await giveBlock(tx, subnet.subnetpool_id, {
    first: sortableNumber(subnet.first_ip),
    bits: addressBits(subnet.ip_version) - cidr.prefixlen,
  })
}

/** Works out anew what is free of a pool: its prefixes less the subnets that were cut from it. */
export async function refill(tx: Tx, poolId: string): Promise<void> {
  const prefixes = await tx.db
    .selectFrom('subnetpool_prefixes')
    .select(['first', 'last'])
    .where('subnetpool_id', '=', poolId)
    .execute()
  const taken = await tx.db
    .selectFrom('subnets')
    .select(['first_ip as first', 'last_ip as last'])
    .where('subnetpool_id', '=', poolId)
    .execute()
  const range = (row: { first: string; last: string }) => ({
    first: sortableNumber(row.first),
    last: sortableNumber(row.last),
  })
  await fillBlocks(tx, poolId, prefixes.map(range), taken.map(range))
}

/**
 * Checks that the subnets of a network's family go together: all of one pool or none, or all of one address scope.
 * Throws NetworkSubnetPoolAffinityError and NetworkAddressScopeAffinityError.
 */
export async function checkAffinity(
  tx: ReadTx,
  networkId: string,
  version: number,
  pool: SubnetpoolTable | undefined,
): Promise<void> {
  const others = await tx.db
    .selectFrom('subnets as s')
    .leftJoin('subnetpools as p', 'p.id', 's.subnetpool_id')
    .select(['s.subnetpool_id', 'p.address_scope_id'])
    .distinct()
    .where('s.network_id', '=', networkId)
    .where('s.ip_version', '=', version)
    .execute()
  const scope = others.find((other) => other.address_scope_id !== null)?.address_scope_id
  if (scope !== undefined) {
    if (pool?.address_scope_id !== scope) throw networkAddressScopeAffinityError()
    return
  }
  if (others.some((other) => other.subnetpool_id !== (pool?.id ?? null)))
    throw networkSubnetPoolAffinityError()
}
