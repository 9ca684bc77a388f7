/** Binds ports: asks the mechanism drivers in their order, within the transaction that names the host. */
import { agentsOfHost } from '../agent/agent.store.ts'
import type { ReadTx } from '../store/store.ts'
import type { Ml2 } from './ml2.ts'
import { segmentsOf } from './segments.ts'

/** What a client says of a binding (binding:host_id, binding:vnic_type, binding:profile). */
export interface BindingWish {
  host: string
  vnic_type: string
  profile: Record<string, unknown>
}

/** What a binding row says beside that. */
export interface BindingOutcome {
  vif_type: string
  vif_details: Record<string, unknown>
  segment_id: string | null
  /** True: the port waits for an agent's report before it is ACTIVE. */
  needsAgent: boolean
}

const unbound: BindingOutcome = { vif_type: 'unbound', vif_details: {}, segment_id: null, needsAgent: false }
const failed: BindingOutcome = { ...unbound, vif_type: 'binding_failed' }

/** The port that is to be bound. */
export interface Bindable {
  id: string
  networkId: string
  /** The segments that its addresses are of; undefined: any of the network. */
  segments: ReadonlySet<string> | undefined
}

/**
 * The binding of a port of that network to that host: `unbound` without a host, `binding_failed` if no driver can. Why
 * not is told in the log.
 */
export async function bindPort(
  tx: ReadTx,
  ml2: Ml2,
  port: Bindable,
  wish: BindingWish,
): Promise<BindingOutcome> {
  if (wish.host === '') return unbound
  const { segments: usable } = port
  const segments = await segmentsOf(tx, port.networkId)
  const request = {
    host: wish.host,
    vnicType: wish.vnic_type,
    profile: wish.profile,
    segments: usable ? segments.filter((segment) => usable.has(segment.id)) : segments,
    agents: await agentsOfHost(tx, wish.host, ml2.settings.DEFAULT.agent_down_time),
  }
  const reasons: string[] = []
  for (const driver of ml2.mechanismDrivers) {
    const result = driver.bind(request)
    if ('refused' in result) {
      reasons.push(`${driver.name}: ${result.refused}`)
      continue
    }
    ml2.bindingLog.bound(port.networkId, wish.host)
    return {
      ...result,
      vif_details: { ...result.vif_details, bound_drivers: { '0': driver.name } },
      needsAgent: driver.needsAgent,
    }
  }
  ml2.bindingLog.failed(port, wish.host, reasons.length > 0 ? reasons : ['there is no mechanism driver'])
  return failed
}

/** False for the VIF types of ports that no host realises: `unbound` and `binding_failed`. */
export function isBound(vifType: string): boolean {
  return vifType !== 'unbound' && vifType !== 'binding_failed'
}
