/** Whether an SQLite database holds the same as before, seen from outside: by another connection. */
import { createHash } from 'node:crypto'
import { DatabaseSync } from 'node:sqlite'

export interface Fingerprint {
  /** A number that is another one after every commit of another connection: where it stays, so do all rows. */
  version(): unknown
  /** A checksum of every row of every table. */
  checksum(): string
  close(): void
}

/** The log of changes only ever grows, with every change: its length and end stand for it. */
const columnsOf = (table: string): string => (table === 'changes' ? 'count(*), max(rowid)' : '*')

export function fingerprintOf(path: string): Fingerprint {
  const database = new DatabaseSync(path, { readOnly: true })
  const version = database.prepare('pragma data_version')
  const tables = database
    .prepare("select name from sqlite_master where type = 'table' and name not like 'sqlite_%' order by name")
    .all()
    .map(({ name }) => database.prepare(`select ${columnsOf(String(name))} from "${String(name)}"`))
  for (const table of tables) table.setReturnArrays(true)
  return {
    version: () => version.get()?.data_version,
    checksum() {
      const hash = createHash('sha1')
      for (const table of tables) hash.update(JSON.stringify(table.all()))
      return hash.digest('hex')
    },
    close: () => database.close(),
  }
}
