/** Reads agents: one row each; whether one is alive is worked out of its last heartbeat. */
import { sql } from 'kysely'
import { flag, plainColumns } from '../columns.ts'
import type { Reader } from '../resource.ts'
import type { NetworkingSettings } from '../settings.ts'
import { aliveSince } from './agent.store.ts'

const ownColumns = [
  'id',
  'agent_type',
  'host',
  'binary',
  'topic',
  'availability_zone',
  'admin_state_up',
  'description',
  'configurations',
  'created_at',
  'started_at',
  'heartbeat_timestamp',
] as const

/**
 * `alive`: the last heartbeat is younger than [DEFAULT] agent_down_time, by the server's clock at the time of reading.
 */
export function agentReader({ DEFAULT: options }: NetworkingSettings): Reader {
  return {
    table: 'agents',
    columns: {
      ...plainColumns('agents', ownColumns),
      alive: () =>
        sql<number>`case when agents.heartbeat_timestamp > ${aliveSince(options.agent_down_time)} then 1 else 0 end`,
    },
    views: async (_scope, rows) =>
      rows.map((row) => ({
        ...row,
        id: String(row.id),
        admin_state_up: flag(row.admin_state_up),
        alive: flag(row.alive),
        configurations: JSON.parse(String(row.configurations ?? '{}')) as unknown,
        created_at: agentTime(row.created_at),
        started_at: agentTime(row.started_at),
        heartbeat_timestamp: agentTime(row.heartbeat_timestamp),
        resources_synced: null,
      })),
  }
}

/** Agents' times have no T and no Z in this API: `2026-01-31 12:00:00`. */
function agentTime(stored: unknown): unknown {
  return typeof stored === 'string' ? stored.replace('T', ' ').replace('Z', '') : stored
}
