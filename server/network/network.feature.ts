/** Networks of the API: rows, segments, sharing, and what goes with a network that is deleted. */
import { randomUUID } from 'node:crypto'
import {
  availabilityZoneNotFound,
  externalNetworkInUse,
  invalidInput,
  invalidSharedSetting,
  networkInUse,
} from '../../lib/errors.ts'
import type { Resource } from '../../model/resource.ts'
import { dhcpAgentType } from '../agent/agent.store.ts'
import { dhcpAgentsOf } from '../dhcp/dhcp-scheduler.ts'
import type { Ml2 } from '../ml2/ml2.ts'
import { chosenMtu, maximumMtu } from '../ml2/mtu.ts'
import {
  releaseSegments,
  renumberSegment,
  type SegmentsInput,
  segmentsOf,
  storeSegments,
  takeSegments,
} from '../ml2/segments.ts'
import { removePort } from '../port/port.store.ts'
import { defaultPolicyOf } from '../qos/policy.feature.ts'
import { checkPolicyChange, requireUsablePolicy } from '../qos/use.ts'
import {
  closeToAll,
  everybody,
  isOpenToAll,
  openToAll,
  removeEntries,
  type Shared,
  type Sharing,
  strandedUser,
  targetsOf,
} from '../rbac/sharing.ts'
import type { Feature, Input, View } from '../resource.ts'
import { ensureDefaultGroup } from '../security-group/security-group.store.ts'
import { isForeignKeyViolation, RetryTransaction } from '../store/errors.ts'
import { isOneOf } from '../store/lists.ts'
import type { ReadTx, Tx } from '../store/store.ts'
import type { NetworkTable } from '../store/tables/networking.ts'
import { autoDeleteOwners, removeSubnetRow } from '../subnet/subnet.feature.ts'
import { leastMtu } from '../subnet/subnet.rules.ts'
import { removeTags, replaceTags } from '../tag/tags.ts'
import { endDefault, requireNoDefault } from './default-external.ts'
import { networkReader } from './network.reader.ts'
import { networkRow, noteNetwork, touchNetwork } from './network.store.ts'

/** A validated body of a network; what was not sent is absent. */
export interface NetworkInput extends SegmentsInput {
  project_id: string
  name: string
  description?: string
  admin_state_up: boolean
  shared?: boolean
  mtu?: number | null
  port_security_enabled?: boolean
  dns_domain?: string
  availability_zone_hints?: string[]
  qos_policy_id?: string | null
  is_default?: boolean
}

/**
 * Who creates a network waits for his turn: segments come from one pool. A QoS policy has to be one that the caller
 * may use; a network's DHCP agents are listed where that extension is loaded.
 */
export function networkFeature(resource: Resource, ml2: Ml2): Feature {
  return {
    resource,
    reader: networkReader,
    // Tenant segments come from one pool: those who take from it stand in line instead of running again.
    serialize: () => ['segments'],
    turns: (id) => [`network:${id}`],
    async create(tx, context, inputs) {
      const ids: string[] = []
      for (const input of inputs as unknown as NetworkInput[]) {
        await requireUsablePolicy(tx, context, input.qos_policy_id)
        ids.push(await createNetwork(tx, ml2, input))
      }
      return ids
    },
    async update(tx, context, current, changes) {
      const wanted = changes.qos_policy_id as string | null | undefined
      await checkPolicyChange(tx, context, current.qos_policy_id as string | null, wanted)
      await updateNetwork(tx, ml2, current, changes)
    },
    remove: (tx, _context, current) => deleteNetwork(tx, ml2, current.id),
    async setTags(tx, _context, current, tags) {
      await replaceTags(tx, 'network', current.id, tags)
      await touchNetwork(tx, current.id)
    },
    sharing: networkSharing,
    members: {
      ...(resource.members.dhcp_agents && {
        dhcp_agents: {
          resource: resource.members.dhcp_agents,
          ids: async (tx, _context, parent) => (await dhcpAgentsOf(tx, parent.id)).map((agent) => agent.id),
        },
      }),
    },
  }
}

