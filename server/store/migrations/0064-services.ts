/** Flavors and service profiles, logging resources, local IPs. */
import { type Kysely, sql } from 'kysely'

const standard = `
    id text primary key,
    project_id text not null,
    name text not null,
    description text not null,
    revision_number integer not null,
    created_at text not null,
    updated_at text not null`

const statements = [
  `create table flavors (
    id text primary key,
    name text not null,
    description text,
    enabled integer not null,
    service_type text not null
  )`,
  `create table service_profiles (
    id text primary key,
    description text,
    driver text not null,
    metainfo text not null,
    enabled integer not null
  )`,
  `create table flavor_service_profiles (
    flavor_id text not null references flavors (id) on delete cascade,
    service_profile_id text not null references service_profiles (id),
    primary key (flavor_id, service_profile_id)
  )`,
  'create index flavor_service_profiles_profile on flavor_service_profiles (service_profile_id)',
  `create table logs (${standard},
    resource_type text not null,
    resource_id text,
    target_id text,
    event text not null,
    enabled integer not null
  )`,
  'create index logs_project on logs (project_id)',
  `create table local_ips (${standard},
    local_port_id text not null references ports (id),
    network_id text not null,
    local_ip_address text not null,
    ip_mode text not null
  )`,
  'create index local_ips_project on local_ips (project_id)',
  'create index local_ips_port on local_ips (local_port_id)',
  `create table local_ip_associations (
    local_ip_id text not null references local_ips (id),
    fixed_port_id text not null references ports (id) on delete cascade,
    fixed_ip text not null,
    primary key (local_ip_id, fixed_port_id)
  )`,
  'create index local_ip_associations_port on local_ip_associations (fixed_port_id)',
]

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db)
}
