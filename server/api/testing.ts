/**
 * For tests of the API: the server over two small features that write the real tables, a network and a port, and an
 * identity that takes the caller from headers.
 */
import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { networkNotFound } from '../../lib/errors.ts'
import { extensionsOf } from '../../model/extensions/catalogue.ts'
import { network } from '../../model/resources/network.ts'
import { port } from '../../model/resources/port.ts'
import { type Logger, silentLogger } from '../../runtime/log.ts'
import type { Context } from '../context.ts'
import { type Identity, Unauthorized } from '../identity/identity.ts'
import { loadPolicy, type PolicySettings } from '../policy/policy.file.ts'
import type { Feature, Input, QueryScope, View } from '../resource.ts'
import { isOneOf } from '../store/lists.ts'
import type { ReadTx, Store, Tx } from '../store/store.ts'
import { type ApiOptions, buildApi } from './api.ts'

/** `x-test-token: <roles, comma-separated>@<project or nothing>[/scope]`; none is 401. */
export const headerIdentity: Identity = {
  async authenticate(headers) {
    const token = headers['x-test-token']
    const [, roles = '', project = '', scope = 'project'] =
      /^([^@]*)@([^/]*)(?:\/(.*))?$/.exec(String(token)) ?? []
    if (typeof token !== 'string') throw new Unauthorized('http://127.0.0.1:5000')
    return {
      requestId: '',
      userId: 'u1',
      userName: 'somebody',
      projectId: project || null,
      projectName: project || null,
      roles: roles.split(','),
      isAdmin: roles.split(',').includes('admin'),
      scope: scope as Context['scope'],
    }
  },
}

export const admin = 'admin,manager,member,reader@ops'
export const blue = 'member,reader@blue'
export const red = 'member,reader@red'
export const blueReader = 'reader@blue'

export const testExtensions = [
  'sorting',
  'pagination',
  'project-id',
  'empty-string-filtering',
  'filter-validation',
  'standard-attr-description',
  'standard-attr-timestamp',
  'standard-attr-revisions',
  'standard-attr-tag',
  'revision-if-match',
  'provider',
  'external-net',
  'net-mtu',
]

export interface TestApi {
  policy?: Partial<PolicySettings>
  settings?: ApiOptions['settings']
  log?: Logger
}

/** The API over the test features. */
export async function testApi(
  store: Store,
  { policy = {}, settings = {}, log = silentLogger }: TestApi = {},
) {
  return buildApi({
    store,
    features: [testNetworks, testPorts],
    extensions: extensionsOf(testExtensions),
    identity: headerIdentity,
    policy: await loadPolicy({ enforceNewDefaults: true, enforceScope: true, ...policy }),
    log,
    settings,
  })
}

const ref = (name: string) => () => sql.ref(name)

function refs(table: string, names: readonly string[]) {
  return Object.fromEntries(names.map((name) => [name, ref(`${table}.${name}`)]))
}

const standard = ['id', 'project_id', 'name', 'description', 'revision_number', 'created_at', 'updated_at']

const access = (action: string, networkId: string) => () =>
  sql`case when exists (select 1 from rbac_policies r where r.object_id = ${sql.ref(networkId)}
    and r.action = ${action} and r.target_project = '*') then 1 else 0 end`

function tagFilters(object: string, table: string) {
  return Object.fromEntries(
    ['tags', 'tags-any', 'not-tags', 'not-tags-any'].map((name) => [
      name,
      ({ tx }: QueryScope, values: readonly string[]) => {
        const has = sql<boolean>`exists (select 1 from tags t where t.object = ${object}
          and t.object_id = ${sql.ref(`${table}.id`)} and ${isOneOf(tx.engine, 't.tag', values)})`
        return name.startsWith('not') ? sql<boolean>`not ${has}` : has
      },
    ]),
  )
}

async function tagsOf(tx: ReadTx, object: string, ids: readonly string[]): Promise<Map<string, string[]>> {
  const rows = await tx.db
    .selectFrom('tags')
    .select(['object_id', 'tag'])
    .where('object', '=', object)
    .where(isOneOf(tx.engine, 'object_id', ids))
    .orderBy('tag')
    .execute()
  const tags = new Map<string, string[]>()
  for (const row of rows) tags.set(row.object_id, [...(tags.get(row.object_id) ?? []), row.tag])
  return tags
}

async function setTags(tx: Tx, object: string, id: string, tags: readonly string[]): Promise<void> {
  await tx.db.deleteFrom('tags').where('object_id', '=', id).execute()
  if (tags.length === 0) return
  await tx.db
    .insertInto('tags')
    .values(tags.map((tag) => ({ object, object_id: id, tag })))
    .execute()
}

const flag = (value: unknown): boolean => value === 1

function viewsFor(object: string) {
  return async ({ tx }: QueryScope, rows: Record<string, unknown>[]): Promise<View[]> => {
    const tags = await tagsOf(
      tx,
      object,
      rows.map((row) => String(row.id)),
    )
    return rows.map((row) => ({
      ...row,
      id: String(row.id),
      admin_state_up: flag(row.admin_state_up),
      ...('shared' in row && { shared: flag(row.shared), 'router:external': flag(row['router:external']) }),
      tags: tags.get(String(row.id)) ?? [],
    }))
  }
}

