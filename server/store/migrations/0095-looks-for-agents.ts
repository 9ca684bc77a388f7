/** How often the server has still to look for what waited for an agent, kept so that a server that dies forgets nothing. */
import type { Kysely } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .alterTable('agents')
    .addColumn('looks', 'integer', (column) => column.notNull().defaultTo(0))
    .execute()
}
