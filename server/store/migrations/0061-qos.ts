/** QoS policies and their rules, and the policies of networks and ports. */
import { type Kysely, sql } from 'kysely'

const statements = [
  `create table qos_policies (
    id text primary key,
    project_id text not null,
    name text not null,
    description text not null,
    revision_number integer not null,
    created_at text not null,
    updated_at text not null,
    is_default integer not null
  )`,
  'create index qos_policies_project on qos_policies (project_id)',
  'create unique index qos_policies_default on qos_policies (project_id) where is_default = 1',
  `create table qos_rules (
    id text primary key,
    policy_id text not null references qos_policies (id) on delete cascade,
    type text not null,
    direction text not null default '',
    max_kbps integer,
    max_burst_kbps integer,
    min_kbps integer,
    max_kpps integer,
    max_burst_kpps integer,
    min_kpps integer,
    dscp_mark integer,
    unique (policy_id, type, direction)
  )`,
  'alter table networks add column qos_policy_id text references qos_policies (id)',
  'alter table ports add column qos_policy_id text references qos_policies (id)',
  'create index networks_qos_policy on networks (qos_policy_id) where qos_policy_id is not null',
  'create index ports_qos_policy on ports (qos_policy_id) where qos_policy_id is not null',
]

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db)
}
