/** Address scopes, subnet pools, and the pool that a subnet was cut from. */
import { type Kysely, sql } from 'kysely'

const statements = [
  `create table address_scopes (
    id text primary key,
    project_id text not null,
    name text not null,
    ip_version integer not null
  )`,
  'create index address_scopes_project on address_scopes (project_id)',

  `create table subnetpools (
    id text primary key,
    project_id text not null,
    name text not null,
    description text not null,
    revision_number integer not null,
    created_at text not null,
    updated_at text not null,
    ip_version integer not null,
    default_prefixlen integer not null,
    min_prefixlen integer not null,
    max_prefixlen integer not null,
    default_quota bigint,
    is_default integer not null,
    address_scope_id text references address_scopes (id)
  )`,
  'create index subnetpools_project on subnetpools (project_id)',
  'create index subnetpools_scope on subnetpools (address_scope_id)',
  'create unique index subnetpools_default on subnetpools (ip_version) where is_default = 1',

  `create table subnetpool_prefixes (
    subnetpool_id text not null references subnetpools (id) on delete cascade,
    cidr text not null,
    first text not null,
    last text not null,
    primary key (subnetpool_id, first)
  )`,
  `create table subnetpool_blocks (
    subnetpool_id text not null references subnetpools (id) on delete cascade,
    first text not null,
    bits integer not null,
    primary key (subnetpool_id, first)
  )`,
  'create index subnetpool_blocks_fit on subnetpool_blocks (subnetpool_id, bits, first)',

  'alter table subnets add column subnetpool_id text references subnetpools (id)',
  'create index subnets_subnetpool on subnets (subnetpool_id, project_id)',
]

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db)
}
