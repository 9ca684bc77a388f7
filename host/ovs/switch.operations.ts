/**
 * Changes of the switch as operations of OVSDB (RFC 7047): pure functions of what the mirror shows. A change that
 * cannot be made throws with the reason.
 */
import type { Change } from '../facility.ts'
import { type OvsBridge, type OvsPort, type OvsTag, segmentKey } from '../objects.ts'
import { deadVlan } from './local-vlans.ts'
import { toMap, toSet } from './ovsdb.client.ts'
import type { OvsdbMirror } from './ovsdb.mirror.ts'

/** Who made a bridge or a port, in its external_ids. */
export const ownerKey = 'nucleon-owner'
export const ownerValue = 'nucleon'
/** Owner of a bridge that was there when we came: it is kept as we need it, and never removed. */
export const adoptedValue = 'adopted'
/** Index of the device that a port of ours was made on. */
export const deviceKey = 'nucleon-device'
/** The keys of a port's other_config that say what its tag stands for, as Neutron writes them. */
const segmentKeys = ['net_uuid', 'network_type', 'physical_network', 'segmentation_id'] as const
/** What the changes of one batch have in common. */
export interface Batch {
  mirror: OvsdbMirror
  integrationBridge: string
  /** Bridges that it makes, by name, with their symbolic uuid. */
  made: ReadonlyMap<string, string>
  /** True for a bridge that others use: it stays. */
  isInUse(bridge: string): boolean
  /** The local VLAN of a segment; undefined where none is left. */
  localVlan(segment: string): number | undefined
}

/** The symbolic uuid of the bridge that the change at that place of a batch makes; undefined where it makes none. */
export function bridgeMadeBy({ wanted }: Change, index: number, mirror: OvsdbMirror): string | undefined {
  const makes = wanted?.kind === 'ovs-bridge' && !wanted.foreign && !mirror.bridge(wanted.name)
  return makes ? `b${index}` : undefined
}

/** The operations of one change, the one at that place of its batch; throws with the reason why it cannot be made. */
export function operationsOf(batch: Batch, change: Change, index: number): object[] {
  const { mirror } = batch
  const { wanted } = change
  if (wanted?.kind === 'ovs-bridge') return bridgeOperations(batch, wanted, index)
  if (wanted?.kind === 'ovs-port') return portOperations(batch, wanted, index)
  if (wanted?.kind === 'ovs-tag') return tagOperations(batch, wanted)
  const gone = change.observed?.object
  if (gone?.kind === 'ovs-bridge') {
    const row = mirror.bridge(gone.name)
    if (batch.isInUse(gone.name)) return []
    return row && mirror.rootUuid
      ? [mutate('Open_vSwitch', mirror.rootUuid, 'bridges', 'delete', row.uuid)]
      : []
  }
  if (gone?.kind === 'ovs-port') {
    const row = mirror.port(gone.name)
    const bridge = mirror.bridge(gone.bridge)
    return row && bridge ? [mutate('Bridge', bridge.uuid, 'ports', 'delete', row.uuid)] : []
  }
  if (gone?.kind === 'ovs-tag') {
    const row = mirror.port(gone.port)
    // Without a tag the port would be a trunk of all VLANs.
    return row ? [updateRow('Port', row.uuid, { tag: deadVlan }), dropKeys(row.uuid, segmentKeys)] : []
  }
  return []
}

function bridgeOperations({ mirror }: Batch, wanted: OvsBridge, index: number): object[] {
  const row = mirror.bridge(wanted.name)
  if (row) {
    const mark = wanted.foreign
      ? []
      : [
          insertKeys('Bridge', row.uuid, 'external_ids', {
            [ownerKey]: row.externalIds[ownerKey] === ownerValue ? ownerValue : adoptedValue,
          }),
        ]
    const type = wanted.foreign ? {} : { datapath_type: wanted.datapathType }
    return [updateRow('Bridge', row.uuid, { fail_mode: wanted.failMode, ...type }), ...mark]
  }
  if (wanted.foreign) throw new Error(`there is no bridge ${wanted.name}`)
  if (!mirror.rootUuid) throw new Error('the database has no Open_vSwitch row')
  const ids = { bridge: `b${index}`, port: `bp${index}`, device: `bi${index}` }
  const owned = toMap({ [ownerKey]: ownerValue })
  return [
    insert('Interface', ids.device, { name: wanted.name, type: 'internal' }),
    insert('Port', ids.port, { name: wanted.name, interfaces: ['named-uuid', ids.device] }),
    insert('Bridge', ids.bridge, {
      name: wanted.name,
      datapath_type: wanted.datapathType,
      fail_mode: wanted.failMode,
      external_ids: owned,
      ports: ['named-uuid', ids.port],
    }),
    {
      op: 'mutate',
      table: 'Open_vSwitch',
      where: whereUuid(mirror.rootUuid),
      mutations: [['bridges', 'insert', ['set', [['named-uuid', ids.bridge]]]]],
    },
  ]
}

