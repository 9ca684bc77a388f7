/**
 * The API against the facts of Neutron's (test/facts), by HTTP probes of a running server alone: each attribute (set
 * on POST and PUT, required, default, shown, filter, sort key, values taken and refused), each extension, and faults.
 * Same, different or missing; missing counts as different. A difference that conformance.explained.json does not
 * explain fails, and so does an explanation of what is no difference.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { members, type Place, recipes } from './policy/recipes.ts'
import {
  type AttributeFact,
  type CollectionFact,
  collectionFacts,
  extensionFacts,
  faultFacts,
} from './probe/facts.ts'
import { refusedValues, takenValues } from './probe/hostile.ts'
import { type Answer, type Body, type Call, placeOf, startServer } from './probe/server.ts'

type Verdict = 'same' | 'different' | 'missing'

/** Where objects of a collection are, and how one is made. */
interface Target {
  path: string
  singular: string
  /** What POST takes for one object. */
  wrap: (body: Body) => Body
  body: (() => Promise<Body>) | undefined
  change: Body
  existing: (() => Promise<string>) | undefined
}

async function targetOf(
  call: Call,
  collection: string,
  fact: CollectionFact,
  all: Readonly<Record<string, CollectionFact>>,
  place: Place,
): Promise<Target | undefined> {
  const [parent = '', child] = collection.split('/')
  const { singular = '', url = '' } = fact
  const bare = fact.special?.create?.body !== undefined
  const wrap = (body: Body): Body => (bare ? body : { [singular]: body })
  if (child === undefined) {
    const { body, change = {}, existing } = recipes[singular] ?? {}
    return {
      path: url,
      singular,
      wrap,
      body: body && (async () => body(place)),
      change,
      existing: existing && (() => existing(place)),
    }
  }
  const above = all[parent]
  const recipe = recipes[above?.singular ?? '']
  const member = members[`${above?.singular}.${child}`]
  if (!above?.singular || !recipe || (await call('GET', above.url ?? '')).status === 404) return undefined
  const object = async (): Promise<string> => {
    if (recipe.existing) return recipe.existing(place)
    const body = { ...(await recipe.body?.(place)), ...member?.above }
    return (await place.make((above.url ?? '').replace('/v2.0/', ''), above.singular ?? '', body)).id
  }
  const body = member?.body
  return {
    path: url.replace(/\{\w+\}/, await object()),
    singular,
    wrap,
    body: body && (async () => body(place)),
    change: member?.change ?? {},
    existing: undefined,
  }
}

interface Report {
  note(what: string, verdict: Verdict, detail?: string): void
}

/** A text that a filter of this attribute can be. */
function filterText(name: string, fact: AttributeFact, value: unknown): string {
  if (name === 'fixed_ips') return 'ip_address=10.0.0.1'
  if (typeof value === 'number' || fact.convert_to === 'convert_to_int') return '1'
  return typeof value === 'boolean' || fact.convert_to?.includes('boolean') || name === 'alive' ? 'true' : 'x'
}

