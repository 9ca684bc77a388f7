/** A mistake that the user can mend: printed without a stack trace, with what to do about it. */
export class UserError extends Error {
  readonly hint: string | undefined
  constructor(message: string, hint?: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'UserError'
    this.hint = hint
  }
}

/** What the user reads of an error: `nucleon: …`, and the hint indented below it. */
export function describeError(error: unknown): string {
  if (error instanceof UserError) {
    return error.hint === undefined
      ? `nucleon: ${error.message}`
      : `nucleon: ${error.message}\n  ${error.hint.replaceAll('\n', '\n  ')}`
  }
  return `nucleon: unexpected: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`
}
