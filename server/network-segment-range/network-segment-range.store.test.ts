/** Network segment ranges, through the API on both engines: what they hold, who is given what, and what is refused. */
import assert from 'node:assert/strict'
import { type Caller, type Overrides, onCloud, type Shown, startCloud } from '../features.testing.ts'
import { atOnce, onTwoServers, withStatus } from '../servers.testing.ts'
import { forEachEngine } from '../store/testing.ts'

const wire: Overrides = {
  ml2_type_vlan: {
    network_vlan_ranges: [
      { physicalNetwork: 'physnet1', range: { first: 100, last: 104 } },
      { physicalNetwork: 'bare', range: null },
    ],
  },
  ml2_type_vxlan: { vni_ranges: [{ first: 1, last: 10 }] },
}

const path = 'network-segment-ranges'

/** `vxlan - 1-10` */
const spanOf = (range: Shown): string =>
  `${range.network_type} ${range.physical_network ?? '-'} ${range.minimum}-${range.maximum}`

const spans = (ranges: Shown[]): string[] => ranges.map(spanOf).sort()

const tools = (admin: Caller) => ({
  make: (body: Shown) => admin.create('network_segment_range', body),
  fault: async (method: 'POST' | 'PUT' | 'DELETE', body: Shown = {}, id?: string): Promise<string> => {
    const answer = await admin.call(
      method,
      id === undefined ? path : `${path}/${id}`,
      method === 'DELETE' ? undefined : { network_segment_range: body },
    )
    return `${answer.status} ${answer.fault ?? ''}`.trim()
  },
  /** The VNI or VLAN id of a new network of that project. */
  give: async (caller: Caller, body: Shown = {}): Promise<number | string> => {
    const answer = await caller.call('POST', 'networks', { network: body })
    if (answer.fault !== undefined) return answer.fault
    return (await admin.show('network', answer.body.network.id))['provider:segmentation_id']
  },
})

onCloud(
  'the ranges of the configuration are there from the start, and only it changes them',
  async ({ admin, as }) => {
    const { fault } = tools(admin)
    const ranges = await admin.list('network_segment_range')
    assert.deepEqual(spans(ranges), ['vlan physnet1 100-104', 'vxlan - 1-10'])
    const [vxlan = {}] = ranges.filter((range) => range.network_type === 'vxlan')
    assert.deepEqual(
      [vxlan.default, vxlan.shared, vxlan.project_id, vxlan.name, vxlan.used, vxlan.available],
      [true, true, null, '', {}, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]],
    )
    const network = await as('blue').create('network', {})
    const shown = await admin.show('network_segment_range', vxlan.id)
    assert.deepEqual([shown.used, shown.available], [{ 1: 'blue' }, [2, 3, 4, 5, 6, 7, 8, 9, 10]])
    await as('blue').remove('network', network.id)
    assert.equal(await fault('PUT', { name: 'x' }, vxlan.id), '400 NetworkSegmentRangeDefaultReadOnly')
    assert.equal(await fault('DELETE', {}, vxlan.id), '400 NetworkSegmentRangeDefaultReadOnly')
    assert.equal((await as('blue').call('GET', `${path}/${vxlan.id}`)).fault, 'NetworkSegmentRangeNotFound')
    assert.deepEqual(await as('blue').list('network_segment_range'), [])
    assert.equal((await as('blue').call('POST', path, { network_segment_range: {} })).status, 400)
  },
  wire,
)

