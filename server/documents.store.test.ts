/** Documents: what they say, whom they concern, and that changes lead to all that they alter. */
import assert from 'node:assert/strict'
import { type Caller, type Cloud, onCloud, ovsHost, type Shown } from './features.testing.ts'
import type { DocumentSource, DocumentSources } from './feed/sources.ts'
import type { Change, ReadTx } from './store/store.ts'

type Derived = Record<string, { body: unknown; hosts: string[] }>

async function derive(tx: ReadTx, source: DocumentSource, ids: readonly string[]): Promise<Derived> {
  const bodies = await source.bodies(tx, ids)
  const audience = await source.audience(tx, ids)
  const derived: Derived = {}
  for (const id of [...ids].sort()) {
    const body = bodies.get(id)
    const hosts = [...(audience.get(id) ?? [])].sort()
    if (body && hosts.length > 0) derived[`${source.type} ${id}`] = { body, hosts }
  }
  return derived
}

const all = (sources: DocumentSources): DocumentSource[] => Object.values(sources) as DocumentSource[]

onCloud('what documents say', async (cloud) => {
  const { admin, sources, store } = cloud
  await cloud.beat('h1', { ovs: ovsHost('192.0.2.1'), dhcp: {} })
  await cloud.beat('h2', { ovs: { ...ovsHost('192.0.2.2'), vxlan_udp_port: 8472 } })
  await cloud.beat('h3', { ovs: { bridge_mappings: {}, tunnel_types: [], tunneling_ip: null } })
  const network = await admin.create('network', { mtu: 1400 })
  const subnet = await admin.create('subnet', {
    network_id: network.id,
    ip_version: 4,
    cidr: '10.0.0.0/24',
    dns_nameservers: ['192.0.2.53'],
    host_routes: [{ destination: '192.168.0.0/16', nexthop: '10.0.0.9' }],
  })
  const port = await admin.create('port', {
    network_id: network.id,
    dns_name: 'web',
    device_owner: 'compute:nova',
    device_id: 'vm',
    'binding:host_id': 'h2',
    extra_dhcp_opts: [{ opt_name: 'mtu', opt_value: '1300' }],
    allowed_address_pairs: [{ ip_address: '10.0.0.100' }],
  })
  const [server] = await admin.list('port', '?device_owner=network:dhcp')
  await store.read(async (tx) => {
    const segment = await tx.db.selectFrom('network_segments').select('id').executeTakeFirstOrThrow()
    assert.deepEqual(await derive(tx, sources.network, [network.id]), {
      [`network ${network.id}`]: {
        hosts: ['h1', 'h2'],
        body: {
          id: network.id,
          admin_state_up: true,
          mtu: 1400,
          dns_domain: 'cloud.example',
          segments: [{ id: segment.id, network_type: 'vxlan', physical_network: null, segmentation_id: 1 }],
          subnets: [
            {
              id: subnet.id,
              ip_version: 4,
              cidr: '10.0.0.0/24',
              gateway_ip: '10.0.0.1',
              enable_dhcp: true,
              dns_nameservers: ['192.0.2.53'],
              host_routes: [{ destination: '192.168.0.0/16', nexthop: '10.0.0.9' }],
              ipv6_ra_mode: null,
              ipv6_address_mode: null,
              segment_id: null,
            },
          ],
        },
      },
    })
    const fixed_ips = [{ subnet_id: subnet.id, ip_address: '10.0.0.3' }]
    assert.deepEqual(await derive(tx, sources.port, [port.id]), {
      [`port ${port.id}`]: {
        hosts: ['h2'],
        body: {
          id: port.id,
          network_id: network.id,
          mac_address: port.mac_address,
          fixed_ips,
          admin_state_up: true,
          device_owner: 'compute:nova',
          device_id: 'vm',
          port_security_enabled: true,
          allowed_address_pairs: [{ ip_address: '10.0.0.100', mac_address: port.mac_address }],
          bindings: [
            { host: 'h2', status: 'ACTIVE', vif_type: 'ovs', vnic_type: 'normal', segment_id: segment.id },
          ],
          generation: 1,
        },
      },
    })
    const entries = await derive(tx, sources['dhcp-entry'], [port.id, server?.id])
    assert.equal(Object.keys(entries).length, 2)
    assert.deepEqual(entries[`dhcp-entry ${port.id}`], {
      hosts: ['h1'],
      body: {
        id: port.id,
        network_id: network.id,
        mac_address: port.mac_address,
        device_owner: 'compute:nova',
        fixed_ips,
        dns_assignment: [{ ip_address: '10.0.0.3', hostname: 'web', fqdn: 'web.cloud.example.' }],
        extra_dhcp_opts: [{ opt_name: 'mtu', opt_value: '1300', ip_version: 4 }],
        generation: 1,
      },
    })
    const ids = ['h1/vxlan', 'h2/vxlan', 'h3/vxlan', 'h1/gre']
    const endpoint = (host: string, ip_address: string, udp_port: number) => ({
      id: `${host}/vxlan`,
      host,
      tunnel_type: 'vxlan',
      ip_address,
      udp_port,
    })
    assert.deepEqual(await derive(tx, sources['tunnel-endpoint'], ids), {
      'tunnel-endpoint h1/vxlan': { hosts: ['h2'], body: endpoint('h1', '192.0.2.1', 4789) },
      'tunnel-endpoint h2/vxlan': { hosts: ['h1'], body: endpoint('h2', '192.0.2.2', 8472) },
    })
  })
})

