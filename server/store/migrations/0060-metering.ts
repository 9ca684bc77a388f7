/** Metering labels and their rules. */
import { type Kysely, sql } from 'kysely'

const statements = [
  `create table metering_labels (
    id text primary key,
    project_id text not null,
    name text not null,
    description text not null,
    shared integer not null
  )`,
  'create index metering_labels_project on metering_labels (project_id)',
  `create table metering_label_rules (
    id text primary key,
    project_id text not null,
    metering_label_id text not null references metering_labels (id) on delete cascade,
    direction text not null,
    excluded integer not null,
    remote_ip_prefix text,
    source_ip_prefix text,
    destination_ip_prefix text
  )`,
  'create index metering_label_rules_label on metering_label_rules (metering_label_id)',
]

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db)
}
