/** Which DHCP agents serve which networks. Decided in the transaction that makes the need, never by an agent. */

import { aliveSince, dhcpAgentType } from '../agent/agent.store.ts'
import type { Ml2 } from '../ml2/ml2.ts'
import { portNetwork } from '../port/port.store.ts'
import { liftDhcpBlocks } from '../port/provisioning.ts'
import { isOneOf } from '../store/lists.ts'
import { prepared } from '../store/prepared.ts'
import type { ReadTx, Tx } from '../store/store.ts'
import { syncDhcpPorts } from './dhcp-port.ts'

const agentsOfNetwork = prepared('dhcp-agents-of-network', (db, p: { network_id: string }) =>
  db
    .selectFrom('network_dhcp_agents as d')
    .innerJoin('agents', 'agents.id', 'd.agent_id')
    .select(['agents.id', 'agents.host'])
    .where('d.network_id', '=', p.network_id)
    .orderBy('agents.host'),
)

/** The agents that serve a network. */
export function dhcpAgentsOf(tx: ReadTx, networkId: string): Promise<{ id: string; host: string }[]> {
  return agentsOfNetwork.all(tx, { network_id: networkId })
}

/** Agents with the fewest networks first; equal ones by host, so that the choice is the same everywhere. */
const leastLoaded = prepared('dhcp-agents-least-loaded', (db, p: { since: string }) =>
  db
    .selectFrom('agents')
    .leftJoin('network_dhcp_agents as d', 'd.agent_id', 'agents.id')
    .select((eb) => [
      'agents.id',
      'agents.host',
      'agents.availability_zone',
      eb.fn.count<number>('d.network_id').as('networks'),
    ])
    .where('agents.agent_type', '=', dhcpAgentType)
    .where('agents.admin_state_up', '=', 1)
    .where('agents.heartbeat_timestamp', '>', p.since)
    .groupBy(['agents.id', 'agents.host', 'agents.availability_zone'])
    .orderBy('networks')
    .orderBy('agents.host'),
)

const insertServing = prepared('dhcp-serving-insert', (db, p: { network_id: string; agent_id: string }) =>
  db
    .insertInto('network_dhcp_agents')
    .values({ network_id: p.network_id, agent_id: p.agent_id })
    .onConflict((conflict) => conflict.doNothing()),
)

const deleteServing = prepared('dhcp-serving-delete', (db, p: { network_id: string; agent_id: string }) =>
  db
    .deleteFrom('network_dhcp_agents')
    .where('network_id', '=', p.network_id)
    .where('agent_id', '=', p.agent_id),
)

/**
 * Call when subnets of a network came, went or changed: schedules the network to dhcp_agents_per_network live agents
 * if it has a subnet with DHCP and fewer agents, and brings its DHCP ports in line.
 */
export async function ensureDhcp(tx: Tx, ml2: Ml2, networkId: string): Promise<void> {
  const network = await portNetwork(tx, networkId)
  const serving = await dhcpAgentsOf(tx, networkId)
  const needed = network.subnets.some((subnet) => subnet.enable_dhcp === 1)
  if (needed) serving.push(...(await addAgents(tx, ml2, networkId, serving)))
  await syncDhcpPorts(
    tx,
    ml2,
    network,
    serving.map((agent) => agent.host),
  )
  if (!needed || serving.length === 0) await liftDhcpBlocks(tx, networkId)
}

async function addAgents(
  tx: Tx,
  { settings: { DEFAULT: options } }: Ml2,
  networkId: string,
  serving: readonly { id: string }[],
): Promise<{ id: string; host: string }[]> {
  const missing = options.dhcp_agents_per_network - serving.length
  if (missing <= 0) return []
  const known = new Set(serving.map((agent) => agent.id))
  const zones = await zonesFor(tx, networkId, options.default_availability_zones)
  const candidates = await leastLoaded.all(tx, { since: aliveSince(options.agent_down_time) })
  const chosen = candidates
    .filter((agent) => !known.has(agent.id) && zones(agent.availability_zone))
    .slice(0, missing)
  for (const agent of chosen) await insertServing.run(tx, { network_id: networkId, agent_id: agent.id })
  if (chosen.length > 0) noteServing(tx, networkId)
  return chosen
}

const hintsOf = prepared('network-zone-hints', (db, p: { id: string }) =>
  db.selectFrom('networks').select('availability_zone_hints').where('id', '=', p.id),
)

