/**
 * What the Open_vSwitch database holds, in memory, indexed by the names that people use. Fed by the monitor; says
 * which bridges and ports an update has touched.
 */
import { mapOf, type OvsdbRow, optional, type RowUpdate, uuidsOf } from './ovsdb.client.ts'

export const monitoredTables = {
  Open_vSwitch: ['bridges', 'cur_cfg', 'next_cfg'],
  Bridge: ['name', 'ports', 'datapath_type', 'datapath_id', 'fail_mode', 'external_ids'],
  Port: ['name', 'interfaces', 'tag', 'other_config', 'external_ids'],
  Interface: ['name', 'type', 'options', 'external_ids', 'ofport', 'ifindex', 'error'],
} as const

export interface BridgeRow {
  uuid: string
  name: string
  ports: string[]
  datapathType: string
  /** Set by ovs-vswitchd once it has made the bridge. */
  datapathId: string | undefined
  failMode: string | undefined
  externalIds: Record<string, string>
}

export interface PortRow {
  uuid: string
  name: string
  interfaces: string[]
  tag: number | undefined
  otherConfig: Record<string, string>
  externalIds: Record<string, string>
}

export interface InterfaceRow {
  uuid: string
  name: string
  type: string
  options: Record<string, string>
  externalIds: Record<string, string>
  /** undefined or -1 while the switch has not taken it. */
  ofport: number | undefined
  /** Of the kernel's device of that name now; 0 when there is none. */
  ifindex: number | undefined
  error: string | undefined
}

export interface Touched {
  bridges: Set<string>
  ports: Set<string>
  /** The switch has taken a newer configuration. */
  configured: boolean
}

export interface OvsdbMirror {
  /** Voids what was known, then takes all rows. */
  reset(rows: readonly RowUpdate[]): Touched
  update(rows: readonly RowUpdate[]): Touched
  readonly rootUuid: string | undefined
  readonly curCfg: number
  bridge(name: string): BridgeRow | undefined
  bridges(): Iterable<BridgeRow>
  port(name: string): PortRow | undefined
  ports(): Iterable<PortRow>
  /** Interface by its name. */
  interface(name: string): InterfaceRow | undefined
  interfaces(): Iterable<InterfaceRow>
  bridgeOf(port: string): string | undefined
}

/** Empty until its first `reset`. */
export function createOvsdbMirror(): OvsdbMirror {
  const bridges = new Map<string, BridgeRow>()
  const ports = new Map<string, PortRow>()
  const interfaces = new Map<string, InterfaceRow>()
  const bridgeNames = new Map<string, string>()
  const portNames = new Map<string, string>()
  const interfaceNames = new Map<string, string>()
  const bridgeOfPort = new Map<string, string>()
  let rootUuid: string | undefined
  let curCfg = 0

  /** Puts a row into its table and its name index, or takes it out. */
  function keep<T extends { name: string }>(
    table: Map<string, T>,
    names: Map<string, string>,
    uuid: string,
    row: T | undefined,
    touched: Set<string>,
  ): T | undefined {
    const before = table.get(uuid)
    if (before) {
      touched.add(before.name)
      table.delete(uuid)
      if (names.get(before.name) === uuid) names.delete(before.name)
    }
    if (row) {
      touched.add(row.name)
      table.set(uuid, row)
      names.set(row.name, uuid)
    }
    return before
  }

  function update(rows: readonly RowUpdate[]): Touched {
    const touched: Touched = { bridges: new Set(), ports: new Set(), configured: false }
    const moved = new Set<string>()
    for (const { table, uuid, row } of rows) {
      if (table === 'Open_vSwitch') {
        rootUuid = row ? uuid : undefined
        const cfg = Number(row?.cur_cfg ?? 0)
        touched.configured ||= cfg !== curCfg
        curCfg = cfg
      } else if (table === 'Bridge') {
        const now = row && bridgeRow(uuid, row)
        const before = keep(bridges, bridgeNames, uuid, now, touched.bridges)
        const had = new Set(before?.ports)
        const has = new Set(now?.ports)
        for (const port of had) {
          if (has.has(port)) continue
          if (bridgeOfPort.get(port) === uuid) bridgeOfPort.delete(port)
          moved.add(port)
        }
        for (const port of has) {
          if (!had.has(port) || bridgeOfPort.get(port) !== uuid) moved.add(port)
          bridgeOfPort.set(port, uuid)
        }
      } else if (table === 'Port') {
        keep(ports, portNames, uuid, row && portRow(uuid, row), touched.ports)
      } else if (table === 'Interface') {
        keep(interfaces, interfaceNames, uuid, row && interfaceRow(uuid, row), touched.ports)
      }
    }
    for (const uuid of moved) {
      const name = ports.get(uuid)?.name
      if (name !== undefined) touched.ports.add(name)
    }
    return touched
  }

  const named = <T>(table: Map<string, T>, names: Map<string, string>, name: string): T | undefined =>
    table.get(names.get(name) ?? '')

  return {
    update,
    reset(rows) {
      const gone = [
        ...[...bridges.keys()].map((uuid) => ({ table: 'Bridge', uuid, row: undefined })),
        ...[...ports.keys()].map((uuid) => ({ table: 'Port', uuid, row: undefined })),
        ...[...interfaces.keys()].map((uuid) => ({ table: 'Interface', uuid, row: undefined })),
      ]
      const before = update(gone)
      const now = update(rows)
      for (const name of before.bridges) now.bridges.add(name)
      for (const name of before.ports) now.ports.add(name)
      return { ...now, configured: true }
    },
    get rootUuid() {
      return rootUuid
    },
    get curCfg() {
      return curCfg
    },
    bridge: (name) => named(bridges, bridgeNames, name),
    bridges: () => bridges.values(),
    port: (name) => named(ports, portNames, name),
    ports: () => ports.values(),
    interface: (name) => named(interfaces, interfaceNames, name),
    interfaces: () => interfaces.values(),
    bridgeOf: (port) => bridges.get(bridgeOfPort.get(portNames.get(port) ?? '') ?? '')?.name,
  }
}

function bridgeRow(uuid: string, row: OvsdbRow): BridgeRow {
  return {
    uuid,
    name: String(row.name),
    ports: uuidsOf(row.ports),
    datapathType: String(row.datapath_type ?? ''),
    datapathId: text(row.datapath_id),
    failMode: text(row.fail_mode),
    externalIds: mapOf(row.external_ids),
  }
}

function portRow(uuid: string, row: OvsdbRow): PortRow {
  return {
    uuid,
    name: String(row.name),
    interfaces: uuidsOf(row.interfaces),
    tag: number(row.tag),
    otherConfig: mapOf(row.other_config),
    externalIds: mapOf(row.external_ids),
  }
}

function interfaceRow(uuid: string, row: OvsdbRow): InterfaceRow {
  return {
    uuid,
    name: String(row.name),
    type: String(row.type ?? ''),
    options: mapOf(row.options),
    externalIds: mapOf(row.external_ids),
    ofport: number(row.ofport),
    ifindex: number(row.ifindex),
    error: text(row.error),
  }
}

function text(value: OvsdbRow[string] | undefined): string | undefined {
  const atom = optional(value)
  return atom === undefined ? undefined : String(atom)
}

function number(value: OvsdbRow[string] | undefined): number | undefined {
  const atom = optional(value)
  return typeof atom === 'number' ? atom : undefined
}
