/** Subnet pools of the API: prefixes and bounds, the address scope, and subnets that come in or are cut out. */
import {
  addressBits,
  blocksOfRange,
  cidrOf,
  formatCidr,
  overlaps,
  parseCidr,
  sortableValue,
  subtractRanges,
} from '../../lib/addresses.ts'
import {
  addressScopeNotFound,
  addressScopePrefixConflict,
  emptySubnetPoolPrefixList,
  illegalSubnetPoolAssociation,
  illegalSubnetPoolIpVersionAssociation,
  illegalSubnetPoolPrefixUpdate,
  illegalSubnetPoolUpdate,
  invalidInput,
  networkAddressScopeAffinityError,
  networkNotFound,
  prefixVersionMismatch,
  subnetPoolDeleteError,
} from '../../lib/errors.ts'
import { cidrs as cidrList } from '../../model/fields/lists.ts'
import { uuidOf } from '../../model/fields/uuid.ts'
import type { Resource } from '../../model/resource.ts'
import { faultOf } from '../api/body.ts'
import { accessColumn, flag } from '../columns.ts'
import type { Context } from '../context.ts'
import { touchNetwork } from '../network/network.store.ts'
import { openToAll, projectsNaming, removeEntries, type Sharing } from '../rbac/sharing.ts'
import type { Feature, Input, View } from '../resource.ts'
import { isUniqueViolation } from '../store/errors.ts'
import { isOneOf } from '../store/lists.ts'
import type { ReadTx, Tx } from '../store/store.ts'
import type { SubnetpoolTable } from '../store/tables/subnetpools.ts'
import { noteRow, touchRow } from '../stored/rows.ts'
import { storedFeature } from '../stored/stored.ts'
import { type Bounds, cidrTexts, readBounds, readPrefixes } from './subnetpool.rules.ts'
import { defaultSubnetpool, mayUse, refill, subnetpoolRow } from './subnetpool.store.ts'

const type = 'subnetpool'

/** Projects with subnets of the pool use it. */
const sharing: Sharing = {
  actions: ['access_as_shared'],
  users: projectsNaming(['subnets', 'subnetpool_id']),
  touch: (tx, id) => touchRow(tx, type, 'subnetpools', id),
}

/**
 * Prefixes grow by update; remove_prefixes alone takes some away, where no subnet lies in them. Throws
 * SubnetPoolDeleteError while subnets are cut from the pool.
 */
export function subnetpoolFeature(resource: Resource): Feature {
  const feature = storedFeature(resource, {
    table: 'subnetpools',
    elsewhere: ['prefixes'],
    columns: { shared: accessColumn('access_as_shared', 'subnetpools.id') },
    async complete({ tx }, views, wanted) {
      const prefixes = wanted.has('prefixes') ? await prefixesOf(tx, views) : new Map<string, string[]>()
      for (const view of views) {
        view.shared = flag(view.shared)
        view.prefixes = prefixes.get(view.id) ?? []
      }
    },
    inUse: () => subnetPoolDeleteError('Subnet pool has existing allocations'),
    hooks: {
      async creating(tx, context, input, id) {
        const prefixes = readPrefixes(input.prefixes as string[])
        const version = prefixes[0]?.version ?? 4
        if (input.is_default === true) await requireNoDefault(tx, version)
        await checkScope(tx, context, id, version, scopeOf(input), cidrTexts(prefixes))
        return { ip_version: version, ...readBounds(version, input as Partial<Bounds>) }
      },
      async created(tx, _context, input, id) {
        await storePrefixes(tx, id, cidrTexts(readPrefixes(input.prefixes as string[])))
        const object = { type, id, project_id: String(input.project_id) }
        if (input.shared === true) await openToAll(tx, object, 'access_as_shared')
      },
      async updating(tx, context, current, changes) {
        const row = await subnetpoolRow(tx, current.id)
        readBounds(row.ip_version, { ...row, ...(changes as Partial<Bounds>) })
        if (changes.is_default === true && row.is_default === 0) await requireNoDefault(tx, row.ip_version)
        const prefixes = changes.prefixes === undefined ? undefined : grown(current, changes.prefixes)
        await requireOwnScope(tx, context, row)
        const scope = changes.address_scope_id === undefined ? row.address_scope_id : scopeOf(changes)
        const now = prefixes ?? (current.prefixes as string[])
        if (scope !== row.address_scope_id || prefixes) {
          await checkScope(tx, context, row.id, row.ip_version, scope, now)
        }
        if (!prefixes || prefixes.join() === (current.prefixes as string[]).join()) return undefined
        await storePrefixes(tx, row.id, prefixes)
        return {}
      },
      removing: (tx, _context, current) => removeEntries(tx, current.id),
    },
  })
  const { create, update } = feature
  return {
    ...feature,
    sharing,
    turns: (id) => [`subnetpool:${id}`],
    create: (tx, context, inputs) => oneDefault(async () => (await create?.(tx, context, inputs)) ?? []),
    update: (tx, context, current, changes) =>
      oneDefault(async () => update?.(tx, context, current, changes)),
    actions: {
      async add_prefixes(tx, context, current, body) {
        const all = [...(current.prefixes as string[]), ...sentPrefixes(body)]
        return { prefixes: await setPrefixes(tx, context, current, cidrTexts(readPrefixes(all))) }
      },
      async remove_prefixes(tx, context, current, body) {
        return { prefixes: await removePrefixes(tx, context, current, sentPrefixes(body)) }
      },
      onboard_network_subnets: (tx, context, current, body) =>
        onboard(tx, context, current, sentNetwork(body)),
    },
  }
}

