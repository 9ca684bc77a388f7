/** Files that are there as a whole or not at all. */
import { closeSync, fchownSync, fsyncSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'

export interface FileOptions {
  /** Permissions, before the umask. */
  mode?: number
  /** Numeric user and group. */
  owner?: number
  /** It is on the disk when this returns. */
  durable?: boolean
}

/** Writes the file beside its place and renames it: who reads meanwhile, or after a crash, finds the old or the new. */
export function replaceFile(
  path: string,
  text: string,
  { mode = 0o666, owner, durable = false }: FileOptions = {},
): void {
  const beside = `${path}.new`
  rmSync(beside, { force: true })
  // `x`: in a directory of another user's nothing that he has put there is followed.
  const file = openSync(beside, 'wx', mode)
  try {
    writeFileSync(file, text)
    if (owner !== undefined) fchownSync(file, owner, owner)
    if (durable) fsyncSync(file)
    renameSync(beside, path)
    if (durable) syncDirectory(dirname(path))
  } catch (error) {
    rmSync(beside, { force: true })
    throw error
  } finally {
    closeSync(file)
  }
}

/** A name is on the disk once its directory is. */
function syncDirectory(path: string): void {
  const directory = openSync(path, 'r')
  try {
    fsyncSync(directory)
  } finally {
    closeSync(directory)
  }
}