onCloud(
  'what makes no range is refused, with the name of the fault',
  async ({ admin }) => {
    const { make, fault } = tools(admin)
    const taken = await make({ network_type: 'vxlan', minimum: 100, maximum: 199 })
    assert.deepEqual(
      [taken.default, taken.shared, taken.project_id, taken.revision_number],
      [false, true, null, 1],
    )
    const cases: [Shown, string][] = [
      [{ network_type: 'vxlan', minimum: 5 }, '400 HTTPBadRequest'],
      [{ network_type: 'flat', minimum: 5, maximum: 6 }, '400 HTTPBadRequest'],
      [{ minimum: 5, maximum: 6 }, '400 NetworkSegmentRangeNetTypeNotSupported'],
      [{ network_type: 'geneve', minimum: 5, maximum: 6 }, '400 NetworkSegmentRangeNetTypeNotSupported'],
      [{ network_type: 'vlan', minimum: 5, maximum: 6 }, '400 BadRequest'],
      [
        { network_type: 'vlan', physical_network: 'p', minimum: 5, maximum: 4095 },
        '400 NetworkVlanRangeError',
      ],
      [{ network_type: 'vxlan', minimum: 9, maximum: 8 }, '400 NetworkTunnelRangeError'],
      [{ network_type: 'vxlan', minimum: 5, maximum: 2 ** 24 }, '400 NetworkTunnelRangeError'],
      [{ network_type: 'vxlan', minimum: 199, maximum: 250 }, '409 NetworkSegmentRangeOverlaps'],
      [{ network_type: 'vxlan', minimum: 50, maximum: 250 }, '409 NetworkSegmentRangeOverlaps'],
      // Default ranges may lie below, and those of other places.
      [{ network_type: 'vxlan', minimum: 5, maximum: 6 }, '201'],
      [{ network_type: 'vlan', physical_network: 'physnet1', minimum: 100, maximum: 199 }, '201'],
      [{ network_type: 'vlan', physical_network: 'physnet2', minimum: 100, maximum: 199 }, '201'],
    ]
    for (const [body, expected] of cases)
      assert.equal(await fault('POST', body), expected, JSON.stringify(body))
    assert.equal(await fault('PUT', { minimum: 6 }, taken.id), '409 NetworkSegmentRangeOverlaps')
    assert.equal(await fault('PUT', { maximum: 99 }, taken.id), '400 NetworkTunnelRangeError')
    assert.equal(await fault('PUT', { shared: false }, taken.id), '400 HTTPBadRequest')
    const grown = await admin.update('network_segment_range', taken.id, { name: 'wide', minimum: 90 })
    assert.deepEqual([grown.name, grown.minimum, grown.revision_number], ['wide', 90, 2])
    assert.equal((await admin.list('network_segment_range', '?name=wide&network_type=vxlan')).length, 1)
    await admin.remove('network_segment_range', taken.id)
    assert.equal(await fault('DELETE', {}, taken.id), '404 NetworkSegmentRangeNotFound')
  },
  { ...wire, ml2: { type_drivers: ['local', 'flat', 'vlan', 'vxlan'], tenant_network_types: ['vxlan'] } },
)

onCloud(
  'a project is given of its own range first, then of those for all, and never of another project',
  async ({ admin, as }) => {
    const { make, fault, give } = tools(admin)
    const [blue, red] = [as('blue'), as('red')]
    const own = await make({
      network_type: 'vxlan',
      minimum: 3,
      maximum: 4,
      shared: false,
      project_id: 'blue',
    })
    assert.deepEqual([own.shared, own.project_id], [false, 'blue'])
    const far = await make({
      network_type: 'vxlan',
      minimum: 1000,
      maximum: 1001,
      shared: false,
      project_id: 'blue',
    })
    await make({ network_type: 'vxlan', minimum: 500, maximum: 501 })
    const given = async (caller: Caller, count: number) => {
      const numbers = []
      for (let i = 0; i < count; i++) numbers.push(await give(caller))
      return numbers
    }
    assert.deepEqual(await given(red, 3), [1, 2, 5])
    assert.deepEqual(await given(blue, 5), [3, 4, 1000, 1001, 6])
    const shown = await admin.show('network_segment_range', own.id)
    assert.deepEqual([shown.used, shown.available], [{ 3: 'blue', 4: 'blue' }, []])
    assert.deepEqual(await given(red, 7), [7, 8, 9, 10, 500, 501, 'NoNetworkAvailable'])
    assert.equal(await give(blue), 'NoNetworkAvailable')

    assert.equal(await fault('DELETE', {}, far.id), '409 NetworkSegmentRangeReferencedByProject')
    assert.equal(await fault('PUT', { minimum: 1001 }, far.id), '409 NetworkSegmentRangeReferencedByProject')
    assert.equal(await fault('PUT', { maximum: 1002 }, far.id), '200')
    assert.equal(await give(blue), 1002)
    // What goes back is its project's again.
    const networks = await admin.list('network', '?project_id=blue')
    for (const network of networks) await admin.remove('network', network.id)
    assert.deepEqual(await given(red, 2), [6, 'NoNetworkAvailable'])
    // An administrator names a number of a project's range, and it is taken from that.
    const named = { 'provider:network_type': 'vxlan', 'provider:segmentation_id': 3 }
    assert.equal(await give(admin, named), 3)
    assert.deepEqual(await given(blue, 2), [4, 1000])
    // Without the range, what it held of the default range is for all again.
    await make({ network_type: 'vxlan', minimum: 2000, maximum: 2000, shared: false, project_id: 'green' })
    for (const network of await admin.list('network')) await admin.remove('network', network.id)
    await admin.remove('network_segment_range', own.id)
    assert.deepEqual(await given(red, 5), [1, 2, 3, 4, 5])
    assert.equal(await give(blue), 1000)
  },
  wire,
)