const scopeOf = (input: Input): string | null =>
  typeof input.address_scope_id === 'string' ? input.address_scope_id : null

const defaultTaken = () =>
  invalidInput(
    'A default subnetpool for this IP family has already been set. Only one default may exist per IP family',
  )

async function requireNoDefault(tx: ReadTx, version: number): Promise<void> {
  if (await defaultSubnetpool(tx, version)) throw defaultTaken()
}

/** The unique index has the last word on defaults. */
async function oneDefault<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw isUniqueViolation(error) ? defaultTaken() : error
  }
}

async function prefixesOf(tx: ReadTx, views: readonly View[]): Promise<Map<string, string[]>> {
  const ids = views.map((view) => view.id)
  const rows = await tx.db
    .selectFrom('subnetpool_prefixes')
    .select(['subnetpool_id', 'cidr'])
    .where(isOneOf(tx.engine, 'subnetpool_id', ids))
    .orderBy('first')
    .execute()
  const groups = Map.groupBy(rows, (row) => row.subnetpool_id)
  return new Map([...groups].map(([id, group]) => [id, group.map((row) => row.cidr)]))
}

/** The prefixes that an update asks for. Throws IllegalSubnetPoolPrefixUpdate where one would go. */
function grown(current: View, wanted: unknown): string[] {
  const prefixes = readPrefixes(wanted as string[])
  if (prefixes[0]?.version !== current.ip_version) throw prefixVersionMismatch()
  const together = readPrefixes([...(current.prefixes as string[]), ...cidrTexts(prefixes)])
  if (cidrTexts(together).join() !== cidrTexts(prefixes).join()) {
    throw illegalSubnetPoolPrefixUpdate('Existing prefixes must be a subset of the new prefixes')
  }
  return cidrTexts(prefixes)
}

async function storePrefixes(tx: Tx, poolId: string, prefixes: readonly string[]): Promise<void> {
  await tx.db.deleteFrom('subnetpool_prefixes').where('subnetpool_id', '=', poolId).execute()
  const rows = prefixes.flatMap((cidr) => {
    const parsed = parseCidr(cidr)
    if (!parsed) return []
    const [first, last] = [parsed.first, parsed.last].map((value) => sortableValue(value, parsed.version))
    return [{ subnetpool_id: poolId, cidr, first: String(first), last: String(last) }]
  })
  await tx.db.insertInto('subnetpool_prefixes').values(rows).execute()
  await refill(tx, poolId)
}

