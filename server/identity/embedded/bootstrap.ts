/**
 * What has to be there before anybody can log in: domain, roles, catalogue, and the first projects, users and
 * assignments of a bootstrap file. Applied at each start; what is right already is left alone.
 */
import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { ReadTx, Store, Tx } from '../../store/store.ts'
import { type Body, isBody, requiredText, textIn } from './body.ts'
import { hashPassword, verifyPassword } from './passwords.ts'

export interface BootstrapUser {
  name: string
  password: string
  /** By name. */
  defaultProject?: string
}

/** Users, projects and roles by name; `system: 'all'` or `domain` in the place of a project. */
export type BootstrapAssignment = { user: string; role: string } & (
  | { project: string }
  | { domain: string }
  | { system: 'all' }
)

export interface Bootstrap {
  projects: readonly { name: string; description?: string }[]
  users: readonly BootstrapUser[]
  assignments: readonly BootstrapAssignment[]
}

export interface CatalogSeed {
  region: string
  /** Addresses by service type; each stands on the public, internal and admin interface. */
  endpoints: readonly { type: string; name: string; url: string }[]
}

const defaultDomain = 'default'
/** Each implies the next. */
const roleLadder = ['admin', 'manager', 'member', 'reader'] as const
const requestId = 'bootstrap'

export const nobody: Bootstrap = { projects: [], users: [], assignments: [] }

/** Reads a bootstrap file. Throws with the file's name when it is no such thing. */
export async function readBootstrap(path: string): Promise<Bootstrap> {
  try {
    const document: unknown = JSON.parse(await readFile(path, 'utf8'))
    if (!isBody(document)) throw new Error('an object is expected')
    return {
      projects: rows(document, 'projects').map((row) => ({
        name: requiredText(row, 'name', 64),
        ...optional('description', textIn(row, 'description')),
      })),
      users: rows(document, 'users').map((row) => ({
        name: requiredText(row, 'name'),
        password: requiredText(row, 'password', 4096),
        ...optional('defaultProject', textIn(row, 'default_project')),
      })),
      assignments: rows(document, 'assignments').map(readAssignment),
    }
  } catch (error) {
    throw new Error(`bootstrap file ${path}: ${error instanceof Error ? error.message : String(error)}`)
  }
}

function readAssignment(row: Body): BootstrapAssignment {
  const who = { user: requiredText(row, 'user'), role: requiredText(row, 'role') }
  if (row.system !== undefined) return { ...who, system: 'all' }
  if (row.domain !== undefined) return { ...who, domain: requiredText(row, 'domain') }
  return { ...who, project: requiredText(row, 'project', 64) }
}

function rows(document: Body, name: string): Body[] {
  const found = document[name] ?? []
  if (!Array.isArray(found) || !found.every(isBody)) throw new Error(`${name} is no list of objects`)
  return found
}

function optional<K extends string>(key: K, value: string | undefined): { [P in K]?: string } {
  return (value === undefined ? {} : { [key]: value }) as { [P in K]?: string }
}

/** Brings the database to hold it all, in one transaction. Passwords that changed in the file change. */
export async function applyBootstrap(
  store: Store,
  bootstrap: Bootstrap,
  catalog: CatalogSeed,
): Promise<void> {
  const hashes = await newHashes(store, bootstrap)
  await store.write({ requestId }, async (tx) => {
    await ensureRoles(tx)
    await ensureCatalog(tx, catalog)
    for (const project of bootstrap.projects) await ensureProject(tx, project)
    for (const user of bootstrap.users) await ensureUser(tx, user, hashes.get(user.name))
    for (const assignment of bootstrap.assignments) await ensureAssignment(tx, assignment)
  })
}

/** Hashes of the passwords that are new: hashing takes time and stays outside of the transaction. */
async function newHashes(store: Store, { users }: Bootstrap): Promise<Map<string, string>> {
  const hashes = new Map<string, string>()
  await Promise.all(
    users.map(async ({ name, password }) => {
      const known = await store.read((tx) => userByName(tx, name))
      const hash = known?.password_hash ?? null
      if (!(await verifyPassword(password, hash))) hashes.set(name, await hashPassword(password))
    }),
  )
  return hashes
}

async function userByName(tx: ReadTx, name: string) {
  return tx.db
    .selectFrom('identity_users')
    .select(['id', 'password_hash'])
    .where('domain_id', '=', defaultDomain)
    .where('name', '=', name)
    .executeTakeFirst()
}

function newId(): string {
  return randomUUID().replaceAll('-', '')
}

