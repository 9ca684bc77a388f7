/** Networks, subnets, ports, addresses, bindings and agents, from nothing. */
import { type Kysely, sql } from 'kysely'

const statements = [
  `create table networks (
    id text primary key,
    project_id text not null,
    name text not null,
    description text not null,
    revision_number integer not null,
    created_at text not null,
    updated_at text not null,
    admin_state_up integer not null,
    status text not null,
    mtu integer not null,
    port_security_enabled integer not null,
    dns_domain text not null,
    availability_zone_hints text not null
  )`,
  'create index networks_project on networks (project_id)',
  'create index networks_name on networks (name)',

  `create table network_segments (
    id text primary key,
    network_id text not null references networks (id) on delete cascade,
    segment_index integer not null,
    network_type text not null,
    physical_network text,
    segmentation_id bigint,
    claim text unique,
    unique (network_id, segment_index)
  )`,

  `create table network_rbac (
    id text primary key,
    project_id text not null,
    object_id text not null references networks (id) on delete cascade,
    action text not null,
    target_project text not null,
    unique (object_id, action, target_project)
  )`,
  'create index network_rbac_target on network_rbac (target_project, action)',

  `create table subnets (
    id text primary key,
    network_id text not null references networks (id),
    project_id text not null,
    name text not null,
    description text not null,
    revision_number integer not null,
    created_at text not null,
    updated_at text not null,
    ip_version integer not null,
    cidr text not null,
    first_ip text not null,
    last_ip text not null,
    gateway_ip text,
    enable_dhcp integer not null,
    ipv6_ra_mode text,
    ipv6_address_mode text,
    allocation_pools text not null,
    dns_nameservers text not null,
    host_routes text not null,
    service_types text not null
  )`,
  'create index subnets_network on subnets (network_id)',
  'create index subnets_project on subnets (project_id)',
  'create index subnets_name on subnets (name)',
  'create index subnets_cidr on subnets (cidr)',

  `create table ports (
    id text primary key,
    network_id text not null references networks (id),
    project_id text not null,
    name text not null,
    description text not null,
    revision_number integer not null,
    created_at text not null,
    updated_at text not null,
    mac_address text not null,
    admin_state_up integer not null,
    status text not null,
    device_id text not null,
    device_owner text not null,
    port_security_enabled integer not null,
    dns_name text not null,
    ip_allocation text not null,
    allowed_address_pairs text not null,
    extra_dhcp_opts text not null,
    generation integer not null,
    unique (network_id, mac_address)
  )`,
  'create index ports_project on ports (project_id)',
  'create index ports_device on ports (device_id)',
  'create index ports_owner on ports (device_owner)',
  'create index ports_name on ports (name)',
  'create index ports_mac on ports (mac_address)',

  `create table ip_allocations (
    port_id text not null references ports (id) on delete cascade,
    network_id text not null,
    subnet_id text not null references subnets (id),
    ip text not null,
    ip_address text not null,
    position integer not null,
    primary key (subnet_id, ip),
    unique (network_id, ip)
  )`,
  'create index ip_allocations_port on ip_allocations (port_id)',
  'create index ip_allocations_address on ip_allocations (ip_address)',

  `create table port_bindings (
    port_id text not null references ports (id) on delete cascade,
    network_id text not null,
    host text not null,
    status text not null,
    vif_type text not null,
    vnic_type text not null,
    profile text not null,
    vif_details text not null,
    segment_id text,
    primary key (port_id, host)
  )`,
  'create index port_bindings_host on port_bindings (host)',
  `create index port_bindings_network on port_bindings (network_id, host) where segment_id is not null`,

  `create table provisioning_blocks (
    port_id text not null references ports (id) on delete cascade,
    entity text not null,
    primary key (port_id, entity)
  )`,

  `create table free_ranges (
    pool text not null,
    first text not null,
    last text not null,
    primary key (pool, first)
  )`,

  `create table tags (
    object text not null,
    object_id text not null,
    tag text not null,
    primary key (object_id, tag, object)
  )`,
  'create index tags_tag on tags (tag)',

  `create table agents (
    id text primary key,
    agent_type text not null,
    host text not null,
    "binary" text not null,
    topic text not null,
    availability_zone text,
    admin_state_up integer not null,
    description text,
    configurations text not null,
    created_at text not null,
    started_at text not null,
    heartbeat_timestamp text not null,
    unique (host, agent_type)
  )`,
  'create index agents_type on agents (agent_type)',

  `create table network_dhcp_agents (
    network_id text not null references networks (id) on delete cascade,
    agent_id text not null references agents (id) on delete cascade,
    primary key (network_id, agent_id)
  )`,
  'create index network_dhcp_agents_agent on network_dhcp_agents (agent_id)',
]

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db)
}
