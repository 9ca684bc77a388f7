/** Type drivers through the API, on both engines: what is refused, what is given, and that nothing is given twice. */
import assert from 'node:assert/strict'
import {
  type Answer,
  type Caller,
  type Cloud,
  type Overrides,
  onCloud,
  type Shown,
} from '../../features.testing.ts'
import { atOnce, onTwoServers, withStatus } from '../../servers.testing.ts'

const wire: Overrides = {
  ml2: { tenant_network_types: ['vlan', 'gre'] },
  ml2_type_vlan: {
    network_vlan_ranges: [
      { physicalNetwork: 'physnet1', range: { first: 100, last: 101 } },
      { physicalNetwork: 'bare', range: null },
      { physicalNetwork: 'physnet2', range: { first: 7, last: 7 } },
      { physicalNetwork: 'physnet1', range: { first: 200, last: 200 } },
    ],
  },
  ml2_type_gre: { tunnel_id_ranges: [{ first: 4_294_967_295, last: 4_294_967_295 }] },
  ml2_type_geneve: { vni_ranges: [{ first: 50, last: 51 }] },
}

type Wish = [type: string | null, physicalNetwork?: string | null, id?: number | null]

const attributes = ([type, physicalNetwork, id]: Wish): Shown => ({
  ...(type === null ? {} : { 'provider:network_type': type }),
  ...(physicalNetwork == null ? {} : { 'provider:physical_network': physicalNetwork }),
  ...(id == null ? {} : { 'provider:segmentation_id': id }),
})

const make = (caller: Caller, ...wish: Wish): Promise<Answer> =>
  caller.call('POST', 'networks', { network: attributes(wish) })

/** `vlan physnet1 100`, as the administrator sees it. */
function wireOf(network: Shown): string {
  return ['network_type', 'physical_network', 'segmentation_id']
    .map((name) => network[`provider:${name}`] ?? '-')
    .join(' ')
}

async function outcome(answer: Promise<Answer>): Promise<string> {
  const { status, fault, body } = await answer
  return fault === undefined ? wireOf(body.network) : `${status} ${fault}`
}

/** Identifiers of the configuration alone, and of the ranges that the service plugin makes of it. */
function onBoth(name: string, body: (cloud: Cloud) => Promise<void>, overrides: Overrides): void {
  onCloud(`${name} (ranges)`, body, overrides)
  onCloud(`${name} (configuration)`, body, { ...overrides, DEFAULT: { service_plugins: [] } })
}

onBoth(
  'tenants get VLANs in the order of the ranges, then GRE, then nothing',
  async ({ admin, as }) => {
    const networks: Shown[] = []
    const seen: string[] = []
    for (let i = 0; i < 5; i++) {
      const { id } = await as('blue').create('network', {})
      networks.push(await admin.show('network', id))
      seen.push(wireOf(networks[i] ?? {}))
    }
    assert.deepEqual(seen, [
      'vlan physnet1 100',
      'vlan physnet1 101',
      'vlan physnet1 200',
      'vlan physnet2 7',
      'gre - 4294967295',
    ])
    assert.deepEqual(
      networks.map((network) => network.mtu),
      [1500, 1500, 1500, 1500, 1458],
    )
    assert.equal(await outcome(make(as('blue'), null)), '503 NoNetworkAvailable')
    await admin.remove('network', networks[2]?.id)
    await admin.remove('network', networks[4]?.id)
    assert.equal(await outcome(make(admin, null)), 'vlan physnet1 200')
    assert.equal(await outcome(make(admin, null)), 'gre - 4294967295')
  },
  wire,
)