/** Throws IllegalSubnetPoolUpdate where the pool is of another's scope. */
async function requireOwnScope(tx: ReadTx, context: Context, row: SubnetpoolTable): Promise<void> {
  if (row.address_scope_id === null || context.isAdmin) return
  const scope = await scopeRow(tx, row.address_scope_id)
  if (scope.project_id === context.projectId) return
  throw illegalSubnetPoolUpdate(
    `subnetpool ${row.id} cannot be updated when associated with shared address scope ${row.address_scope_id}`,
  )
}

async function scopeRow(tx: ReadTx, id: string) {
  const row = await tx.db.selectFrom('address_scopes').selectAll().where('id', '=', id).executeTakeFirst()
  if (!row) throw addressScopeNotFound(id)
  return row
}

/**
 * May the pool with these prefixes be of the scope? Throws AddressScopeNotFound, the faults of associations,
 * NetworkAddressScopeAffinityError where a network would have subnets of two scopes, and AddressScopePrefixConflict
 * where another pool of the scope has some of the addresses.
 */
async function checkScope(
  tx: ReadTx,
  context: Context,
  poolId: string,
  version: number,
  scopeId: string | null,
  prefixes: readonly string[],
): Promise<void> {
  await checkNetworksWhole(tx, poolId, version, scopeId)
  if (scopeId === null) return
  const scope = await scopeRow(tx, scopeId)
  if (!(await mayUse(tx, context, 'address_scopes', scopeId))) {
    throw illegalSubnetPoolAssociation(poolId, scopeId)
  }
  if (scope.ip_version !== version) {
    throw illegalSubnetPoolIpVersionAssociation(poolId, scopeId, scope.ip_version)
  }
  const others = await tx.db
    .selectFrom('subnetpool_prefixes as x')
    .innerJoin('subnetpools as p', 'p.id', 'x.subnetpool_id')
    .select('x.cidr')
    .where('p.address_scope_id', '=', scopeId)
    .where('p.id', '<>', poolId)
    .execute()
  const taken = others.flatMap((row) => parseCidr(row.cidr) ?? [])
  const conflict = prefixes.some((text) => {
    const cidr = parseCidr(text)
    return cidr && taken.some((other) => overlaps(cidr, other))
  })
  if (conflict) throw addressScopePrefixConflict()
}

/** A pool whose networks also have subnets of other pools stays in the scope that these have. */
async function checkNetworksWhole(
  tx: ReadTx,
  poolId: string,
  version: number,
  scopeId: string | null,
): Promise<void> {
  const stranger = await tx.db
    .selectFrom('subnets as s')
    .leftJoin('subnetpools as p', 'p.id', 's.subnetpool_id')
    .select(['s.id'])
    .where('s.ip_version', '=', version)
    .where('s.network_id', 'in', (eb) =>
      eb.selectFrom('subnets as own').select('own.network_id').where('own.subnetpool_id', '=', poolId),
    )
    .where((eb) => eb.or([eb('s.subnetpool_id', 'is', null), eb('s.subnetpool_id', '<>', poolId)]))
    .where((eb) =>
      scopeId === null
        ? eb('p.address_scope_id', 'is not', null)
        : eb.or([eb('p.address_scope_id', 'is', null), eb('p.address_scope_id', '<>', scopeId)]),
    )
    .limit(1)
    .executeTakeFirst()
  if (stranger) throw networkAddressScopeAffinityError()
}

/** Makes these the prefixes of a pool, and answers them. */
async function setPrefixes(tx: Tx, context: Context, current: View, prefixes: string[]): Promise<string[]> {
  const row = await subnetpoolRow(tx, current.id)
  await requireOwnScope(tx, context, row)
  if (parseCidr(prefixes[0] ?? '')?.version !== row.ip_version) throw prefixVersionMismatch()
  await checkScope(tx, context, row.id, row.ip_version, row.address_scope_id, prefixes)
  await storePrefixes(tx, row.id, prefixes)
  await touchRow(tx, type, 'subnetpools', row.id)
  return prefixes
}

