/** Security groups, their rules, whose ports they are, address groups, and the rules that new groups start with. */
import { type Kysely, sql } from 'kysely'

const statements = [
  `create table security_groups (
    id text primary key,
    project_id text not null,
    name text not null,
    description text not null,
    revision_number integer not null,
    created_at text not null,
    updated_at text not null,
    stateful integer not null,
    is_default integer not null
  )`,
  'create index security_groups_project on security_groups (project_id)',
  'create index security_groups_name on security_groups (name)',
  'create unique index security_groups_default on security_groups (project_id) where is_default = 1',

  `create table address_groups (
    id text primary key,
    project_id text not null,
    name text not null,
    description text not null
  )`,
  'create index address_groups_project on address_groups (project_id)',
  `create table address_group_addresses (
    address_group_id text not null references address_groups (id) on delete cascade,
    address text not null,
    primary key (address_group_id, address)
  )`,

  `create table security_group_rules (
    id text primary key,
    project_id text not null,
    security_group_id text not null references security_groups (id) on delete cascade,
    description text not null,
    revision_number integer not null,
    created_at text not null,
    updated_at text not null,
    direction text not null,
    ethertype text not null,
    protocol text,
    port_range_min integer,
    port_range_max integer,
    remote_ip_prefix text,
    normalized_cidr text,
    remote_group_id text references security_groups (id) on delete cascade,
    remote_address_group_id text references address_groups (id),
    match_key text not null,
    unique (security_group_id, match_key)
  )`,
  'create index security_group_rules_project on security_group_rules (project_id)',
  'create index security_group_rules_remote on security_group_rules (remote_group_id)',
  'create index security_group_rules_address_group on security_group_rules (remote_address_group_id)',

  `create table port_security_groups (
    port_id text not null references ports (id) on delete cascade,
    security_group_id text not null references security_groups (id),
    primary key (port_id, security_group_id)
  )`,
  'create index port_security_groups_group on port_security_groups (security_group_id)',

  `create table default_security_group_rules (
    id text primary key,
    description text not null,
    direction text not null,
    ethertype text not null,
    protocol text,
    port_range_min integer,
    port_range_max integer,
    remote_ip_prefix text,
    remote_group_id text,
    remote_address_group_id text,
    used_in_default_sg integer not null,
    used_in_non_default_sg integer not null
  )`,
  // Every group lets out all; members of the default group of a project hear each other.
  `insert into default_security_group_rules values
    ('e4a5f2c8-0f0b-4b52-8d8e-3c6d2b1f7a01', '', 'egress', 'IPv4', null, null, null, null, null, null, 1, 1),
    ('e4a5f2c8-0f0b-4b52-8d8e-3c6d2b1f7a02', '', 'egress', 'IPv6', null, null, null, null, null, null, 1, 1),
    ('e4a5f2c8-0f0b-4b52-8d8e-3c6d2b1f7a03', '', 'ingress', 'IPv4', null, null, null, null, 'PARENT', null, 1, 0),
    ('e4a5f2c8-0f0b-4b52-8d8e-3c6d2b1f7a04', '', 'ingress', 'IPv6', null, null, null, null, 'PARENT', null, 1, 0)`,
]

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db)
}
