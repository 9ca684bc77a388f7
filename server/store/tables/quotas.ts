/** The table of quotas that projects were given in the place of the defaults. */

export interface QuotaTable {
  project_id: string
  /** Name of the resource, singular: `network`. */
  resource: string
  /** -1: no limit. */
  quota_limit: number
}

export interface QuotaTables {
  quotas: QuotaTable
}
