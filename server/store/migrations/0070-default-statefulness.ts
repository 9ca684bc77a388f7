/** Whether new security groups are stateful, by project. */
import { type Kysely, sql } from 'kysely'

const statements = [
  `create table security_groups_default_statefulness (
    id text primary key,
    project_id text,
    stateful integer not null
  )`,
  `create unique index security_groups_default_statefulness_project
    on security_groups_default_statefulness (coalesce(project_id, ''))`,
]

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db)
}
