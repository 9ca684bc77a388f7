/** Brings a database to the shape that this code expects, in one transaction under a lock, or refuses it. */
import { type Kysely, sql } from 'kysely'
import type { Migration } from './migrations/migration.ts'
import type { ReadTx } from './store.ts'

/**
 * Applies what is due and answers its names. The caller gives a transaction that no other server's migration can
 * overlap. Throws when the database has migrations that this code does not know.
 */
export async function migrate(
  tx: Pick<ReadTx, 'db' | 'engine'> & { now: string },
  migrations: readonly Migration[],
): Promise<string[]> {
  const db = tx.db.withTables<{ migrations: { name: string; applied_at: string } }>()
  await sql`create table if not exists migrations (name text primary key, applied_at text not null)`.execute(
    db,
  )
  const rows = await db.selectFrom('migrations').select('name').orderBy('name').execute()
  const known = new Set(migrations.map((migration) => migration.name))
  const unknown = rows.map((row) => row.name).filter((name) => !known.has(name))
  if (unknown.length > 0) {
    throw new Error(
      `the database is newer than this program: it has ${unknown.join(', ')}; upgrade the program`,
    )
  }
  const applied = new Set(rows.map((row) => row.name))
  const due = migrations.filter((migration) => !applied.has(migration.name))
  for (const migration of due) {
    await migration.up(tx.db as unknown as Kysely<unknown>, tx.engine)
    await db.insertInto('migrations').values({ name: migration.name, applied_at: tx.now }).execute()
  }
  return due.map((migration) => migration.name)
}
