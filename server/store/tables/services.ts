/** Tables of flavors, logging resources and local IPs. */

interface Standard {
  id: string
  project_id: string
  name: string
  description: string
  revision_number: number
  created_at: string
  updated_at: string
}

export interface FlavorTable {
  id: string
  name: string
  description: string | null
  enabled: number
  service_type: string
}

export interface ServiceProfileTable {
  id: string
  description: string | null
  driver: string
  metainfo: string
  enabled: number
}

export interface FlavorServiceProfileTable {
  flavor_id: string
  service_profile_id: string
}

export interface LogTable extends Standard {
  resource_type: string
  resource_id: string | null
  target_id: string | null
  event: string
  enabled: number
}

export interface LocalIpTable extends Standard {
  local_port_id: string
  network_id: string
  local_ip_address: string
  ip_mode: string
}

export interface LocalIpAssociationTable {
  local_ip_id: string
  fixed_port_id: string
  fixed_ip: string
}

export interface ServicesTables {
  flavors: FlavorTable
  service_profiles: ServiceProfileTable
  flavor_service_profiles: FlavorServiceProfileTable
  logs: LogTable
  local_ips: LocalIpTable
  local_ip_associations: LocalIpAssociationTable
}
