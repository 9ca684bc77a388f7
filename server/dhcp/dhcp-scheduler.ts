/** Which DHCP agents serve which networks. Decided in the transaction that makes the need, never by an agent. */
import { type SqlBool, sql } from 'kysely'
import { aliveSince, dhcpAgentType } from '../agent/agent.store.ts'
import { isRouted } from '../ipam/fixed-ips.ts'
import type { Ml2 } from '../ml2/ml2.ts'
import { type PortNetwork, portNetwork } from '../port/port.store.ts'
import { liftDhcpBlocks } from '../port/provisioning.ts'
import { isConnected, segmentsOfHosts } from '../segment/host-segments.ts'
import { isOneOf } from '../store/lists.ts'
import { prepared } from '../store/prepared.ts'
import type { ReadTx, Tx } from '../store/store.ts'
import { syncDhcpPorts } from './dhcp-port.ts'

const agentsOfNetwork = prepared('dhcp-agents-of-network', (db, p: { network_id: string }) =>
  db
    .selectFrom('network_dhcp_agents as d')
    .innerJoin('agents', 'agents.id', 'd.agent_id')
    .select(['agents.id', 'agents.host', 'agents.admin_state_up'])
    .where('d.network_id', '=', p.network_id)
    .orderBy('agents.host'),
)

/** The agents that a network is given to; one that is switched off serves nobody meanwhile. */
export function dhcpAgentsOf(tx: ReadTx, networkId: string): Promise<ServingAgent[]> {
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
      'agents.admin_state_up',
      'agents.availability_zone',
      eb.fn.count<number>('d.network_id').as('networks'),
    ])
    .where('agents.agent_type', '=', dhcpAgentType)
    .where('agents.admin_state_up', '=', 1)
    .where('agents.heartbeat_timestamp', '>', p.since)
    .groupBy(['agents.id', 'agents.host', 'agents.admin_state_up', 'agents.availability_zone'])
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
 * if it has a subnet with DHCP and fewer agents, and brings its DHCP ports in line. On a routed network that many serve
 * each segment.
 */
export async function ensureDhcp(tx: Tx, ml2: Ml2, networkId: string): Promise<void> {
  const network = await portNetwork(tx, networkId)
  const agents = await dhcpAgentsOf(tx, networkId)
  const needed = network.subnets.some((subnet) => subnet.enable_dhcp === 1)
  if (needed) agents.push(...(await addAgents(tx, ml2, network, agents)))
  await syncAgents(tx, ml2, network, agents)
}

/** Call when who serves a network has changed. */
export async function servingChanged(tx: Tx, ml2: Ml2, networkId: string): Promise<void> {
  noteServing(tx, networkId)
  await syncAgents(tx, ml2, await portNetwork(tx, networkId), await dhcpAgentsOf(tx, networkId))
}

/** An agent that is switched off serves nobody, and its ports wait until it is on again. */
async function syncAgents(
  tx: Tx,
  ml2: Ml2,
  network: PortNetwork,
  agents: readonly ServingAgent[],
): Promise<void> {
  const hosts = agents.filter((agent) => agent.admin_state_up === 1).map((agent) => agent.host)
  await syncDhcpPorts(tx, ml2, network, hosts)
  await liftUnserved(tx, network, hosts.length)
}

/** Nobody reports of ports that no agent serves. */
async function liftUnserved(tx: Tx, network: PortNetwork, agents: number): Promise<void> {
  const served = network.subnets.some((subnet) => subnet.enable_dhcp === 1)
  if (!served || agents === 0) await liftDhcpBlocks(tx, network.id)
  else if (isRouted(network.subnets)) await liftDhcpBlocks(tx, network.id, 'unserved')
}

