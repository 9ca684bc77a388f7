/** A mistake that the user can mend: printed without a stack trace, with what to do about it. */
export class UserError extends Error {
  readonly hint: string | undefined
  constructor(message: string, hint?: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'UserError'
    this.hint = hint
  }
}

/** An ordinary mistake in words, whoever met it; undefined for a defect. */
export function mistakeOf(error: unknown): UserError | undefined {
  if (!(error instanceof Error)) return undefined
  if (error instanceof UserError) return error
  // By name: their rooms are loaded by the commands that use them alone.
  if (error.name === 'ApiError' || error.name === 'NotOne') return new UserError(error.message)
  const [met = error] = error instanceof AggregateError ? (error.errors as Error[]) : []
  const { code, path, address, port } = met as NodeJS.ErrnoException & { address?: string; port?: number }
  switch (code) {
    case 'EACCES':
      return new UserError(`permission denied: ${path ?? address ?? met.message}`, 'Run it with sudo.')
    case 'ECONNREFUSED':
      return new UserError(
        `nobody answers at ${port === undefined ? address : `${address}:${port}`}`,
        'Does it run? The all-in-one is started by: nucleon up',
      )
  }
  return mistakeOf(error.cause)
}

/** What the user reads of an error: `nucleon: …`, and the hint indented below it. */
export function describeError(error: unknown): string {
  const mistake = mistakeOf(error)
  if (mistake === undefined) {
    return `nucleon: unexpected: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`
  }
  const { message, hint } = mistake
  return `nucleon: ${message}${hint === undefined ? '' : `\n  ${hint.replaceAll('\n', '\n  ')}`}`
}
