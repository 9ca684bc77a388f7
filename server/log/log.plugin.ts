/** The service plugin `log`: logging resources, stored; no traffic is logged yet. */
import {
  invalidLogResourceType,
  invalidResourceConstraint,
  logResourceNotFound,
  resourceNotFound,
  targetResourceNotFound,
} from '../../lib/errors.ts'
import type { Context } from '../context.ts'
import type { Plugin } from '../plugin.ts'
import type { Input } from '../resource.ts'
import type { ReadTx } from '../store/store.ts'
import { storedFeature } from '../stored/stored.ts'

const loggable: readonly string[] = ['security_group']

export const logPlugin: Plugin = {
  name: 'log',
  extensions: ['logging'],
  serve: ({ resource }) => ({
    features: [
      storedFeature(resource('log'), {
        table: 'logs',
        inUse: logResourceNotFound,
        hooks: {
          async creating(tx, context, input) {
            await checkSubject(tx, context, input)
            return undefined
          },
        },
      }),
    ],
    computed: [
      {
        resource: resource('loggable_resource'),
        list: async (_tx, context) => loggable.map((type) => ({ type, project_id: context.projectId })),
      },
    ],
  }),
}

/**
 * A log is of a security group, of a port, or of a group on a port. Throws InvalidLogResourceType, ResourceNotFound,
 * TargetResourceNotFound, InvalidResourceConstraint.
 */
async function checkSubject(tx: ReadTx, context: Context, input: Input): Promise<void> {
  const { resource_type: type, resource_id: group, target_id: port } = input
  if (!loggable.includes(String(type))) throw invalidLogResourceType(String(type))
  if (typeof group === 'string' && !(await isOwn(tx, context, 'security_groups', group))) {
    throw resourceNotFound(group)
  }
  if (typeof port === 'string' && !(await isOwn(tx, context, 'ports', port))) {
    throw targetResourceNotFound(port)
  }
  if (typeof group !== 'string' || typeof port !== 'string') return
  const bound = await tx.db
    .selectFrom('port_security_groups')
    .select('port_id')
    .where('port_id', '=', port)
    .where('security_group_id', '=', group)
    .executeTakeFirst()
  if (!bound) throw invalidResourceConstraint('security_group', group, 'port', port)
}

async function isOwn(
  tx: ReadTx,
  context: Context,
  table: 'security_groups' | 'ports',
  id: string,
): Promise<boolean> {
  const row = await tx.db.selectFrom(table).select('project_id').where('id', '=', id).executeTakeFirst()
  return row !== undefined && (context.isAdmin || row.project_id === context.projectId)
}
