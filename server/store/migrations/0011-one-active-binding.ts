/** A port has one ACTIVE binding: guarded where two activations meet. */
import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql
    .raw(`create unique index port_bindings_active on port_bindings (port_id) where status = 'ACTIVE'`)
    .execute(db)
}
