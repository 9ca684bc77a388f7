/** Tables of the embedded identity service. */

export interface IdentityDomainRow {
  id: string
  name: string
  description: string
  enabled: number
}

export interface IdentityProjectRow {
  id: string
  domain_id: string
  name: string
  description: string
  enabled: number
}

export interface IdentityUserRow {
  id: string
  domain_id: string
  name: string
  description: string
  email: string | null
  enabled: number
  default_project_id: string | null
  password_hash: string | null
}

export interface IdentityRoleRow {
  id: string
  name: string
  description: string
}

export interface IdentityTables {
  identity_domains: IdentityDomainRow
  identity_projects: IdentityProjectRow
  identity_users: IdentityUserRow
  identity_roles: IdentityRoleRow
  /** Who has the prior role has the implied one as well. */
  identity_role_implications: { prior_role_id: string; implied_role_id: string }
  /** A role of a user on a project, a domain, or the system (`target_id` is then `all`). */
  identity_assignments: {
    user_id: string
    role_id: string
    target: 'project' | 'domain' | 'system'
    target_id: string
  }
  /** Tokens by the SHA-256 of their text. A row that is gone is a token revoked. */
  identity_tokens: {
    hash: string
    user_id: string
    scope: 'project' | 'domain' | 'system' | 'none'
    /** Project or domain; `all` for the system, '' for none. */
    scope_id: string
    /** With commas between: `password`, `token`, `application_credential`. */
    methods: string
    /** With commas between: its own, then the one of the token that it came from first. */
    audit_ids: string
    issued_at: string
    expires_at: string
    application_credential_id: string | null
  }
  identity_application_credentials: {
    id: string
    user_id: string
    project_id: string
    name: string
    description: string
    secret_hash: string
    /** Ids of roles, a JSON array. */
    roles: string
    expires_at: string | null
    unrestricted: number
  }
  identity_regions: { id: string; description: string; parent_region_id: string | null }
  identity_services: { id: string; type: string; name: string; description: string; enabled: number }
  identity_endpoints: {
    id: string
    service_id: string
    region_id: string
    interface: 'public' | 'internal' | 'admin'
    url: string
    enabled: number
  }
}
