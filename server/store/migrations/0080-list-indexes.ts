/**
 * Indexes for every attribute that lists can be filtered by. Columns with a value that nearly all rows have (`usual` of
 * their readers) leave these rows out.
 */
import { type Kysely, sql } from 'kysely'

const statements = [
  'create index ports_status on ports (status)',
  'create index ports_revision on ports (revision_number)',
  'create index ports_updated on ports (updated_at)',
  `create index ports_description on ports (description) where description <> ''`,
  `create index ports_ip_allocation on ports (ip_allocation) where ip_allocation <> 'immediate'`,
  'create index ports_disabled on ports (admin_state_up) where admin_state_up <> 1',

  'create index networks_mtu on networks (mtu)',
  'create index networks_revision on networks (revision_number)',
  'create index networks_updated on networks (updated_at)',
  `create index networks_status on networks (status) where status <> 'ACTIVE'`,
  `create index networks_description on networks (description) where description <> ''`,
  'create index networks_disabled on networks (admin_state_up) where admin_state_up <> 1',
  'create index network_segments_type on network_segments (network_type)',
  'create index network_segments_physical on network_segments (physical_network) where physical_network is not null',
  'create index network_segments_number on network_segments (segmentation_id)',

  'create index subnets_ip_version on subnets (ip_version)',
  'create index subnets_gateway on subnets (gateway_ip)',
  'create index subnets_ra_mode on subnets (ipv6_ra_mode) where ipv6_ra_mode is not null',
  'create index subnets_address_mode on subnets (ipv6_address_mode) where ipv6_address_mode is not null',
  'create index subnets_revision on subnets (revision_number)',
  'create index subnets_updated on subnets (updated_at)',
  `create index subnets_description on subnets (description) where description <> ''`,
  'create index subnets_without_dhcp on subnets (enable_dhcp) where enable_dhcp <> 1',

  'create index security_groups_description on security_groups (description)',
  'create index security_groups_revision on security_groups (revision_number)',
  'create index security_groups_updated on security_groups (updated_at)',

  'drop index tags_tag',
  'create index tags_tag on tags (tag, object, object_id)',
  'drop index rbac_policies_target',
  'create index rbac_policies_target on rbac_policies (target_project, action, object_id)',
]

/**
 * How many rows of a million have the same value, where these are many: SQLite takes ten for granted, and would take
 * such an index where another one leads to fewer rows. PostgreSQL counts by itself.
 */
const repeated = {
  ports: ['ports_status', 'ports_owner', 'ports_revision'],
  networks: ['networks_mtu', 'networks_revision'],
  network_segments: ['network_segments_type'],
  subnets: ['subnets_ip_version', 'subnets_gateway', 'subnets_revision'],
  security_groups: ['security_groups_description', 'security_groups_revision'],
}

export async function up(db: Kysely<unknown>, engine: 'sqlite' | 'postgres'): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db)
  if (engine === 'postgres') return
  for (const [table, indexes] of Object.entries(repeated)) {
    // This makes the table of statistics, which nothing else may.
    await sql.raw(`analyze ${table}`).execute(db)
    await sql`delete from sqlite_stat1 where tbl = ${table}`.execute(db)
    for (const index of indexes) {
      await sql`insert into sqlite_stat1 (tbl, idx, stat) values (${table}, ${index}, ${'1000000 10000'})`.execute(
        db,
      )
    }
  }
  await sql.raw('analyze sqlite_schema').execute(db)
}
