/** Tables of metering labels and their rules. */

export interface MeteringLabelTable {
  id: string
  project_id: string
  name: string
  description: string
  shared: number
}

export interface MeteringLabelRuleTable {
  id: string
  project_id: string
  metering_label_id: string
  direction: string
  excluded: number
  remote_ip_prefix: string | null
  source_ip_prefix: string | null
  destination_ip_prefix: string | null
}

export interface MeteringTables {
  metering_labels: MeteringLabelTable
  metering_label_rules: MeteringLabelRuleTable
}
