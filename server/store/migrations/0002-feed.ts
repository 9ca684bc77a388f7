/** The log of changes, its consumers, and what each host has been told. */
import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>, engine: 'sqlite' | 'postgres'): Promise<void> {
  const postgres = engine === 'postgres'

  await db.schema
    .createTable('changes')
    .addColumn('seq', postgres ? 'bigserial' : 'integer', (column) =>
      postgres ? column.primaryKey() : column.primaryKey().autoIncrement(),
    )
    .addColumn('xid', 'bigint', (column) =>
      column.notNull().defaultTo(postgres ? sql`(pg_current_xact_id()::text::bigint)` : 0),
    )
    .addColumn('object', 'text', (column) => column.notNull())
    .addColumn('id', 'text', (column) => column.notNull())
    .addColumn('parent_id', 'text')
    .addColumn('operation', 'text', (column) => column.notNull())
    .addColumn('revision', 'bigint')
    .addColumn('project_id', 'text')
    .addColumn('request_id', 'text', (column) => column.notNull())
    .addColumn('user_id', 'text')
    .addColumn('at', 'text', (column) => column.notNull())
    .execute()
  if (postgres) await db.schema.createIndex('changes_order').on('changes').columns(['xid', 'seq']).execute()

  await db.schema
    .createTable('consumers')
    .addColumn('name', 'text', (column) => column.primaryKey().notNull())
    .addColumn('xid', 'bigint', (column) => column.notNull())
    .addColumn('seq', 'bigint', (column) => column.notNull())
    .addColumn('lease_owner', 'text')
    .addColumn('lease_until', 'bigint', (column) => column.notNull())
    .execute()

  await db.schema
    .createTable('feed_epoch')
    .addColumn('id', 'integer', (column) => column.primaryKey().notNull())
    .addColumn('epoch', 'text', (column) => column.notNull())
    .addColumn('origin', 'text', (column) => column.notNull())
    .addColumn('schema', 'integer', (column) => column.notNull())
    .execute()

  await db.schema
    .createTable('documents')
    .addColumn('type', 'text', (column) => column.notNull())
    .addColumn('id', 'text', (column) => column.notNull())
    .addColumn('hash', 'text', (column) => column.notNull())
    .addColumn('body', 'text', (column) => column.notNull())
    .addPrimaryKeyConstraint('documents_key', ['type', 'id'])
    .execute()

  await db.schema
    .createTable('host_documents')
    .addColumn('host', 'text', (column) => column.notNull())
    .addColumn('type', 'text', (column) => column.notNull())
    .addColumn('id', 'text', (column) => column.notNull())
    .addColumn('seq', 'bigint', (column) => column.notNull())
    .addColumn('hash', 'text', (column) => column.notNull())
    .addColumn('present', 'integer', (column) => column.notNull())
    .addColumn('removed_at', 'bigint')
    .addPrimaryKeyConstraint('host_documents_key', ['type', 'id', 'host'])
    .execute()
  await db.schema
    .createIndex('host_documents_sequence')
    .on('host_documents')
    .columns(['host', 'seq'])
    .execute()
  await sql`create index host_documents_removed on host_documents (removed_at) where present = 0`.execute(db)

  await db.schema
    .createTable('hosts')
    .addColumn('host', 'text', (column) => column.primaryKey().notNull())
    .addColumn('sequence', 'bigint', (column) => column.notNull())
    .addColumn('floor', 'bigint', (column) => column.notNull())
    .addColumn('digest', 'text', (column) => column.notNull())
    .execute()
}
