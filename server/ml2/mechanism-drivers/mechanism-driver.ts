/**
 * A mechanism driver: decides whether and how a host realises a port. Binding is a pure choice over what is known of
 * the host; precommit runs inside the transaction and may veto by throwing. What must happen after the commit is
 * work for a consumer of `changes`, and for agents.
 */
import type { Tx } from '../../store/store.ts'

export interface BindableSegment {
  id: string
  network_type: string
  physical_network: string | null
  segmentation_id: number | null
}

/** An agent of the host, as binding sees it. */
export interface HostAgent {
  agent_type: string
  alive: boolean
  configurations: Record<string, unknown>
}

export interface BindingRequest {
  host: string
  vnicType: string
  profile: Record<string, unknown>
  segments: readonly BindableSegment[]
  agents: readonly HostAgent[]
}

export interface BindingResult {
  vif_type: string
  vif_details: Record<string, unknown>
  segment_id: string
}

/** Not by this driver, and why: for people, in the log. */
export interface BindingRefusal {
  refused: string
}

export interface PortEvent {
  operation: 'create' | 'update' | 'delete'
  portId: string
  networkId: string
}

export interface MechanismDriver {
  name: string
  /** True: an agent wires what the driver binds, so a bound port waits for its report before it turns ACTIVE. */
  needsAgent: boolean
  bind(request: BindingRequest): BindingResult | BindingRefusal
  precommit?(tx: Tx, event: PortEvent): Promise<void>
}
