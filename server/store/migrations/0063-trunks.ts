/** Trunks and their sub-ports. */
import { type Kysely, sql } from 'kysely'

const statements = [
  `create table trunks (
    id text primary key,
    project_id text not null,
    name text not null,
    description text not null,
    revision_number integer not null,
    created_at text not null,
    updated_at text not null,
    admin_state_up integer not null,
    port_id text not null unique references ports (id),
    status text not null
  )`,
  'create index trunks_project on trunks (project_id)',
  `create table subports (
    port_id text primary key references ports (id),
    trunk_id text not null references trunks (id) on delete cascade,
    segmentation_type text not null,
    segmentation_id integer not null,
    unique (trunk_id, segmentation_type, segmentation_id)
  )`,
]

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db)
}
