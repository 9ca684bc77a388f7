import { UserError } from './errors.ts'

/** Names of hosts reach configuration files and the API. */
export function requireHostName(name: string): string {
  if (/^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/.test(name)) return name
  throw new UserError(
    `${JSON.stringify(name)} is no name for a host`,
    'Letters, digits, dots and dashes; at most 63.',
  )
}