onBoth(
  'administrators name VLANs, within ranges and outside',
  async ({ admin, as }) => {
    const cases: [Wish, string][] = [
      [['vlan', 'physnet1', 100], 'vlan physnet1 100'],
      [['vlan', 'physnet1', 100], '409 VlanIdInUse'],
      [['vlan', 'physnet2', 100], 'vlan physnet2 100'],
      [['vlan', 'physnet1', 4094], 'vlan physnet1 4094'],
      [['vlan', 'physnet1', 4095], '400 InvalidInput'],
      [['vlan', 'physnet1', 0], '400 InvalidInput'],
      [['vlan', 'bare', 100], 'vlan bare 100'],
      [['vlan', 'bare'], '400 InvalidInput'],
      [['vlan', 'nowhere', 100], '400 InvalidInput'],
      [['vlan', null, 100], '400 InvalidInput'],
      [['vlan', 'physnet1'], 'vlan physnet1 101'],
      [['vlan'], 'vlan physnet1 200'],
      [['vlan'], 'vlan physnet2 7'],
      [['vlan'], '503 NoNetworkAvailable'],
    ]
    for (const [wish, expected] of cases) {
      assert.equal(await outcome(make(admin, ...wish)), expected, JSON.stringify(wish))
    }
    assert.equal(await outcome(make(as('blue'), 'vlan', 'physnet1', 300)), '403 PolicyNotAuthorized')
  },
  wire,
)

onBoth(
  'a VLAN network gets another id while it is used, and gives its own back',
  async ({ admin, store, sources }) => {
    const { body } = await make(admin, 'vlan', 'physnet1', 100)
    const { id, revision_number } = body.network
    await admin.create('port', { network_id: id })
    const put = (...wish: Wish) => outcome(admin.call('PUT', `networks/${id}`, { network: attributes(wish) }))
    const document = () =>
      store.read(async (tx) => (await sources.network.bodies(tx, [id])).get(id)?.segments[0])
    const before = await document()
    assert.equal(await put('vlan', 'physnet1', 101), 'vlan physnet1 101')
    assert.deepEqual(await document(), { ...before, segmentation_id: 101 }, 'hosts are told')
    assert.equal((await admin.show('network', id)).revision_number, revision_number + 1)
    assert.equal(await outcome(make(admin, 'vlan', 'physnet1')), 'vlan physnet1 100')
    const cases: [Wish, string][] = [
      [[null, null, 100], '409 VlanIdInUse'],
      [[null, null, 101], 'vlan physnet1 101'],
      [[null, null, 4095], '400 InvalidInput'],
      [[null, 'physnet2', 102], '400 InvalidInput'],
      [['gre'], '400 InvalidInput'],
      [[null, null, 300], 'vlan physnet1 300'],
    ]
    for (const [wish, expected] of cases) assert.equal(await put(...wish), expected, JSON.stringify(wish))
    assert.equal(await outcome(make(admin, 'vlan', 'physnet1')), 'vlan physnet1 101')
  },
  wire,
)

onBoth(
  'administrators name GRE keys and Geneve VNIs',
  async ({ admin }) => {
    const cases: [Wish, string][] = [
      [['gre', null, 4_294_967_295], 'gre - 4294967295'],
      [['gre', null, 4_294_967_295], '409 TunnelIdInUse'],
      [['gre', null, 4_294_967_296], '400 InvalidInput'],
      [['gre'], '503 NoNetworkAvailable'],
      [['gre', 'physnet1', 5], '400 InvalidInput'],
      [['geneve', null, 51], 'geneve - 51'],
      [['geneve'], 'geneve - 50'],
      [['geneve'], '503 NoNetworkAvailable'],
      [['geneve', null, 16_777_215], 'geneve - 16777215'],
      [['geneve', null, 16_777_216], '400 InvalidInput'],
      [['vxlan', null, 51], 'vxlan - 51'],
    ]
    for (const [wish, expected] of cases) {
      assert.equal(await outcome(make(admin, ...wish)), expected, JSON.stringify(wish))
    }
  },
  wire,
)

