/**
 * Tables whose key is the whole of what finds a row are kept by that key itself on SQLite: one tree in the place of a
 * table and the index of its key, so that a commit writes fewer pages.
 */
import { type Kysely, sql } from 'kysely'

const tables = [
  'ip_allocations',
  'port_bindings',
  'port_security_groups',
  'provisioning_blocks',
  'free_ranges',
  'tags',
  'host_documents',
]

async function compact(db: Kysely<unknown>, table: string): Promise<void> {
  const { rows } = await sql<{ type: string; sql: string }>`
    select type, sql from sqlite_schema where tbl_name = ${table} and sql is not null order by type desc`.execute(
    db,
  )
  const [made, ...indexes] = rows.map((row) => row.sql)
  const [old, current] = [sql.table(`${table}_old`), sql.table(table)]
  await sql`alter table ${current} rename to ${old}`.execute(db)
  await sql.raw(`${made} without rowid`).execute(db)
  await sql`insert into ${current} select * from ${old}`.execute(db)
  await sql`drop table ${old}`.execute(db)
  for (const index of indexes) await sql.raw(index).execute(db)
}

export async function up(db: Kysely<unknown>, engine: 'sqlite' | 'postgres'): Promise<void> {
  if (engine === 'postgres') return
  for (const table of tables) await compact(db, table)
}
