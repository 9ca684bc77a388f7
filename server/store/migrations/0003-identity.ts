/** Domains, projects, users, roles, assignments, tokens and the catalogue of the embedded identity service. */
import { type Kysely, sql } from 'kysely'

const statements = [
  `create table identity_domains (
    id text primary key,
    name text not null unique,
    description text not null,
    enabled integer not null
  )`,
  `create table identity_projects (
    id text primary key,
    domain_id text not null references identity_domains (id),
    name text not null,
    description text not null,
    enabled integer not null,
    unique (domain_id, name)
  )`,
  `create table identity_users (
    id text primary key,
    domain_id text not null references identity_domains (id),
    name text not null,
    description text not null,
    email text,
    enabled integer not null,
    default_project_id text,
    password_hash text,
    unique (domain_id, name)
  )`,
  `create table identity_roles (
    id text primary key,
    name text not null unique,
    description text not null
  )`,
  `create table identity_role_implications (
    prior_role_id text not null references identity_roles (id) on delete cascade,
    implied_role_id text not null references identity_roles (id) on delete cascade,
    primary key (prior_role_id, implied_role_id)
  )`,
  `create table identity_assignments (
    user_id text not null references identity_users (id) on delete cascade,
    role_id text not null references identity_roles (id) on delete cascade,
    target text not null,
    target_id text not null,
    primary key (user_id, target, target_id, role_id)
  )`,
  'create index identity_assignments_target on identity_assignments (target_id, target)',
  `create table identity_application_credentials (
    id text primary key,
    user_id text not null references identity_users (id) on delete cascade,
    project_id text not null references identity_projects (id) on delete cascade,
    name text not null,
    description text not null,
    secret_hash text not null,
    roles text not null,
    expires_at text,
    unrestricted integer not null,
    unique (user_id, name)
  )`,
  `create table identity_tokens (
    hash text primary key,
    user_id text not null references identity_users (id) on delete cascade,
    scope text not null,
    scope_id text not null,
    methods text not null,
    audit_ids text not null,
    issued_at text not null,
    expires_at text not null,
    application_credential_id text references identity_application_credentials (id) on delete cascade
  )`,
  'create index identity_tokens_user on identity_tokens (user_id)',
  'create index identity_tokens_expiry on identity_tokens (expires_at)',
  `create table identity_regions (
    id text primary key,
    description text not null,
    parent_region_id text
  )`,
  `create table identity_services (
    id text primary key,
    type text not null,
    name text not null,
    description text not null,
    enabled integer not null
  )`,
  `create table identity_endpoints (
    id text primary key,
    service_id text not null references identity_services (id) on delete cascade,
    region_id text not null references identity_regions (id),
    interface text not null,
    url text not null,
    enabled integer not null
  )`,
]

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db)
}
