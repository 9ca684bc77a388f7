/**
 * The plain collections of the Identity API, declared: projects, users, roles, domains, services, endpoints and
 * regions. collection.routes.ts serves them all alike.
 */
import type { Tx } from '../../store/store.ts'
import type { IdentityTables } from '../../store/tables/identity.ts'
import { isAdmin, isReader } from './access.ts'
import { type Body, textIn } from './body.ts'
import { hashPassword } from './passwords.ts'
import type { Token } from './tokens.ts'

export interface Column {
  kind: 'text' | 'flag'
  /** `required`: a create needs it; otherwise what it is when a create leaves it out. */
  create: 'required' | string | boolean | null
  /** May be altered later. */
  update?: true
  /** Lists may ask for one value of it. */
  filter?: true
  /** Most characters. 255 when absent. */
  max?: number
  /** Another name that clients use for it in bodies and queries, also shown. */
  alias?: string
  oneOf?: readonly string[]
}

export interface Collection {
  name: string
  singular: string
  table: keyof IdentityTables
  columns: Readonly<Record<string, Column>>
  /** Attributes that are the same for all. */
  constants?: Readonly<Record<string, unknown>>
  /** Clients may choose the id. */
  namedByClient?: true
  /** False: list and show alone. */
  writable: boolean
  mayList(token: Token): boolean
  mayShow(token: Token, id: string): boolean
  /** Columns that take time to work out, outside of the transaction. */
  derive?(body: Body): Promise<Record<string, string>>
  /** Default of a column that depends on who asks. */
  defaults?(token: Token): Record<string, string>
  /** Removes what refers to it. */
  release?(tx: Tx, id: string): Promise<void>
  /** What else has to happen when it was altered. */
  altered?(tx: Tx, id: string, changes: Readonly<Record<string, unknown>>): Promise<void>
}

const domainOf = (token: Token) => ({
  domain_id: token.project?.domain.id ?? token.domain?.id ?? token.user.domain.id,
})

const name: Column = { kind: 'text', create: 'required', update: true, filter: true }
const description: Column = { kind: 'text', create: '', update: true, max: 4096 }
const enabled: Column = { kind: 'flag', create: true, update: true, filter: true }

async function removeTarget(tx: Tx, target: 'project' | 'domain', id: string): Promise<void> {
  await tx.db
    .deleteFrom('identity_assignments')
    .where('target', '=', target)
    .where('target_id', '=', id)
    .execute()
  await tx.db.deleteFrom('identity_tokens').where('scope', '=', target).where('scope_id', '=', id).execute()
}

export const collections: readonly Collection[] = [
  {
    name: 'domains',
    singular: 'domain',
    table: 'identity_domains',
    columns: { name, description, enabled },
    constants: { options: {}, tags: [] },
    writable: false,
    mayList: isReader,
    mayShow: (token, id) => isReader(token) || token.project?.domain.id === id || token.domain?.id === id,
  },
  {
    name: 'projects',
    singular: 'project',
    table: 'identity_projects',
    columns: {
      name: { ...name, max: 64 },
      domain_id: { kind: 'text', create: 'required', filter: true },
      description,
      enabled,
    },
    constants: { is_domain: false, options: {}, tags: [] },
    writable: true,
    mayList: isReader,
    mayShow: (token, id) => isReader(token) || token.project?.id === id,
    defaults: domainOf,
    release: (tx, id) => removeTarget(tx, 'project', id),
  },
  {
    name: 'users',
    singular: 'user',
    table: 'identity_users',
    columns: {
      name,
      domain_id: { kind: 'text', create: 'required', filter: true },
      description,
      email: { kind: 'text', create: null, update: true },
      default_project_id: { kind: 'text', create: null, update: true },
      enabled,
    },
    constants: { options: {}, password_expires_at: null },
    writable: true,
    mayList: isReader,
    mayShow: (token, id) => isReader(token) || token.user.id === id,
    defaults: domainOf,
    async derive(body): Promise<Record<string, string>> {
      const password = textIn(body, 'password', 4096)
      return password === undefined ? {} : { password_hash: await hashPassword(password) }
    },
    async altered(tx, id, changes) {
      if (changes.password_hash === undefined) return
      await tx.db.deleteFrom('identity_tokens').where('user_id', '=', id).execute()
    },
  },
  {
    name: 'roles',
    singular: 'role',
    table: 'identity_roles',
    columns: { name, description },
    constants: { domain_id: null, options: {} },
    writable: true,
    mayList: isReader,
    mayShow: isReader,
  },
  {
    name: 'regions',
    singular: 'region',
    table: 'identity_regions',
    columns: { description, parent_region_id: { kind: 'text', create: null, update: true, filter: true } },
    namedByClient: true,
    writable: true,
    mayList: () => true,
    mayShow: () => true,
  },
  {
    name: 'services',
    singular: 'service',
    table: 'identity_services',
    columns: {
      type: { kind: 'text', create: 'required', update: true, filter: true },
      name: { ...name, create: '' },
      description,
      enabled,
    },
    writable: true,
    mayList: isReader,
    mayShow: isReader,
  },
  {
    name: 'endpoints',
    singular: 'endpoint',
    table: 'identity_endpoints',
    columns: {
      service_id: { kind: 'text', create: 'required', update: true, filter: true },
      region_id: { kind: 'text', create: 'required', update: true, filter: true, alias: 'region' },
      interface: {
        kind: 'text',
        create: 'required',
        update: true,
        filter: true,
        oneOf: ['public', 'internal', 'admin'],
      },
      url: { kind: 'text', create: 'required', update: true, max: 2048 },
      enabled,
    },
    writable: true,
    mayList: isReader,
    mayShow: isReader,
  },
]

/** All writing of collections is the administrator's. */
export const mayWrite = isAdmin
