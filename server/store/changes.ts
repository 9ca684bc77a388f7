/** Writes what a transaction noted with tx.change(), as its last statement. */
import type { Change, ReadTx, Tx, WriteOptions } from './store.ts'

const columns = 'object, id, parent_id, operation, revision, project_id, request_id, user_id, at'

const insertOne = `insert into changes (${columns}) values (?, ?, ?, ?, ?, ?, ?, ?, ?)`

const insertAll = `
  insert into changes (${columns})
  select object, id, parent_id, operation, revision, project_id, $2, $3, $4
  from json_to_recordset($1::json) as noted
    (object text, id text, parent_id text, operation text, revision bigint, project_id text)`

/**
 * Writes all of a transaction's changes in their order (one statement on PostgreSQL), with its request, user and time.
 */
export async function writeChanges(
  tx: Pick<ReadTx, 'engine' | 'run'> & Pick<Tx, 'now'>,
  options: WriteOptions,
  changes: readonly Change[],
): Promise<void> {
  const { requestId, userId = null } = options
  if (changes.length === 0) return
  if (tx.engine === 'postgres') {
    const noted = changes.map(({ parentId, projectId, ...rest }) => ({
      ...rest,
      parent_id: parentId,
      project_id: projectId,
    }))
    await tx.run(insertAll, [JSON.stringify(noted), requestId, userId, tx.now], 'changes-insert')
    return
  }
  for (const { object, id, parentId, operation, revision, projectId } of changes) {
    await tx.run(insertOne, [object, id, parentId, operation, revision, projectId, requestId, userId, tx.now])
  }
}
