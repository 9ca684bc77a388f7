/** The embedded identity service as the rest of the server sees it: contexts from tokens of its own. */
import type { Context } from '../../context.ts'
import { header, type Identity, Unauthorized } from '../identity.ts'
import type { Token, Tokens } from './tokens.ts'

/** `identityUrl` is told to clients that come without a valid token. */
export function createEmbeddedIdentity(tokens: Tokens, identityUrl: string): Identity {
  /** One context a token: made when it is first seen, gone with it. */
  const contexts = new WeakMap<Token, Context>()

  return {
    async authenticate(headers) {
      const text = header(headers, 'x-auth-token')
      if (text === undefined) throw new Unauthorized(identityUrl)
      const token = tokens.remembered(text) ?? (await tokens.validate(text))
      if (token === undefined) throw new Unauthorized(identityUrl)
      let context = contexts.get(token)
      if (context === undefined) {
        context = contextOf(token)
        contexts.set(token, context)
      }
      return context
    },
  }
}

function contextOf(token: Token): Context {
  const roles = token.roles.map(({ name }) => name)
  return Object.freeze({
    requestId: '',
    userId: token.user.id,
    userName: token.user.name,
    projectId: token.project?.id ?? null,
    projectName: token.project?.name ?? null,
    roles,
    isAdmin: roles.includes('admin'),
    scope: token.scope.kind,
  })
}
