/** Attributes of ports that nothing but the API looks at, together in one column; DNS publication of subnets. */
import { type Kysely, sql } from 'kysely'

const statements = [
  `alter table ports add column extras text not null default '{}'`,
  'alter table subnets add column dns_publish_fixed_ip integer not null default 0',
]

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db)
}
