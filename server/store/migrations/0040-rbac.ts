/** One table of RBAC entries for all types of objects, in the place of that for networks alone. */
import { type Kysely, sql } from 'kysely'

const statements = [
  `create table rbac_policies (
    id text primary key,
    project_id text not null,
    object_type text not null,
    object_id text not null,
    action text not null,
    target_project text not null,
    unique (object_id, action, target_project)
  )`,
  'create index rbac_policies_project on rbac_policies (project_id)',
  'create index rbac_policies_target on rbac_policies (target_project, action)',
  `insert into rbac_policies (id, project_id, object_type, object_id, action, target_project)
    select id, project_id, 'network', object_id, action, target_project from network_rbac`,
  'drop table network_rbac',
]

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db)
}
