/**
 * The configuration of Open vSwitch: bridges, ports and the tags of ports, through one OVSDB connection. Each batch
 * is one transaction, and done when ovs-vswitchd has taken it. What we made bears external_ids:nucleon-owner; of
 * ports that others made only the tag and four keys of other_config are ours.
 */
import type { Change, Facility, FacilityEvents, Observed, Verdict } from '../facility.ts'
import type { Plug } from '../host.ts'
import type { Log } from '../log.ts'
import {
  type HostObject,
  type OvsBridge,
  type OvsPort,
  type OvsTag,
  objectKey,
  type SegmentRef,
  segmentKey,
} from '../objects.ts'
import { chooseLocalVlan, type TaggedPort } from './local-vlans.ts'
import { createOvsdbClient } from './ovsdb.client.ts'
import { createOvsdbMirror, monitoredTables, type PortRow, type Touched } from './ovsdb.mirror.ts'
import {
  adoptedValue,
  type Batch,
  bridgeMadeBy,
  deviceKey,
  dropPort,
  operationsOf,
  ownerKey,
  ownerValue,
  silence,
  whereUuid,
} from './switch.operations.ts'
import { createPlugs } from './switch.plugs.ts'

/** Milliseconds that a batch waits for ovs-vswitchd; later it is reported pending. */
const takenWithin = 1000

export interface SwitchOptions {
  socket: string
  integrationBridge: string
  log: Log
  /** True when a bridge holds flows of others. */
  holdsForeignFlows(bridge: string): Promise<boolean>
}

/** A symbol's value has changed: the local VLAN of a segment, or the number of a port on a bridge. */
export type SymbolListener = (symbol: string) => void

export interface SwitchFacility extends Facility {
  readonly connected: boolean
  /** OpenFlow number of a port, as flows write it; undefined while it carries no traffic of ours. */
  ofport(bridge: string, port: string): string | undefined
  /** Counts the users of a segment's local VLAN; it is kept while there is one. */
  retainVlan(segment: string): void
  releaseVlan(segment: string): void
  localVlan(segment: string): number | undefined
  onSymbol(listener: SymbolListener): void
  plugs(): ReadonlyMap<string, Plug>
  onPlugs(listener: (changed: ReadonlySet<string>) => void): void
  bridges(): ReadonlySet<string>
  onBridges(listener: () => void): void
  /** Told of each bridge that the switch has made, also in the place of another of that name. */
  onBridgeMade(listener: (bridge: string) => void): void
}

/** The symbol of a port's OpenFlow number on a bridge, by which listeners are told that it has changed. */
export const portSymbol = (bridge: string, port: string): string => `port ${bridge} ${port}`
/** The symbol of the local VLAN of a segment (by its segmentKey), for listeners too. */
export const vlanSymbol = (segment: string): string => `vlan ${segment}`

/**
 * `start` rejects when ovsdb-server does not answer within 10 s. From then on a plug that has no tag for 30 ms gets
 * the dead one.
 */
