/** Quotas that projects were given in the place of the defaults. */
import { type Kysely, sql } from 'kysely'

const statements = [
  `create table quotas (
    project_id text not null,
    resource text not null,
    quota_limit integer not null,
    primary key (project_id, resource)
  )`,
]

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db)
}