/** All that is asked of one attribute. `shown` is an object as the server answered it. */
async function probeAttribute(
  call: Call,
  report: Report,
  target: Target,
  collection: string,
  [name, fact]: [string, AttributeFact],
  shown: (Body & { id?: string }) | undefined,
): Promise<void> {
  const where = `${collection}.${name}`
  const { path, singular, wrap, body } = target
  const same = (what: string, is: boolean, detail = ''): void =>
    report.note(`${where} ${what}`, is ? 'same' : 'different', detail)
  const isOwner = name === 'project_id' || name === 'tenant_id'
  /** False where the answer says that the attribute may not be sent. */
  const mayBeSent = ({ status, message }: Answer): boolean =>
    !(
      status === 400 &&
      /Unrecognized attribute|not allowed in POST|read-only attribute/.test(message) &&
      message.includes(name)
    )

  if (shown) same('is shown', Object.hasOwn(shown, name) === (fact.is_visible ?? false))
  const list = async (query: Record<string, string>) => call('GET', `${path}?${new URLSearchParams(query)}`)
  if (target.body || target.existing || fact.is_filter) {
    const filtered = await list({
      [name]: filterText(name, fact, shown?.[name]),
    })
    if (filtered.status !== 405)
      same('is a filter', (filtered.status === 200) === (fact.is_filter ?? false), String(filtered.message))
    const sorted = await list({ sort_key: name, sort_dir: 'asc' })
    if (sorted.status !== 405)
      same('is a sort key', (sorted.status === 200) === (fact.is_sort_key ?? false), sorted.message)
  }
  if (body) {
    const plain = await body()
    const value = takenValues(fact)[0] ?? plain[name] ?? 'x'
    const created = await call('POST', path, wrap({ ...plain, [name]: value }))
    same('may be sent with POST', mayBeSent(created) === (fact.allow_post ?? false), created.message)
    if (fact.required && !isOwner) {
      const { [name]: _left, ...rest } = await body()
      const answer = await call('POST', path, wrap(rest))
      same('is required', answer.status === 400, `${answer.status}`)
    }
    if (
      shown &&
      fact.allow_post &&
      !fact.required &&
      'default' in fact &&
      fact.default !== '$unspecified' &&
      fact.is_visible &&
      !(name in plain)
    ) {
      const empty = (one: unknown) =>
        one === null || one === '' || (Array.isArray(one) && one.length === 0) || JSON.stringify(one) === '{}'
      same(
        'has the default',
        JSON.stringify(shown[name]) === JSON.stringify(fact.default) ||
          (empty(shown[name]) && empty(fact.default)),
        JSON.stringify(shown[name]),
      )
    }
    if (fact.allow_post && !isOwner) {
      const wrong: string[] = []
      for (const { value: refused, type } of refusedValues(fact)) {
        const answer = await call('POST', path, wrap({ ...(await body()), [name]: refused }))
        if (
          answer.status !== 400 ||
          (answer.type !== type && answer.type !== 'InvalidInput' && answer.type !== 'HTTPBadRequest')
        )
          wrong.push(`${JSON.stringify(refused)?.slice(0, 60)} -> ${answer.status} ${answer.type}`)
      }
      same('refuses what Neutron refuses', wrong.length === 0, wrong.join('; '))
    }
  }
  if (shown?.id !== undefined && typeof shown.id === 'string') {
    const value = takenValues(fact)[0] ?? shown[name] ?? 'x'
    const answer = await call('PUT', `${path}/${shown.id}`, { [singular]: { [name]: value } })
    if (answer.status !== 405)
      same('may be sent with PUT', mayBeSent(answer) === (fact.allow_put ?? false), answer.message)
  }
}

async function probeCollection(
  call: Call,
  report: Report,
  collection: string,
  all: Readonly<Record<string, CollectionFact>>,
  place: Place,
  aliases: ReadonlySet<string>,
): Promise<void> {
  const fact = all[collection] as CollectionFact
  const attributes = Object.entries(fact.attributes)
  const missing = (): void => {
    report.note(collection, 'missing')
    for (const [name] of attributes) report.note(`${collection}.${name}`, 'missing')
  }
  const target = await targetOf(call, collection, fact, all, place)
  const listed = target && (await call('GET', target.path))
  if (!target || !listed || (listed.type === 'HTTPNotFound' && listed.status === 404)) return missing()
  report.note(collection, 'same')
  if (collection.endsWith('/tags')) return
  let shown: (Body & { id?: string }) | undefined
  if (target.body) {
    const created = await call('POST', target.path, target.wrap(await target.body()))
    assert.equal(created.status, 201, `${collection}: ${JSON.stringify(created.body)}`)
    shown = created.body[target.singular] as Body | undefined
  } else if (target.existing) {
    const id = await target.existing()
    const found = await call('GET', `${target.path}/${id}`)
    if (found.status === 200) shown = found.body[target.singular] as Body
  }
  for (const [name, one] of attributes) {
    if (one.ext !== '(core)' && !aliases.has(one.ext))
      report.note(`${collection}.${name}`, 'missing', one.ext)
    else await probeAttribute(call, report, target, collection, [name, one], shown)
  }
}

