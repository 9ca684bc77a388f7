/** How rows and tokens look in answers of the Identity API. */
import type { CatalogEntry } from './catalog.ts'
import type { Token } from './tokens.ts'

/** `2026-01-31T12:00:00.000000Z`: Keystone shows microseconds. */
export function keystoneTime(iso: string): string {
  return iso.replace(/Z$/, '.000000Z')
}

/**
 * A token as log-in and validation show it: roles and catalogue only with a scope, no catalogue where it is undefined.
 */
export function tokenView(token: Token, catalog: CatalogEntry[] | undefined): object {
  const { scope } = token
  return {
    token: {
      methods: token.methods,
      user: { ...token.user, password_expires_at: null },
      audit_ids: token.auditIds,
      issued_at: keystoneTime(token.issuedAt),
      expires_at: keystoneTime(token.expiresAt),
      ...(scope.kind === 'project' ? { project: token.project, is_domain: false } : {}),
      ...(scope.kind === 'domain' ? { domain: token.domain } : {}),
      ...(scope.kind === 'system' ? { system: { all: true } } : {}),
      ...(scope.kind === 'none' ? {} : { roles: token.roles }),
      ...(scope.kind === 'none' || catalog === undefined ? {} : { catalog }),
      ...(token.applicationCredentialId === null
        ? {}
        : {
            application_credential: {
              id: token.applicationCredentialId,
              restricted: !token.mayDelegate,
            },
          }),
    },
  }
}

/** A list as Keystone wraps it; never paged. */
export function listView(base: string, path: string, name: string, items: readonly object[]): object {
  return { links: { next: null, self: `${base}/v3/${path}`, previous: null }, [name]: items }
}
