/**
 * Ports as rows: created, changed and removed with their addresses, binding and provisioning blocks. The API, the
 * DHCP scheduler and later services all come through here, inside their own transactions.
 */
import { randomUUID } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import {
  hostNotCompatibleWithFixedIps,
  hostNotConnectedToAnySegment,
  invalidInput,
  macAddressInUse,
  NeutronError,
  networkNotFound,
  portInUse,
  portNotFound,
} from '../../lib/errors.ts'
import type { AddressPair, DhcpOption } from '../../model/documents/documents.ts'
import { type Allocation, allocateAddresses, allocationsOf, releaseAddresses } from '../ipam/allocation.ts'
import {
  type AddressableSubnet,
  candidateSubnets,
  diffAddresses,
  type FixedIp,
  type FixedIpRequest,
  hasImpliedAddresses,
  isAutoAddressed,
  isRouted,
  nowhere,
  planAddresses,
  planRequested,
  type Whereabouts,
} from '../ipam/fixed-ips.ts'
import { type BindingOutcome, type BindingWish, bindPort, isBound } from '../ml2/binding.ts'
import type { PortEvent } from '../ml2/mechanism-drivers/mechanism-driver.ts'
import type { Ml2 } from '../ml2/ml2.ts'
import { changeGroups, startGroups } from '../security-group/port-groups.ts'
import { segmentsOfHosts } from '../segment/host-segments.ts'
import { isForeignKeyViolation, isUniqueViolation, RetryTransaction } from '../store/errors.ts'
import { isOneOf } from '../store/lists.ts'
import { prepared } from '../store/prepared.ts'
import type { ReadTx, Tx } from '../store/store.ts'
import type { PortTable } from '../store/tables/networking.ts'
import { removeTags } from '../tag/tags.ts'
import { type AddressPairInput, checkPairsGuarded, completePairs } from './address-pairs.ts'
import { activeBinding, deleteBindings, noteBinding, storeBinding } from './binding.rows.ts'
import { type DhcpOptionInput, mergeDhcpOptions } from './dhcp-options.ts'
import { storedDnsName } from './dns.ts'
import { storedExtras } from './extras.ts'
import { holderColumns, requireNotHeld } from './holders.ts'
import { randomMac } from './mac.ts'
import { blocksOf, putBlocks } from './provisioning.ts'

/** What a network means for its ports. */
export interface PortNetwork {
  id: string
  project_id: string
  port_security_enabled: boolean
  /** Bytes. */
  mtu: number
  /** In order of creation. */
  subnets: AddressableSubnet[]
}

const networkForPorts = prepared('network-for-ports', (db, p: { id: string }) =>
  db
    .selectFrom('networks as n')
    .leftJoin('subnets as s', 's.network_id', 'n.id')
    .select([
      'n.project_id',
      'n.port_security_enabled',
      'n.mtu',
      's.id',
      's.ip_version',
      's.cidr',
      's.enable_dhcp',
      's.ipv6_ra_mode',
      's.ipv6_address_mode',
      's.allocation_pools',
      's.service_types',
      's.segment_id',
    ])
    .where('n.id', '=', p.id)
    .orderBy('s.created_at')
    .orderBy('s.id'),
)

/** A network with its subnets, one query. Throws NetworkNotFound. */
export async function portNetwork(tx: ReadTx, id: string): Promise<PortNetwork> {
  const rows = await networkForPorts.all(tx, { id })
  const [first] = rows
  if (!first) throw networkNotFound(id)
  const subnets = rows.filter((row): row is typeof row & AddressableSubnet => row.id !== null)
  return {
    id,
    project_id: first.project_id,
    port_security_enabled: first.port_security_enabled === 1,
    mtu: first.mtu,
    subnets,
  }
}

/** Where a port on that host is; asked only where the addresses depend on it. */
async function whereabouts(tx: ReadTx, network: PortNetwork, host: string): Promise<Whereabouts> {
  if (host === '' || !isRouted(network.subnets)) return { ...nowhere, host }
  const segments = await segmentsOfHosts(tx, network.id, [host])
  return { host, segments: segments.get(host) ?? nowhere.segments }
}

