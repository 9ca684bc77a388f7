/** Finding users, projects and domains as clients name them: by id, or by name within a domain. */
import type { ReadTx } from '../../store/store.ts'
import { type Body, objectAt, textIn } from './body.ts'
import { badRequest } from './errors.ts'

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

export async function findProject(tx: ReadTx, named: Body): Promise<string | undefined> {
  return findInDomain(tx, 'identity_projects', named, 'project')
}

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
