/** Binds ports to hosts that a live Open vSwitch agent serves. */
import type { BindableSegment, HostAgent, MechanismDriver } from './mechanism-driver.ts'

const agentType = 'Open vSwitch agent'

export const openvswitchDriver: MechanismDriver = {
  name: 'openvswitch',
  needsAgent: true,
  bind({ host, vnicType, profile, segments, agents }) {
    if (vnicType !== 'normal' && !(vnicType === 'direct' && isSwitched(profile))) {
      return { refused: `vnic_type ${vnicType} is not served` }
    }
    const agent = agents.find((one) => one.agent_type === agentType)
    if (!agent) return { refused: `no ${agentType} has reported from host ${host}` }
    if (!agent.alive) return { refused: `the ${agentType} of host ${host} is dead` }
    const segment = segments.find((one) => reaches(agent, one))
    if (!segment) return { refused: whyUnreached(agent, segments) }
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

/**
 * True where the device itself switches (binding:profile capabilities, hardware_offload_type): the compute service
 * puts its representor on the bridge, which is a port like any other there.
 */
function isSwitched({ capabilities }: Record<string, unknown>): boolean {
  return Array.isArray(capabilities) && capabilities.includes('switchdev')
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

/** `the host has neither …`: what each segment needs, beside what the agent reports. */
function whyUnreached({ configurations }: HostAgent, segments: readonly BindableSegment[]): string {
  if (segments.length === 0) return 'the network has no segment'
  const { bridge_mappings: mappings, missing_bridges: missing, tunnel_types: types } = configurations
  const needs = segments.map(({ network_type: type, physical_network: name }) =>
    name === null ? `${type} tunnels` : `a bridge for physical network ${name}`,
  )
  const has = [
    `bridge_mappings ${JSON.stringify(mappings ?? {})}`,
    ...(missing === undefined ? [] : [`bridges that are not there ${JSON.stringify(missing)}`]),
    `tunnel_types ${JSON.stringify(types ?? [])}`,
  ]
  return `the network needs ${needs.join(' or ')}, and the host's agent reports ${has.join(', ')}`
}

function textOr(value: unknown, otherwise: string): string {
  return typeof value === 'string' && value !== '' ? value : otherwise
}