/** The segments that a port with addresses on these subnets can be on; undefined: any of its network. */
function segmentsOf(subnets: readonly AddressableSubnet[]): ReadonlySet<string> | undefined {
  const segments = subnets.flatMap((subnet) => subnet.segment_id ?? [])
  return segments.length > 0 ? new Set(segments) : undefined
}

/** A port to create. What is left out is chosen. */
export interface NewPort {
  project_id: string
  name?: string
  description?: string
  admin_state_up?: boolean
  device_id?: string
  device_owner?: string
  mac_address?: string | null
  fixed_ips?: readonly FixedIpRequest[]
  port_security_enabled?: boolean
  allowed_address_pairs?: readonly AddressPairInput[]
  extra_dhcp_opts?: readonly DhcpOptionInput[] | null
  dns_name?: string
  qos_policy_id?: string | null
  /** See extras.ts. */
  extras?: Readonly<Record<string, unknown>>
  /** Absent: the project's default group, where the port has port security. */
  security_groups?: readonly string[]
  binding?: Partial<BindingWish>
}

/** Attributes to change; those left out stay. A mac_address of null asks for a new one. */
export type PortChanges = Partial<Omit<NewPort, 'project_id'>>

type PortRow = PortTable

/** The columns of a port that may change after its creation. */
const changeable = (p: PortRow) => ({
  name: p.name,
  description: p.description,
  revision_number: p.revision_number,
  updated_at: p.updated_at,
  mac_address: p.mac_address,
  admin_state_up: p.admin_state_up,
  status: p.status,
  device_id: p.device_id,
  device_owner: p.device_owner,
  port_security_enabled: p.port_security_enabled,
  dns_name: p.dns_name,
  ip_allocation: p.ip_allocation,
  allowed_address_pairs: p.allowed_address_pairs,
  extra_dhcp_opts: p.extra_dhcp_opts,
  qos_policy_id: p.qos_policy_id,
  extras: p.extras,
  generation: p.generation,
})

const insertPort = prepared('port-insert', (db, p: PortRow) =>
  db
    .insertInto('ports')
    .values({
      id: p.id,
      network_id: p.network_id,
      project_id: p.project_id,
      created_at: p.created_at,
      ...changeable(p),
    })
    .onConflict((conflict) => conflict.columns(['network_id', 'mac_address']).doNothing()),
)

const updatePortRow = prepared('port-update', (db, p: PortRow) =>
  db.updateTable('ports').set(changeable(p)).where('id', '=', p.id),
)

export const portById = prepared('port-by-id', (db, p: { id: string }) =>
  db.selectFrom('ports').selectAll().where('id', '=', p.id),
)

const portToRemove = prepared('port-to-remove', (db, p: { id: string }) =>
  db
    .selectFrom('ports')
    .selectAll()
    .select(Object.entries(holderColumns).map(([name, column]) => column().as(name)))
    .where('id', '=', p.id),
)

const deletePort = prepared('port-delete', (db, p: { id: string }) =>
  db.deleteFrom('ports').where('id', '=', p.id),
)

/** Ports trusted to be the cloud's own (DHCP, routers): they are never filtered. */
function isTrusted(deviceOwner: string): boolean {
  return deviceOwner.startsWith('network:')
}

/**
 * Creates a port and answers its id. Throws MacAddressInUse, IpAddressGenerationFailure, IpAddressAlreadyAllocated,
 * InvalidInput and the other faults of addresses and pairs; nothing of it remains then, for the transaction is undone.
 */