function portOperations(
  { mirror, integrationBridge, made: madeHere }: Batch,
  wanted: OvsPort,
  index: number,
): object[] {
  const row = mirror.port(wanted.name)
  const device = mirror.interface(wanted.name)
  const at = mirror.bridgeOf(wanted.name)
  if (row && device && at === wanted.bridge) {
    return [
      updateRow('Interface', device.uuid, { type: wanted.type, options: toMap(wanted.options ?? {}) }),
      insertKeys('Interface', device.uuid, 'external_ids', wanted.externalIds ?? {}),
      insertKeys('Port', row.uuid, 'external_ids', {
        [ownerKey]: ownerValue,
        ...(wanted.type === '' && device.ifindex ? { [deviceKey]: String(device.ifindex) } : {}),
      }),
    ]
  }
  if (row && at !== undefined && row.externalIds[ownerKey] !== ownerValue) {
    throw new Error(`port ${wanted.name} is on bridge ${at}, and not ours`)
  }
  const elsewhere = row && at !== undefined ? mirror.bridge(at) : undefined
  const leave = elsewhere && row ? [mutate('Bridge', elsewhere.uuid, 'ports', 'delete', row.uuid)] : []
  const bridge = mirror.bridge(wanted.bridge)
  const made = madeHere.get(wanted.bridge)
  if (!bridge && made === undefined) throw new Error(`there is no bridge ${wanted.bridge}`)
  const ids = { port: `p${index}`, device: `i${index}` }
  return [
    ...leave,
    insert('Interface', ids.device, {
      name: wanted.name,
      type: wanted.type,
      options: toMap(wanted.options ?? {}),
      external_ids: toMap(wanted.externalIds ?? {}),
    }),
    insert('Port', ids.port, {
      name: wanted.name,
      interfaces: ['named-uuid', ids.device],
      external_ids: toMap({ [ownerKey]: ownerValue }),
      // Until it has its tag, a port of the integration bridge reaches nobody.
      ...(wanted.bridge === integrationBridge && wanted.externalIds?.['iface-id'] !== undefined
        ? { tag: deadVlan }
        : {}),
    }),
    {
      op: 'mutate',
      table: 'Bridge',
      where: bridge ? whereUuid(bridge.uuid) : [['_uuid', '==', ['named-uuid', made]]],
      mutations: [['ports', 'insert', ['set', [['named-uuid', ids.port]]]]],
    },
  ]
}

function tagOperations({ mirror, localVlan }: Batch, wanted: OvsTag): object[] {
  const row = mirror.port(wanted.port)
  if (!row) throw new Error(`there is no port ${wanted.port}`)
  const tag = localVlan(segmentKey(wanted.segment))
  if (tag === undefined) throw new Error('no local VLAN is left')
  const { segment } = wanted
  const config: Record<string, string> = { net_uuid: segment.networkId, network_type: segment.networkType }
  if (segment.physicalNetwork !== null) config.physical_network = segment.physicalNetwork
  if (segment.segmentationId !== null) config.segmentation_id = String(segment.segmentationId)
  return [
    updateRow('Port', row.uuid, { tag }),
    dropKeys(row.uuid, segmentKeys),
    insertKeys('Port', row.uuid, 'other_config', config),
  ]
}

/** Takes a port off its bridge. */
export function dropPort(bridge: string, port: string): object {
  return mutate('Bridge', bridge, 'ports', 'delete', port)
}

/** Gives a port the tag that no network has. */
export function silence(port: string): object {
  return updateRow('Port', port, { tag: deadVlan })
}

/** The condition that names one row. */
export const whereUuid = (uuid: string): unknown => [['_uuid', '==', ['uuid', uuid]]]

function insert(table: string, name: string, row: object): object {
  return { op: 'insert', table, row, 'uuid-name': name }
}

function updateRow(table: string, uuid: string, row: object): object {
  return { op: 'update', table, where: whereUuid(uuid), row }
}

function mutate(table: string, uuid: string, column: string, mutator: string, target: string): object {
  return {
    op: 'mutate',
    table,
    where: whereUuid(uuid),
    mutations: [[column, mutator, toSet([['uuid', target]])]],
  }
}

/** Sets keys of a map column, leaving the others alone. */
function insertKeys(table: string, uuid: string, column: string, keys: Record<string, string>): object {
  const drop = toSet(Object.keys(keys))
  const mutations = [
    [column, 'delete', drop],
    [column, 'insert', toMap(keys)],
  ]
  return { op: 'mutate', table, where: whereUuid(uuid), mutations }
}

function dropKeys(port: string, keys: readonly string[]): object {
  return {
    op: 'mutate',
    table: 'Port',
    where: whereUuid(port),
    mutations: [['other_config', 'delete', toSet(keys)]],
  }
}
