/** Who asks, as identity found out: what policy, ownership and the log need of a request. */
export interface Context {
  requestId: string
  userId: string | null
  userName: string | null
  projectId: string | null
  projectName: string | null
  /** Roles of the token, implied ones included. */
  roles: readonly string[]
  /** `context_is_admin` of the policy holds. */
  isAdmin: boolean
  /** Scope of the token. */
  scope: 'project' | 'domain' | 'system' | 'none'
}

/** The server acting for itself: schedulers, consumers, agents' reports. */
export function internalContext(requestId: string): Context {
  return {
    requestId,
    userId: null,
    userName: null,
    projectId: null,
    projectName: null,
    roles: ['admin', 'member', 'reader'],
    isAdmin: true,
    scope: 'project',
  }
}
