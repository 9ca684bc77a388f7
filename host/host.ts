/**
 * The promise of this room: give it pieces of desired state by id, and the host becomes their union, stays so, and
 * tells when a piece is in place. See README.md.
 */
import type { HostObject } from './objects.ts'

/** A port that somebody plugged: an interface on the integration bridge with external_ids:iface-id. */
export interface Plug {
  portId: string
  /** Name of the device on the bridge. */
  device: string
  mac: string | null
  /** -1 while the switch has not taken it. */
  ofport: number
}

export interface HostFailure {
  key: string
  message: string
}

/** What has become of a piece. `settled` is true when each of its objects was seen in place and nothing is pending. */
export interface PieceStatus {
  id: string
  settled: boolean
  failures: HostFailure[]
}

export interface Host {
  /** Brings up the sources of events, and looks at the host once. Nothing is changed yet. */
  start(): Promise<void>
  /** Replaces one piece; an empty list withdraws it. Cheap: marks what differs and returns. */
  setPiece(id: string, objects: readonly HostObject[]): void
  /**
   * Call when the pieces set so far are all that is wanted (the first complete snapshot). Before that nothing is
   * removed from the host.
   */
  allowRemovals(): void
  /** The ports that are plugged on the integration bridge now, by port id. */
  plugs(): ReadonlyMap<string, Plug>
  onPlugs(listener: (changed: ReadonlySet<string>) => void): void
  /** Names of the bridges that the switch is configured with, as last seen while its database does not answer. */
  bridges(): ReadonlySet<string>
  onBridges(listener: () => void): void
  /**
   * Called after each pass with the pieces whose status changed. A piece that setPiece has altered (or set for the
   * first time) counts as unsettled from that call on, and is told of when it settles even if it was settled before.
   */
  onStatus(listener: (changed: readonly PieceStatus[]) => void): void
  /** Resolves when no work is pending (failing objects that back off, and what takes over two seconds, aside). */
  idle(): Promise<void>
  /** Stops watching. Leaves everything on the host as it is. */
  stop(): Promise<void>
}

export interface HostOptions {
  /** unix socket of ovsdb-server. */
  ovsdb: string
  /** Directory of ovs-vswitchd's management sockets (`BRIDGE.mgmt`), OVS_RUNDIR. */
  ovsRunDir: string
  integrationBridge: string
  /** Marks our flows; 64 bits, the same after a restart. */
  cookie: bigint
  /** Where pid files, logs and generated files live; everything of ours in it is ours to remove. */
  runDir: string
  /** False: only make, never repair what drifts (for tests that show that a check can fail). */
  repair: boolean
}
