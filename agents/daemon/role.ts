/**
 * What the daemon asks of a role: pure functions from whole objects to pieces of the host, and from the standing of
 * pieces to facts. A role holds no state; everything it may look at is in its View.
 */
import type { AgentState, Fact } from '../../bus/feed.ts'
import type { Plug } from '../../host/host.ts'
import type { HostObject } from '../../host/objects.ts'
import type { DocumentChange, Documents } from './documents.ts'

export interface View {
  /** Name of this host, as bindings name it. */
  host: string
  documents: Documents
  /** Ports that are plugged on the integration bridge, by port id. */
  plugs: ReadonlyMap<string, Plug>
  /** Names of the bridges that the switch has. */
  bridges: ReadonlySet<string>
}

/** What may have become different in the view since the role was last asked. */
export interface ViewChanges {
  documents: readonly DocumentChange[]
  /** Port ids. */
  plugs: Iterable<string>
}

/** `failed`: not in place, and the host has said why. */
export type Standing = 'pending' | 'settled' | 'failed'

export interface Role {
  /** Name in `--roles`, and the beginning of the ids of its pieces: `l2`. */
  name: string
  /** How this role shows up in /v2.0/agents; told anew when bridges come or go. */
  agent(view: View): AgentState
  /** Pieces that are there whatever documents say. */
  always: readonly string[]
  /** Ids of the pieces that these changes may have altered; too many is harmless. */
  affected(view: View, changes: ViewChanges): Iterable<string>
  /** The objects of one piece; none when it is not wanted (any more). */
  piece(view: View, id: string): HostObject[]
  /** Ports whose fact may depend on the standing of this piece. */
  concerned(view: View, pieceId: string): Iterable<string>
  /** What can be said of a port now; undefined: nothing new. */
  fact(view: View, portId: string, standing: (pieceId: string) => Standing): Fact | undefined
}