async function probeExtensions(call: Call, report: Report): Promise<Set<string>> {
  const { body } = await call('GET', '/v2.0/extensions')
  const announced = new Map(
    (body.extensions as { alias: string; updated: string }[]).map((one) => [one.alias, one]),
  )
  for (const [alias, fact] of Object.entries(extensionFacts())) {
    const one = announced.get(alias)
    const verdict = one === undefined ? 'missing' : one.updated === fact.updated ? 'same' : 'different'
    report.note(`extension ${alias}`, verdict)
  }
  for (const alias of announced.keys()) {
    if (!(alias in extensionFacts()))
      report.note(`extension ${alias}`, 'different', 'Neutron has no such extension')
  }
  return new Set(announced.keys())
}

/** What makes a fault of each type, on objects of the place. */
async function probeFaults(call: Call, report: Report, place: Place): Promise<void> {
  const absent = 'deadbeef-0000-4000-8000-00000000dead'
  const { network, subnet } = place
  const port = await place.make('ports', 'port', { network_id: network })
  const [fixed] = port.fixed_ips as { ip_address: string }[]
  const newSubnet = (more: Body) => ({
    subnet: { network_id: network, ip_version: 4, cidr: '10.99.0.0/24', ...more },
  })
  const newPort = (more: Body) => ({ port: { network_id: network, ...more } })
  const external = await place.make('networks', 'network', { 'router:external': true })
  const provocations: Record<string, () => Promise<Answer>> = {
    HTTPBadRequest: () => call('POST', '/v2.0/networks', { network: { nonsense: 1 } }),
    InvalidInput: () => call('POST', '/v2.0/networks', { network: { admin_state_up: 'maybe' } }),
    BadRequest: () => call('GET', '/v2.0/networks?limit=x'),
    HTTPNotFound: () => call('GET', '/v2.0/nonsense'),
    HTTPMethodNotAllowed: () => call('PUT', '/v2.0/networks', {}),
    HTTPNotImplemented: () => call('POST', '/v2.0/quotas', { quota: {} }),
    ExtensionNotFound: () => call('GET', '/v2.0/extensions/nonsense'),
    PolicyNotAuthorized: () =>
      call('POST', '/v2.0/networks', { network: { shared: true } }, { 'x-roles': 'member,reader' }),
    HTTPForbidden: () =>
      call('POST', '/v2.0/ports', newPort({ project_id: 'q', network_id: external.id }), {
        'x-roles': 'member,reader',
        'x-project-id': 'q',
      }),
    RevisionNumberConstraintFailed: () =>
      call('PUT', `/v2.0/networks/${network}`, { network: {} }, { 'if-match': 'revision_number=999' }),
    TenantIdProjectIdFilterConflict: () => call('GET', '/v2.0/networks?project_id=a&tenant_id=b'),
    TagNotFound: () => call('GET', `/v2.0/networks/${network}/tags/none`),
    TagResourceNotFound: () => call('GET', `/v2.0/networks/${absent}/tags`),
    NetworkNotFound: () => call('GET', `/v2.0/networks/${absent}`),
    SubnetNotFound: () => call('GET', `/v2.0/subnets/${absent}`),
    PortNotFound: () => call('GET', `/v2.0/ports/${absent}`),
    AgentNotFound: () => call('GET', `/v2.0/agents/${absent}`),
    NetworkInUse: () => call('DELETE', `/v2.0/networks/${network}`),
    SubnetInUse: () => call('DELETE', `/v2.0/subnets/${subnet}`),
    AvailabilityZoneNotFound: () =>
      call('POST', '/v2.0/networks', { network: { availability_zone_hints: ['none'] } }),
    InvalidAllocationPool: () =>
      call(
        'POST',
        '/v2.0/subnets',
        newSubnet({ allocation_pools: [{ start: '10.99.0.9', end: '10.99.0.5' }] }),
      ),
    OutOfBoundsAllocationPool: () =>
      call(
        'POST',
        '/v2.0/subnets',
        newSubnet({ allocation_pools: [{ start: '10.98.0.5', end: '10.98.0.9' }] }),
      ),
    OverlappingAllocationPools: () =>
      call(
        'POST',
        '/v2.0/subnets',
        newSubnet({
          allocation_pools: [
            { start: '10.99.0.5', end: '10.99.0.9' },
            { start: '10.99.0.8', end: '10.99.0.12' },
          ],
        }),
      ),
    GatewayConflictWithAllocationPools: () =>
      call(
        'POST',
        '/v2.0/subnets',
        newSubnet({ gateway_ip: '10.99.0.7', allocation_pools: [{ start: '10.99.0.5', end: '10.99.0.9' }] }),
      ),
    DNSNameServersExhausted: () =>
      call(
        'POST',
        '/v2.0/subnets',
        newSubnet({ dns_nameservers: [1, 2, 3, 4, 5, 6].map((i) => `10.9.9.${i}`) }),
      ),
    HostRoutesExhausted: () =>
      call(
        'POST',
        '/v2.0/subnets',
        newSubnet({
          host_routes: Array.from({ length: 21 }, (_, i) => ({
            destination: `10.20.${i}.0/24`,
            nexthop: '10.99.0.1',
          })),
        }),
      ),
    IpAddressAlreadyAllocated: () =>
      call('POST', '/v2.0/ports', newPort({ fixed_ips: [{ ip_address: fixed?.ip_address }] })),
    InvalidIpForNetwork: () =>
      call('POST', '/v2.0/ports', newPort({ fixed_ips: [{ ip_address: '192.0.2.1' }] })),
    InvalidIpForSubnet: () =>
      call('POST', '/v2.0/ports', newPort({ fixed_ips: [{ subnet_id: subnet, ip_address: '192.0.2.1' }] })),
    MacAddressInUse: () => call('POST', '/v2.0/ports', newPort({ mac_address: port.mac_address })),
    AllowedAddressPairExhausted: () =>
      call(
        'POST',
        '/v2.0/ports',
        newPort({
          allowed_address_pairs: Array.from({ length: 11 }, (_, i) => ({ ip_address: `10.9.0.${i}` })),
        }),
      ),
    // With the port's own MAC address, and without one, which means the same.
    DuplicateAddressPairInRequest: () =>
      call(
        'POST',
        '/v2.0/ports',
        newPort({
          mac_address: 'fa:16:3e:77:00:01',
          allowed_address_pairs: [
            { ip_address: '10.9.0.5' },
            { ip_address: '10.9.0.5', mac_address: 'fa:16:3e:77:00:01' },
          ],
        }),
      ),
    AddressPairAndPortSecurityRequired: () =>
      call(
        'POST',
        '/v2.0/ports',
        newPort({ port_security_enabled: false, allowed_address_pairs: [{ ip_address: '10.9.0.5' }] }),
      ),
    SecurityGroupNotFound: () => call('GET', `/v2.0/security-groups/${absent}`),
    SecurityGroupRuleNotFound: () => call('GET', `/v2.0/security-group-rules/${absent}`),
    SubnetPoolNotFound: () => call('GET', `/v2.0/subnetpools/${absent}`),
    AddressScopeNotFound: () => call('GET', `/v2.0/address-scopes/${absent}`),
    AddressGroupNotFound: () => call('GET', `/v2.0/address-groups/${absent}`),
    RbacPolicyNotFound: () => call('GET', `/v2.0/rbac-policies/${absent}`),
    QosPolicyNotFound: () => call('GET', `/v2.0/qos/policies/${absent}`),
    TrunkNotFound: () => call('GET', `/v2.0/trunks/${absent}`),
    SegmentNotFound: () => call('GET', `/v2.0/segments/${absent}`),
    FlavorNotFound: () => call('GET', `/v2.0/flavors/${absent}`),
    ServiceProfileNotFound: () => call('GET', `/v2.0/service_profiles/${absent}`),
    MeteringLabelNotFound: () => call('GET', `/v2.0/metering/metering-labels/${absent}`),
    MeteringLabelRuleNotFound: () => call('GET', `/v2.0/metering/metering-label-rules/${absent}`),
    NetworkSegmentRangeNotFound: () => call('GET', `/v2.0/network-segment-ranges/${absent}`),
    LocalIPNotFound: () => call('GET', `/v2.0/local-ips/${absent}`),
    LogResourceNotFound: () => call('GET', `/v2.0/log/logs/${absent}`),
  }
  /** Statuses of faults that the web framework makes. */
  const others: Readonly<Record<string, number>> = {
    HTTPBadRequest: 400,
    HTTPNotFound: 404,
    HTTPForbidden: 403,
    HTTPMethodNotAllowed: 405,
    HTTPNotImplemented: 501,
    ExtensionNotFound: 404,
  }
  const statuses = faultFacts()
  for (const [type, provoke] of Object.entries(provocations)) {
    const answer = await provoke()
    const is = answer.type === type && answer.status === (statuses[type] ?? others[type])
    const verdict = is ? 'same' : answer.type === 'HTTPNotFound' ? 'missing' : 'different'
    report.note(`fault ${type}`, verdict, `${answer.status} ${answer.type}`)
  }
}

