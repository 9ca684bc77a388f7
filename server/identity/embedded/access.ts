/** Who may do what: the administrator everything, a system reader may look, a user sees to itself. */
import { forbidden } from './errors.ts'
import type { Token } from './tokens.ts'

/** True with the role admin on anything: a project, a domain or the system. There is one kind of administrator. */
export function isAdmin(token: Token): boolean {
  return token.roles.some(({ name }) => name === 'admin')
}

/** May look at everything. */
export function isReader(token: Token): boolean {
  return (
    isAdmin(token) || (token.scope.kind === 'system' && token.roles.some(({ name }) => name === 'reader'))
  )
}

/** Services validate the tokens that they are shown. */
export function isService(token: Token): boolean {
  return isAdmin(token) || token.roles.some(({ name }) => name === 'service')
}

/** Throws 403, also where there is nothing: clients recover from 403 alone, and others learn nothing. */
export function demand(allowed: boolean, action: string): void {
  if (!allowed) throw forbidden(`identity:${action}`)
}