/** Makes a network, and the default security group of its project; answers its id. */
export async function createNetwork(tx: Tx, ml2: Ml2, input: NetworkInput): Promise<string> {
  const hints = input.availability_zone_hints ?? []
  if (input.is_default) await requireNoDefault(tx)
  await checkZones(tx, hints)
  if (input.project_id !== '') await ensureDefaultGroup(tx, input.project_id)
  const segments = await takeSegments(tx, ml2, input)
  const row: NetworkTable = {
    id: randomUUID(),
    project_id: input.project_id,
    name: input.name,
    description: input.description ?? '',
    revision_number: 1,
    created_at: tx.now,
    updated_at: tx.now,
    admin_state_up: Number(input.admin_state_up),
    status: 'ACTIVE',
    mtu: chosenMtu(input.mtu ?? 0, maximumMtu(ml2.settings, segments)),
    port_security_enabled: Number(input.port_security_enabled ?? true),
    dns_domain: input.dns_domain ?? '',
    availability_zone_hints: JSON.stringify(hints),
    qos_policy_id: input.qos_policy_id ?? null,
    is_default: Number(input.is_default === true && input['router:external'] === true),
  }
  // Null asks for the project's default; absent, QoS is not loaded.
  const qos_policy_id = input.qos_policy_id === null ? defaultPolicyOf(input.project_id) : row.qos_policy_id
  await tx.db
    .insertInto('networks')
    .values({ ...row, qos_policy_id })
    .execute()
  await storeSegments(tx, ml2, row.id, segments)
  if (input.shared) await openToAll(tx, asShared(row), 'access_as_shared')
  if (input['router:external']) await openToAll(tx, asShared(row), 'access_as_external')
  noteNetwork(tx, 'create', row)
  return row.id
}

/** Throws AvailabilityZoneNotFound for a zone that no DHCP agent is in. */
async function checkZones(tx: ReadTx, hints: readonly string[]): Promise<void> {
  if (hints.length === 0) return
  const rows = await tx.db
    .selectFrom('agents')
    .select('availability_zone')
    .distinct()
    .where('agent_type', '=', dhcpAgentType)
    .where(isOneOf(tx.engine, 'availability_zone', hints))
    .execute()
  const known = new Set(rows.map((row) => row.availability_zone))
  const missing = hints.find((hint) => !known.has(hint))
  if (missing !== undefined) throw availabilityZoneNotFound(missing)
}

async function updateNetwork(tx: Tx, ml2: Ml2, current: View, changes: Input): Promise<void> {
  const sent = changes as Partial<NetworkInput>
  const row = await networkRow(tx, current.id)
  const renumbered = await changeProvider(tx, ml2, current, changes)
  const next: NetworkTable = {
    ...row,
    name: sent.name ?? row.name,
    description: sent.description ?? row.description,
    admin_state_up: Number(sent.admin_state_up ?? row.admin_state_up),
    port_security_enabled: Number(sent.port_security_enabled ?? row.port_security_enabled),
    dns_domain: sent.dns_domain ?? row.dns_domain,
    qos_policy_id: sent.qos_policy_id === undefined ? row.qos_policy_id : sent.qos_policy_id,
    mtu: row.mtu,
    is_default: Number(sent.is_default ?? row.is_default),
  }
  if (next.is_default > row.is_default) await requireNoDefault(tx)
  if (sent.mtu !== undefined && sent.mtu !== null) {
    next.mtu = chosenMtu(sent.mtu, maximumMtu(ml2.settings, await segmentsOf(tx, row.id)))
    await checkMtuFitsSubnets(tx, row.id, next.mtu)
  }
  const opened = await changeAccess(tx, row, sent)
  if (next.is_default && !(await isExternal(tx, row.id))) next.is_default = 0
  const differs = Object.entries(next).some(([key, value]) => row[key as keyof NetworkTable] !== value)
  if (!differs && !opened && !renumbered) return
  const { id, ...rest } = { ...next, revision_number: row.revision_number + 1, updated_at: tx.now }
  await tx.db.updateTable('networks').set(rest).where('id', '=', id).execute()
  noteNetwork(tx, 'update', { id, ...rest })
}

/**
 * Of the wire of a network only provider:segmentation_id changes; true when it did. Throws InvalidInput, and what
 * renumberSegment throws.
 */
async function changeProvider(tx: Tx, ml2: Ml2, current: View, changes: Input): Promise<boolean> {
  const isChanged = (name: string): boolean => {
    const asked = changes[name] ?? null
    return asked !== null && JSON.stringify(asked) !== JSON.stringify(current[name] ?? null)
  }
  const fixed = ['provider:network_type', 'provider:physical_network', 'segments'].filter(isChanged)
  if (fixed.length > 0) {
    throw invalidInput(
      `Plugin does not support updating the following provider network attributes: ${fixed.join(', ')}`,
    )
  }
  if (!isChanged('provider:segmentation_id')) return false
  const network = { id: current.id, project_id: String(current.project_id) }
  await renumberSegment(tx, ml2, network, Number(changes['provider:segmentation_id']))
  return true
}

/** Throws InvalidInput for an MTU that is too small for IPv4 (68) or IPv6 (1280) where there is a subnet of it. */
async function checkMtuFitsSubnets(tx: ReadTx, networkId: string, mtu: number): Promise<void> {
  const rows = await tx.db
    .selectFrom('subnets')
    .select('ip_version')
    .distinct()
    .where('network_id', '=', networkId)
    .execute()
  const least = Math.max(0, ...rows.map((row) => leastMtu[row.ip_version] ?? 0))
  if (mtu < least) throw invalidInput(`Requested MTU is too small, minimum is ${least}`)
}