async function ensureRoles(tx: Tx): Promise<void> {
  await tx.db
    .insertInto('identity_domains')
    .values({ id: defaultDomain, name: 'Default', description: 'The default domain', enabled: 1 })
    .onConflict((clash) => clash.doNothing())
    .execute()
  await tx.db
    .insertInto('identity_roles')
    .values([...roleLadder, 'service'].map((name) => ({ id: newId(), name, description: '' })))
    .onConflict((clash) => clash.column('name').doNothing())
    .execute()
  const roles = await tx.db.selectFrom('identity_roles').select(['id', 'name']).execute()
  const ids = roleLadder.map((name) => roles.find((role) => role.name === name)?.id ?? '')
  await tx.db
    .insertInto('identity_role_implications')
    .values(
      ids.slice(1).map((implied, index) => ({ prior_role_id: ids[index] ?? '', implied_role_id: implied })),
    )
    .onConflict((clash) => clash.doNothing())
    .execute()
}

async function ensureCatalog(tx: Tx, { region, endpoints }: CatalogSeed): Promise<void> {
  await tx.db
    .insertInto('identity_regions')
    .values({ id: region, description: '', parent_region_id: null })
    .onConflict((clash) => clash.doNothing())
    .execute()
  for (const { type, name, url } of endpoints) {
    const known = await tx.db
      .selectFrom('identity_services')
      .select('id')
      .where('type', '=', type)
      .where('name', '=', name)
      .executeTakeFirst()
    const serviceId = known?.id ?? newId()
    if (known === undefined) {
      await tx.db
        .insertInto('identity_services')
        .values({ id: serviceId, type, name, description: '', enabled: 1 })
        .execute()
    }
    for (const side of ['public', 'internal', 'admin'] as const) {
      const { numUpdatedRows } = await tx.db
        .updateTable('identity_endpoints')
        .set({ url })
        .where('service_id', '=', serviceId)
        .where('region_id', '=', region)
        .where('interface', '=', side)
        .executeTakeFirstOrThrow()
      if (numUpdatedRows > 0n) continue
      await tx.db
        .insertInto('identity_endpoints')
        .values({ id: newId(), service_id: serviceId, region_id: region, interface: side, url, enabled: 1 })
        .execute()
    }
  }
}

async function ensureProject(tx: Tx, { name, description }: Bootstrap['projects'][number]): Promise<void> {
  await tx.db
    .insertInto('identity_projects')
    .values({ id: newId(), domain_id: defaultDomain, name, description: description ?? '', enabled: 1 })
    .onConflict((clash) => clash.columns(['domain_id', 'name']).doNothing())
    .execute()
}

async function ensureUser(tx: Tx, user: BootstrapUser, hash: string | undefined): Promise<void> {
  const known = await userByName(tx, user.name)
  const project = user.defaultProject === undefined ? null : await projectId(tx, user.defaultProject)
  if (known === undefined) {
    await tx.db
      .insertInto('identity_users')
      .values({
        id: newId(),
        domain_id: defaultDomain,
        name: user.name,
        description: '',
        email: null,
        enabled: 1,
        default_project_id: project,
        password_hash: hash ?? null,
      })
      .execute()
  } else if (hash !== undefined) {
    await tx.db
      .updateTable('identity_users')
      .set({ password_hash: hash })
      .where('id', '=', known.id)
      .execute()
    await tx.db.deleteFrom('identity_tokens').where('user_id', '=', known.id).execute()
  }
}

async function projectId(tx: ReadTx, name: string): Promise<string> {
  const row = await tx.db
    .selectFrom('identity_projects')
    .select('id')
    .where('domain_id', '=', defaultDomain)
    .where('name', '=', name)
    .executeTakeFirst()
  if (row === undefined) throw new Error(`bootstrap: there is no project ${name}`)
  return row.id
}

async function ensureAssignment(tx: Tx, assignment: BootstrapAssignment): Promise<void> {
  const user = await userByName(tx, assignment.user)
  if (user === undefined) throw new Error(`bootstrap: there is no user ${assignment.user}`)
  const role = await tx.db
    .selectFrom('identity_roles')
    .select('id')
    .where('name', '=', assignment.role)
    .executeTakeFirst()
  if (role === undefined) throw new Error(`bootstrap: there is no role ${assignment.role}`)
  const target =
    'project' in assignment
      ? { target: 'project' as const, target_id: await projectId(tx, assignment.project) }
      : 'domain' in assignment
        ? { target: 'domain' as const, target_id: assignment.domain }
        : { target: 'system' as const, target_id: 'all' }
  await tx.db
    .insertInto('identity_assignments')
    .values({ user_id: user.id, role_id: role.id, ...target })
    .onConflict((clash) => clash.doNothing())
    .execute()
}