/** Reasons, each with what it explains; a trailing `*` stands for any ending. */
const explained = JSON.parse(
  readFileSync(new URL('./conformance.explained.json', import.meta.url), 'utf8'),
) as Record<'missing' | 'different', Record<string, string[]>>

const fits = (what: string, pattern: string): boolean =>
  pattern.endsWith('*') ? what.startsWith(pattern.slice(0, -1)) : what === pattern

test('the API is what the facts say', async (t) => {
  const server = await startServer(t)
  const { call } = server
  const verdicts = new Map<string, { verdict: Verdict; detail: string }>()
  const report: Report = {
    note: (what, verdict, detail = '') => void verdicts.set(what, { verdict, detail }),
  }
  const all = collectionFacts()
  const place = await placeOf(server)
  const aliases = await probeExtensions(call, report)
  for (const collection of Object.keys(all))
    await probeCollection(call, report, collection, all, place, aliases)
  await probeFaults(call, report, place)

  const counts = new Map<Verdict, number>()
  for (const { verdict } of verdicts.values()) counts.set(verdict, (counts.get(verdict) ?? 0) + 1)
  const differences = [...verdicts].filter(([, { verdict }]) => verdict !== 'same')
  const isExplained = (what: string, verdict: Verdict): boolean =>
    verdict !== 'same' &&
    Object.values(explained[verdict])
      .flat()
      .some((pattern) => fits(what, pattern))
  const unexplained = differences.filter(([what, { verdict }]) => !isExplained(what, verdict))
  const idle = (kind: 'missing' | 'different'): string[] =>
    Object.values(explained[kind])
      .flat()
      .filter(
        (pattern) => !differences.some(([what, { verdict }]) => verdict === kind && fits(what, pattern)),
      )
  const count = (verdict: Verdict) => `${counts.get(verdict) ?? 0} ${verdict}`
  t.diagnostic(
    `${verdicts.size} verdicts: ${count('same')}, ${count('different')}, ${count('missing')}; ${unexplained.length} of them unexplained`,
  )
  assert.deepEqual(
    unexplained.map(([what, { verdict, detail }]) => `${verdict}: ${what} ${detail.slice(0, 160)}`),
    [],
  )
  assert.deepEqual(idle('different'), [], 'explanations of what is no difference')
  const there = idle('missing')
  if (there.length > 0) t.diagnostic(`no longer missing, to be struck out: ${there.join(', ')}`)
})
