/** Agents, the scheduling of DHCP on them, and availability zones. */
import { derived } from '../fields/derived.ts'
import { orNull } from '../fields/kind.ts'
import { string } from '../fields/string.ts'
import { uuid } from '../fields/uuid.ts'
import { attribute, extension, to } from '../resource.ts'
import { agent } from '../resources/agent.ts'
import { availabilityZone } from '../resources/availability-zone.ts'

export const agents = extension('agent', {
  name: 'agent',
  description: 'The agents of the cloud and how they are',
  updated: '2013-02-03T10:00:00-00:00',
  resources: [agent],
})

export const agentSortKey = extension('agent_sort_key', {
  name: 'Agents Sort Key',
  description: 'Lists of agents can be sorted',
  updated: '2013-02-03T10:00:00-00:00',
  requires: ['agent'],
})

export const agentResourcesSynced = extension('agent-resources-synced', {
  name: 'Agent resources synced',
  description: 'Whether an agent has what it should have in the placement service',
  updated: '2018-12-19T00:00:00-00:00',
  requires: ['agent'],
  adds: [
    to(agent, {
      resources_synced: attribute(derived<boolean | null>({ type: ['boolean', 'null'] }), { write: 'never' }),
    }),
  ],
})

export const dhcpAgentScheduler = extension('dhcp_agent_scheduler', {
  name: 'DHCP Agent Scheduler',
  description: 'Which DHCP agents serve which networks',
  updated: '2013-02-07T10:00:00-00:00',
  requires: ['agent'],
  members: [
    {
      name: 'dhcp_agents',
      parent: 'network',
      singular: 'dhcp_agent',
      lists: 'agent',
      operations: ['list'],
      actions: [],
      attributes: {},
      policy: { list: 'get_dhcp-agents' },
    },
    {
      name: 'dhcp_networks',
      parent: 'agent',
      singular: 'dhcp_network',
      lists: 'network',
      operations: ['list', 'create', 'delete'],
      actions: [],
      attributes: { network_id: attribute(uuid, { write: 'create', required: true, enforcePolicy: true }) },
      policy: {
        list: 'get_dhcp-networks',
        create: 'create_dhcp-network',
        delete: 'delete_dhcp-network',
      },
    },
  ],
})

export const availabilityZones = extension('availability_zone', {
  name: 'Availability Zone',
  description: 'The availability zones of agents',
  updated: '2015-01-01T10:00:00-00:00',
  requires: ['agent'],
  resources: [availabilityZone],
  adds: [to(agent, { availability_zone: attribute(orNull(string(255)), { write: 'never', filter: true }) })],
})

export const availabilityZoneFilter = extension('availability_zone_filter', {
  name: 'Availability Zone Filter Extension',
  description: 'Lists of availability zones can be filtered',
  updated: '2018-06-22T10:00:00-00:00',
  requires: ['availability_zone'],
})
