/** POST /v3/auth/tokens: from what a client proves and asks for to a token. */
import type { ReadTx, Store } from '../../store/store.ts'
import { type Body, objectAt, requiredText, textIn } from './body.ts'
import { findDomain, findProject, findUser } from './directory.ts'
import { badRequest, forbidden, unauthorized } from './errors.ts'
import { assignedTargets, type Scope } from './grants.ts'
import { verifyPassword } from './passwords.ts'
import type { Token, TokenRequest, Tokens } from './tokens.ts'

/** Who the client has shown to be, and what limits that. */
interface Proof {
  userId: string
  parent?: Token
  applicationCredential?: {
    id: string
    roles: readonly string[]
    expiresAt: string | null
    projectId: string
  }
  verifiedHash?: string
}

export interface LoginTools {
  store: Store
  tokens: Tokens
  requestId: string
  /** Now, ISO 8601, UTC, whole seconds. */
  now: string
}

/** Throws 400 for a request that makes no sense, 401 for anything that is not proven or not granted. */
export async function login(tools: LoginTools, body: unknown): Promise<{ text: string; token: Token }> {
  const identity = objectAt(body, 'auth', 'identity')
  if (identity === undefined) throw badRequest('Expecting to find auth.identity in the request body.')
  const methods = identity.methods
  if (!Array.isArray(methods) || methods.length === 0 || methods.length > 4) {
    throw badRequest('Expecting to find a list in auth.identity.methods.')
  }
  const proofs: Proof[] = []
  for (const method of methods) proofs.push(await prove(tools, String(method), identity))
  const [proof] = proofs
  // Several methods have to agree on who it is.
  if (proof === undefined || proofs.some(({ userId }) => userId !== proof.userId)) throw unauthorized()

  const merged: Proof = Object.assign({}, ...proofs)
  const scope = await tools.store.read((tx) => scopeOf(tx, body, merged))
  const request: TokenRequest = {
    userId: merged.userId,
    scope,
    methods: [...new Set([...methods.map(String), ...(merged.parent?.methods ?? [])])],
    ...(merged.applicationCredential === undefined
      ? {}
      : { applicationCredential: merged.applicationCredential }),
    ...(merged.parent === undefined ? {} : { parent: merged.parent }),
    ...(merged.verifiedHash === undefined ? {} : { verifiedHash: merged.verifiedHash }),
  }
  const issued = await tools.tokens.issue(tools.requestId, request)
  if (issued === undefined) throw unauthorized()
  return issued
}

async function prove(tools: LoginTools, method: string, identity: Body): Promise<Proof> {
  switch (method) {
    case 'password':
      return provePassword(tools, objectAt(identity, 'password', 'user'))
    case 'token':
      return proveToken(tools, objectAt(identity, 'token'))
    case 'application_credential':
      return proveApplicationCredential(tools, objectAt(identity, 'application_credential'))
    default:
      throw unauthorized()
  }
}

async function provePassword({ store }: LoginTools, named: Body | undefined): Promise<Proof> {
  if (named === undefined) throw badRequest('Expecting to find user in auth.identity.password.')
  const password = textIn(named, 'password', 4096)
  if (password === undefined) throw badRequest('Expecting to find password in auth.identity.password.user.')
  const user = await store.read(async (tx) => {
    const id = await findUser(tx, named)
    if (id === undefined) return undefined
    return tx.db
      .selectFrom('identity_users')
      .select(['id', 'password_hash'])
      .where('id', '=', id)
      .executeTakeFirst()
  })
  const hash = user?.password_hash ?? null
  if (!(await verifyPassword(password, hash)) || user === undefined || hash === null) throw unauthorized()
  return { userId: user.id, verifiedHash: hash }
}

