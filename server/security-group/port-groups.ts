/** Which security groups a port has, and what that has to do with port security. */
import {
  portSecurityAndIpRequiredForSecurityGroups,
  portSecurityPortHasSecurityGroup,
  securityGroupNotFound,
} from '../../lib/errors.ts'
import { eachOf, isOneOf, textsOfEach } from '../store/lists.ts'
import { prepared } from '../store/prepared.ts'
import type { ReadTx, Tx } from '../store/store.ts'
import { sharedWith } from './rule.feature.ts'
import { ensureDefaultGroup } from './security-group.store.ts'

/** What of a port decides about its groups. */
export interface Guarded {
  id: string
  project_id: string
  portSecurity: boolean
  /** The cloud's own (DHCP, routers): never filtered, and so without groups. */
  trusted: boolean
}

/**
 * Gives a new port the groups that are asked for; nothing asked for gives the project's default group to a port with
 * port security. Throws SecurityGroupNotFound and PortSecurityAndIPRequiredForSecurityGroups.
 */
export async function startGroups(
  tx: Tx,
  port: Guarded,
  asked: readonly string[] | undefined,
): Promise<void> {
  if (port.trusted) return
  if (!port.portSecurity && (asked?.length ?? 0) > 0) throw portSecurityAndIpRequiredForSecurityGroups()
  if (asked !== undefined) await addGroups(tx, port, asked)
  else if (port.portSecurity && port.project_id !== '') {
    if ((await insertDefault.run(tx, { port: port.id, project: port.project_id })) > 0) return
    await insertGroups.run(tx, { port: port.id, groups: [await ensureDefaultGroup(tx, port.project_id)] })
  }
}

/**
 * Changes the groups of a port to those asked for, and answers whether that changed any. Throws what startGroups
 * throws, and PortSecurityPortHasSecurityGroup when port security is to go and groups are to stay.
 */
export async function changeGroups(
  tx: Tx,
  port: Guarded,
  asked: readonly string[] | undefined,
): Promise<boolean> {
  if (port.trusted || (asked === undefined && port.portSecurity)) return false
  if (!port.portSecurity && (asked?.length ?? 0) > 0) throw portSecurityAndIpRequiredForSecurityGroups()
  const [current = []] = await groupsOf(tx, [port.id])
  if (asked === undefined) {
    if (current.length > 0) throw portSecurityPortHasSecurityGroup()
    return false
  }
  const same = current.length === asked.length && current.every((id) => asked.includes(id))
  if (same) return false
  await deleteGroups.run(tx, { port: port.id })
  await addGroups(tx, port, asked)
  return true
}

async function addGroups(tx: Tx, port: Guarded, groups: readonly string[]): Promise<void> {
  if (groups.length === 0) return
  const usable = await tx.db
    .selectFrom('security_groups')
    .select('id')
    .where(isOneOf(tx.engine, 'id', groups))
    .where((eb) =>
      eb.or([eb('project_id', '=', port.project_id), sharedWith(port.project_id, 'security_groups')]),
    )
    .execute()
  const found = new Set(usable.map((row) => row.id))
  const missing = groups.filter((id) => !found.has(id))
  if (missing.length > 0) throw securityGroupNotFound(missing.join(', '))
  await insertGroups.run(tx, { port: port.id, groups })
}

const insertGroups = prepared(
  'port-groups-insert',
  (db, p: { port: string; groups: readonly string[] }, engine) =>
    db
      .insertInto('port_security_groups')
      .columns(['port_id', 'security_group_id'])
      .expression(
        db
          .selectFrom('security_groups')
          .select((eb) => [eb.cast<string>(eb.val(p.port), 'text').as('port_id'), 'id'])
          .where(isOneOf(engine, 'id', p.groups)),
      ),
)

/** Gives the project's default group, if there is one by now. */
const insertDefault = prepared('port-groups-insert-default', (db, p: { port: string; project: string }) =>
  db
    .insertInto('port_security_groups')
    .columns(['port_id', 'security_group_id'])
    .expression(
      db
        .selectFrom('security_groups')
        .select((eb) => [eb.cast<string>(eb.val(p.port), 'text').as('port_id'), 'id'])
        .where('project_id', '=', p.project)
        .where('is_default', '=', 1),
    ),
)

const deleteGroups = prepared('port-groups-delete', (db, p: { port: string }) =>
  db.deleteFrom('port_security_groups').where('port_id', '=', p.port),
)

const ofPorts = prepared('port-views-groups', (db, p: { ids: readonly string[] }, engine) =>
  db
    .selectFrom(eachOf(engine, p.ids))
    .crossJoin('port_security_groups as g')
    .select(['each.key', 'g.security_group_id'])
    .whereRef('g.port_id', '=', 'each.value'),
)

/** The groups of each of the ports, sorted. */
export async function groupsOf(tx: ReadTx, ids: readonly string[]): Promise<(readonly string[])[]> {
  return textsOfEach(ids.length, await ofPorts.all(tx, { ids }), (row) => row.security_group_id)
}
