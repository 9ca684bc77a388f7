/** Who a request comes from: what the rest of the server asks of identity, whichever way it is found out. */
import type { IncomingHttpHeaders } from 'node:http'
import type { Context } from '../context.ts'

export interface Identity {
  /**
   * The context of a request, `requestId` left to whoever knows it (''). Costs no wait for a token seen lately.
   * Throws Unauthorized when there is no valid token, IdentityUnavailable when nobody can say.
   */
  authenticate(headers: IncomingHttpHeaders): Promise<Context>
}

/** No token, or none that is valid: status 401, with keystonemiddleware's body and challenge. */
export class Unauthorized extends Error {
  override name = 'Unauthorized'
  readonly status = 401
  /** Value of the header WWW-Authenticate. */
  readonly challenge: string
  readonly body = {
    error: {
      message: 'The request you have made requires authentication.',
      code: 401,
      title: 'Unauthorized',
    },
  }

  /** `identityUrl` is where clients get a token. */
  constructor(identityUrl: string) {
    super('The request you have made requires authentication.')
    this.challenge = `Keystone uri="${identityUrl}"`
  }
}

/** The identity service does not answer: status 503. */
export class IdentityUnavailable extends Error {
  override name = 'IdentityUnavailable'
  readonly status = 503
}

/** One header, the first when it repeats; undefined when absent or empty. */
export function header(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name]
  const first = Array.isArray(value) ? value[0] : value
  return first === undefined || first === '' ? undefined : first
}
