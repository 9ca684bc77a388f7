/**
 * Whether new security groups are stateful that do not say so. A project's own setting goes before that of the cloud;
 * without any they are. Groups that exist stay as they are.
 */
import { securityGroupDefaultStatefulnessAlreadyExists } from '../../lib/errors.ts'
import type { Resource } from '../../model/resource.ts'
import type { Feature } from '../resource.ts'
import { prepared } from '../store/prepared.ts'
import type { ReadTx } from '../store/store.ts'
import { storedFeature } from '../stored/stored.ts'

const settings = prepared('default-statefulness', (db, p: { project: string }) =>
  db
    .selectFrom('security_groups_default_statefulness')
    .select(['project_id', 'stateful'])
    .where((eb) => eb.or([eb('project_id', 'is', null), eb('project_id', '=', p.project)])),
)

/** 1 where a new group of the project is stateful unless its creator says otherwise, else 0. */
export async function defaultStateful(tx: ReadTx, project: string): Promise<number> {
  const rows = await settings.all(tx, { project })
  const own = rows.find((row) => row.project_id !== null)
  return (own ?? rows[0])?.stateful ?? 1
}

/** One setting a project, and one for the cloud: the one without a project. */
export function defaultStatefulnessFeature(resource: Resource): Feature {
  return storedFeature(resource, {
    table: 'security_groups_default_statefulness',
    hooks: {
      /** Throws SecurityGroupDefaultStatefulnessAlreadyExists. */
      async creating(tx, _context, { project_id: project }) {
        const rows = await settings.all(tx, { project: String(project ?? '') })
        if (rows.some((row) => row.project_id === (project ?? null))) {
          throw securityGroupDefaultStatefulnessAlreadyExists(String(project ?? 'all projects'))
        }
        return undefined
      },
    },
  })
}
