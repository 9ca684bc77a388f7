/**
 * Tokens: opaque random text, kept in the database as a hash, valid until they expire, are revoked, or what they
 * stand for is gone. Validated tokens are remembered for a while; any change of identity forgets them all.
 */
import { createHash, randomBytes } from 'node:crypto'
import type { Clock } from '../../../runtime/clock.ts'
import type { ReadTx, Store } from '../../store/store.ts'
import { timestamp } from '../../store/timestamp.ts'
import { type Grant, readGrant, type Scope } from './grants.ts'

export interface Token extends Grant {
  methods: readonly string[]
  auditIds: readonly string[]
  /** ISO 8601, UTC, whole seconds. */
  issuedAt: string
  expiresAt: string
  applicationCredentialId: string | null
  /** False for a token of a restricted application credential: it may not make credentials. */
  mayDelegate: boolean
}

export interface TokenRequest {
  userId: string
  scope: Scope
  methods: readonly string[]
  applicationCredential?: { id: string; roles: readonly string[]; expiresAt: string | null }
  /** The token that this one is made from: it keeps its expiry and its chain of audit ids. */
  parent?: Token
  /** The stored password hash that was verified; the token is refused when it has changed since. */
  verifiedHash?: string
}

export interface Tokens {
  /** Undefined when the user may not have such a token. */
  issue(requestId: string, request: TokenRequest): Promise<{ text: string; token: Token } | undefined>
  /** The token behind the text while it is valid. */
  validate(text: string): Promise<Token | undefined>
  /** What validate would answer without asking the database; undefined when it has to be asked. */
  remembered(text: string): Token | undefined
  /** Answers whether there was such a token. */
  revoke(requestId: string, text: string): Promise<boolean>
  /** Forgets what was remembered, on every server: call after each change of users, roles, projects. */
  forgetAll(): void
  close(): void
}

export interface TokensOptions {
  store: Store
  clock: Clock
  /** Seconds. */
  lifetime: number
  /** Most tokens remembered at once. Default 10000. */
  capacity?: number
}

/** Bounds what a lost signal from another server can do, in milliseconds. */
const rememberFor = 30_000
const forgetSignal = 'identity-changed'

/** Hears until closed when another server on the database forgets. */
export function createTokens({ store, clock, lifetime, capacity = 10_000 }: TokensOptions): Tokens {
  const memory = new Map<string, { token: Token; until: number; expires: number }>()
  /** Counts the forgettings: what was read before one must not be remembered after it. */
  let generation = 0
  const forget = () => {
    generation++
    memory.clear()
  }
  const unsubscribe = store.onSignal((text) => {
    if (text === forgetSignal) forget()
  })

  function remember(text: string, token: Token): void {
    if (memory.size >= capacity) {
      const [oldest] = memory.keys()
      if (oldest !== undefined) memory.delete(oldest)
    }
    memory.set(text, {
      token,
      until: clock.monotonic() + rememberFor,
      expires: Date.parse(token.expiresAt),
    })
  }

  function remembered(text: string): Token | undefined {
    const found = memory.get(text)
    if (found === undefined) return undefined
    if (found.until > clock.monotonic() && found.expires > clock.now().getTime()) return found.token
    memory.delete(text)
    return undefined
  }

  return {
    remembered,
    async validate(text) {
      const known = remembered(text)
      if (known !== undefined) return known
      const before = generation
      const token = await store.read((tx) => readToken(tx, hashOf(text), timestamp(clock.now())))
      if (token !== undefined && before === generation) remember(text, token)
      return token
    },
    async issue(requestId, request) {
      const text = randomBytes(32).toString('base64url')
      const now = clock.now()
      const issuedAt = timestamp(now)
      const expiresAt = earliest(
        timestamp(new Date(now.getTime() + lifetime * 1000)),
        request.parent?.expiresAt,
        request.applicationCredential?.expiresAt ?? undefined,
      )
      const auditIds = [auditId(), ...(request.parent?.auditIds.slice(-1) ?? [])]
      const token = await store.write({ requestId, userId: request.userId }, async (tx) => {
        await tx.db.deleteFrom('identity_tokens').where('expires_at', '<=', issuedAt).execute()
        if (request.verifiedHash !== undefined) {
          const user = await tx.db
            .selectFrom('identity_users')
            .select('password_hash')
            .where('id', '=', request.userId)
            .executeTakeFirst()
          if (user?.password_hash !== request.verifiedHash) return undefined
        }
        const grant = await readGrant(tx, request.userId, request.scope, request.applicationCredential?.roles)
        if (grant === undefined) return undefined
        await tx.db
          .insertInto('identity_tokens')
          .values({
            hash: hashOf(text),
            user_id: request.userId,
            scope: request.scope.kind,
            scope_id: request.scope.id,
            methods: request.methods.join(','),
            audit_ids: auditIds.join(','),
            issued_at: issuedAt,
            expires_at: expiresAt,
            application_credential_id: request.applicationCredential?.id ?? null,
          })
          .execute()
        return readToken(tx, hashOf(text), issuedAt)
      })
      return token === undefined ? undefined : { text, token }
    },
    async revoke(requestId, text) {
      const { numDeletedRows } = await store.write({ requestId }, (tx) =>
        tx.db.deleteFrom('identity_tokens').where('hash', '=', hashOf(text)).executeTakeFirstOrThrow(),
      )
      forget()
      store.signal(forgetSignal)
      return numDeletedRows > 0
    },
    forgetAll() {
      forget()
      store.signal(forgetSignal)
    },
    close: unsubscribe,
  }
}

async function readToken(tx: ReadTx, hash: string, now: string): Promise<Token | undefined> {
  const row = await tx.db
    .selectFrom('identity_tokens as t')
    .leftJoin('identity_application_credentials as c', 'c.id', 't.application_credential_id')
    .selectAll('t')
    .select(['c.roles as credential_roles', 'c.unrestricted', 'c.expires_at as credential_expires_at'])
    .where('t.hash', '=', hash)
    .where('t.expires_at', '>', now)
    .executeTakeFirst()
  if (row === undefined) return undefined
  const only = row.credential_roles === null ? undefined : (JSON.parse(row.credential_roles) as string[])
  const scope = { kind: row.scope, id: row.scope_id } as Scope
  const grant = await readGrant(tx, row.user_id, scope, only)
  if (grant === undefined) return undefined
  return {
    ...grant,
    methods: row.methods.split(','),
    auditIds: row.audit_ids.split(','),
    issuedAt: row.issued_at,
    expiresAt: row.expires_at,
    applicationCredentialId: row.application_credential_id,
    mayDelegate: row.application_credential_id === null || row.unrestricted === 1,
  }
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

function auditId(): string {
  return randomBytes(16).toString('base64url')
}

function earliest(first: string, ...others: (string | undefined)[]): string {
  return others.reduce<string>(
    (least, other) => (other !== undefined && other < least ? other : least),
    first,
  )
}
