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

/** 400. The message tells a person what is wrong with the request. */
export const badRequest = (message: string) => new KeystoneError(400, 'Bad Request', message)
/** 401, in the same words whatever is wrong: nobody learns whether the user or the password was. */
export const unauthorized = () =>
  new KeystoneError(401, 'Unauthorized', 'The request you have made requires authentication.')
/** 403. `action` as Keystone's policy names it: `identity:list_users`. */
export const forbidden = (action: string) =>
  new KeystoneError(403, 'Forbidden', `You are not authorized to perform the requested action: ${action}.`)
/** 404. `what` is the kind of object, in words: `role assignment`. */
export const notFound = (what: string, id: string) =>
  new KeystoneError(404, 'Not Found', `Could not find ${what}: ${id}.`)
/** 409, for what exists already. */
export const conflict = (what: string, detail: string) =>
  new KeystoneError(409, 'Conflict', `Conflict occurred attempting to store ${what} - ${detail}.`)