/** Shares a network, makes it external, or takes that back; true when something changed. */
async function changeAccess(tx: Tx, row: NetworkTable, sent: Partial<NetworkInput>): Promise<boolean> {
  const wanted = [
    ['access_as_shared', sent.shared],
    ['access_as_external', sent['router:external']],
  ] as const
  let changed = false
  for (const [action, open] of wanted) {
    if (open === undefined) continue
    if (open === (await isOpenToAll(tx, row.id, action))) continue
    changed = true
    if (open) await openToAll(tx, asShared(row), action)
    else {
      if (action === 'access_as_shared') await checkNobodyElseUses(tx, row)
      else await checkNoGateways(tx, row.id)
      await closeToAll(tx, row.id, action)
    }
  }
  return changed
}

/** Whether the network is external to anybody. */
async function isExternal(tx: ReadTx, id: string): Promise<boolean> {
  return (await targetsOf(tx, id, 'access_as_external')).length > 0
}

const asShared = ({ id, project_id }: NetworkTable): Shared => ({ type: 'network', id, project_id })

/** Networks among shared objects. */
const networkSharing: Sharing = {
  actions: ['access_as_shared', 'access_as_external'],
  users: (tx, id, action) => (action === 'access_as_shared' ? tenantsOf(tx, id) : gatewayOwners(tx, id)),
  async touch(tx, id) {
    await endDefault(tx, id)
    await touchNetwork(tx, id)
  },
}

/** Owners of ports and subnets on the network; ports of routers' gateways are there by another right. */
async function tenantsOf(tx: ReadTx, networkId: string): Promise<string[]> {
  const rows = await tx.db
    .selectFrom('ports')
    .select('project_id')
    .distinct()
    .where('network_id', '=', networkId)
    .where('device_owner', 'not in', [...autoDeleteOwners, ...externalOwners])
    .union(tx.db.selectFrom('subnets').select('project_id').distinct().where('network_id', '=', networkId))
    .execute()
  return rows.map((row) => row.project_id)
}

const externalOwners = ['network:router_gateway', 'network:floatingip']

async function gatewayOwners(tx: ReadTx, networkId: string): Promise<string[]> {
  const rows = await tx.db
    .selectFrom('ports')
    .select('project_id')
    .distinct()
    .where('network_id', '=', networkId)
    .where('device_owner', 'in', externalOwners)
    .execute()
  return rows.map((row) => row.project_id)
}

/** Throws InvalidSharedSetting when ports or subnets of projects without an entry of their own are on the network. */
async function checkNobodyElseUses(tx: ReadTx, row: NetworkTable): Promise<void> {
  const targets = (await targetsOf(tx, row.id, 'access_as_shared')).filter((one) => one !== everybody)
  const project = await strandedUser(tx, networkSharing, row, 'access_as_shared', targets)
  if (project !== undefined) throw invalidSharedSetting(row.name || row.id)
}

async function checkNoGateways(tx: ReadTx, networkId: string): Promise<void> {
  const gateway = await tx.db
    .selectFrom('ports')
    .select('id')
    .where('network_id', '=', networkId)
    .where('device_owner', '=', 'network:router_gateway')
    .executeTakeFirst()
  if (gateway) throw externalNetworkInUse(networkId)
}

/** Throws NetworkInUse while somebody's port is on it; ports of DHCP, and subnets, go with it. */
export async function deleteNetwork(tx: Tx, ml2: Ml2, id: string): Promise<void> {
  const row = await networkRow(tx, id)
  const ports = await tx.db
    .selectFrom('ports')
    .select(['id', 'device_owner'])
    .where('network_id', '=', id)
    .execute()
  if (ports.some((port) => !autoDeleteOwners.includes(port.device_owner))) throw networkInUse(id)
  for (const port of ports) await removePort(tx, ml2, port.id)
  const subnets = await tx.db.selectFrom('subnets').selectAll().where('network_id', '=', id).execute()
  for (const subnet of subnets) await removeSubnetRow(tx, subnet)
  await releaseSegments(tx, ml2, id)
  await removeTags(tx, 'network', id)
  await removeEntries(tx, id)
  try {
    await tx.db.deleteFrom('networks').where('id', '=', id).execute()
  } catch (error) {
    // A port or subnet came since the look above: run again, and find it.
    throw isForeignKeyViolation(error) ? new RetryTransaction('network was used meanwhile') : error
  }
  noteNetwork(tx, 'delete', row)
}
