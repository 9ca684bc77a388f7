/**
 * What a user may be to the cloud at this moment: read anew from users, targets and assignments whenever a token is
 * issued or validated, so that a role that is taken away is gone from tokens as well.
 */
import type { ReadTx } from '../../store/store.ts'
import type { IdentityTables } from '../../store/tables/identity.ts'
import { type Role, withImplied } from './roles.ts'

export type Target = IdentityTables['identity_assignments']['target']

/** What a token is for. */
export type Scope =
  | { kind: 'project'; id: string }
  | { kind: 'domain'; id: string }
  | { kind: 'system'; id: 'all' }
  | { kind: 'none'; id: '' }

export interface Named {
  id: string
  name: string
}

export interface Grant {
  user: Named & { domain: Named }
  scope: Scope
  /** Name of the project or domain, and the project's domain. */
  project: (Named & { domain: Named }) | null
  domain: Named | null
  /** Implied roles included, sorted by name; empty without a scope. */
  roles: readonly Role[]
}

/**
 * The grant of a user on a scope. Undefined when user, project or domain is disabled or gone, or when the user has
 * no role there. `only`: the roles (ids) that an application credential is limited to.
 */
export async function readGrant(
  tx: ReadTx,
  userId: string,
  scope: Scope,
  only?: readonly string[],
): Promise<Grant | undefined> {
  const user = await tx.db
    .selectFrom('identity_users as u')
    .innerJoin('identity_domains as d', 'd.id', 'u.domain_id')
    .select(['u.id', 'u.name', 'd.id as domain_id', 'd.name as domain_name'])
    .where('u.id', '=', userId)
    .where('u.enabled', '=', 1)
    .where('d.enabled', '=', 1)
    .executeTakeFirst()
  if (user === undefined) return undefined
  const grant: Grant = {
    user: { id: user.id, name: user.name, domain: { id: user.domain_id, name: user.domain_name } },
    scope,
    project: null,
    domain: null,
    roles: [],
  }
  if (scope.kind === 'none') return grant
  if (scope.kind === 'project') {
    const project = await enabledProject(tx, scope.id)
    if (project === undefined) return undefined
    grant.project = project
  } else if (scope.kind === 'domain') {
    const domain = await tx.db
      .selectFrom('identity_domains')
      .select(['id', 'name'])
      .where('id', '=', scope.id)
      .where('enabled', '=', 1)
      .executeTakeFirst()
    if (domain === undefined) return undefined
    grant.domain = domain
  }
  const roles = await effectiveRoles(tx, userId, scope.kind, scope.id, only)
  return roles.length === 0 ? undefined : { ...grant, roles }
}

async function enabledProject(tx: ReadTx, id: string): Promise<Grant['project'] | undefined> {
  const row = await tx.db
    .selectFrom('identity_projects as p')
    .innerJoin('identity_domains as d', 'd.id', 'p.domain_id')
    .select(['p.id', 'p.name', 'd.id as domain_id', 'd.name as domain_name'])
    .where('p.id', '=', id)
    .where('p.enabled', '=', 1)
    .where('d.enabled', '=', 1)
    .executeTakeFirst()
  if (row === undefined) return undefined
  return { id: row.id, name: row.name, domain: { id: row.domain_id, name: row.domain_name } }
}

async function effectiveRoles(
  tx: ReadTx,
  userId: string,
  target: Target,
  targetId: string,
  only: readonly string[] | undefined,
): Promise<Role[]> {
  const assigned = await tx.db
    .selectFrom('identity_assignments')
    .select('role_id')
    .where('user_id', '=', userId)
    .where('target', '=', target)
    .where('target_id', '=', targetId)
    .execute()
  if (assigned.length === 0) return []
  const implications = await tx.db.selectFrom('identity_role_implications').selectAll().execute()
  const all = withImplied(
    assigned.map(({ role_id }) => role_id),
    implications,
  )
  const limit = only === undefined ? all : withImplied(only, implications)
  const roles = await tx.db.selectFrom('identity_roles').select(['id', 'name']).orderBy('name').execute()
  return roles.filter(({ id }) => all.has(id) && limit.has(id))
}

/** Ids of the projects or domains on which a user has a role, disabled ones among them; `all` stands for the system. */
export async function assignedTargets(tx: ReadTx, userId: string, target: Target): Promise<string[]> {
  const rows = await tx.db
    .selectFrom('identity_assignments')
    .select('target_id')
    .distinct()
    .where('user_id', '=', userId)
    .where('target', '=', target)
    .execute()
  return rows.map(({ target_id }) => target_id)
}