async function addAgents(
  tx: Tx,
  { settings: { DEFAULT: options } }: Ml2,
  network: PortNetwork,
  serving: readonly ServingAgent[],
): Promise<ServingAgent[]> {
  const enough = options.dhcp_agents_per_network
  const routed = isRouted(network.subnets)
  if (!routed && serving.length >= enough) return []
  const known = new Set(serving.map((agent) => agent.id))
  const zones = await zonesFor(tx, network.id, options.default_availability_zones)
  const candidates = (await leastLoaded.all(tx, { since: aliveSince(options.agent_down_time) })).filter(
    (agent) => !known.has(agent.id) && zones(agent.availability_zone),
  )
  const chosen = routed
    ? await chooseForSegments(tx, network, serving, candidates, enough)
    : candidates.slice(0, enough - serving.length)
  for (const agent of chosen) await insertServing.run(tx, { network_id: network.id, agent_id: agent.id })
  if (chosen.length > 0) noteServing(tx, network.id)
  return chosen
}

interface ServingAgent {
  id: string
  host: string
  admin_state_up: number
}

async function chooseForSegments(
  tx: ReadTx,
  network: PortNetwork,
  serving: readonly ServingAgent[],
  candidates: readonly ServingAgent[],
  enough: number,
): Promise<ServingAgent[]> {
  const hosts = [...serving, ...candidates].map((agent) => agent.host)
  const reach = await segmentsOfHosts(tx, network.id, hosts)
  const served = network.subnets.filter((subnet) => subnet.enable_dhcp === 1)
  const chosen: ServingAgent[] = []
  for (const segment of new Set(served.flatMap((subnet) => subnet.segment_id ?? []))) {
    const there = (agent: ServingAgent): boolean => reach.get(agent.host)?.has(segment) ?? false
    const missing = enough - [...serving, ...chosen].filter(there).length
    const more = candidates.filter((agent) => there(agent) && !chosen.includes(agent))
    chosen.push(...more.slice(0, Math.max(0, missing)))
  }
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
  await servingChanged(tx, ml2, networkId)
}

/** Takes a network from an agent; its DHCP port waits for the next one. */
export async function removeDhcpAgent(tx: Tx, ml2: Ml2, networkId: string, agentId: string): Promise<void> {
  await deleteServing.run(tx, { network_id: networkId, agent_id: agentId })
  await servingChanged(tx, ml2, networkId)
}

/** Gives a network of one agent to another, if there is any. */
export async function replaceDhcpAgent(tx: Tx, ml2: Ml2, networkId: string, agentId: string): Promise<void> {
  await deleteServing.run(tx, { network_id: networkId, agent_id: agentId })
  noteServing(tx, networkId)
  await ensureDhcp(tx, ml2, networkId)
}

/** Who serves a network is no attribute of it; documents of the network and of its ports depend on it. */
function noteServing(tx: Tx, networkId: string): void {
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
    .where('subnets.segment_id', 'is', null)
    .groupBy('subnets.network_id')
    .having((eb) => eb(eb.fn.count('d.agent_id').distinct(), '<', enough))
    .having((eb) => eb(eb.fn.sum(eb.case().when('agents.host', '=', host).then(1).else(0).end()), '=', 0))
    .orderBy('subnets.network_id')
    .execute()
  return [...rows.map((row) => row.network_id), ...(await underservedSegments(tx, enough, host))]
}

/** Networks with a segment that the host is connected to and does not serve, and that too few agents serve. */
async function underservedSegments(tx: ReadTx, enough: number, host: string): Promise<string[]> {
  const rows = await tx.db
    .selectFrom('agent_physical_networks as m')
    .innerJoin('agents as here', 'here.id', 'm.agent_id')
    .innerJoin('network_segments as g', 'g.physical_network', 'm.physical_network')
    .innerJoin('subnets as s', 's.segment_id', 'g.id')
    .select('s.network_id')
    .distinct()
    .where('here.host', '=', host)
    .where('s.enable_dhcp', '=', 1)
    .where(
      sql<SqlBool>`not exists (select 1 from network_dhcp_agents d join agents a on a.id = d.agent_id
        where d.network_id = s.network_id and a.host = ${host})`,
    )
    .where(
      sql<SqlBool>`(select count(*) from network_dhcp_agents d join agents a on a.id = d.agent_id
        where d.network_id = s.network_id and ${isConnected(sql.ref('a.host'), sql.ref('g.id'))}) < ${enough}`,
    )
    .orderBy('s.network_id')
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
    .where('agents.admin_state_up', '=', 1)
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
