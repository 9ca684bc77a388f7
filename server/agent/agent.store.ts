/** Rows of agents: who lives where. An agent is alive while its last heartbeat is younger than agent_down_time. */
import type { HostAgent } from '../ml2/mechanism-drivers/mechanism-driver.ts'
import { prepared } from '../store/prepared.ts'
import type { Operation, ReadTx, Tx } from '../store/store.ts'

export const dhcpAgentType = 'DHCP agent'

/** A heartbeat after this time (ISO 8601) means: alive. `downTime` in seconds. */
export function aliveSince(downTime: number, now = Date.now()): string {
  return isoSeconds(now - downTime * 1000)
}

/** A time as the store keeps it. */
export function isoSeconds(time: number): string {
  return `${new Date(time).toISOString().slice(0, 19)}Z`
}

const byHost = prepared('agents-of-host', (db, p: { host: string }) =>
  db
    .selectFrom('agents')
    .select(['agent_type', 'heartbeat_timestamp', 'configurations'])
    .where('host', '=', p.host)
    .orderBy('agent_type'),
)

/** The agents of a host, as binding sees them. */
export async function agentsOfHost(tx: ReadTx, host: string, downTime: number): Promise<HostAgent[]> {
  const since = aliveSince(downTime)
  const rows = await byHost.all(tx, { host })
  return rows.map((row) => ({
    agent_type: row.agent_type,
    alive: row.heartbeat_timestamp > since,
    configurations: JSON.parse(row.configurations) as Record<string, unknown>,
  }))
}

/** Notes that an agent came, went or changed; the host stands for what it belongs to. */
export function noteAgent(tx: Tx, operation: Operation, agent: { id: string; host: string }): void {
  tx.change({
    object: 'agent',
    id: agent.id,
    parentId: agent.host,
    operation,
    revision: null,
    projectId: null,
  })
}
