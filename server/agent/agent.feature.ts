/** Agents of the API: switched off and on, described, deleted; and the networks that a DHCP agent serves. */
import { invalidDhcpAgent, networkHostedByDhcpAgent, networkNotHostedByDhcpAgent } from '../../lib/errors.ts'
import type { Resource } from '../../model/resource.ts'
import { addDhcpAgent, dhcpNetworksOf, removeDhcpAgent, servingChanged } from '../dhcp/dhcp-scheduler.ts'
import type { Ml2 } from '../ml2/ml2.ts'
import { networkRow } from '../network/network.store.ts'
import type { Feature, Member, View } from '../resource.ts'
import type { Tx } from '../store/store.ts'
import { agentReader } from './agent.reader.ts'
import { dhcpAgentType, noteAgent } from './agent.store.ts'

/**
 * Only admin_state_up and description can be changed. A DHCP agent that is switched off or deleted serves nobody from
 * that transaction on, and its DHCP ports wait for it or for another.
 */
export function agentFeature(resource: Resource, ml2: Ml2): Feature {
  return {
    resource,
    reader: agentReader(ml2.settings),
    async update(tx, _context, current, changes) {
      const { admin_state_up: up, description } = changes
      const set = {
        ...(typeof up === 'boolean' ? { admin_state_up: Number(up) } : {}),
        ...(typeof description === 'string' || description === null ? { description } : {}),
      }
      if (Object.keys(set).length === 0) return
      await tx.db.updateTable('agents').set(set).where('id', '=', current.id).execute()
      noteAgent(tx, 'update', { id: current.id, host: String(current.host) })
      if (set.admin_state_up === undefined || up === current.admin_state_up) return
      for (const id of await dhcpNetworksOf(tx, current.id)) await servingChanged(tx, ml2, id)
    },
    async remove(tx, _context, current) {
      for (const id of await dhcpNetworksOf(tx, current.id)) await removeDhcpAgent(tx, ml2, id, current.id)
      await tx.db.deleteFrom('agents').where('id', '=', current.id).execute()
      noteAgent(tx, 'delete', { id: current.id, host: String(current.host) })
    },
    members: {
      ...(resource.members.dhcp_networks && {
        dhcp_networks: dhcpNetworks(resource.members.dhcp_networks, ml2),
      }),
    },
  }
}

function dhcpNetworks(resource: Member['resource'], ml2: Ml2): Member {
  return {
    resource,
    ids: (tx, _context, agent) => dhcpNetworksOf(tx, agent.id),
    turns: (_agent, named) => [`network:${typeof named === 'string' ? named : named.network_id}`],
    /** Throws InvalidDHCPAgent, NetworkNotFound, NetworkHostedByDHCPAgent. */
    async create(tx: Tx, _context, agent: View, input) {
      const networkId = String(input.network_id)
      if (agent.agent_type !== dhcpAgentType || agent.admin_state_up !== true)
        throw invalidDhcpAgent(agent.id)
      await networkRow(tx, networkId)
      if ((await dhcpNetworksOf(tx, agent.id)).includes(networkId)) {
        throw networkHostedByDhcpAgent(networkId, agent.id)
      }
      await addDhcpAgent(tx, ml2, networkId, agent.id)
      return undefined
    },
    /** Throws NetworkNotHostedByDhcpAgent. */
    async remove(tx, _context, agent, networkId) {
      if (!(await dhcpNetworksOf(tx, agent.id)).includes(networkId)) {
        throw networkNotHostedByDhcpAgent(networkId, agent.id)
      }
      await removeDhcpAgent(tx, ml2, networkId, agent.id)
    },
  }
}
