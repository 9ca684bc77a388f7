/** Tables of subnet pools, their prefixes and free space, and of address scopes. */

export interface AddressScopeTable {
  id: string
  project_id: string
  name: string
  ip_version: number
}

export interface SubnetpoolTable {
  id: string
  project_id: string
  name: string
  description: string
  revision_number: number
  created_at: string
  updated_at: string
  ip_version: number
  default_prefixlen: number
  min_prefixlen: number
  max_prefixlen: number
  /** Addresses of IPv4, /64s of IPv6, that one project may have; null or 0: as many as there are. */
  default_quota: number | null
  is_default: number
  address_scope_id: string | null
}

/** The prefixes of a pool; those of one pool neither overlap nor could be joined. */
export interface SubnetpoolPrefixTable {
  subnetpool_id: string
  /** Canonical text. */
  cidr: string
  /** First and last address, sortable. */
  first: string
  last: string
}

/** What is free of a pool's prefixes, as aligned blocks (server/subnetpool/blocks.ts). */
export interface SubnetpoolBlockTable {
  subnetpool_id: string
  /** Sortable. */
  first: string
  /** The block has 2^bits addresses. */
  bits: number
}

export interface SubnetpoolTables {
  address_scopes: AddressScopeTable
  subnetpools: SubnetpoolTable
  subnetpool_prefixes: SubnetpoolPrefixTable
  subnetpool_blocks: SubnetpoolBlockTable
}
