/**
 * The credential of a host's agent: `<host>.<hex HMAC-SHA256(secret, host)>`. The server keeps one secret and no list;
 * a credential reads the documents of its own host and no other's.
 */
import { createHmac, timingSafeEqual } from 'node:crypto'

/** Makes the credential of one host. Host names may contain dots. */
export function makeCredential(secret: string, host: string): string {
  return `${host}.${signature(secret, host)}`
}

/** The host that a credential was made for with this secret; undefined if it was not. Takes constant time. */
export function hostOf(secret: string, credential: string): string | undefined {
  const end = credential.lastIndexOf('.')
  if (end < 1) return undefined
  const host = credential.slice(0, end)
  const expected = Buffer.from(signature(secret, host))
  const given = Buffer.from(credential.slice(end + 1))
  return given.length === expected.length && timingSafeEqual(given, expected) ? host : undefined
}

function signature(secret: string, host: string): string {
  return createHmac('sha256', secret).update(host).digest('hex')
}
