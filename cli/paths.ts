import { readFileSync } from 'node:fs'
import { dirname } from 'node:path'

/** The directory that Nucleon was cloned into: programs, scripts and processes are found from here. */
export const repository = dirname(import.meta.dirname)

/** The state directory of who names none. */
export const defaultState = '/var/lib/nucleon'

/** The version of Nucleon, from package.json. */
export function version(): string {
  return (JSON.parse(readFileSync(`${repository}/package.json`, 'utf8')) as { version: string }).version
}
