/**
 * How lists find their rows: no filter of the large resources reads a whole table, and no tenant's list reads what
 * others have. The engines' own plans are asked, of the statements that the API runs.
 */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { compose } from '../../model/resource.ts'
import { coreResources } from '../../model/resources/core.ts'
import { silentLogger } from '../../runtime/log.ts'
import { type Cloud, startCloud, testSettings } from '../features.testing.ts'
import { createFeatures } from '../features.ts'
import { copyPort, insertRows } from '../port/crowd.testing.ts'
import { fullScans, recording } from '../store/plans.testing.ts'
import { forEachEngine } from '../store/testing.ts'

const large = 10_000

/** Resource -> its table. */
const tables = {
  port: 'ports',
  network: 'networks',
  subnet: 'subnets',
  security_group: 'security_groups',
} as const
type Name = keyof typeof tables

/** Filters that read the whole table, and why. */
const exceptions: Readonly<Record<string, string>> = {
  'not-tags': 'nearly all rows are the answer',
  'not-tags-any': 'nearly all rows are the answer',
}

/** For attributes whose filter takes no free text: a value that few rows have, or none. */
const rare: Readonly<Record<string, string>> = {
  admin_state_up: 'false',
  enable_dhcp: 'false',
  shared: 'true',
  'router:external': 'true',
  is_default: 'true',
  ip_version: '6',
  cidr: '192.0.2.0/24',
  gateway_ip: '192.0.2.1',
  mac_address: 'fa:16:3e:00:00:01',
  ipv6_ra_mode: 'slaac',
  ipv6_address_mode: 'slaac',
  revision_number: '77',
  mtu: '1234',
  'provider:segmentation_id': '77',
  fixed_ips: 'ip_address=192.0.2.77',
}

/** Fills the tables with what many tenants have; nothing of it is the tenant `few`'s. */
async function crowd(cloud: Cloud): Promise<void> {
  const { store, admin } = cloud
  const network = await admin.create('network', { name: 'n' })
  const cidr = '10.0.0.0/8'
  const subnet = await admin.create('subnet', { network_id: network.id, ip_version: 4, cidr })
  const group = await admin.create('security_group', { name: 'g' })
  const port = await admin.create('port', { network_id: network.id, tags: undefined })
  await admin.call('PUT', `ports/${port.id}/tags/common`)
  const ids = await store.write({ requestId: 'crowd' }, async (tx) => {
    const copies = async (table: keyof typeof owners, id: string, own: (n: number) => object) => {
      const row = await tx.db.selectFrom(table).selectAll().where('id', '=', id).executeTakeFirstOrThrow()
      const made = Array.from({ length: large }, (_, n) => ({
        ...row,
        id: randomUUID(),
        name: `crowd-${n}`,
        ...owners[table](n),
        ...own(n),
      }))
      await insertRows(tx, table, made)
      return made
    }
    const owners = {
      networks: (n: number) => ({ project_id: `p${n % 500}` }),
      subnets: (n: number) => ({ project_id: `p${n % 500}` }),
      security_groups: (n: number) => ({ project_id: `p${n % 500}`, is_default: 0 }),
    }
    const networks = await copies('networks', network.id, () => ({}))
    const ids = networks.map((one) => one.id)
    await copies('subnets', subnet.id, (n) => ({ network_id: ids[n], cidr: `10.${n >> 8}.${n & 255}.0/24` }))
    await copies('security_groups', group.id, () => ({}))
    const segments = ids.map((network_id, n) => ({
      id: randomUUID(),
      network_id,
      segment_index: 0,
      network_type: 'vxlan',
      physical_network: null,
      segmentation_id: 5000 + n,
      claim: null,
    }))
    await insertRows(tx, 'network_segments', segments)
    return ids
  })
  // Ports of many owners on many networks.
  const own = (n: number) => ({ project_id: `p${n % 500}`, network_id: String(ids[n % 2000]) })
  await copyPort(store, port.id, large, { own })
  if (store.engine === 'postgres') {
    await store.write({ requestId: 'analyze' }, async (tx) => void (await sql`analyze`.execute(tx.db)))
  }
}

