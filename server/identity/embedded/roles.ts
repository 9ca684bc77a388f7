/** Roles and what they imply: admin implies manager implies member implies reader. */

export interface Role {
  id: string
  name: string
}

export interface Implication {
  prior_role_id: string
  implied_role_id: string
}

/** The given roles and all that they imply, each once. */
export function withImplied(roleIds: Iterable<string>, implications: readonly Implication[]): Set<string> {
  const all = new Set(roleIds)
  // A set grows while it is walked: what is added is walked as well.
  for (const id of all) {
    for (const { prior_role_id, implied_role_id } of implications) {
      if (prior_role_id === id) all.add(implied_role_id)
    }
  }
  return all
}
