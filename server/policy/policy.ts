/**
 * Who may do what: rules decided for a request's context. What is left of a rule for a kind of token is worked out
 * once and kept (bounded), so that a request costs map look-ups.
 */
import { decide, type Residual, type Target } from '../../model/policy/residual.ts'
import type { Credentials, RuleBook } from '../../model/policy/rulebook.ts'
import type { Context } from '../context.ts'

/** The policy as one kind of token meets it. */
export interface Access {
  /** What is left of a rule: a constant, or conditions on the target. */
  residual(rule: string): Residual
  /** True when the target fulfils the rule; a rule that does not exist is `default`. */
  may(rule: string, target: Target): boolean
  /** As `may`, but a rule that does not exist refuses nothing: for rules of attributes. */
  mayAttribute(rule: string, target: Target): boolean
  /** Values that others derive from the rules for this kind of token, kept with it: by a key of theirs. */
  derived<T>(key: string, make: () => T): T
}

export interface Policy {
  has(rule: string): boolean
  /** The policy for the token of this context. */
  access(context: Context): Access
}

/** Kinds of tokens kept; beyond, all are forgotten and worked out anew. */
const maxKept = 5000

/** Works out what a kind of token may do when it first comes, and keeps that for 5,000 kinds. */
export function createPolicy(book: RuleBook): Policy {
  const kept = new Map<string, Access>()
  return {
    has: book.has,
    access(context) {
      const key = `${context.scope}|${context.projectId ?? ''}|${context.userId ?? ''}|${context.roles.join(',')}`
      let access = kept.get(key)
      if (!access) {
        if (kept.size >= maxKept) kept.clear()
        access = accessOf(book, credentialsOf(context))
        kept.set(key, access)
      }
      return access
    },
  }
}

/** What rules see of a request. */
export function credentialsOf(context: Context): Credentials {
  return {
    roles: context.roles.map((role) => role.toLowerCase()),
    values: {
      project_id: context.projectId,
      tenant_id: context.projectId,
      user_id: context.userId,
      project_name: context.projectName,
      user_name: context.userName,
      system_scope: context.scope === 'system' ? 'all' : null,
    },
    scope: context.scope,
  }
}

function accessOf(book: RuleBook, credentials: Credentials): Access {
  const residuals = new Map<string, Residual>()
  const values = new Map<string, unknown>()
  const residual = (rule: string): Residual => {
    let found = residuals.get(rule)
    if (found === undefined) {
      found = book.residual(rule, credentials)
      residuals.set(rule, found)
    }
    return found
  }
  return {
    residual,
    may: (rule, target) => decide(residual(rule), target),
    mayAttribute: (rule, target) => !book.has(rule) || decide(residual(rule), target),
    derived<T>(key: string, make: () => T): T {
      if (!values.has(key)) values.set(key, make())
      return values.get(key) as T
    },
  }
}