onCloud(
  'VLANs: own ranges on any physical network, and physical networks that only a range names',
  async ({ admin, as }) => {
    const { make, give } = tools(admin)
    const vlan = (more: Shown) => ({ network_type: 'vlan', ...more })
    const on = (name: string, id?: number): Shown => ({
      'provider:network_type': 'vlan',
      'provider:physical_network': name,
      ...(id === undefined ? {} : { 'provider:segmentation_id': id }),
    })
    assert.equal(await give(admin, on('physnet2', 7)), 'InvalidInput')
    assert.equal(await give(admin, on('bare')), 'InvalidInput')
    assert.equal(await give(admin, on('bare', 7)), 7)
    await make(vlan({ physical_network: 'physnet2', minimum: 7, maximum: 8 }))
    await make(vlan({ physical_network: 'bare', minimum: 7, maximum: 8 }))
    await make(
      vlan({ physical_network: 'physnet2', minimum: 20, maximum: 20, shared: false, project_id: 'blue' }),
    )
    assert.equal(await give(admin, on('physnet2', 300)), 300)
    assert.equal(await give(as('blue')), 20, 'the own range, whatever comes first in the configuration')
    assert.equal(await give(as('blue')), 100)
    assert.equal(await give(admin, on('bare')), 8, '7 has a network')
    assert.equal(await give(admin, on('physnet2')), 7)
    const ranges = await admin.list('network_segment_range', '?physical_network=physnet2')
    assert.deepEqual(
      ranges.map((range) => [range.used, range.available]).sort(),
      [
        [{ 20: 'blue' }, []],
        [{ 7: 'admin' }, [8]],
      ].sort(),
    )
  },
  { ...wire, ml2: { tenant_network_types: ['vlan'] } },
)

onTwoServers(
  '48 networks of two projects at once: each number once, and of the right range',
  async (one, two) => {
    const { make } = tools(one.admin)
    await make({ network_type: 'vxlan', minimum: 4, maximum: 12, shared: false, project_id: 'blue' })
    const answers = await atOnce(48, one, two, (_caller, index) =>
      (index % 2 === 0 ? one : two)
        .as(index % 4 < 2 ? 'blue' : 'red')
        .call('POST', 'networks', { network: {} }),
    )
    assert.equal(withStatus(answers, 201).length, 12)
    assert.equal(withStatus(answers, 503).length, 36)
    const networks = await one.admin.list('network')
    const numbers = networks.map((network) => network['provider:segmentation_id'])
    assert.deepEqual(
      numbers.sort((a, b) => a - b),
      Array.from({ length: 12 }, (_, i) => i + 1),
    )
    const reds = networks.filter((network) => network.project_id === 'red')
    assert.ok(reds.every((network) => network['provider:segmentation_id'] <= 3))
    const free = await one.store.read((tx) => tx.db.selectFrom('free_ranges').select('pool').execute())
    assert.deepEqual(
      free.filter(({ pool }) => pool === 'vxlan' || pool.startsWith('range ')),
      [],
    )
    // Ranges that overlap, at once: one comes to be.
    const ranges = await atOnce(8, one, two, (_caller, index) =>
      (index % 2 === 0 ? one : two).admin.call('POST', path, {
        network_segment_range: { network_type: 'vxlan', minimum: 90 + index, maximum: 120 },
      }),
    )
    assert.equal(withStatus(ranges, 201).length, 1)
    assert.equal(withStatus(ranges, 409).length, 7)
  },
  wire,
)

forEachEngine(
  'a start with another configuration keeps what is the same, and what was made',
  async ({ store }) => {
    const first = await startCloud(store, wire)
    const { make, give } = tools(first.admin)
    const made = await make({
      network_type: 'vxlan',
      minimum: 3,
      maximum: 4,
      shared: false,
      project_id: 'blue',
    })
    assert.equal(await give(first.as('red')), 1)
    assert.equal(await give(first.as('blue')), 3)
    const before = await first.admin.list('network_segment_range', '?network_type=vlan')
    await first.close()

    const second = await startCloud(store, {
      ...wire,
      ml2_type_vxlan: {
        vni_ranges: [
          { first: 1, last: 4 },
          { first: 20, last: 20 },
        ],
      },
    })
    const again = tools(second.admin)
    const ranges = await second.admin.list('network_segment_range', '?network_type=vxlan')
    assert.deepEqual(spans(ranges), ['vxlan - 1-4', 'vxlan - 20-20', 'vxlan - 3-4'])
    assert.ok(ranges.some((range) => range.id === made.id))
    assert.deepEqual(await second.admin.list('network_segment_range', '?network_type=vlan'), before)
    const given = []
    for (const name of ['red', 'red', 'red', 'blue', 'blue']) given.push(await again.give(second.as(name)))
    assert.deepEqual(given, [2, 20, 'NoNetworkAvailable', 4, 'NoNetworkAvailable'])
    await second.close()

    // Without the plugin, the configuration alone says.
    const third = await startCloud(store, {
      ...wire,
      DEFAULT: { service_plugins: [] },
      ml2_type_vxlan: { vni_ranges: [{ first: 1, last: 6 }] },
    })
    assert.equal((await third.admin.call('GET', path)).status, 404)
    const last = tools(third.admin)
    assert.deepEqual([await last.give(third.as('red')), await last.give(third.as('red'))], [5, 6])
    await third.close()
  },
)
