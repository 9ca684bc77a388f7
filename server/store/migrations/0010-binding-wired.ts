/** Whether the host of a binding has wired the port: known before an inactive binding is activated. */
import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql.raw('alter table port_bindings add column wired integer not null default 0').execute(db)
}
