/** The addresses of a port come from the index alone, in their order: lists of ports read nothing else of them. */
import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql.raw('drop index ip_allocations_port').execute(db)
  // With the primary key, which SQLite keeps in each index, these are all the columns that lists read.
  await sql
    .raw('create index ip_allocations_port on ip_allocations (port_id, position, subnet_id, ip_address)')
    .execute(db)
}
