/** Finding users, projects and domains as clients name them: by id, or by name within a domain. */
import type { ReadTx } from '../../store/store.ts'
import { type Body, objectAt, textIn } from './body.ts'
import { badRequest } from './errors.ts'

/** The id of a domain as named; an id is taken as it stands. Undefined: none of that name. Throws 400 for neither. */
export async function findDomain(tx: ReadTx, named: Body): Promise<string | undefined> {
  const id = textIn(named, 'id')
  if (id !== undefined) return id
  const name = textIn(named, 'name')
  if (name === undefined) throw badRequest('Expecting to find id or name in domain.')
  const row = await tx.db
    .selectFrom('identity_domains')
    .select('id')
    .where('name', '=', name)
    .executeTakeFirst()
  return row?.id
}

/**
 * The id of a project as named; an id is taken as it stands. Undefined: no such name, or domain. Throws 400 where a
 * name comes without its domain.
 */
export async function findProject(tx: ReadTx, named: Body): Promise<string | undefined> {
  return findInDomain(tx, 'identity_projects', named, 'project')
}

/**
 * The id of a user as named; an id is taken as it stands. Undefined: no such name, or domain. Throws 400 where a name
 * comes without its domain.
 */
export async function findUser(tx: ReadTx, named: Body): Promise<string | undefined> {
  return findInDomain(tx, 'identity_users', named, 'user')
}

async function findInDomain(
  tx: ReadTx,
  table: 'identity_projects' | 'identity_users',
  named: Body,
  what: string,
): Promise<string | undefined> {
  const id = textIn(named, 'id')
  if (id !== undefined) return id
  const name = textIn(named, 'name')
  const domain = objectAt(named, 'domain')
  if (name === undefined) throw badRequest(`Expecting to find id or name in ${what}.`)
  if (domain === undefined) throw badRequest(`Expecting to find domain in ${what}.`)
  const domainId = await findDomain(tx, domain)
  if (domainId === undefined) return undefined
  const row = await tx.db
    .selectFrom(table)
    .select('id')
    .where('domain_id', '=', domainId)
    .where('name', '=', name)
    .executeTakeFirst()
  return row?.id
}