export async function createPort(tx: Tx, ml2: Ml2, network: PortNetwork, spec: NewPort): Promise<string> {
  const { DEFAULT: options } = ml2.settings
  const id = randomUUID()
  const deviceOwner = spec.device_owner ?? ''
  const portSecurity =
    !isTrusted(deviceOwner) && (spec.port_security_enabled ?? network.port_security_enabled)
  const wish = wishOf(spec.binding)
  const place = await whereabouts(tx, network, wish.host)
  const planned = planAddresses(network.id, network.subnets, deviceOwner, spec.fixed_ips, place)
  const plans = planned ?? []
  const segments = segmentsOf(plans.flatMap((plan) => (plan.kind === 'any' ? plan.subnets : plan.subnet)))
  const outcome = await bindPort(tx, ml2, { id, networkId: network.id, segments }, wish)
  const mac = await insertWithMac(tx, ml2, spec.mac_address, (mac_address) => {
    const pairs = completePairs(spec.allowed_address_pairs, mac_address, options.max_allowed_address_pair)
    checkPairsGuarded(pairs, portSecurity)
    return {
      id,
      network_id: network.id,
      project_id: spec.project_id,
      name: spec.name ?? '',
      description: spec.description ?? '',
      revision_number: 1,
      created_at: tx.now,
      updated_at: tx.now,
      mac_address,
      admin_state_up: Number(spec.admin_state_up ?? true),
      status: initialStatus(outcome),
      device_id: spec.device_id ?? '',
      device_owner: deviceOwner,
      port_security_enabled: Number(portSecurity),
      dns_name: storedDnsName(spec.dns_name ?? '', options.dns_domain),
      ip_allocation: ipAllocation(planned, spec.fixed_ips),
      allowed_address_pairs: JSON.stringify(pairs),
      extra_dhcp_opts: JSON.stringify(mergeDhcpOptions([], spec.extra_dhcp_opts)),
      qos_policy_id: spec.qos_policy_id ?? null,
      extras: storedExtras('{}', spec.extras ?? {}),
      generation: outcome.needsAgent ? 1 : 0,
    }
  })
  const addresses = await allocateAddresses(tx, { portId: id, networkId: network.id, macAddress: mac }, plans)
  const port = { id, network_id: network.id, project_id: spec.project_id }
  await startGroups(
    tx,
    { id, project_id: spec.project_id, portSecurity, trusted: isTrusted(deviceOwner) },
    spec.security_groups,
  )
  await storeBinding(tx, port, wish, outcome)
  const blocks = await blocksOf(tx, {
    id,
    networkId: network.id,
    deviceOwner,
    needsAgent: outcome.needsAgent,
    onDhcpSubnet: hasDhcp(network, addresses),
  })
  await putBlocks(tx, id, blocks, true)
  await precommit(tx, ml2, { operation: 'create', portId: id, networkId: network.id })
  notePort(tx, 'create', { ...port, revision_number: 1 })
  return id
}

function ipAllocation(planned: unknown, requested: readonly FixedIpRequest[] | undefined): string {
  if (planned === undefined) return 'deferred'
  return requested?.length === 0 ? 'none' : 'immediate'
}

/** A host that needs no agent to wire a port has wired it at once. */
function initialStatus(outcome: BindingOutcome): string {
  return isBound(outcome.vif_type) && !outcome.needsAgent ? 'ACTIVE' : 'DOWN'
}

const macAttempts = 16

/** Inserts the row with the MAC asked for, or with a random one that the network does not have yet. */
async function insertWithMac(
  tx: Tx,
  ml2: Ml2,
  asked: string | null | undefined,
  row: (mac: string) => PortRow,
): Promise<string> {
  for (let attempt = 0; attempt < macAttempts; attempt++) {
    const mac = asked ?? randomMac(ml2.settings.DEFAULT.base_mac)
    const port = row(mac)
    if ((await insertPort.run(tx, port)) > 0) return mac
    if (asked) throw macAddressInUse(port.network_id, mac)
  }
  throw new NeutronError(
    'NetworkMacAddressGenerationFailure',
    503,
    'Unable to generate a unique MAC address.',
  )
}

/** Bytes of JSON that a binding profile may have. */
const longestProfile = 4095

/** A whole wish; what is left out has its default. Throws InvalidInput for a profile that is too long. */
export function wishOf(binding: Partial<BindingWish> = {}): BindingWish {
  const profile = binding.profile ?? {}
  if (Buffer.byteLength(JSON.stringify(profile)) > longestProfile) {
    throw invalidInput('binding:profile value too large')
  }
  return { host: binding.host ?? '', vnic_type: binding.vnic_type ?? 'normal', profile }
}

/** What was asked of a binding that is stored. */
export function readWish(row: { host: string; vnic_type: string; profile: string }): BindingWish {
  const profile = JSON.parse(row.profile) as Record<string, unknown>
  return { host: row.host, vnic_type: row.vnic_type, profile }
}

