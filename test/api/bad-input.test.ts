/**
 * Bad input on networks, subnets and ports, seeded (NUCLEON_TEST_SEED): Neutron's status and type of fault, never a
 * 5xx, a refused request changes nothing in the database, and what another project has is never seen.
 */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { type Cloud, startCloud } from '../../server/features.testing.ts'
import { onSqlite } from '../../server/store/testing.ts'
import { type Kind, type Probe, probes, systematicMutations, type World } from './probe/bad-requests.ts'
import { factsOf, faultFacts } from './probe/facts.ts'
import { fingerprintOf } from './probe/fingerprint.ts'
import { isJudged } from './probe/hostile.ts'
import { randomOf } from './probe/random.ts'

const soak = process.env.NUCLEON_TEST_SOAK === '1'
const count = soak ? 400_000 : 20_000
const seed = Number(process.env.NUCLEON_TEST_SEED ?? 20260131)
/** Objects of a kind that are kept: beyond, the oldest is deleted. */
const kept = 40

/** Requests of the test itself, which do not count. */
const tidying = 'tidying'
/** In every text that `red` has. */
const canary = `canary-${randomUUID()}`

async function makeWorld(cloud: Cloud): Promise<World> {
  const [blue, red] = [cloud.as('blue'), cloud.as('red')]
  const network = await blue.create('network', { name: 'own' })
  const otherNetwork = await blue.create('network', { name: 'other' })
  const range = { network_id: network.id, allocation_pools: [{ start: '10.1.1.0', end: '10.1.250.0' }] }
  const subnet = await blue.create('subnet', { ...range, ip_version: 4, cidr: '10.1.0.0/16' })
  const subnet6 = await blue.create('subnet', {
    network_id: network.id,
    ip_version: 6,
    cidr: '2001:db8:1::/64',
    enable_dhcp: false,
  })
  const otherSubnet = await blue.create('subnet', {
    network_id: otherNetwork.id,
    ip_version: 4,
    cidr: '10.2.0.0/16',
  })
  const port = await blue.create('port', { network_id: network.id })
  // Requests change the port above at will, its addresses too: this one keeps the subnets in use.
  const held = await blue.create('port', {
    network_id: network.id,
    fixed_ips: [{ subnet_id: subnet.id, ip_address: '10.1.0.77' }, { subnet_id: subnet6.id }],
  })
  const hidden = { name: canary, description: canary }
  const redNetwork = await red.create('network', { ...hidden, dns_domain: `${canary}.` })
  const redSubnet = await red.create('subnet', {
    ...hidden,
    network_id: redNetwork.id,
    ip_version: 4,
    cidr: '10.77.0.0/16',
  })
  const redPort = await red.create('port', { ...hidden, network_id: redNetwork.id, device_id: canary })
  const green = cloud.as('green')
  const full = await green.create('network', { name: 'full' })
  await green.create('subnet', { network_id: full.id, ip_version: 4, cidr: '10.78.0.0/16' })
  await green.create('port', { network_id: full.id })
  await cloud.admin.call('PUT', 'quotas/green', { quota: { network: 1, subnet: 1, port: 1 } })
  return {
    network: network.id,
    otherNetwork: otherNetwork.id,
    subnet: subnet.id,
    subnet6: subnet6.id,
    otherSubnet: otherSubnet.id,
    port: port.id,
    heldIp: '10.1.0.77',
    heldMac: held.mac_address,
    red: { network: redNetwork.id, subnet: redSubnet.id, port: redPort.id },
    full: full.id,
  }
}

async function aliasesOf(cloud: Cloud): Promise<Set<string>> {
  const { body } = await cloud.admin.call('GET', 'extensions')
  return new Set(body.extensions.map(({ alias }: { alias: string }) => alias))
}

