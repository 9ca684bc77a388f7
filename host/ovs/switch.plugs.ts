/**
 * The ports that somebody has plugged on the integration bridge. One that nobody has tagged is a trunk that hears every
 * network's broadcasts: unless it is wired at once it gets the tag that no network has.
 */
import type { Plug } from '../host.ts'
import type { OvsdbMirror, PortRow } from './ovsdb.mirror.ts'

/** Milliseconds that a plugged port may be without a tag before it gets the dead one. */
const untaggedFor = 30

export interface PlugsOptions {
  mirror: OvsdbMirror
  integrationBridge: string
  /** True for a device that a tag is wanted for. */
  isWired(device: string): boolean
  /** Gives these ports the dead tag. */
  silence(rows: readonly PortRow[]): void
}

export interface Plugs {
  /** By port id. */
  all(): ReadonlyMap<string, Plug>
  /** Told of the port ids that were plugged, unplugged or plugged otherwise. */
  onChange(listener: (changed: ReadonlySet<string>) => void): void
  /** Ports of the switch have changed. */
  refresh(): void
  stop(): void
}

/** Sees what the mirror shows; says so when it is refreshed. */
export function createPlugs({ mirror, integrationBridge, isWired, silence }: PlugsOptions): Plugs {
  const listeners: ((changed: ReadonlySet<string>) => void)[] = []
  let plugs = new Map<string, Plug>()
  let undertaker: NodeJS.Timeout | undefined

  function refresh(): void {
    const now = new Map<string, Plug>()
    for (const row of mirror.interfaces()) {
      const portId = row.externalIds['iface-id']
      if (portId === undefined || portId === '' || mirror.bridgeOf(row.name) !== integrationBridge) continue
      const plug: Plug = {
        portId,
        device: row.name,
        mac: row.externalIds['attached-mac'] ?? null,
        ofport: row.ofport ?? -1,
      }
      const other = now.get(portId)
      if (!other || other.ofport < plug.ofport) now.set(portId, plug)
    }
    const changed = new Set<string>()
    for (const [id, plug] of now) {
      const before = plugs.get(id)
      const same = before?.device === plug.device && before.mac === plug.mac && before.ofport === plug.ofport
      if (!same) changed.add(id)
    }
    for (const id of plugs.keys()) if (!now.has(id)) changed.add(id)
    plugs = now
    if (changed.size > 0) for (const listener of listeners) listener(changed)
    if (undertaker === undefined && untaggedPlugs().length > 0) undertaker = setTimeout(bury, untaggedFor)
  }

  function untaggedPlugs(): PortRow[] {
    return [...plugs.values()].flatMap(({ device }) => {
      const row = mirror.port(device)
      return row && row.tag === undefined && !isWired(device) ? [row] : []
    })
  }

  function bury(): void {
    undertaker = undefined
    const rows = untaggedPlugs()
    if (rows.length > 0) silence(rows)
  }

  return {
    all: () => plugs,
    onChange: (listener) => void listeners.push(listener),
    refresh,
    stop: () => clearTimeout(undertaker),
  }
}