function hasDhcp(network: PortNetwork, addresses: readonly FixedIp[]): boolean {
  const served = new Set(network.subnets.filter((subnet) => subnet.enable_dhcp === 1).map(({ id }) => id))
  return addresses.some((address) => served.has(address.subnet_id))
}

/**
 * Tells every mechanism driver, in their configured order, of what is about to be committed; one that throws vetoes
 * it.
 */
export async function precommit(tx: Tx, ml2: Ml2, event: PortEvent): Promise<void> {
  for (const driver of ml2.mechanismDrivers) await driver.precommit?.(tx, event)
}

/** Notes a change below the port's network; `revision_number` is the one after it. Bindings have notes of their own. */
export function notePort(
  tx: Tx,
  operation: 'create' | 'update' | 'delete',
  port: { id: string; network_id: string; project_id: string; revision_number: number },
): void {
  tx.change({
    object: 'port',
    id: port.id,
    parentId: port.network_id,
    operation,
    revision: port.revision_number,
    projectId: port.project_id,
  })
}

/**
 * Changes a port: its row, addresses and binding. A change of host, vnic_type or profile binds it anew, and a binding
 * that failed is tried again with every change. Throws PortNotFound, PortBound, PortInUse (a vnic_type of a bound
 * port), MacAddressInUse, HostNotCompatibleWithFixedIps and what createPort throws.
 */
export async function updatePort(tx: Tx, ml2: Ml2, id: string, changes: PortChanges): Promise<void> {
  const row = await portById.first(tx, { id })
  const binding = await activeBinding.first(tx, { port_id: id })
  if (!row || !binding) throw portNotFound(id)
  const network = await portNetwork(tx, row.network_id)
  const next: PortRow = { ...row }
  applyPlainChanges(next, ml2, changes)

  if (changes.mac_address !== undefined && changes.mac_address !== row.mac_address) {
    await changeMac(tx, ml2, row, next, binding.vif_type, changes.mac_address)
  }
  const pairs = changes.allowed_address_pairs
    ? completePairs(
        changes.allowed_address_pairs,
        next.mac_address,
        ml2.settings.DEFAULT.max_allowed_address_pair,
      )
    : (JSON.parse(row.allowed_address_pairs) as AddressPair[])
  checkPairsGuarded(pairs, next.port_security_enabled === 1)
  next.allowed_address_pairs = JSON.stringify(pairs)

  const current = binding
  const wish = wishOf({ ...readWish(current), ...changes.binding })
  const place = await whereabouts(tx, network, wish.host)
  const macChanged = next.mac_address !== row.mac_address
  const addresses = await changeAddresses(tx, network, next, changes.fixed_ips, macChanged, place)
  if (wish.host !== current.host) checkPlace(network, next, addresses.now, place)
  next.ip_allocation = addresses.now.length > 0 ? 'immediate' : row.ip_allocation
  const guarded = {
    id,
    project_id: row.project_id,
    portSecurity: next.port_security_enabled === 1,
    trusted: isTrusted(next.device_owner),
  }
  const regrouped = await changeGroups(tx, guarded, changes.security_groups)
  const hangsChanged = addresses.changed || regrouped

  if (wish.vnic_type !== current.vnic_type && isBound(current.vif_type)) {
    throw portInUse(id, network.id, row.device_id)
  }
  const differs =
    wish.host !== current.host ||
    wish.vnic_type !== current.vnic_type ||
    !isDeepStrictEqual(wish.profile, JSON.parse(current.profile))
  const retries = binding.vif_type === 'binding_failed'
  if (differs || retries) {
    const segments = segmentsOf(subnetsOf(network, addresses.now))
    const outcome = await bindPort(tx, ml2, { id, networkId: network.id, segments }, wish)
    if (differs || isBound(outcome.vif_type)) {
      // An inactive binding that live migration had prepared on the new host becomes the one.
      await deleteBindings.run(tx, { port_id: id, host: current.host, other: wish.host })
      await storeBinding(tx, row, wish, outcome)
      if (current.host !== '') noteBinding(tx, row)
      next.status = initialStatus(outcome)
      if (outcome.needsAgent) next.generation = row.generation + 1
      const blocks = await blocksOf(tx, {
        id,
        networkId: network.id,
        deviceOwner: next.device_owner,
        needsAgent: outcome.needsAgent,
        onDhcpSubnet: hasDhcp(network, addresses.now),
      })
      await putBlocks(tx, id, blocks, row.generation === 0)
    } else if (!differsFrom(row, next) && !hangsChanged) return
  } else if (!differsFrom(row, next) && !hangsChanged) return

  next.revision_number = row.revision_number + 1
  next.updated_at = tx.now
  await updatePortRow.run(tx, next)
  await precommit(tx, ml2, { operation: 'update', portId: id, networkId: network.id })
  notePort(tx, 'update', next)
}

