/** A host in memory: pieces come into place when the test says so (at once unless told), and ports are plugged by it. */
import type { Host, PieceStatus, Plug } from '../../host/host.ts'
import type { HostObject } from '../../host/objects.ts'
import { plugOf } from './view.ts'

export interface MemoryHost extends Host {
  readonly pieces: ReadonlyMap<string, readonly HostObject[]>
  readonly removalsAllowed: boolean
  /** False: pieces stay as they are set, until settle(). */
  settlesAtOnce: boolean
  /** Tells of these pieces. */
  settle(ids: Iterable<string>, settled?: boolean): void
  plug(...portIds: string[]): void
  unplug(...portIds: string[]): void
  /** The switch has these bridges from now on. */
  setBridges(...names: string[]): void
}

export function memoryHost(): MemoryHost {
  const pieces = new Map<string, readonly HostObject[]>()
  const plugs = new Map<string, Plug>()
  const dirty = new Set<string>()
  let onPlugs = (_: ReadonlySet<string>) => {}
  let onBridges = () => {}
  let onStatus = (_: readonly PieceStatus[]) => {}
  let bridges: ReadonlySet<string> = new Set(['br-int', 'br-tun'])
  let removalsAllowed = false

  const host: MemoryHost = {
    pieces,
    settlesAtOnce: true,
    get removalsAllowed() {
      return removalsAllowed
    },
    settle(ids, settled = true) {
      const failures = settled ? [] : [{ key: 'flow', message: 'refused' }]
      onStatus(Array.from(ids, (id) => ({ id, settled, failures })))
    },
    plug(...ids) {
      for (const id of ids) plugs.set(id, plugOf(id))
      onPlugs(new Set(ids))
    },
    unplug(...ids) {
      for (const id of ids) plugs.delete(id)
      onPlugs(new Set(ids))
    },
    setBridges(...names) {
      bridges = new Set(names)
      onBridges()
    },
    async start() {},
    setPiece(id, objects) {
      if (objects.length === 0) pieces.delete(id)
      else pieces.set(id, objects)
      if (dirty.size === 0) {
        setImmediate(() => {
          const settled = [...dirty]
          dirty.clear()
          if (host.settlesAtOnce) host.settle(settled)
        })
      }
      dirty.add(id)
    },
    allowRemovals() {
      removalsAllowed = true
    },
    plugs: () => plugs,
    onPlugs(listener) {
      onPlugs = listener
    },
    bridges: () => bridges,
    onBridges(listener) {
      onBridges = listener
    },
    onStatus(listener) {
      onStatus = listener
    },
    async idle() {
      while (dirty.size > 0) await new Promise((resolve) => setImmediate(resolve))
    },
    async stop() {},
  }
  return host
}
