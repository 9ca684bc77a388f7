/** QoS policies on networks and ports: who may put one there, and who may take one away. */
import { policyRemoveAuthorizationError, qosPolicyNotFound } from '../../lib/errors.ts'
import { accessColumn } from '../columns.ts'
import type { Context } from '../context.ts'
import type { ReadTx } from '../store/store.ts'

/** Throws QosPolicyNotFound for a policy that the caller may not use: it is neither his nor shared with him. */
export async function requireUsablePolicy(
  tx: ReadTx,
  context: Context,
  id: string | null | undefined,
): Promise<void> {
  if (id && !(await isUsable(tx, context, id))) throw qosPolicyNotFound(id)
}

/**
 * A policy that somebody else put on an object of the caller's stays there. Throws PolicyRemoveAuthorizationError,
 * and QosPolicyNotFound for the new one.
 */
export async function checkPolicyChange(
  tx: ReadTx,
  context: Context,
  current: string | null,
  next: string | null | undefined,
): Promise<void> {
  if (next === undefined || next === current) return
  if (current !== null && !(await isUsable(tx, context, current))) {
    throw policyRemoveAuthorizationError(current)
  }
  await requireUsablePolicy(tx, context, next)
}

async function isUsable(tx: ReadTx, context: Context, id: string): Promise<boolean> {
  const row = await tx.db
    .selectFrom('qos_policies')
    .select(['project_id', accessColumn('access_as_shared', 'qos_policies.id')({ tx, context }).as('shared')])
    .where('id', '=', id)
    .executeTakeFirst()
  return row !== undefined && (context.isAdmin || row.project_id === context.projectId || row.shared === 1)
}