function applyPlainChanges(next: PortRow, ml2: Ml2, changes: PortChanges): void {
  next.name = changes.name ?? next.name
  next.description = changes.description ?? next.description
  next.admin_state_up = Number(changes.admin_state_up ?? next.admin_state_up)
  next.device_id = changes.device_id ?? next.device_id
  next.device_owner = changes.device_owner ?? next.device_owner
  next.port_security_enabled = Number(changes.port_security_enabled ?? next.port_security_enabled)
  if (changes.qos_policy_id !== undefined) next.qos_policy_id = changes.qos_policy_id
  if (changes.extras) next.extras = storedExtras(next.extras, changes.extras)
  if (changes.dns_name !== undefined) {
    next.dns_name = storedDnsName(changes.dns_name, ml2.settings.DEFAULT.dns_domain)
  }
  if (changes.extra_dhcp_opts !== undefined) {
    const current = JSON.parse(next.extra_dhcp_opts) as DhcpOption[]
    next.extra_dhcp_opts = JSON.stringify(mergeDhcpOptions(current, changes.extra_dhcp_opts))
  }
}

function differsFrom(row: PortRow, next: PortRow): boolean {
  return Object.entries(next).some(([key, value]) => row[key as keyof PortRow] !== value)
}

const macTaken = prepared('port-mac-taken', (db, p: { network_id: string; mac_address: string }) =>
  db
    .selectFrom('ports')
    .select('id')
    .where('network_id', '=', p.network_id)
    .where('mac_address', '=', p.mac_address),
)

async function changeMac(
  tx: Tx,
  ml2: Ml2,
  row: PortRow,
  next: PortRow,
  vifType: string,
  asked: string | null,
): Promise<void> {
  const mac = asked ?? randomMac(ml2.settings.DEFAULT.base_mac)
  if (isBound(vifType) && !row.device_owner.startsWith('baremetal:')) {
    throw new NeutronError(
      'PortBound',
      409,
      `Unable to complete operation on port ${row.id}, port is already bound, port type: ${vifType}, ` +
        `old_mac ${row.mac_address}, new_mac ${mac}.`,
    )
  }
  if (await macTaken.first(tx, { network_id: row.network_id, mac_address: mac })) {
    throw macAddressInUse(row.network_id, mac)
  }
  next.mac_address = mac
  try {
    await updatePortRow.run(tx, { ...row, mac_address: mac })
  } catch (error) {
    // Somebody took the address since the look above: run again, and find it taken.
    throw isUniqueViolation(error) ? new RetryTransaction('MAC address taken meanwhile') : error
  }
}

function subnetsOf(network: PortNetwork, addresses: readonly FixedIp[]): AddressableSubnet[] {
  const ids = new Set(addresses.map((address) => address.subnet_id))
  return network.subnets.filter((subnet) => ids.has(subnet.id))
}

/** Throws HostNotConnectedToAnySegment or HostNotCompatibleWithFixedIps where addresses do not work on the host. */
function checkPlace(
  network: PortNetwork,
  port: PortRow,
  addresses: readonly FixedIp[],
  { host, segments }: Whereabouts,
): void {
  const needed = segmentsOf(subnetsOf(network, addresses))
  if (host === '' || !needed || [...needed].every((segment) => segments.has(segment))) return
  const connected = network.subnets.some(({ segment_id: id }) => id !== null && segments.has(id))
  throw connected
    ? hostNotCompatibleWithFixedIps(host, port.id)
    : hostNotConnectedToAnySegment(host, network.id)
}

