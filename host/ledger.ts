/**
 * The keys of what Nucleon has made and what bears no mark of its own (namespaces, directories …), on disk, so that
 * a restarted agent knows its own. A key is written down before the thing is made and struck after it is gone.
 */
import {
  closeSync,
  fstatSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  writeFileSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { replaceFile } from '../runtime/files.ts'

export interface Ledger {
  has(key: string): boolean
  /** Throws where it cannot be written down: then the thing must not be made. */
  add(key: string): void
  /** What cannot be written down now is with the next key. */
  strike(key: string): void
  keys(): Iterable<string>
}

/** Opens a ledger, and writes it anew if there is room; a torn last line is ignored. */
export function openLedger(path: string): Ledger {
  const keys = new Set<string>()
  let whole = read(path)
  whole = whole.slice(0, whole.lastIndexOf('\n') + 1)
  for (const line of whole.split('\n').slice(0, -1)) {
    if (line.startsWith('+')) keys.add(line.slice(1))
    else keys.delete(line.slice(1))
  }
  mkdirSync(dirname(path), { recursive: true })
  try {
    const anew = Array.from(keys, (key) => `+${key}\n`).join('')
    replaceFile(path, anew)
    whole = anew
  } catch {
    // The old one says the same.
  }
  let length = Buffer.byteLength(whole)
  /** Strikes that could not be written. */
  let owed = ''

  function append(line: string): void {
    const lines = owed + line
    const file = openSync(path, 'a')
    try {
      // Half a line that a failed write has left would be read as a part of this one.
      if (fstatSync(file).size > length) ftruncateSync(file, length)
      writeFileSync(file, lines)
    } finally {
      closeSync(file)
    }
    length += Buffer.byteLength(lines)
    owed = ''
  }

  return {
    has: (key) => keys.has(key),
    add(key) {
      if (keys.has(key)) return
      append(`+${key}\n`)
      keys.add(key)
    },
    strike(key) {
      if (!keys.delete(key)) return
      const line = `-${key}\n`
      try {
        append(line)
      } catch {
        owed += line
      }
    },
    keys: () => [...keys],
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return ''
    throw error
  }
}
