/**
 * Gives addresses to ports and takes them back. No address is given twice: the primary key (subnet_id, ip) and the
 * unique (network_id, ip) have the last word, also among transactions that run at the same time.
 */
import { eui64, fromSortable, sortableIp } from '../../lib/addresses.ts'
import { ipAddressAlreadyAllocated, ipAddressGenerationFailure } from '../../lib/errors.ts'
import { prepared } from '../store/prepared.ts'
import type { ReadTx, Tx } from '../store/store.ts'
import type { Pool } from '../subnet/subnet.rules.ts'
import type { AddressableSubnet, AddressPlan, FixedIp } from './fixed-ips.ts'
import { give, take, takeLowest } from './free-ranges.ts'

/** Who gets the addresses. */
export interface Holder {
  portId: string
  networkId: string
  macAddress: string
}

const insertAllocation = prepared(
  'ip-allocation-insert',
  (
    db,
    p: {
      port_id: string
      network_id: string
      subnet_id: string
      ip: string
      ip_address: string
      position: number
    },
  ) =>
    db
      .insertInto('ip_allocations')
      .values({
        port_id: p.port_id,
        network_id: p.network_id,
        subnet_id: p.subnet_id,
        ip: p.ip,
        ip_address: p.ip_address,
        position: p.position,
      })
      .onConflict((conflict) => conflict.doNothing()),
)

/**
 * Carries out the plans in order; `position` is that of the first address in the port's fixed_ips. Throws
 * IpAddressAlreadyAllocated or IpAddressGenerationFailure (409).
 */
export async function allocateAddresses(
  tx: Tx,
  holder: Holder,
  plans: readonly AddressPlan[],
  position = 0,
): Promise<FixedIp[]> {
  const given: FixedIp[] = []
  for (const [index, plan] of plans.entries()) {
    const at = position + index
    given.push(
      plan.kind === 'any' ? await any(tx, holder, plan.subnets, at) : await one(tx, holder, plan, at),
    )
  }
  return given
}

async function one(
  tx: Tx,
  holder: Holder,
  plan: Extract<AddressPlan, { kind: 'specific' | 'eui64' }>,
  position: number,
): Promise<FixedIp> {
  const { subnet } = plan
  const address = plan.kind === 'specific' ? plan.ip : eui64(subnet.cidr, holder.macAddress)
  const ip = sortableIp(address)
  await take(tx, subnet.id, ip)
  if (!(await store(tx, holder, subnet, ip, position))) throw ipAddressAlreadyAllocated(address, subnet.id)
  return { subnet_id: subnet.id, ip_address: fromSortable(ip) }
}

async function any(
  tx: Tx,
  holder: Holder,
  subnets: readonly AddressableSubnet[],
  position: number,
): Promise<FixedIp> {
  for (const subnet of subnets) {
    let ip = await takeLowest(tx, subnet.id)
    // An address outside the pools may have been given before the pools grew over it.
    while (ip !== undefined && !(await store(tx, holder, subnet, ip, position))) {
      ip = await takeLowest(tx, subnet.id)
    }
    if (ip !== undefined) return { subnet_id: subnet.id, ip_address: fromSortable(ip) }
  }
  throw ipAddressGenerationFailure(holder.networkId)
}

async function store(
  tx: Tx,
  holder: Holder,
  subnet: AddressableSubnet,
  ip: string,
  position: number,
): Promise<boolean> {
  const written = await insertAllocation.run(tx, {
    port_id: holder.portId,
    network_id: holder.networkId,
    subnet_id: subnet.id,
    ip,
    ip_address: fromSortable(ip),
    position,
  })
  return written > 0
}

const deleteAllocation = prepared('ip-allocation-delete', (db, p: { subnet_id: string; ip: string }) =>
  db.deleteFrom('ip_allocations').where('subnet_id', '=', p.subnet_id).where('ip', '=', p.ip),
)

/** Takes addresses from a port; those of the subnet's pools are free again. */
export async function releaseAddresses(tx: Tx, addresses: readonly Allocation[]): Promise<void> {
  for (const { subnet_id, ip, allocation_pools } of addresses) {
    await deleteAllocation.run(tx, { subnet_id, ip })
    if (inPools(JSON.parse(allocation_pools) as Pool[], ip)) await give(tx, subnet_id, ip)
  }
}

/** True when a sortable address lies in one of the pools. */
export function inPools(pools: readonly Pool[], ip: string): boolean {
  return pools.some((pool) => sortableIp(pool.start) <= ip && ip <= sortableIp(pool.end))
}

/** An address that a port has, with what is needed to take it back. */
export interface Allocation {
  subnet_id: string
  /** Sortable. */
  ip: string
  ip_address: string
  position: number
  allocation_pools: string
}

const ofPort = prepared('ip-allocations-of-port', (db, p: { port_id: string }) =>
  db
    .selectFrom('ip_allocations as a')
    .innerJoin('subnets as s', 's.id', 'a.subnet_id')
    .select(['a.subnet_id', 'a.ip', 'a.ip_address', 'a.position', 's.allocation_pools'])
    .where('a.port_id', '=', p.port_id)
    .orderBy('a.position'),
)

/** The addresses of a port in their order. */
export async function allocationsOf(tx: ReadTx, portId: string): Promise<Allocation[]> {
  return ofPort.all(tx, { port_id: portId })
}