onSqlite(`${count} requests, most of them bad`, async ({ store, options, t }) => {
  assert.equal(options.engine, 'sqlite')
  const cloud = await startCloud(store)
  const file = options.engine === 'sqlite' ? options.path : ''
  const world = await makeWorld(cloud)
  const facts = factsOf(await aliasesOf(cloud))
  const statusOf = faultFacts()
  const kinds = (['network', 'subnet', 'port'] as const).map((name): Kind => {
    const collection = `${name}s`
    const found = facts[collection]
    assert.ok(found)
    return { name, collection, facts: found }
  })
  for (const { collection, facts } of kinds) {
    for (const [name, fact] of Object.entries(facts.attributes)) {
      const judged = isJudged(fact) || name === 'binding:host_id'
      assert.ok(judged || !(fact.allow_post || fact.allow_put), `nothing is refused of ${collection} ${name}`)
    }
  }
  const secrets = [canary, ...Object.values(world.red)]
  const fingerprint = fingerprintOf(file)
  const before = [fingerprint.version(), fingerprint.checksum()]
  await cloud.as('blue').update('port', world.port, { description: 'changed' })
  assert.notEqual(fingerprint.version(), before[0], 'a commit is seen')
  assert.notEqual(fingerprint.checksum(), before[1], 'a change is seen')

  const shares = new Map<string, number>()
  const mutated = new Set<string>()
  /** One of each sort. */
  const failures = new Map<string, string>()
  const made = new Map<string, string[]>()
  let asked = 0
  let mutations = 0
  let systematic = 0

  /** Looks at every row before and after if `closely`: always would take most of the test's time. */
  const send = async (probe: Probe, closely = asked % 20 === 0): Promise<void> => {
    const { body } = probe
    const payload = typeof body === 'string' ? body : body === undefined ? undefined : JSON.stringify(body)
    const before = closely ? fingerprint.checksum() : fingerprint.version()
    const answer = await cloud.api.inject({
      method: probe.method,
      url: `/v2.0/${probe.path}`,
      headers: { 'x-project': 'blue', 'content-type': 'application/json', ...probe.headers },
      ...(payload !== undefined && { payload }),
    })
    const { statusCode: status, payload: text } = answer
    const isUnchanged = status < 400 || before === (closely ? fingerprint.checksum() : fingerprint.version())
    // A version also changes by what SQLite does of itself.
    if (!isUnchanged && !closely) return send(probe, true)
    if (probe.what !== tidying) {
      asked++
      if (probe.mutated) mutations++
      if (probe.systematic) systematic++
      shares.set(String(status), (shares.get(String(status)) ?? 0) + 1)
    }
    const shown = text === '' ? undefined : JSON.parse(text)
    const type = shown?.NeutronError?.type
    const result = type === undefined ? String(status) : `${status} ${type}`
    const fail = (why: string): void => {
      const sent = String(payload ?? '').slice(0, 400)
      const line = `${probe.method} ${probe.path.slice(0, 200)} ${sent} -> ${result} ${text.slice(0, 300)}`
      failures.set(`${why}: ${probe.what}`, line)
    }
    if (status >= 500) fail('a defect')
    if (probe.expects.length > 0 && !probe.expects.includes(result))
      fail(`expected ${probe.expects.join(' or ')}`)
    if (status >= 400) {
      if (!isUnchanged) fail('refused, and yet something has changed')
      if (type === undefined || typeof shown.NeutronError.message !== 'string') fail('no fault')
      else if (status !== (statusOf[type] ?? status)) fail(`Neutron answers ${statusOf[type]} to ${type}`)
    }
    const sent = `${probe.path} ${payload ?? ''}`
    for (const secret of secrets) {
      if (text.includes(secret) && !sent.includes(secret)) fail(`shows ${secret}`)
    }
    if (probe.mutated) mutated.add(probe.what)
    if (status === 201) await tidy(probe.path, shown)
  }

  /** Remembers what was made, and deletes what was made long ago. */
  const tidy = async (collection: string, shown: Record<string, unknown>): Promise<void> => {
    const list = made.get(collection) ?? []
    made.set(collection, list)
    const objects = (shown[collection] ?? [shown[collection.slice(0, -1)]]) as { id: string }[]
    list.push(...objects.map(({ id }) => id))
    while (list.length > kept) {
      const path = `${collection}/${list.shift()}`
      await send({
        what: tidying,
        mutated: false,
        method: 'DELETE',
        path,
        expects: ['204', '409 SubnetInUse'],
      })
    }
  }

  const everyMutation = kinds.flatMap((kind) => systematicMutations(world, kind))
  for (const probe of probes(world, kinds, everyMutation, randomOf(seed))) {
    if (asked >= count || failures.size >= 20) break
    await send(probe)
  }
  const share = [...shares].sort().map(([status, n]) => `${status}: ${((100 * n) / asked).toFixed(1)} %`)
  t.diagnostic(
    `${asked} requests (seed ${seed}), ${mutations} mutated in ${mutated.size} ways; ${share.join(', ')}`,
  )
  assert.deepEqual([...failures], [])
  assert.ok(mutations >= 0.7 * count, 'at least 70 % are mutated')
  assert.ok(
    systematic >= everyMutation.length,
    `${systematic} of ${everyMutation.length} mutations were asked`,
  )
  fingerprint.close()
  await cloud.close()
})