export function createSwitchFacility(options: SwitchOptions): SwitchFacility {
  const { log, integrationBridge } = options
  const mirror = createOvsdbMirror()
  const chosen = new Map<string, number>()
  const users = new Map<string, number>()
  const wantedTags = new Map<string, OvsTag>()
  /** Ports whose last change of ours has not been taken by the switch, with the configuration number to wait for. */
  const untaken = new Map<string, number>()
  /** The row that each port was last seen as. */
  const rowOfPort = new Map<string, string>()
  /** The row that each bridge was made for. */
  const madeBridges = new Map<string, string>()
  const waiters = new Set<() => void>()
  const symbolListeners: SymbolListener[] = []
  const bridgeListeners: (() => void)[] = []
  const madeListeners: ((bridge: string) => void)[] = []
  let bridges: ReadonlySet<string> = new Set()
  let events: FacilityEvents | undefined

  const client = createOvsdbClient({
    socket: options.socket,
    database: 'Open_vSwitch',
    tables: monitoredTables,
    listener: {
      reset(rows) {
        untaken.clear()
        spread(mirror.reset(rows))
      },
      update: (rows) => spread(mirror.update(rows)),
      lost: (reason) => log.warn({ reason }, 'connection to ovsdb-server lost'),
    },
  })

  const plugs = createPlugs({
    mirror,
    integrationBridge,
    isWired: (device) => wantedTags.has(device),
    silence(rows) {
      if (!client.connected) return
      client
        .transact(rows.map((row) => silence(row.uuid)))
        .catch((error: Error) => log.warn({ reason: error.message }, 'cannot silence unwired ports'))
    },
  })

  function spread(touched: Touched): void {
    if (touched.configured) {
      for (const [port, cfg] of untaken) {
        if (cfg > mirror.curCfg) continue
        untaken.delete(port)
        touched.ports.add(port)
      }
      for (const waiter of waiters) waiter()
    }
    if (touched.bridges.size > 0) refreshBridges()
    for (const bridge of touched.bridges) {
      events?.changed(`bridge ${bridge}`)
      noteMade(bridge)
    }
    for (const port of touched.ports) {
      const uuid = mirror.port(port)?.uuid
      if (uuid !== undefined && uuid !== rowOfPort.get(port)) events?.renewed([`ovs-tag ${port}`])
      if (uuid === undefined) rowOfPort.delete(port)
      else rowOfPort.set(port, uuid)
      events?.changed(`port ${port}`)
      announcePort(port)
    }
    if (touched.ports.size > 0) plugs.refresh()
  }

  function noteMade(bridge: string): void {
    const row = mirror.bridge(bridge)
    if (!row) madeBridges.delete(bridge)
    if (row?.datapathId === undefined || madeBridges.get(bridge) === row.uuid) return
    madeBridges.set(bridge, row.uuid)
    for (const listener of madeListeners) listener(bridge)
  }

  function announcePort(port: string): void {
    const bridge = mirror.bridgeOf(port)
    // A port may have left one bridge for another: ask for each bridge that knows the name.
    const bridges = bridge === undefined ? [...mirror.bridges()].map((row) => row.name) : [bridge]
    for (const name of bridges) for (const listener of symbolListeners) listener(portSymbol(name, port))
  }

  function refreshBridges(): void {
    const now = new Set(Array.from(mirror.bridges(), (row) => row.name))
    if (now.symmetricDifference(bridges).size === 0) return
    bridges = now
    for (const listener of bridgeListeners) listener()
  }

  function* taggedPorts(): Iterable<TaggedPort> {
    for (const port of mirror.ports()) {
      if (port.tag === undefined || mirror.bridgeOf(port.name) !== integrationBridge) continue
      const segment = segmentOf(port)
      yield { tag: port.tag, segment: segment ? segmentKey(segment) : null }
    }
  }

  function localVlan(segment: string): number | undefined {
    const tag = chooseLocalVlan(segment, taggedPorts(), chosen)
    if (tag !== undefined) chosen.set(segment, tag)
    return tag
  }

  const isTaken = (port: string): boolean => (untaken.get(port) ?? 0) <= mirror.curCfg

  function tagTaken(port: string): boolean {
    const wanted = wantedTags.get(port)
    const row = mirror.port(port)
    if (!wanted) return true
    return row !== undefined && isTaken(port) && tagMatches(row, wanted)
  }

  function tagMatches(row: PortRow, wanted: OvsTag): boolean {
    const segment = segmentOf(row)
    const key = segmentKey(wanted.segment)
    return segment !== undefined && segmentKey(segment) === key && row.tag === localVlan(key)
  }

  function look(scope: string): Observed[] {
    const name = scope.slice(scope.indexOf(' ') + 1)
    return scope.startsWith('bridge ') ? lookAtBridge(name) : lookAtPort(name)
  }

  function lookAtBridge(name: string): Observed[] {
    const row = mirror.bridge(name)
    if (!row) return []
    const object: OvsBridge = {
      kind: 'ovs-bridge',
      name,
      datapathType: row.datapathType === 'netdev' ? 'netdev' : 'system',
      failMode: row.failMode === 'secure' ? 'secure' : 'standalone',
    }
    return [
      {
        ident: objectKey(object),
        object,
        ours: row.externalIds[ownerKey] === ownerValue,
        generation: row.uuid,
        detail: String(foreignPorts(name)),
      },
    ]
  }

  function lookAtPort(name: string): Observed[] {
    const port = mirror.port(name)
    const bridge = mirror.bridgeOf(name)
    if (!port || bridge === undefined) return []
    const found: Observed[] = []
    const device = mirror.interface(name)
    if (device) {
      const object: OvsPort = {
        kind: 'ovs-port',
        bridge,
        name,
        type: device.type as OvsPort['type'],
        options: device.options,
        externalIds: device.externalIds,
      }
      const ours = port.externalIds[ownerKey] === ownerValue
      found.push({
        ident: objectKey(object),
        object,
        ours,
        generation: port.uuid,
        detail: `${device.ofport} ${device.ifindex}`,
      })
    }
    const segment = segmentOf(port)
    if (segment) {
      const object: OvsTag = { kind: 'ovs-tag', port: name, segment }
      found.push({
        ident: objectKey(object),
        object,
        ours: bridge === integrationBridge,
        detail: String(port.tag),
      })
    }
    return found
  }

  function verdict(observed: Observed | undefined, wanted: HostObject): Verdict {
    if (wanted.kind === 'ovs-tag') {
      if (!mirror.port(wanted.port)) return 'pending'
      const row = mirror.port(wanted.port)
      if (!row || !tagMatches(row, wanted)) return 'differs'
      return isTaken(wanted.port) ? 'settled' : 'pending'
    }
    if (!observed) return 'differs'
    if (wanted.kind === 'ovs-bridge' && observed.object.kind === 'ovs-bridge') {
      if (observed.object.failMode !== wanted.failMode) return 'differs'
      const isKept = observed.ours || mirror.bridge(wanted.name)?.externalIds[ownerKey] === adoptedValue
      if (!wanted.foreign && (!isKept || observed.object.datapathType !== wanted.datapathType))
        return 'differs'
      return mirror.bridge(wanted.name)?.datapathId === undefined ? 'pending' : 'settled'
    }
    if (wanted.kind === 'ovs-port' && observed.object.kind === 'ovs-port') {
      if (!observed.ours || !portMatches(observed.object, wanted) || isStale(wanted)) return 'differs'
      if (wanted.type === '' && deviceMade(wanted.name) === undefined && deviceNow(wanted.name) > 0)
        return 'differs'
      return (mirror.interface(wanted.name)?.ofport ?? -1) > 0 && isTaken(wanted.name) ? 'settled' : 'pending'
    }
    return 'differs'
  }

  const deviceNow = (port: string): number => mirror.interface(port)?.ifindex ?? 0
  const deviceMade = (port: string): number | undefined => {
    const index = mirror.port(port)?.externalIds[deviceKey]
    return index === undefined ? undefined : Number(index)
  }

  /**
   * True when a port's device was made anew under its name: the switch shows a number and a link, and holds on to the
   * device that is gone. Only taking the port away and putting it back helps.
   */
  function isStale(port: OvsPort): boolean {
    const made = deviceMade(port.name)
    const now = deviceNow(port.name)
    return port.type === '' && made !== undefined && now > 0 && now !== made
  }

  async function dropStale(changes: readonly Change[]): Promise<void> {
    const stale = changes.flatMap((change) => {
      const port = change.wanted
      const row = port?.kind === 'ovs-port' ? mirror.port(port.name) : undefined
      const bridge = row && mirror.bridge(mirror.bridgeOf(row.name) ?? '')
      if (port?.kind !== 'ovs-port' || !row || !bridge || !isStale(port)) return []
      return [{ change, operations: [dropPort(bridge.uuid, row.uuid)] }]
    })
    if (stale.length > 0) await commit(stale)
  }

  /** Bridges of ours that others have put ports or flows on, and how many ports: they stay while these do. */
  const inUse = new Map<string, number>()

  function foreignPorts(bridge: string): number {
    let count = 0
    for (const port of mirror.ports()) {
      const isOurs = port.externalIds[ownerKey] === ownerValue || port.name === bridge
      if (!isOurs && mirror.bridgeOf(port.name) === bridge) count++
    }
    return count
  }

  async function noteBridgesInUse(changes: readonly Change[]): Promise<void> {
    inUse.clear()
    for (const { wanted, observed } of changes) {
      const gone = wanted ? undefined : observed?.object
      if (gone?.kind !== 'ovs-bridge') continue
      if (foreignPorts(gone.name) === 0 && !(await options.holdsForeignFlows(gone.name))) continue
      inUse.set(gone.name, foreignPorts(gone.name))
      log.warn({ bridge: gone.name }, 'stays: others have put ports or flows on it')
    }
  }

  async function apply(changes: readonly Change[]): Promise<Map<string, string>> {
    const failures = new Map<string, string>()
    const batches: { change: Change; operations: object[] }[] = []
    await dropStale(changes)
    await noteBridgesInUse(changes)
    const made = new Map<string, string>()
    const batch: Batch = {
      mirror,
      integrationBridge,
      made,
      localVlan,
      isInUse: (bridge) => inUse.has(bridge),
    }
    changes.forEach((change, index) => {
      try {
        const uuid = bridgeMadeBy(change, index, mirror)
        if (uuid !== undefined && change.wanted?.kind === 'ovs-bridge') made.set(change.wanted.name, uuid)
        batches.push({ change, operations: operationsOf(batch, change, index) })
      } catch (error) {
        failures.set(change.ident, error instanceof Error ? error.message : String(error))
      }
    })
    if (batches.length === 0) return failures
    try {
      await commit(batches)
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      // One bad object must not hold up the others: each is tried alone.
      const alone = client.connected && batches.length > 1
      for (const batch of batches) {
        try {
          if (!alone) throw error
          await commit([batch])
        } catch (single) {
          failures.set(batch.change.ident, alone && single instanceof Error ? single.message : reason)
        }
      }
    }
    return failures
  }

  async function commit(batches: readonly { change: Change; operations: object[] }[]): Promise<void> {
    const root = mirror.rootUuid
    if (root === undefined) throw new Error('no connection to ovsdb-server')
    const results = await client.transact([
      ...batches.flatMap((batch) => batch.operations),
      { op: 'mutate', table: 'Open_vSwitch', where: whereUuid(root), mutations: [['next_cfg', '+=', 1]] },
      { op: 'select', table: 'Open_vSwitch', where: whereUuid(root), columns: ['next_cfg'] },
      { op: 'comment', comment: 'nucleon' },
    ])
    const cfg = Number(results.at(-2)?.rows?.[0]?.next_cfg ?? 0)
    for (const { change } of batches) {
      const object = change.wanted ?? change.observed?.object
      if (object?.kind === 'ovs-tag') untaken.set(object.port, cfg)
      if (object?.kind === 'ovs-port') untaken.set(object.name, cfg)
    }
    await takenBy(cfg)
    // The switch may have taken it before the transaction was answered.
    spread({ bridges: new Set(), ports: new Set(), configured: true })
  }

  function takenBy(cfg: number): Promise<void> {
    return new Promise((resolve) => {
      const finish = (): void => {
        clearTimeout(timer)
        waiters.delete(check)
        resolve()
      }
      const timer = setTimeout(finish, takenWithin)
      const check = (): void => {
        if (mirror.curCfg >= cfg) finish()
      }
      waiters.add(check)
      check()
    })
  }

  function retainVlan(segment: string): void {
    users.set(segment, (users.get(segment) ?? 0) + 1)
  }

  function releaseVlan(segment: string): void {
    const left = (users.get(segment) ?? 1) - 1
    if (left > 0) users.set(segment, left)
    else {
      users.delete(segment)
      chosen.delete(segment)
    }
  }

  return {
    name: 'switch',
    kinds: ['ovs-bridge', 'ovs-port', 'ovs-tag'],
    removesAtOnce: false,
    scopeOf(object) {
      if (object.kind === 'ovs-bridge') return `bridge ${object.name}`
      if (object.kind === 'ovs-tag') return `port ${object.port}`
      return object.kind === 'ovs-port' ? `port ${object.name}` : ''
    },
    async start(listener) {
      events = listener
      await client.start(10_000)
      return [
        ...[...mirror.bridges()].map((row) => `bridge ${row.name}`),
        ...[...mirror.ports()].map((row) => `port ${row.name}`),
      ]
    },
    wanted(_key, object, before) {
      if (object?.kind === 'ovs-tag') retainVlan(segmentKey(object.segment))
      if (before?.kind === 'ovs-tag') releaseVlan(segmentKey(before.segment))
      const tag = object ?? before
      if (tag?.kind !== 'ovs-tag') return
      if (object?.kind === 'ovs-tag') wantedTags.set(object.port, object)
      else wantedTags.delete(tag.port)
      announcePort(tag.port)
    },
    observe: async (scope) => {
      if (!client.connected) throw new Error('no connection to ovsdb-server')
      return { complete: true, found: look(scope) }
    },
    verdict,
    apply,
    spares: ({ object }) =>
      object.kind === 'ovs-bridge' && inUse.get(object.name) === foreignPorts(object.name),
    // The monitor tells everything.
    auditScopes: () => [],
    async stop() {
      plugs.stop()
      client.stop()
    },
    get connected() {
      return client.connected
    },
    ofport(bridge, port) {
      const device = mirror.interface(port)
      if (!device || mirror.bridgeOf(port) !== bridge || !tagTaken(port)) return undefined
      if (device.ofport === undefined || device.ofport <= 0) return undefined
      return device.ofport === 65534 ? 'LOCAL' : String(device.ofport)
    },
    retainVlan,
    releaseVlan,
    localVlan,
    onSymbol: (listener) => void symbolListeners.push(listener),
    plugs: plugs.all,
    onPlugs: plugs.onChange,
    bridges: () => bridges,
    onBridges: (listener) => void bridgeListeners.push(listener),
    onBridgeMade: (listener) => void madeListeners.push(listener),
  }
}

function segmentOf(port: PortRow): SegmentRef | undefined {
  const { net_uuid, network_type, physical_network, segmentation_id } = port.otherConfig
  if (net_uuid === undefined || network_type === undefined) return undefined
  const none = (value: string | undefined): value is undefined | 'None' =>
    value === undefined || value === 'None'
  return {
    networkId: net_uuid,
    networkType: network_type,
    physicalNetwork: none(physical_network) ? null : physical_network,
    segmentationId: none(segmentation_id) ? null : Number(segmentation_id),
  }
}

function portMatches(observed: OvsPort, wanted: OvsPort): boolean {
  const options = wanted.options ?? {}
  const found = observed.options ?? {}
  return (
    observed.type === wanted.type &&
    Object.keys(found).length === Object.keys(options).length &&
    contains(found, options) &&
    contains(observed.externalIds ?? {}, wanted.externalIds ?? {})
  )
}

function contains(found: Record<string, string>, wanted: Record<string, string>): boolean {
  return Object.entries(wanted).every(([key, value]) => found[key] === value)
}
