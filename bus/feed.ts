/**
 * The contract of the feed between servers and hosts. Agents pull; hints only make it fast and may be lost,
 * doubled or reordered. Every transport carries exactly this.
 */
import type { DocumentKey, Envelope } from '../model/documents/documents.ts'

/**
 * Where a host stands: the server's epoch (a new one means: start over) and the host's own sequence. It is the server's
 * to read: within a snapshot of several pages the sequence is negative.
 */
export interface Position {
  epoch: string
  sequence: number
}

/** One page of what has changed for a host since a position. */
export interface FeedPage {
  position: Position
  /** True on the first page of a full snapshot: documents not seen by its last page no longer concern the host. */
  snapshot: boolean
  /** False when the next page should be asked for at once. */
  complete: boolean
  upserts: Envelope[]
  removals: DocumentKey[]
}

export interface Hint {
  sequence: number
}

/** One agent (in Neutron's sense: a role with a type and a binary) as its daemon describes it. API: /v2.0/agents. */
export interface AgentState {
  agent_type: string
  binary: string
  availability_zone: string | null
  /** Neutron's `configurations` of that agent type (bridge_mappings, tunnel_types, tunneling_ip …). */
  configurations: Record<string, unknown>
}

export interface Heartbeat {
  /** ISO 8601: when the daemon started. */
  started_at: string
  agents: AgentState[]
  position: Position | null
  /** setDigest of the documents held (model/documents/digest.ts); null before the first complete snapshot. */
  digest: string | null
}

export interface HeartbeatReply {
  /** False: the documents of host and server differ though the position is the same; narrow it by compare(). */
  agrees: boolean
  /** The newest sequence of this host. */
  position: Position
}

/** What a host has found or done. Facts are idempotent: telling one twice changes nothing. */
export type Fact =
  /** The L2 wiring of a port on this host is in place (true) or gone (false), for that generation of the port. */
  | { kind: 'port-wired'; port_id: string; generation: number; wired: boolean }
  /** The DHCP servers of this host answer for that generation of the port. */
  | { kind: 'dhcp-served'; port_id: string; generation: number }

/** Digest of each of 256 buckets (first byte of the key's hash); only buckets that are not empty. */
export type BucketDigests = Record<string, string>

/** What a server offers to one host. `FeedServer.of(host)` on the server, a transport's client on the host. */
export interface Feed {
  pull(since: Position | null): Promise<FeedPage>
  heartbeat(beat: Heartbeat): Promise<HeartbeatReply>
  report(facts: Fact[]): Promise<void>
  /** Finds what differs: given the host's buckets, answers key -> hash of the buckets that differ. */
  compare(buckets: BucketDigests): Promise<Record<string, { key: DocumentKey; hash: string }[]>>
  /** The named documents as they are now; those that do not concern this host are left out. */
  fetch(keys: DocumentKey[]): Promise<Envelope[]>
  /** Hints until the signal aborts or the connection breaks (then it returns; the caller connects anew). */
  hints(signal: AbortSignal): AsyncIterable<Hint>
}
