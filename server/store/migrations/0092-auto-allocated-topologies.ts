/** The default external network, and the network that a project was given when it asked for one. */
import { type Kysely, sql } from 'kysely'

const statements = [
  'alter table networks add column is_default integer not null default 0',
  'create unique index networks_default on networks (is_default) where is_default <> 0',

  `create table auto_allocated_topologies (
    project_id text primary key,
    network_id text not null references networks (id) on delete cascade
  )`,
  'create index auto_allocated_topologies_network on auto_allocated_topologies (network_id)',
]

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db)
}
