/** What stays as quick as it is among 100,000 ports: lists of 10,000, filters of few, and the creation of one more. */
import { join } from 'node:path'
import { extensionCatalogue } from '../../model/extensions/catalogue.ts'
import { compose } from '../../model/resource.ts'
import { coreResources } from '../../model/resources/core.ts'
import { silentLogger } from '../../runtime/log.ts'
import { copyPort } from '../../server/port/crowd.testing.ts'
import { openStore } from '../../server/store/open.ts'
import { type Bench, type Figure, round } from './bench.place.ts'
import { type ServedCopy, serveCopy } from './copy.place.ts'
import { compare, creationTarget, type Target } from './create.bench.ts'
import { percentile } from './rate.ts'
import { type Body, only, type Timed, timedClient } from './timed.ts'

const fewPorts = 1000
const listed = 10_000
const manyPorts = 100_000
const repetitions = 15

/** Filters with a large answer whatever they ask for. */
const negative: readonly string[] = ['not-tags', 'not-tags-any']

/** A port of the tenant `red` that each filter finds alone, or with none at all; and the queries. */
async function needle(admin: Timed, red: Timed): Promise<Map<string, string>> {
  const make = async (timed: Timed, path: string, name: string, body: Body) =>
    only((await timed('POST', path, { [name]: body }))[0])
  const network_id = (await make(red, 'networks', 'network', { name: 'needle' })).id
  const cidr = '192.0.2.0/24'
  await make(red, 'subnets', 'subnet', { network_id, ip_version: 4, cidr, enable_dhcp: false })
  const group = await make(red, 'security-groups', 'security_group', { name: 'needle' })
  const { id } = await make(red, 'ports', 'port', {
    network_id,
    name: 'needle',
    description: 'needle',
    device_id: 'needle',
    device_owner: 'compute:needle',
    admin_state_up: false,
    security_groups: [group.id],
  })
  await red('PUT', `ports/${id}/tags/needle`)
  await admin('PUT', `ports/${id}`, { port: { 'binding:host_id': 'needle' } })
  const [shown] = await admin('GET', `ports/${id}`)
  const port = only(shown)
  const [address] = port.fixed_ips as { subnet_id: string; ip_address: string }[]
  const rare: Record<string, unknown> = {
    status: 'ERROR',
    ip_allocation: 'deferred',
    revision_number: 77,
    security_groups: group.id,
    tags: 'needle',
    'tags-any': 'needle',
    fixed_ips: `ip_address=${address?.ip_address}`,
  }
  const { resources } = compose(coreResources, [...extensionCatalogue.values()])
  const queries = new Map<string, string>()
  for (const [name, attribute] of Object.entries(resources.get('port')?.attributes ?? {})) {
    if (!attribute.filter || negative.includes(name)) continue
    queries.set(name, `${name}=${encodeURIComponent(String(rare[name] ?? port[name]))}`)
  }
  queries.set('fixed_ips subnet_id', `fixed_ips=subnet_id%3D${address?.subnet_id}`)
  queries.set('fixed_ips ip_address_substr, the beginning,', 'fixed_ips=ip_address_substr%3D192.0.2.')
  queries.set('fixed_ips ip_address_substr, a part,', 'fixed_ips=ip_address_substr%3D92.0.2')
  queries.set('changed_since', `changed_since=${encodeURIComponent(String(port.updated_at))}`)
  return queries
}

async function p50(times: number, work: () => Promise<[Body, number]>): Promise<number> {
  const all: number[] = []
  for (let n = 0; n < times; n += 1) all.push((await work())[1])
  return percentile(all, 0.5)
}

/** What `work` takes at the median while `others` goes on and on. */
async function beside(others: () => Promise<unknown>, work: () => Promise<[Body, number]>): Promise<number> {
  let going = true
  const running = (async () => {
    while (going) await others()
  })()
  try {
    return await p50(20 * repetitions, work)
  } finally {
    going = false
    await running
  }
}

