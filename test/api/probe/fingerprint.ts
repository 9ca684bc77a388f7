/** Whether an SQLite database holds the same as before, seen from outside: by another connection. */
import { createHash } from 'node:crypto'
import { DatabaseSync } from 'node:sqlite'

export interface Fingerprint {
  /**
   * A checksum of every row of every table. Worked out anew only when somebody has committed since: SQLite's
   * data_version tells, which changes with every commit of another connection.
   */
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
  let known = { version: undefined as unknown, checksum: '' }

  function rows(): string {
    const hash = createHash('sha1')
    for (const table of tables) hash.update(JSON.stringify(table.all()))
    return hash.digest('hex')
  }
  return {
    checksum() {
      const now = version.get()?.data_version
      if (known.version !== now) known = { version: now, checksum: rows() }
      return known.checksum
    },
    close: () => database.close(),
  }
}
