/** Errors of the Identity API, in Keystone's shape. */

export class KeystoneError extends Error {
  override name = 'KeystoneError'
  readonly status: number
  readonly title: string

  constructor(status: number, title: string, message: string) {
    super(message)
    this.status = status
    this.title = title
  }

  get body(): object {
    return { error: { code: this.status, message: this.message, title: this.title } }
  }
}

export const badRequest = (message: string) => new KeystoneError(400, 'Bad Request', message)
export const unauthorized = () =>
  new KeystoneError(401, 'Unauthorized', 'The request you have made requires authentication.')
export const forbidden = (action: string) =>
  new KeystoneError(403, 'Forbidden', `You are not authorized to perform the requested action: ${action}.`)
export const notFound = (what: string, id: string) =>
  new KeystoneError(404, 'Not Found', `Could not find ${what}: ${id}.`)
export const conflict = (what: string, detail: string) =>
  new KeystoneError(409, 'Conflict', `Conflict occurred attempting to store ${what} - ${detail}.`)