async function proveToken({ tokens }: LoginTools, named: Body | undefined): Promise<Proof> {
  const text = named === undefined ? undefined : textIn(named, 'id')
  if (text === undefined) throw badRequest('Expecting to find id in auth.identity.token.')
  const parent = await tokens.validate(text)
  if (parent === undefined) throw unauthorized()
  // A credential is for one project and some roles: its tokens must not become others.
  if (parent.applicationCredentialId !== null) throw forbidden('identity:rescope_application_credential')
  return { userId: parent.user.id, parent }
}

async function proveApplicationCredential(tools: LoginTools, named: Body | undefined): Promise<Proof> {
  if (named === undefined) throw badRequest('Expecting to find auth.identity.application_credential.')
  const secret = requiredText(named, 'secret', 4096)
  const row = await tools.store.read(async (tx) => {
    const id = textIn(named, 'id')
    const query = tx.db.selectFrom('identity_application_credentials').selectAll()
    if (id !== undefined) return query.where('id', '=', id).executeTakeFirst()
    const user = objectAt(named, 'user')
    const name = textIn(named, 'name')
    if (user === undefined || name === undefined) {
      throw badRequest('Expecting to find id, or name and user, in auth.identity.application_credential.')
    }
    const userId = await findUser(tx, user)
    if (userId === undefined) return undefined
    return query.where('user_id', '=', userId).where('name', '=', name).executeTakeFirst()
  })
  if (!(await verifyPassword(secret, row?.secret_hash ?? null)) || row === undefined) throw unauthorized()
  if (row.expires_at !== null && row.expires_at <= tools.now) throw unauthorized()
  return {
    userId: row.user_id,
    applicationCredential: {
      id: row.id,
      roles: JSON.parse(row.roles) as string[],
      expiresAt: row.expires_at,
      projectId: row.project_id,
    },
  }
}

async function scopeOf(tx: ReadTx, body: unknown, proof: Proof): Promise<Scope> {
  const auth = objectAt(body, 'auth') ?? {}
  const credential = proof.applicationCredential
  if (credential !== undefined) {
    // Its scope is in itself; asking for another is refused.
    const asked = objectAt(auth, 'scope', 'project')
    const same = asked === undefined || (await findProject(tx, asked)) === credential.projectId
    if (!same || (auth.scope !== undefined && asked === undefined)) throw unauthorized()
    return { kind: 'project', id: credential.projectId }
  }
  if (auth.scope === 'unscoped') return unscoped
  if (auth.scope === undefined || auth.scope === null) return defaultScope(tx, proof)
  const scope = objectAt(auth, 'scope')
  if (scope === undefined) throw badRequest('Expecting to find project, domain or system in auth.scope.')
  if (Object.hasOwn(scope, 'unscoped')) return unscoped
  if (Object.hasOwn(scope, 'system')) return { kind: 'system', id: 'all' }
  const project = objectAt(scope, 'project')
  if (project !== undefined) return { kind: 'project', id: required(await findProject(tx, project)) }
  const domain = objectAt(scope, 'domain')
  if (domain !== undefined) return { kind: 'domain', id: required(await findDomain(tx, domain)) }
  throw badRequest('Expecting to find project, domain or system in auth.scope.')
}

const unscoped: Scope = { kind: 'none', id: '' }

/** Without a scope: the user's default project if there is a role on it, else none. A token keeps none. */
async function defaultScope(tx: ReadTx, proof: Proof): Promise<Scope> {
  if (proof.parent !== undefined) return unscoped
  const user = await tx.db
    .selectFrom('identity_users as u')
    .innerJoin('identity_projects as p', 'p.id', 'u.default_project_id')
    .select('p.id')
    .where('u.id', '=', proof.userId)
    .where('p.enabled', '=', 1)
    .executeTakeFirst()
  if (user === undefined) return unscoped
  const targets = await assignedTargets(tx, proof.userId, 'project')
  return targets.includes(user.id) ? { kind: 'project', id: user.id } : unscoped
}

function required(id: string | undefined): string {
  if (id === undefined) throw unauthorized()
  return id
}
