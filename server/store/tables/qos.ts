/** Tables of QoS policies and their rules. */

export interface QosPolicyTable {
  id: string
  project_id: string
  name: string
  description: string
  revision_number: number
  created_at: string
  updated_at: string
  /** One of a project at most. */
  is_default: number
}

/** Rules of all kinds: columns that a kind does not have are null. */
export interface QosRuleTable {
  id: string
  policy_id: string
  /** bandwidth_limit … */
  type: string
  /** '' where the kind has none. A policy has one rule of a kind and direction. */
  direction: string
  max_kbps: number | null
  max_burst_kbps: number | null
  min_kbps: number | null
  max_kpps: number | null
  max_burst_kpps: number | null
  min_kpps: number | null
  dscp_mark: number | null
}

export interface QosTables {
  qos_policies: QosPolicyTable
  qos_rules: QosRuleTable
}
