/**
 * The keys of what Nucleon has made and what bears no mark of its own (namespaces, directories …), on disk, so that
 * a restarted agent knows its own. A key is written down before the thing is made and struck after it is gone.
 */
import { appendFileSync, mkdirSync, readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { replaceFile } from '../runtime/files.ts'

export interface Ledger {
  has(key: string): boolean
  add(key: string): void
  strike(key: string): void
  keys(): Iterable<string>
}

/** Opens a ledger; a torn last line is ignored. */
export function openLedger(path: string): Ledger {
  const keys = new Set<string>()
  for (const line of read(path).split('\n').slice(0, -1)) {
    if (line.startsWith('+')) keys.add(line.slice(1))
    else keys.delete(line.slice(1))
  }
  mkdirSync(dirname(path), { recursive: true })
  replaceFile(path, [...keys].map((key) => `+${key}\n`).join(''))
  return {
    has: (key) => keys.has(key),
    add(key) {
      if (keys.has(key)) return
      appendFileSync(path, `+${key}\n`)
      keys.add(key)
    },
    strike(key) {
      if (keys.delete(key)) appendFileSync(path, `-${key}\n`)
    },
    keys: () => [...keys],
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