/** Takes prefixes from a pool. Throws IllegalSubnetPoolPrefixUpdate where a subnet lies in one. */
async function removePrefixes(
  tx: Tx,
  context: Context,
  current: View,
  gone: readonly string[],
): Promise<string[]> {
  const holes = readPrefixes(gone)
  const subnets = await tx.db
    .selectFrom('subnets')
    .select('cidr')
    .where('subnetpool_id', '=', current.id)
    .execute()
  const used = subnets.some(({ cidr: text }) => {
    const cidr = parseCidr(text)
    return cidr && holes.some((hole) => overlaps(hole, cidr))
  })
  if (used) {
    throw illegalSubnetPoolPrefixUpdate('A subnet is allocated from the prefixes that are to be removed')
  }
  const version = current.ip_version === 4 ? 4 : 6
  const ranges = subtractRanges(
    readPrefixes(current.prefixes as string[]),
    holes.filter((hole) => hole.version === version),
  )
  const rest = ranges.flatMap(blocksOfRange).map(({ first, bits }) => {
    return formatCidr(cidrOf({ version, value: first }, addressBits(version) - bits))
  })
  if (rest.length === 0) throw emptySubnetPoolPrefixList()
  return setPrefixes(tx, context, current, rest)
}

/** Makes the subnets of a network those of the pool: their prefixes become the pool's. Answers them. */
async function onboard(
  tx: Tx,
  context: Context,
  current: View,
  networkId: string,
): Promise<{ id: string; cidr: string }[]> {
  const network = await tx.db
    .selectFrom('networks')
    .select('project_id')
    .where('id', '=', networkId)
    .executeTakeFirst()
  if (!network || !(await mayUse(tx, context, 'networks', networkId))) throw networkNotFound(networkId)
  const all = await tx.db
    .selectFrom('subnets')
    .selectAll()
    .where('network_id', '=', networkId)
    .where('ip_version', '=', Number(current.ip_version))
    .orderBy('first_ip')
    .execute()
  const own = all.filter((subnet) => context.isAdmin || subnet.project_id === context.projectId)
  if (own.length === 0) return []
  const taken = await tx.db
    .selectFrom('subnets')
    .select(['id', 'cidr'])
    .where('subnetpool_id', '=', current.id)
    .execute()
  for (const subnet of own) {
    const cidr = parseCidr(subnet.cidr)
    const meets = taken.some((other) => {
      const its = parseCidr(other.cidr)
      return cidr && its && overlaps(cidr, its)
    })
    if (meets) {
      throw illegalSubnetPoolUpdate(
        `Onboarding subnet ${subnet.id}: ${subnet.cidr} conflicts with allocated prefixes in subnet pool ` +
          current.id,
      )
    }
  }
  const left = new Set(own.map((subnet) => subnet.subnetpool_id).filter((id) => id !== null))
  for (const subnet of own) {
    const changed = {
      subnetpool_id: current.id,
      revision_number: subnet.revision_number + 1,
      updated_at: tx.now,
    }
    await tx.db.updateTable('subnets').set(changed).where('id', '=', subnet.id).execute()
    noteRow(tx, 'subnet', 'update', { ...subnet, ...changed }, networkId)
  }
  await touchNetwork(tx, networkId)
  const prefixes = [...(current.prefixes as string[]), ...own.map((subnet) => subnet.cidr)]
  await setPrefixes(tx, context, current, cidrTexts(readPrefixes(prefixes)))
  for (const id of left) await refill(tx, id)
  return own.map(({ id, cidr }) => ({ id, cidr }))
}

/** `prefixes` of an action's body, or a fault. */
function sentPrefixes(body: Record<string, unknown>): string[] {
  return sent('prefixes', () => cidrList.parse(body.prefixes))
}

function sentNetwork(body: Record<string, unknown>): string {
  if (body.network_id === undefined || body.network_id === null) {
    throw invalidInput('network_id must be specified')
  }
  return sent('network_id', () => uuidOf(body.network_id))
}

function sent<T>(name: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    throw faultOf(name, error)
  }
}