/**
 * Brings the addresses of a port to what is asked for; undefined asks for nothing, but a new MAC moves SLAAC's, and
 * those that were deferred are chosen when the host is known.
 */
async function changeAddresses(
  tx: Tx,
  network: PortNetwork,
  port: PortRow,
  wanted: readonly FixedIpRequest[] | undefined,
  macChanged: boolean,
  place: Whereabouts,
): Promise<{ now: FixedIp[]; changed: boolean }> {
  const allocations = await allocationsOf(tx, port.id)
  const current = allocations.map((one) => ({
    subnet_id: one.subnet_id,
    ip_address: one.ip_address,
  }))
  const autoIds = new Set(network.subnets.filter(isAutoAddressed).map((subnet) => subnet.id))
  const stays = macChanged ? new Set<string>() : autoIds
  const { keep, remove, add } =
    wanted === undefined
      ? diffAddresses(
          current,
          macChanged ? current.filter((one) => !autoIds.has(one.subnet_id)) : current,
          stays,
        )
      : diffAddresses(current, wanted, stays)
  const holder = { portId: port.id, networkId: network.id, macAddress: port.mac_address }
  if (wanted === undefined && port.ip_allocation === 'deferred' && place.host !== '') {
    const plans = planAddresses(network.id, network.subnets, port.device_owner, undefined, place) ?? []
    const now = await allocateAddresses(tx, holder, plans)
    return { now, changed: now.length > 0 }
  }
  if (wanted === undefined && !macChanged) return { now: current, changed: false }
  const { id, subnets } = network
  const candidates = candidateSubnets(id, subnets, port.device_owner, wanted ?? current, place)
  const plans = planRequested(id, subnets, candidates, port.device_owner, add)
  const have = new Set(keep.map((one) => one.subnet_id))
  const implied = hasImpliedAddresses(port.device_owner)
    ? candidates
        .filter((subnet) => isAutoAddressed(subnet) && !have.has(subnet.id))
        .map((subnet) => ({ kind: 'eui64' as const, subnet }))
    : []
  const gone = new Set(remove.map((one) => one.ip_address))
  await releaseAddresses(
    tx,
    allocations.filter((one: Allocation) => gone.has(one.ip_address)),
  )
  const position = Math.max(-1, ...allocations.map((one) => one.position)) + 1
  const added = await allocateAddresses(tx, holder, [...plans, ...implied], position)
  return { now: [...keep, ...added], changed: remove.length + added.length > 0 }
}

/** Removes a port with all that is its own. Throws PortNotFound, and what requireNotHeld throws. */
export async function removePort(tx: Tx, ml2: Ml2, id: string): Promise<void> {
  const row = await portToRemove.first(tx, { id })
  if (!row) throw portNotFound(id)
  requireNotHeld(row)
  await precommit(tx, ml2, { operation: 'delete', portId: id, networkId: row.network_id })
  await releaseAddresses(tx, await allocationsOf(tx, id))
  await removeTags(tx, 'port', id)
  try {
    await deletePort.run(tx, { id })
  } catch (error) {
    // Somebody took hold of it since the look above: run again, and find him.
    throw isForeignKeyViolation(error) ? new RetryTransaction('port was used meanwhile') : error
  }
  notePort(tx, 'delete', { ...row, revision_number: row.revision_number + 1 })
}

const portsToTouch = prepared('ports-to-touch', (db, p: { ids: readonly string[] }, engine) =>
  db
    .selectFrom('ports')
    .select(['id', 'network_id', 'project_id', 'revision_number'])
    .where(isOneOf(engine, 'id', p.ids)),
)

const touch = prepared('ports-touch', (db, p: { ids: readonly string[]; now: string }, engine) =>
  db
    .updateTable('ports')
    .set((eb) => ({ revision_number: eb('revision_number', '+', 1), updated_at: p.now }))
    .where(isOneOf(engine, 'id', p.ids)),
)

/** Counts a change of something that hangs on the ports (tags, addresses that came or went with a subnet). */
export async function touchPorts(tx: Tx, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return
  const ports = await portsToTouch.all(tx, { ids })
  await touch.run(tx, { ids, now: tx.now })
  for (const port of ports) notePort(tx, 'update', { ...port, revision_number: port.revision_number + 1 })
}
