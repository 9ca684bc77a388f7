/**
 * Addresses are rows by number again on SQLite, with the index of the address alone as narrow as it can be: to look for
 * a part of an address in all of them reads a third of the pages. A table that is kept by its key has that key, a UUID
 * among others, in each of its indexes.
 */
import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>, engine: 'sqlite' | 'postgres'): Promise<void> {
  if (engine === 'postgres') return
  const { rows } = await sql<{ type: string; sql: string }>`select type, sql from sqlite_schema
    where tbl_name = 'ip_allocations' and sql is not null order by type desc`.execute(db)
  const [table = '', ...indexes] = rows.map((row) => row.sql)
  await sql`alter table ip_allocations rename to ip_allocations_old`.execute(db)
  await sql.raw(table.replace(/\s+without rowid$/i, '')).execute(db)
  await sql`insert into ip_allocations select * from ip_allocations_old`.execute(db)
  await sql`drop table ip_allocations_old`.execute(db)
  for (const index of indexes) await sql.raw(index).execute(db)
}
