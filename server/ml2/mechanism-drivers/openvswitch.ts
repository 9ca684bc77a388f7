/** Binds ports to hosts that a live Open vSwitch agent serves. */
import type { BindableSegment, HostAgent, MechanismDriver } from './mechanism-driver.ts'

const agentType = 'Open vSwitch agent'

export const openvswitchDriver: MechanismDriver = {
  name: 'openvswitch',
  needsAgent: true,
  bind({ vnicType, segments, agents }) {
    if (vnicType !== 'normal') return undefined
    const agent = agents.find((one) => one.agent_type === agentType && one.alive)
    const segment = agent && segments.find((one) => reaches(agent, one))
    if (!segment) return undefined
    const { configurations } = agent
    return {
      vif_type: 'ovs',
      vif_details: {
        connectivity: 'l2',
        port_filter: false,
        ovs_hybrid_plug: configurations.ovs_hybrid_plug === true,
        datapath_type: textOr(configurations.datapath_type, 'system'),
        bridge_name: textOr(configurations.integration_bridge, 'br-int'),
      },
      segment_id: segment.id,
    }
  },
}

/** True where the agent's host has the segment: its tunnel type, or a bridge for its physical network. */
function reaches({ configurations }: HostAgent, segment: BindableSegment): boolean {
  switch (segment.network_type) {
    case 'local':
      return true
    case 'flat':
    case 'vlan': {
      const mappings = configurations.bridge_mappings
      return (
        typeof mappings === 'object' &&
        mappings !== null &&
        Object.hasOwn(mappings, segment.physical_network ?? '')
      )
    }
    default: {
      const types = configurations.tunnel_types
      return Array.isArray(types) && types.includes(segment.network_type)
    }
  }
}

function textOr(value: unknown, otherwise: string): string {
  return typeof value === 'string' && value !== '' ? value : otherwise
}