/** Whether an agent of that zone may serve the network: availability_zone_hints, else the default, else all. */
async function zonesFor(
  tx: ReadTx,
  networkId: string,
  otherwise: readonly string[],
): Promise<(zone: string | null) => boolean> {
  const row = await hintsOf.first(tx, { id: networkId })
  const hints = JSON.parse(row?.availability_zone_hints ?? '[]') as string[]
  const zones = hints.length > 0 ? hints : otherwise
  return (zone) => zones.length === 0 || (zone !== null && zones.includes(zone))
}

/** Has one agent serve a network as well. */
export async function addDhcpAgent(tx: Tx, ml2: Ml2, networkId: string, agentId: string): Promise<void> {
  await insertServing.run(tx, { network_id: networkId, agent_id: agentId })
  noteServing(tx, networkId)
  await syncAgents(tx, ml2, networkId)
}

/** Takes a network from an agent; its DHCP port waits for the next one. */
export async function removeDhcpAgent(tx: Tx, ml2: Ml2, networkId: string, agentId: string): Promise<void> {
  await deleteServing.run(tx, { network_id: networkId, agent_id: agentId })
  noteServing(tx, networkId)
  const left = await syncAgents(tx, ml2, networkId)
  if (left === 0) await liftDhcpBlocks(tx, networkId)
}

/** Gives a network of one agent to another, if there is any. */
export async function replaceDhcpAgent(tx: Tx, ml2: Ml2, networkId: string, agentId: string): Promise<void> {
  await deleteServing.run(tx, { network_id: networkId, agent_id: agentId })
  noteServing(tx, networkId)
  await ensureDhcp(tx, ml2, networkId)
}

async function syncAgents(tx: Tx, ml2: Ml2, networkId: string): Promise<number> {
  const serving = await dhcpAgentsOf(tx, networkId)
  await syncDhcpPorts(
    tx,
    ml2,
    await portNetwork(tx, networkId),
    serving.map((agent) => agent.host),
  )
  return serving.length
}

/** Who serves a network is no attribute of it; documents of the network and of its ports depend on it. */
export function noteServing(tx: Tx, networkId: string): void {
  tx.change({
    object: 'dhcp-serving',
    id: networkId,
    parentId: networkId,
    operation: 'update',
    revision: null,
    projectId: null,
  })
}

/** Networks that have a subnet with DHCP, and fewer agents than they should have, that host not among them. */
export async function underservedNetworks(tx: ReadTx, ml2: Ml2, host: string): Promise<string[]> {
  const { dhcp_agents_per_network: enough } = ml2.settings.DEFAULT
  const rows = await tx.db
    .selectFrom('subnets')
    .leftJoin('network_dhcp_agents as d', 'd.network_id', 'subnets.network_id')
    .leftJoin('agents', 'agents.id', 'd.agent_id')
    .select('subnets.network_id')
    .where('subnets.enable_dhcp', '=', 1)
    .groupBy('subnets.network_id')
    .having((eb) => eb(eb.fn.count('d.agent_id').distinct(), '<', enough))
    .having((eb) => eb(eb.fn.sum(eb.case().when('agents.host', '=', host).then(1).else(0).end()), '=', 0))
    .orderBy('subnets.network_id')
    .execute()
  return rows.map((row) => row.network_id)
}

/** Hosts whose agents serve DHCP on each of the networks. */
export async function dhcpHostsOf(
  tx: ReadTx,
  networkIds: readonly string[],
): Promise<Map<string, Set<string>>> {
  const hosts = new Map<string, Set<string>>()
  for (const row of await hostsOfNetworks.all(tx, { ids: networkIds })) {
    hosts.set(row.network_id, (hosts.get(row.network_id) ?? new Set()).add(row.host))
  }
  return hosts
}

const hostsOfNetworks = prepared('dhcp-hosts-of-networks', (db, p: { ids: readonly string[] }, engine) =>
  db
    .selectFrom('network_dhcp_agents as d')
    .innerJoin('agents', 'agents.id', 'd.agent_id')
    .select(['d.network_id', 'agents.host'])
    .where(isOneOf(engine, 'd.network_id', p.ids)),
)

const networksOfAgent = prepared('dhcp-networks-of-agent', (db, p: { agent_id: string }) =>
  db
    .selectFrom('network_dhcp_agents')
    .select('network_id')
    .where('agent_id', '=', p.agent_id)
    .orderBy('network_id'),
)

/** The networks that an agent serves. */
export async function dhcpNetworksOf(tx: ReadTx, agentId: string): Promise<string[]> {
  return (await networksOfAgent.all(tx, { agent_id: agentId })).map((row) => row.network_id)
}