/** Reads the changes since the last call. */
function changesOf({ store }: Cloud): () => Promise<Change[]> {
  const seen = new Set<number>()
  return async () => {
    const rows = await store.read((tx) => tx.db.selectFrom('changes').selectAll().orderBy('seq').execute())
    const fresh = rows.filter((row) => !seen.has(row.seq))
    for (const row of fresh) seen.add(row.seq)
    return fresh.map((row) => ({
      object: row.object,
      id: row.id,
      parentId: row.parent_id,
      operation: row.operation as Change['operation'],
      revision: row.revision,
      projectId: row.project_id,
    }))
  }
}

/** Every id that a document of the type could have. */
/** All ids that the audit would walk over, a few at a time. */
async function everyId(tx: ReadTx, source: DocumentSource): Promise<string[]> {
  const ids: string[] = []
  for (;;) {
    const page = await source.page(tx, ids.at(-1) ?? '', 7)
    ids.push(...page)
    if (page.length < 7) return ids
  }
}

/** Numbers from a seed (mulberry32), so that a walk that fails can be walked again. */
function randomFrom(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) % below
  }
}

const hosts = ['h1', 'h2', 'h3']

function randomStep(cloud: Cloud, random: (below: number) => number): () => Promise<unknown> {
  const { admin } = cloud
  const pick = <T>(items: readonly T[]): T | undefined => items[random(items.length)]
  const some = async (kind: string): Promise<Shown | undefined> => {
    const key = { agent: 'host', segment: 'segmentation_id' }[kind] ?? 'name'
    return pick(await admin.list(kind, `?sort_key=${key}&sort_dir=asc`))
  }
  const on = async (kind: string, act: (one: Shown) => ReturnType<Caller['call']>): Promise<unknown> => {
    const one = await some(kind)
    return one && act(one)
  }
  const call = (...request: Parameters<Caller['call']>) => admin.call(...request)
  const beat = (host: string) =>
    cloud.beat(host, { ovs: ovsHost(`192.0.2.${random(3)}`), ...(random(2) === 0 ? { dhcp: {} } : {}) })
  const steps: (() => Promise<unknown>)[] = [
    () => call('POST', 'networks', { network: { name: `n${random(1000)}` } }),
    () =>
      on('network', ({ id }) =>
        call('POST', 'subnets', {
          subnet: {
            network_id: id,
            name: `s${random(1000)}`,
            enable_dhcp: random(2) === 0,
            ...(random(4) === 0
              ? {
                  ip_version: 6,
                  cidr: `2001:db8:${random(9)}::/64`,
                  ...(random(2) === 0
                    ? { enable_dhcp: true, ipv6_ra_mode: 'slaac', ipv6_address_mode: 'slaac' }
                    : {}),
                }
              : { ip_version: 4, cidr: `10.${random(9)}.0.0/24` }),
          },
        }),
      ),
    ...[0, 1, 2].map(
      () => () =>
        on('network', ({ id }) =>
          call('POST', 'ports', {
            port: { network_id: id, name: `p${random(1000)}`, 'binding:host_id': pick(['', ...hosts]) },
          }),
        ),
    ),
    () =>
      on('subnet', ({ id }) => call('PUT', `subnets/${id}`, { subnet: { enable_dhcp: random(2) === 0 } })),
    () => on('subnet', ({ id }) => call('DELETE', `subnets/${id}`)),
    () => on('network', ({ id }) => call('PUT', `networks/${id}`, { network: { mtu: 1300 + random(100) } })),
    () => on('network', ({ id }) => call('DELETE', `networks/${id}`)),
    ...[0, 1].map(
      () => () =>
        on('port', ({ id }) =>
          call('PUT', `ports/${id}`, {
            port: { 'binding:host_id': pick(['', ...hosts]), admin_state_up: true },
          }),
        ),
    ),
    () => on('port', ({ id }) => call('PUT', `ports/${id}`, { port: { fixed_ips: [] } })),
    () => on('port', ({ id }) => call('DELETE', `ports/${id}`)),
    () => on('agent', ({ id }) => call('DELETE', `agents/${id}`)),
    () =>
      on('network', ({ id }) =>
        call('POST', 'segments', {
          segment: {
            network_id: id,
            ...pick([{ network_type: 'vxlan' }, { network_type: 'flat', physical_network: 'public' }]),
          },
        }),
      ),
    () => on('segment', ({ id }) => call('DELETE', `segments/${id}`)),
    ...[0, 1].map(
      () => () =>
        on('segment', ({ id, network_id }) => {
          const subnet = { network_id, segment_id: id, ip_version: 4, cidr: `10.${10 + random(9)}.0.0/24` }
          return call('POST', 'subnets', { subnet })
        }),
    ),
    () =>
      on('subnet', async ({ id, network_id }) => {
        const segment = pick(await admin.list('segment', `?network_id=${network_id}`))
        return call('PUT', `subnets/${id}`, { subnet: { segment_id: segment?.id ?? null } })
      }),
    ...hosts.map((host) => () => beat(host)),
  ]
  return steps[random(steps.length)] ?? (() => beat('h1'))
}

for (const seed of [1, 2, 3]) {
  onCloud(`after any steps, what changes led to equals what is (seed ${seed})`, async (cloud) => {
    const random = randomFrom(seed)
    const changes = changesOf(cloud)
    const told: Derived = {}
    let documents = 0
    for (let step = 0; step < 120; step++) {
      const answer = (await randomStep(cloud, random)()) as { status?: number } | undefined
      assert.ok((answer?.status ?? 200) < 500, JSON.stringify(answer))
      const fresh = await changes()
      await cloud.store.read(async (tx) => {
        for (const source of all(cloud.sources)) {
          const affected = [...(await source.affected(tx, fresh))]
          for (const id of affected) delete told[`${source.type} ${id}`]
          Object.assign(told, await derive(tx, source, affected))
          const now = await derive(tx, source, await everyId(tx, source))
          const ours = Object.entries(told).filter(([key]) => key.startsWith(`${source.type} `))
          assert.deepEqual(Object.fromEntries(ours), now, `step ${step}, ${source.type}`)
          documents += ours.length
        }
      })
    }
    assert.ok(documents > 200, `the walk saw ${documents} documents`)
  })
}
