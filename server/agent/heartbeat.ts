/**
 * What a heartbeat does: keeps the host's agents alive. One that says nothing new writes one row an agent and notes
 * no change. An agent that appears, returns or changes makes the server look at what had no agent so far: ports
 * whose binding failed, and networks that nobody serves by DHCP.
 */
import { randomUUID } from 'node:crypto'
import type { AgentState, Heartbeat } from '../../bus/feed.ts'
import { attemptEach } from '../chores.ts'
import { ensureDhcp, underservedNetworks } from '../dhcp/dhcp-scheduler.ts'
import type { Ml2 } from '../ml2/ml2.ts'
import { updatePort } from '../port/port.store.ts'
import { storePhysicalNetworks } from '../segment/host-segments.ts'
import { isOneOf } from '../store/lists.ts'
import { prepared } from '../store/prepared.ts'
import type { Store, Tx } from '../store/store.ts'
import type { AgentTable } from '../store/tables/networking.ts'
import { aliveSince, dhcpAgentType, isoSeconds, noteAgent } from './agent.store.ts'

const topics: Readonly<Record<string, string>> = {
  'DHCP agent': 'dhcp_agent',
  'L3 agent': 'l3_agent',
  'Metering agent': 'metering_agent',
}

const rowsOfHost = prepared('heartbeat-rows', (db, p: { host: string }) =>
  db.selectFrom('agents').selectAll().where('host', '=', p.host),
)

const beatOn = prepared(
  'heartbeat-beat',
  (db, p: { host: string; types: readonly string[]; now: string }, engine) =>
    db
      .updateTable('agents')
      .set({ heartbeat_timestamp: p.now })
      .where('host', '=', p.host)
      .where(isOneOf(engine, 'agent_type', p.types)),
)

/**
 * What waits for an agent is looked for twice, a heartbeat apart: a write that began before the agent was there may
 * be committed after the first look.
 */
const looks = 2

export type HeartbeatRecorder = (store: Store, host: string, beat: Heartbeat) => Promise<void>

/**
 * Answers what takes in a host's heartbeat, and starts what waited for its agents. A look that was cut short or met a
 * failure is taken again with the next heartbeat, by whichever server gets it; one that takes longer than a host waits
 * for its answer goes on alone.
 */
export function heartbeatRecorder(ml2: Ml2): HeartbeatRecorder {
  const looking = new Set<string>()
  return async (store, host, beat) => {
    const isDue = await store.write({ requestId: requestIdOf(host) }, (tx) => storeBeat(tx, ml2, host, beat))
    if (!isDue || looking.has(host)) return
    looking.add(host)
    try {
      await look(store, ml2, host, beat)
    } finally {
      looking.delete(host)
    }
  }
}

const requestIdOf = (host: string): string => `heartbeat-${host}`

async function look(store: Store, ml2: Ml2, host: string, beat: Heartbeat): Promise<void> {
  const requestId = requestIdOf(host)
  const rebound = await rebindFailed(store, ml2, host, requestId)
  // What an L2 agent tells may connect the host to segments that its DHCP agent is to serve.
  const serves = beat.agents.some((agent) => agent.agent_type === dhcpAgentType)
  const served =
    !(serves && ml2.settings.DEFAULT.network_auto_schedule) ||
    (await serveUnderserved(store, ml2, host, requestId))
  if (rebound && served) await store.write({ requestId }, (tx) => lookedOnce.run(tx, { host }))
}

const lookedOnce = prepared('heartbeat-looked', (db, p: { host: string }) =>
  db
    .updateTable('agents')
    .set((eb) => ({ looks: eb('looks', '-', 1) }))
    .where('host', '=', p.host)
    .where('looks', '>', 0),
)