function standardValues(tx: Tx, input: Input) {
  return {
    id: randomUUID(),
    project_id: String(input.project_id),
    name: String(input.name),
    description: String(input.description ?? ''),
    revision_number: 1,
    created_at: tx.now,
    updated_at: tx.now,
    admin_state_up: input.admin_state_up ? 1 : 0,
    status: 'ACTIVE',
    port_security_enabled: 1,
  }
}

async function setOpen(tx: Tx, id: string, action: 'access_as_shared' | 'access_as_external', open: unknown) {
  await tx.db.deleteFrom('rbac_policies').where('object_id', '=', id).where('action', '=', action).execute()
  if (open !== true) return
  await tx.db
    .insertInto('rbac_policies')
    .values({
      id: randomUUID(),
      project_id: '',
      object_type: 'network',
      object_id: id,
      action,
      target_project: '*',
    })
    .execute()
}

const testNetworks: Feature = {
  resource: network,
  reader: {
    table: 'networks',
    columns: {
      ...refs('networks', [...standard, 'admin_state_up', 'status', 'mtu']),
      shared: access('access_as_shared', 'networks.id'),
      'router:external': access('access_as_external', 'networks.id'),
      'provider:network_type': () => sql`'local'`,
      'provider:physical_network': () => sql`null`,
      'provider:segmentation_id': () => sql`7`,
    },
    filters: tagFilters('network', 'networks'),
    views: viewsFor('network'),
  },
  async create(tx, _context, inputs) {
    const rows = inputs.map((input) => ({
      ...standardValues(tx, input),
      mtu: 1500,
      dns_domain: '',
      availability_zone_hints: '[]',
      is_default: 0,
    }))
    if (inputs.some((input) => input.name === 'explode')) throw new Error('a defect')
    await tx.db.insertInto('networks').values(rows).execute()
    for (const [i, row] of rows.entries()) {
      await setOpen(tx, row.id, 'access_as_shared', inputs[i]?.shared)
      await setOpen(tx, row.id, 'access_as_external', inputs[i]?.['router:external'])
    }
    return rows.map((row) => row.id)
  },
  async update(tx, _context, current, changes) {
    await tx.db
      .updateTable('networks')
      .set({
        name: String(changes.name ?? current.name),
        description: String(changes.description ?? current.description),
        revision_number: Number(current.revision_number) + 1,
        updated_at: tx.now,
      })
      .where('id', '=', current.id)
      .execute()
    if (changes.shared !== undefined) await setOpen(tx, current.id, 'access_as_shared', changes.shared)
  },
  async remove(tx, _context, current) {
    await tx.db.deleteFrom('networks').where('id', '=', current.id).execute()
  },
  setTags: (tx, _context, current, tags) => setTags(tx, 'network', current.id, tags),
}

const testPorts: Feature = {
  resource: port,
  reader: {
    table: 'ports',
    columns: {
      ...refs('ports', [
        ...standard,
        'admin_state_up',
        'status',
        'network_id',
        'mac_address',
        'device_id',
        'device_owner',
      ]),
      'network:project_id': () => sql`(select n.project_id from networks n where n.id = ports.network_id)`,
      'network:shared': access('access_as_shared', 'ports.network_id'),
    },
    filters: { ...tagFilters('port', 'ports'), fixed_ips: () => sql<boolean>`1 = 1` },
    views: viewsFor('port'),
  },
  async targets(tx, _context, inputs) {
    const ids = inputs.map((input) => String(input.network_id))
    const networks = await tx.db
      .selectFrom('networks')
      .select([
        'id',
        'project_id',
        access('access_as_shared', 'networks.id')().as('shared'),
        access('access_as_external', 'networks.id')().as('external'),
      ])
      .where(isOneOf(tx.engine, 'id', ids))
      .execute()
    return ids.map((id) => {
      const found = networks.find((one) => one.id === id)
      if (!found) throw networkNotFound(id)
      return {
        'network:project_id': found.project_id,
        'network:shared': found.shared,
        'network:router:external': found.external,
      }
    })
  },
  async create(tx, _context, inputs) {
    const rows = inputs.map((input) => {
      const values = standardValues(tx, input)
      const mac = values.id.replaceAll('-', '').slice(0, 6).match(/../g) ?? []
      return {
        ...values,
        network_id: String(input.network_id),
        mac_address: `fa:16:3e:${mac.join(':')}`,
        device_id: String(input.device_id),
        device_owner: String(input.device_owner),
        dns_name: '',
        ip_allocation: 'none',
        allowed_address_pairs: '[]',
        extra_dhcp_opts: '[]',
        generation: 0,
        extras: '{}',
      }
    })
    await tx.db.insertInto('ports').values(rows).execute()
    return rows.map((row) => row.id)
  },
  async remove(tx, _context, current) {
    await tx.db.deleteFrom('ports').where('id', '=', current.id).execute()
  },
  setTags: (tx, _context, current, tags) => setTags(tx, 'port', current.id, tags),
}