/** Each filter of a resource with a value that few have, and with two where any text will do. */
function queriesOf(name: Name): [string, string][] {
  const features = createFeatures(testSettings(), silentLogger)
  const attributes = compose(coreResources, features.extensions).resources.get(name)?.attributes ?? {}
  const filters = Object.entries(attributes)
    .filter(([, one]) => one.filter)
    .flatMap(([attribute, one]) => {
      const any = () => (one.kind.name.includes('uuid') ? randomUUID() : `rare-${randomUUID()}`)
      const value = rare[attribute]
      const asked = value === undefined ? [[any()], [any(), any()]] : [[value]]
      return asked.map((values): [string, string] => [
        attribute,
        values.map((one) => `${attribute}=${encodeURIComponent(one)}`).join('&'),
      ])
    })
  const parts: [string, string][] =
    name === 'port'
      ? [
          ['fixed_ips subnet_id', `fixed_ips=subnet_id%3D${randomUUID()}`],
          ['fixed_ips ip_address_substr', 'fixed_ips=ip_address_substr%3D203.0.113'],
        ]
      : []
  return [...filters, ...parts, ['changed_since', 'changed_since=2099-01-01T00:00:00']]
}

forEachEngine('no filter of a large resource reads the whole table', async ({ store, engine, t }) => {
  const recorded = recording(store)
  const cloud = await startCloud(recorded.store)
  await crowd(cloud)
  await cloud.as('few').create('network', { name: 'own' })
  const seen: string[] = []
  const ask = async (name: Name, query: string, caller: 'admin' | 'few'): Promise<string[]> => {
    recorded.statements.length = 0
    const path = `${name.replaceAll('_', '-')}s?${query}`
    const answer = await cloud.as(caller).call('GET', path)
    assert.equal(answer.status, 200, `${path}: ${JSON.stringify(answer.body)}`)
    const table = tables[name]
    const of = recorded.statements.filter(({ sql: text }) => text.includes(`order by "${table}"."id"`))
    const all = await store.read(async (tx) => {
      const found: string[] = []
      for (const one of of) found.push(...(await fullScans(tx, table, one)))
      return found
    })
    assert.ok(of.length > 0, `${path} reads nothing`)
    return all
  }
  for (const name of Object.keys(tables) as Name[]) {
    for (const [attribute, query] of queriesOf(name)) {
      const scans = await ask(name, query, 'admin')
      if (scans.length > 0 && exceptions[attribute] === undefined) {
        seen.push(`${name} ${attribute}: ${scans.join(', ')}`)
      }
      if (exceptions[attribute] !== undefined) assert.ok(scans.length > 0, `${attribute} is no exception`)
    }
    const own = await ask(name, '', 'few')
    if (own.length > 0) seen.push(`${name}, all of a tenant: ${own.join(', ')}`)
    const page = await ask(name, 'limit=20', 'admin')
    t.diagnostic(`${name}: a page of all (${engine}): ${page.join(', ') || 'by index'}`)
  }
  assert.deepEqual(seen, [])
  if (engine === 'sqlite') {
    const scansFor = async (part: string) => {
      await ask('port', `fixed_ips=ip_address_substr%3D${part}`, 'admin')
      const search = recorded.statements.find(({ sql: text }) => text.includes('instr('))
      return store.read(async (tx) => search && fullScans(tx, 'ip_allocations', search))
    }
    const narrowest = 'SCAN ip_allocations USING COVERING INDEX ip_allocations_address'
    assert.deepEqual(await scansFor('203.0.113'), [narrowest])
    assert.deepEqual(await scansFor('03.0.113.'), [], 'a part that tells how an address begins')
  }
  await cloud.close()
})