/** True while what waited for an agent of the host has to be looked for: it has appeared, returned or changed. */
async function storeBeat(tx: Tx, ml2: Ml2, host: string, beat: Heartbeat): Promise<boolean> {
  const { agent_down_time: downTime, enable_new_agents: enabled } = ml2.settings.DEFAULT
  const known = new Map((await rowsOfHost.all(tx, { host })).map((row) => [row.agent_type, row]))
  const since = aliveSince(downTime)
  const startedAt = isoSeconds(Date.parse(beat.started_at))
  let isDue = [...known.values()].some((row) => row.looks > 0)
  const steady: string[] = []
  for (const state of beat.agents) {
    const row = known.get(state.agent_type)
    const told = {
      binary: state.binary,
      availability_zone: state.availability_zone,
      configurations: JSON.stringify(state.configurations),
      started_at: startedAt,
      heartbeat_timestamp: tx.now,
    }
    if (!row) {
      await insertAgent(tx, host, state, told, enabled)
      isDue = true
      continue
    }
    const moved = row.binary !== told.binary || row.availability_zone !== told.availability_zone
    const reconfigured = row.configurations !== told.configurations
    const differs = moved || reconfigured
    const isNews =
      moved ||
      row.heartbeat_timestamp <= since ||
      (reconfigured && abilities(row.configurations) !== abilities(told.configurations))
    isDue ||= isNews
    if (differs || isNews || row.started_at !== startedAt) {
      const now = { ...told, looks: isNews ? looks : row.looks }
      await tx.db.updateTable('agents').set(now).where('id', '=', row.id).execute()
    } else steady.push(state.agent_type)
    if (!differs) continue
    noteAgent(tx, 'update', row)
    const before = JSON.parse(row.configurations) as Record<string, unknown>
    await storePhysicalNetworks(tx, row.id, state.configurations, before)
  }
  if (steady.length > 0) await beatOn.run(tx, { host, types: steady, now: tx.now })
  return isDue
}

/** What agents count changes all the time, and nothing waits for it. */
const counted: readonly string[] = ['devices', 'networks', 'subnets', 'ports', 'routers']

/** What an agent says of itself, without what it counts. */
function abilities(configurations: string): string {
  const all = JSON.parse(configurations) as Record<string, unknown>
  return JSON.stringify(Object.entries(all).filter(([name]) => !counted.includes(name)))
}

async function insertAgent(
  tx: Tx,
  host: string,
  state: AgentState,
  told: Pick<
    AgentTable,
    'binary' | 'availability_zone' | 'configurations' | 'started_at' | 'heartbeat_timestamp'
  >,
  enabled: boolean,
): Promise<void> {
  const id = randomUUID()
  const inserted = await tx.db
    .insertInto('agents')
    .values({
      ...told,
      looks,
      id,
      host,
      agent_type: state.agent_type,
      topic: topics[state.agent_type] ?? 'N/A',
      admin_state_up: Number(enabled),
      description: null,
      created_at: tx.now,
    })
    .onConflict((conflict) => conflict.doNothing())
    .returning('id')
    .execute()
  if (inserted.length === 0) return
  noteAgent(tx, 'create', { id, host })
  await storePhysicalNetworks(tx, id, state.configurations)
}

/** Tries the ports of the host again that no agent could bind. True when none met a failure. */
async function rebindFailed(store: Store, ml2: Ml2, host: string, requestId: string): Promise<boolean> {
  const failed = await store.read((tx) =>
    tx.db
      .selectFrom('port_bindings')
      .select('port_id')
      .where('host', '=', host)
      .where('vif_type', '=', 'binding_failed')
      .where('status', '=', 'ACTIVE')
      .execute(),
  )
  return attemptEach(failed, ml2.log, ({ port_id }) =>
    store.write({ requestId }, (tx) => updatePort(tx, ml2, port_id, {})),
  )
}

/** Gives the host the networks that too few agents serve. True when none met a failure. */
async function serveUnderserved(store: Store, ml2: Ml2, host: string, requestId: string): Promise<boolean> {
  const networks = await store.read((tx) => underservedNetworks(tx, ml2, host))
  return attemptEach(networks, ml2.log, (networkId) => {
    const options = { requestId, serialize: [`network:${networkId}`] }
    return store.write(options, (tx) => ensureDhcp(tx, ml2, networkId))
  })
}
