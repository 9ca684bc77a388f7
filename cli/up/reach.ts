/**
 * Whether the server's user reaches the code. It may not where Nucleon lies in root's own directory; the server then
 * sees the code in a mount namespace of its own, at a place under the state directory that everybody reaches.
 */
import { statSync } from 'node:fs'
import { dirname } from 'node:path'
import { UserError } from '../errors.ts'
import { repository } from '../paths.ts'

/** The nearest directory above `path` that others may not pass through; undefined: there is none. */
export function barrierAbove(path: string): string | undefined {
  for (let above = dirname(path); above !== '/'; above = dirname(above)) {
    if ((statSync(above).mode & 0o001) === 0) return above
  }
  return undefined
}

/**
 * The argument array that starts a program of ours so that its code is there for others than root: `argv` itself, or
 * one that mounts the code at `place` (an empty directory) first. Throws UserError where the code is for root alone.
 */
export function withinReach(argv: readonly [string, ...string[]], place: string): [string, ...string[]] {
  if (
    (statSync(`${repository}/package.json`).mode & 0o004) === 0 ||
    (statSync(repository).mode & 0o001) === 0
  ) {
    throw new UserError(
      `the server runs without privileges and cannot read ${repository}`,
      `Allow it:  chmod -R o+rX ${repository}`,
    )
  }
  if (barrierAbove(repository) === undefined) return [...argv]
  const [program, ...args] = argv
  const seen = args.map((arg) =>
    arg.startsWith(`${repository}/`) ? place + arg.slice(repository.length) : arg,
  )
  const mount = 'mount --bind "$0" "$1" && shift && exec "$@"'
  return ['unshare', '--mount', 'sh', '-c', mount, repository, place, program, ...seen]
}
