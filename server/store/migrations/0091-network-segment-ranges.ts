/** Network segment ranges: which identifiers of segments are for all, and which for one project. */
import { type Kysely, sql } from 'kysely'

const statements = [
  `create table network_segment_ranges (
    id text primary key,
    project_id text,
    name text not null,
    description text not null,
    revision_number integer not null,
    created_at text not null,
    updated_at text not null,
    "default" integer not null,
    shared integer not null,
    network_type text not null,
    physical_network text,
    minimum bigint not null,
    maximum bigint not null
  )`,
  'create index network_segment_ranges_project on network_segment_ranges (project_id, network_type)',
  'create index network_segment_ranges_type on network_segment_ranges (network_type, minimum)',
]

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db)
}
