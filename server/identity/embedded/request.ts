/** What all routes of the Identity API share: their tools, the token of a request, its query, its own address. */
import type { FastifyRequest } from 'fastify'
import type { Clock } from '../../../runtime/clock.ts'
import type { Logger } from '../../../runtime/log.ts'
import type { Store } from '../../store/store.ts'
import { header } from '../identity.ts'
import { unauthorized } from './errors.ts'
import type { Token, Tokens } from './tokens.ts'

export interface IdentityTools {
  store: Store
  tokens: Tokens
  clock: Clock
  log: Logger
  /** Address of this API as the client reached it: `http://127.0.0.1:5000`. */
  baseUrl(request: FastifyRequest): string
}

/** The token that a request comes with. Throws 401. */
export async function tokenOf({ tokens }: IdentityTools, request: FastifyRequest): Promise<Token> {
  const text = header(request.headers, 'x-auth-token')
  const token = text === undefined ? undefined : await tokens.validate(text)
  if (token === undefined) throw unauthorized()
  return token
}

/** Query parameters; of those that repeat the last. */
export function queryOf(request: FastifyRequest): ReadonlyMap<string, string> {
  const query = new URL(request.url, 'http://localhost').searchParams
  return new Map(query)
}

/** `?name`, `?name=True`, `?name=1`: a switch of Keystone's queries. */
export function isAsked(query: ReadonlyMap<string, string>, name: string): boolean {
  const value = query.get(name)
  return value !== undefined && !/^(false|0|no|off)$/i.test(value)
}

/**
 * By the Host header, and https where a proxy says so (X-Forwarded-Proto); a host with odd characters is not repeated
 * in links.
 */
export function baseUrl(request: FastifyRequest): string {
  const protocol = header(request.headers, 'x-forwarded-proto') === 'https' ? 'https' : 'http'
  const host = header(request.headers, 'host') ?? 'localhost'
  return `${protocol}://${/^[\w.:[\]-]+$/.test(host) ? host : 'localhost'}`
}
