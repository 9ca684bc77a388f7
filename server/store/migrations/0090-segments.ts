/**
 * Segments as objects of their own: name, description, revision; subnets of one segment; and which physical networks
 * hosts are connected to, as their agents tell.
 */
import { type Kysely, sql } from 'kysely'

const statements = [
  'alter table network_segments add column name text',
  "alter table network_segments add column description text not null default ''",
  'alter table network_segments add column revision_number integer not null default 1',
  "alter table network_segments add column created_at text not null default ''",
  "alter table network_segments add column updated_at text not null default ''",
  `update network_segments set
    created_at = (select n.created_at from networks n where n.id = network_segments.network_id),
    updated_at = (select n.created_at from networks n where n.id = network_segments.network_id)`,
  'alter table subnets add column segment_id text references network_segments (id)',
  'create index subnets_segment on subnets (segment_id) where segment_id is not null',
  `create table agent_physical_networks (
    agent_id text not null references agents (id) on delete cascade,
    physical_network text not null,
    primary key (agent_id, physical_network)
  )`,
  'create index agent_physical_networks_name on agent_physical_networks (physical_network)',
]

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db)
  const agents = await sql<{
    id: string
    configurations: string
  }>`select id, configurations from agents`.execute(db)
  for (const { id, configurations } of agents.rows) {
    const { bridge_mappings: bridges } = JSON.parse(configurations) as { bridge_mappings?: object }
    for (const name of Object.keys(bridges ?? {})) {
      await sql`insert into agent_physical_networks (agent_id, physical_network) values (${id}, ${name})`.execute(
        db,
      )
    }
  }
}
