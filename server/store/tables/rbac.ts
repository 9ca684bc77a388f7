/** The table of RBAC entries: who may use objects that are not his. */

export interface RbacPolicyTable {
  id: string
  /** Whoever made the entry, which need not be the object's owner. */
  project_id: string
  /** Name of the resource, singular: `network`. */
  object_type: string
  object_id: string
  /** `access_as_shared`, for networks also `access_as_external`. */
  action: string
  /** `*` or a project's id. */
  target_project: string
}

export interface RbacTables {
  rbac_policies: RbacPolicyTable
}