onBoth(
  'a network of several segments takes all of them or none, and gives all back',
  async ({ admin }) => {
    const several = (...wishes: Wish[]) =>
      admin.call('POST', 'networks', { network: { segments: wishes.map(attributes) } })
    const refused = await several(['vlan', 'physnet1', 100], ['vxlan', null, 5], ['geneve', null, 2 ** 24])
    assert.equal(refused.fault, 'InvalidInput')
    const twice = await several(['vlan', 'physnet1', 100], ['vlan', 'physnet1', 100])
    assert.deepEqual([twice.status, twice.fault], [400, 'SegmentsContainDuplicateEntry'])
    const locals = await several(['local'], ['local'])
    assert.deepEqual([locals.status, locals.fault], [400, 'SegmentsContainDuplicateEntry'])
    const made = await several(['vlan', 'physnet1'], ['gre', null, 77], ['geneve'])
    assert.deepEqual(made.body.network.segments.map(wireOf), ['vlan physnet1 100', 'gre - 77', 'geneve - 50'])
    assert.equal(made.body.network.mtu, 1450)
    assert.equal(await outcome(make(admin, 'gre', null, 77)), '409 TunnelIdInUse')
    await admin.remove('network', made.body.network.id)
    assert.equal(await outcome(make(admin, 'gre', null, 77)), 'gre - 77')
    assert.equal(await outcome(make(admin, 'vlan')), 'vlan physnet1 100')
    assert.equal(await outcome(make(admin, 'geneve')), 'geneve - 50')
  },
  wire,
)

onCloud(
  'a type that is not configured is refused',
  async ({ admin }) => {
    assert.equal(await outcome(make(admin, 'geneve', null, 5)), '400 InvalidInput')
    assert.equal(await outcome(make(admin, 'vlan', 'physnet1', 5)), 'vlan physnet1 5')
  },
  { ...wire, ml2: { ...wire.ml2, type_drivers: ['vlan', 'gre'] } },
)

const small: Record<string, { overrides: Overrides; expected: string[] }> = {
  vlan: {
    overrides: {
      ml2_type_vlan: {
        network_vlan_ranges: [
          { physicalNetwork: 'p', range: { first: 1, last: 6 } },
          { physicalNetwork: 'q', range: { first: 3, last: 6 } },
        ],
      },
    },
    expected: [1, 2, 3, 4, 5, 6].map((id) => `vlan p ${id}`).concat([3, 4, 5, 6].map((id) => `vlan q ${id}`)),
  },
  gre: {
    overrides: { ml2_type_gre: { tunnel_id_ranges: [{ first: 1, last: 10 }] } },
    expected: Array.from({ length: 10 }, (_, i) => `gre - ${i + 1}`),
  },
  geneve: {
    overrides: { ml2_type_geneve: { vni_ranges: [{ first: 1, last: 10 }] } },
    expected: Array.from({ length: 10 }, (_, i) => `geneve - ${i + 1}`),
  },
}

for (const [type, { overrides, expected }] of Object.entries(small)) {
  onTwoServers(
    `64 at once want one of 10 ${type} networks: each once, also while others go and administrators name them`,
    async (one, two) => {
      const ask = (caller: Caller) => caller.call('POST', 'networks', { network: {} })
      const first = await atOnce(64, one, two, ask)
      const made = withStatus(first, 201)
      assert.equal(made.length, 10)
      assert.equal(first.filter((answer) => answer.fault === 'NoNetworkAvailable').length, 54)
      const wires = async () => (await one.admin.list('network')).map(wireOf).sort()
      assert.deepEqual(await wires(), [...expected].sort())

      const [freed = ''] = [wireOf(await one.admin.show('network', made[0]?.body.network.id))]
      const [, physicalNetwork = '-', id] = freed.split(' ')
      const named: Wish = [type, physicalNetwork === '-' ? null : physicalNetwork, Number(id)]
      const answers = await Promise.all([
        ...made
          .slice(0, 5)
          .map((answer) => two.as('blue').call('DELETE', `networks/${answer.body.network.id}`)),
        ...Array.from({ length: 4 }, () => make(one.admin, ...named)),
        atOnce(20, one, two, ask),
      ])
      assert.ok(answers.flat().every((answer) => answer.status < 500 || answer.status === 503))
      await atOnce(10, one, two, ask)
      assert.deepEqual(await wires(), [...expected].sort())
      const free = await one.store.read((tx) =>
        tx.db.selectFrom('free_ranges').select('pool').where('pool', 'like', `${type}%`).execute(),
      )
      assert.deepEqual(free, [])
    },
    { ml2: { tenant_network_types: [type] }, ...overrides },
  )
}