/** Each filter of ports with a small answer. */
async function measureFilters(bench: Bench): Promise<Figure[]> {
  const [admin, red] = [await timedClient(bench), await timedClient(bench, 'red')]
  const queries = await needle(admin, red)
  const figures: Figure[] = []
  for (const [who, timed] of [
    ['the administrator', admin],
    ['a tenant', red],
  ] as const) {
    for (const [name, query] of queries) {
      const what = `${name} of ${manyPorts} ports, by ${who}`
      const value = round(await p50(repetitions, () => timed('GET', `ports?${query}`)))
      figures.push({ what, value, unit: 'ms', aim: 'under 10' })
    }
  }
  const all = await p50(repetitions, () => red('GET', 'ports'))
  figures.push({
    what: `all ports of a tenant with one, of ${manyPorts}`,
    value: round(all),
    unit: 'ms',
    aim: 'under 10',
  })
  return figures
}

/** Creation among few and among many ports, by two servers with nothing else to do, in turns. */
async function measureGrowth(few: ServedCopy, many: ServedCopy, body: Target['body']): Promise<Figure[]> {
  const target = ({ session }: ServedCopy): Target => ({
    url: `${session.endpoint}/v2.0/ports`,
    headers: { 'x-auth-token': session.token },
    body,
  })
  const { ours, ceiling, share } = await compare(target(many), target(few), 1)
  return [
    { what: `creation among ${fewPorts} ports, p50`, value: round(ceiling.p50), unit: 'ms' },
    { what: `creation among ${manyPorts} ports, p50`, value: round(ours.p50), unit: 'ms' },
    { what: 'times slower among many, by the rates', value: round(1 / share), unit: '', aim: 'at most 1.2' },
  ]
}

/**
 * Writes most ports into the database itself, past the API, and leaves them there. Growth is measured on servers
 * beside it, with copies of the database at both sizes.
 */
export async function measureScale(bench: Bench): Promise<Figure[]> {
  const { network_id, target } = await creationTarget(bench, 'bench-scale', '10.128.0.0/9')
  const blue = await timedClient(bench, 'blue')
  const template = only((await blue('POST', 'ports', { port: { network_id, name: 'template' } }))[0])
  for (const tag of ['one', 'two']) await blue('PUT', `ports/${template.id}/tags/${tag}`)
  const path = join(bench.layout.server, 'nucleon.db')
  const store = await openStore({ engine: 'sqlite', path }, silentLogger)
  const copies: ServedCopy[] = []
  try {
    await copyPort(store, template.id, fewPorts - 1)
    const few = await serveCopy(bench, 'few', 19_801)
    copies.push(few)
    // The list is of a network of its own size.
    const small = await creationTarget(bench, 'bench-list', '10.0.0.0/10')
    const first = only((await blue('POST', 'ports', { port: { network_id: small.network_id } }))[0])
    for (const tag of ['one', 'two']) await blue('PUT', `ports/${first.id}/tags/${tag}`)
    await copyPort(store, first.id, listed - 1)
    const large = () => blue('GET', `ports?network_id=${small.network_id}`)
    const list = await p50(repetitions, large)
    const shown = await beside(large, () => blue('GET', `ports/${first.id}`))
    const begun = performance.now()
    await copyPort(store, template.id, manyPorts - listed - fewPorts, { from: fewPorts })
    const filled = (performance.now() - begun) / 1000
    const many = await serveCopy(bench, 'many', 19_811)
    copies.push(many)
    return [
      {
        what: `list of ${listed} ports with groups, tags, addresses, p50`,
        value: round(list),
        unit: 'ms',
        aim: 'under 200',
      },
      { what: 'show of one port beside such lists, p50', value: round(shown), unit: 'ms' },
      { what: `until ${manyPorts} ports are there`, value: round(filled), unit: 's' },
      ...(await measureGrowth(few, many, target.body)),
      ...(await measureFilters(bench)),
    ]
  } finally {
    await Promise.all(copies.map((copy) => copy.stop()))
    await store.close()
  }
}
