/** Tables of trunks and their sub-ports. */

export interface TrunkTable {
  id: string
  project_id: string
  name: string
  description: string
  revision_number: number
  created_at: string
  updated_at: string
  admin_state_up: number
  /** The parent: a port has one trunk at most. */
  port_id: string
  status: string
}

export interface SubportTable {
  /** A port is in one trunk at most. */
  port_id: string
  trunk_id: string
  segmentation_type: string
  segmentation_id: number
}

export interface TrunkTables {
  trunks: TrunkTable
  subports: SubportTable
}
