/** Tables of security groups, their rules and ports, and of address groups. */

export interface SecurityGroupTable {
  id: string
  project_id: string
  name: string
  description: string
  revision_number: number
  created_at: string
  updated_at: string
  stateful: number
  /** 1 for the one group of its project that ports get by themselves. */
  is_default: number
}

/** What a rule lets through. */
interface Matches {
  direction: string
  ethertype: string
  protocol: string | null
  port_range_min: number | null
  port_range_max: number | null
  /** As it was written, host bits included. */
  remote_ip_prefix: string | null
  remote_group_id: string | null
  remote_address_group_id: string | null
}

export interface SecurityGroupRuleTable extends Matches {
  id: string
  project_id: string
  security_group_id: string
  description: string
  revision_number: number
  created_at: string
  updated_at: string
  /** remote_ip_prefix without host bits. */
  normalized_cidr: string | null
  /** What the rule lets through as one text: a group has no two rules that are the same. */
  match_key: string
}

export interface PortSecurityGroupTable {
  port_id: string
  security_group_id: string
}

export interface DefaultSecurityGroupRuleTable extends Matches {
  id: string
  description: string
  used_in_default_sg: number
  used_in_non_default_sg: number
}

export interface AddressGroupTable {
  id: string
  project_id: string
  name: string
  description: string
}

export interface AddressGroupAddressTable {
  address_group_id: string
  /** A canonical prefix. */
  address: string
}

export interface DefaultStatefulnessTable {
  id: string
  /** Null: of all projects without a row of their own. */
  project_id: string | null
  stateful: number
}

export interface SecurityGroupTables {
  security_groups: SecurityGroupTable
  security_group_rules: SecurityGroupRuleTable
  port_security_groups: PortSecurityGroupTable
  security_groups_default_statefulness: DefaultStatefulnessTable
  default_security_group_rules: DefaultSecurityGroupRuleTable
  address_groups: AddressGroupTable
  address_group_addresses: AddressGroupAddressTable
}
