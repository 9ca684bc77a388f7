/**
 * 64 clients at once over HTTP: on SQLite, and on PostgreSQL with two server processes. Nothing is given twice,
 * nothing is overrun, no update is lost, and whatever is refused is refused as Neutron would, never with a 5xx.
 */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { AgentState } from '../../bus/feed.ts'
import { ApiError, type Client } from '../../client/http.ts'
import { create, list, type Network, type Port, remove, show, update } from '../../client/networking.ts'
import { formatCidr, parseCidr } from '../../lib/addresses.ts'
import { type Clients, createCloud, type WholeCloud } from '../whole/cloud.ts'

const clientCount = 64
const postgres = process.env.NUCLEON_TEST_POSTGRES
const places = [
  { name: 'SQLite', ports: { apiPort: 19810, identityPort: 15110 }, skip: false as const },
  {
    name: 'PostgreSQL, two servers',
    ports: { apiPort: 19811, identityPort: 15111 },
    another: { apiPort: 19812, identityPort: 15112 },
    connection: postgres,
    skip: postgres ? (false as const) : 'needs NUCLEON_TEST_POSTGRES',
  },
]

/** What the many got: the good answers, and how often each refusal came. */
interface Outcome<T> {
  made: T[]
  refused: Record<string, number>
}

async function outcomeOf<T>(attempts: readonly Promise<T>[]): Promise<Outcome<T>> {
  const made: T[] = []
  const refused: Record<string, number> = {}
  for (const result of await Promise.allSettled(attempts)) {
    if (result.status === 'fulfilled') {
      made.push(result.value)
      continue
    }
    const error: unknown = result.reason
    assert.ok(error instanceof ApiError, String(error))
    const key = `${error.status} ${error.type}`
    refused[key] = (refused[key] ?? 0) + 1
  }
  return { made, refused }
}

/** An object of any resource. */
type Shown = Record<string, unknown> & { id: string }

async function post(client: Client, collection: string, name: string, body: object): Promise<Shown> {
  const answer = await client.request('POST', `/${collection}`, { [name]: body })
  return (answer as Record<string, Shown>)[name] as Shown
}

async function shown(client: Client, collection: string, name: string, id: string): Promise<Shown> {
  return ((await client.request('GET', `/${collection}/${id}`)) as Record<string, Shown>)[name] as Shown
}

const erase = (client: Client, collection: string, id: string): Promise<unknown> =>
  client.request('DELETE', `/${collection}/${id}`)

/** Two of the prefixes that have addresses in common. */
function overlapping(cidrs: readonly string[]): string[] | undefined {
  const ranges = cidrs.flatMap((text) => parseCidr(text) ?? []).sort((a, b) => (a.first < b.first ? -1 : 1))
  assert.equal(ranges.length, cidrs.length)
  for (const [n, range] of ranges.entries()) {
    const next = ranges[n + 1]
    if (next && next.first <= range.last) return [formatCidr(range), formatCidr(next)]
  }
  return undefined
}

const dhcpAgent: AgentState = {
  agent_type: 'DHCP agent',
  binary: 'neutron-dhcp-agent',
  availability_zone: 'nova',
  configurations: {},
}

for (const { name, ports, another, connection, skip } of places) {
  describe(name, { skip }, () => {
    let cloud: WholeCloud
    let servers: Clients[]
    before(async () => {
      const database = connection ? `[database]\nconnection = ${connection}\n` : ''
      const config = `[ml2_type_vlan]\nnetwork_vlan_ranges = physnet1:100:109\n${database}`
      cloud = await createCloud({ ...ports, config })
      servers = [cloud, ...(another ? [await cloud.addServer(another)] : [])]
    })
    after(() => cloud?.destroy())

    /** As many attempts as there are clients, spread over the servers. */
    function crowd<T>(
      who: keyof Clients,
      attempt: (client: Client, n: number) => Promise<T>,
    ): Promise<Outcome<T>> {
      return outcomeOf(
        Array.from({ length: clientCount }, (_, n) => {
          const client = servers[n % servers.length]?.[who]
          assert.ok(client)
          return attempt(client, n)
        }),
      )
    }

    test('a /28: every address once', async () => {
      const network = await create(cloud.blue, 'network', { name: 'small' })
      await create(cloud.blue, 'subnet', { network_id: network.id, ip_version: 4, cidr: '10.0.0.0/28' })
      for (let round = 0; round < 3; round++) {
        const { made, refused } = await crowd('blue', (client) =>
          create(client, 'port', { network_id: network.id }),
        )
        // 16 addresses less network, broadcast and gateway; no agent, so no DHCP port.
        assert.equal(made.length, 13)
        assert.deepEqual(refused, { '409 IpAddressGenerationFailure': clientCount - 13 })
        const stored = await list(cloud.blue, 'port', { network_id: network.id })
        const addresses = stored.flatMap((port) => port.fixed_ips.map((fixed) => fixed.ip_address))
        assert.deepEqual([addresses.length, new Set(addresses).size], [13, 13])
        const gone = await crowd('blue', async (client, n) => {
          const port = made[n]
          if (port) await remove(client, 'port', port.id)
        })
        assert.deepEqual(gone.refused, {})
      }
    })

    test('one address: one of them gets it', async () => {
      const network = await create(cloud.blue, 'network', { name: 'wanted' })
      const subnet = await create(cloud.blue, 'subnet', {
        network_id: network.id,
        ip_version: 4,
        cidr: '10.1.0.0/24',
      })
      const fixed_ips = [{ subnet_id: subnet.id, ip_address: '10.1.0.77' }]
      const { made, refused } = await crowd('blue', (client) =>
        create(client, 'port', { network_id: network.id, fixed_ips }),
      )
      assert.equal(made.length, 1)
      assert.deepEqual(refused, { '409 IpAddressAlreadyAllocated': clientCount - 1 })
    })

    test('ten VLANs: each once', async () => {
      const { made, refused } = await crowd('admin', (client) =>
        create(client, 'network', {
          'provider:network_type': 'vlan',
          'provider:physical_network': 'physnet1',
        }),
      )
      assert.deepEqual(refused, { '503 NoNetworkAvailable': clientCount - 10 })
      const stored = await Promise.all(made.map((network) => show(cloud.admin, 'network', network.id)))
      const vlans = stored.map((network) => Object(network)['provider:segmentation_id'] as unknown)
      assert.deepEqual(vlans.map(Number).sort(), [100, 101, 102, 103, 104, 105, 106, 107, 108, 109])
    })

    test('a quota of ten ports: ten', async () => {
      const project = await cloud.red.projectId()
      await cloud.admin.request('PUT', `/quotas/${project}`, { quota: { port: 10 } })
      const network = await create(cloud.red, 'network', { name: 'limited' })
      for (let round = 0; round < 3; round++) {
        const { made, refused } = await crowd('red', (client) =>
          create(client, 'port', { network_id: network.id }),
        )
        assert.deepEqual(refused, { '409 OverQuota': clientCount - 10 })
        assert.equal((await list(cloud.red, 'port')).length, 10)
        await Promise.all(made.map((port) => remove(cloud.red, 'port', port.id)))
      }
      await cloud.admin.request('DELETE', `/quotas/${project}`)
    })

    test('one port edited by all with If-Match: no update is lost', async () => {
      const network = await create(cloud.blue, 'network', { name: 'edited' })
      const port = await create(cloud.blue, 'port', { network_id: network.id })
      const edits = await Promise.all(
        Array.from({ length: clientCount }, async (_, n) => {
          const session = await servers[n % servers.length]?.blue.session()
          assert.ok(session)
          let tries = 0
          for (;;) {
            tries += 1
            const now = (await show(cloud.blue, 'port', port.id)) as Port & Record<string, unknown>
            const answer = await fetch(`${session.endpoint}/v2.0/ports/${port.id}`, {
              method: 'PUT',
              headers: {
                'content-type': 'application/json',
                'x-auth-token': session.token,
                'if-match': `revision_number=${now.revision_number}`,
              },
              body: JSON.stringify({ port: { description: `${now.description}x` } }),
            })
            await answer.body?.cancel()
            if (answer.status === 200) return tries
            assert.equal(answer.status, 412)
          }
        }),
      )
      const last = (await show(cloud.blue, 'port', port.id)) as Port & Record<string, unknown>
      assert.equal(last.description, 'x'.repeat(clientCount))
      assert.ok(Math.max(...edits) > 1, 'they did collide')
    })

    test('sharing granted and withdrawn while it is used: no port without a right to be there', async () => {
      const network: Network = await create(cloud.blue, 'network', { name: 'lent' })
      const [red] = await list(cloud.red, 'network', { name: 'lent' })
      assert.equal(red, undefined)
      const target_tenant = await cloud.red.projectId()
      const grant = {
        object_type: 'network',
        object_id: network.id,
        action: 'access_as_shared',
        target_tenant,
      }
      for (let round = 0; round < 5; round++) {
        const body = (await cloud.blue.request('POST', '/rbac-policies', { rbac_policy: grant })) as {
          rbac_policy: { id: string }
        }
        const using = crowd('red', (client) => create(client, 'port', { network_id: network.id }))
        const withdrawing = await outcomeOf([
          (servers.at(-1)?.blue ?? cloud.blue).request('DELETE', `/rbac-policies/${body.rbac_policy.id}`),
        ])
        const { made, refused } = await using
        const others = Object.keys(refused).filter((key) => !/^(403|404) /.test(key))
        assert.deepEqual(others, [])
        if (withdrawing.made.length === 1) assert.equal(made.length, 0, 'withdrawn, and nobody was let in')
        else assert.deepEqual(withdrawing.refused, { '409 RbacPolicyInUse': 1 })
        for (const port of made) await remove(cloud.admin, 'port', port.id)
        if (withdrawing.made.length === 0) {
          await cloud.blue.request('DELETE', `/rbac-policies/${body.rbac_policy.id}`)
        }
      }
    })

    test('a port renamed by all, without If-Match: each counts', async () => {
      const network = await create(cloud.blue, 'network', { name: 'renamed' })
      const port = await create(cloud.blue, 'port', { network_id: network.id })
      const { refused } = await crowd('blue', (client, n) =>
        update(client, 'port', port.id, { name: `name ${n}` }),
      )
      assert.deepEqual(refused, {})
      const last = (await show(cloud.blue, 'port', port.id)) as Port & Record<string, unknown>
      assert.equal(last.revision_number, 1 + clientCount)
    })

    /** Networks of a project to put subnets on that only their pool keeps apart. */
    const someNetworks = (client: Client) =>
      Promise.all(Array.from({ length: 8 }, () => create(client, 'network', {})))
    const one = <T>(all: readonly T[], n: number): T => all[n % all.length] as T

    test('a subnet pool that runs dry: each prefix once, and again when it is back', async () => {
      const pool = await post(cloud.blue, 'subnetpools', 'subnetpool', {
        name: 'sixteen',
        prefixes: ['10.100.0.0/24'],
        default_prefixlen: 28,
      })
      const networks = await someNetworks(cloud.blue)
      const cut = (client: Client, n: number) =>
        create(client, 'subnet', {
          network_id: one(networks, n).id,
          ip_version: 4,
          subnetpool_id: pool.id,
        })
      for (let round = 0; round < 2; round++) {
        const { made, refused } = await crowd('blue', cut)
        assert.deepEqual(refused, { '409 SubnetAllocationError': clientCount - 16 })
        const stored = await list(cloud.blue, 'subnet', { subnetpool_id: pool.id })
        assert.equal(stored.length, 16)
        assert.equal(overlapping(stored.map((subnet) => subnet.cidr)), undefined)
        assert.ok(stored.every((subnet) => /^10\.100\.0\.\d+\/28$/.test(subnet.cidr)))
        // Half of them go while others are cut: what is given back may be had at once, and by one alone.
        const going = made.slice(0, 8)
        const [gone, cutAgain] = await Promise.all([
          outcomeOf(going.map((subnet, n) => erase(one(servers, n).blue, 'subnets', subnet.id))),
          crowd('blue', cut),
        ])
        assert.deepEqual([gone.made.length, gone.refused], [8, {}])
        assert.deepEqual(Object.keys(cutAgain.refused), ['409 SubnetAllocationError'])
        const now = await list(cloud.blue, 'subnet', { subnetpool_id: pool.id })
        assert.equal(now.length, 8 + cutAgain.made.length)
        assert.equal(overlapping(now.map((subnet) => subnet.cidr)), undefined)
        const emptied = await outcomeOf(
          now.map((subnet, n) => erase(one(servers, n).blue, 'subnets', subnet.id)),
        )
        assert.deepEqual(emptied.refused, {})
      }
      // All of it came back and is one again.
      const whole = { network_id: one(networks, 0).id, ip_version: 4, subnetpool_id: pool.id, prefixlen: 24 }
      assert.equal((await create(cloud.blue, 'subnet', whole)).cidr, '10.100.0.0/24')
    })

    test('prefixes of all lengths, chosen and asked for, from one pool: none overlap', async () => {
      const pool = await post(cloud.blue, 'subnetpools', 'subnetpool', {
        name: 'mixed',
        prefixes: ['10.101.0.0/24', '10.101.4.0/25'],
        min_prefixlen: 25,
      })
      const networks = await someNetworks(cloud.blue)
      const { made, refused } = await crowd('blue', (client, n) =>
        create(client, 'subnet', {
          network_id: one(networks, n).id,
          ip_version: 4,
          subnetpool_id: pool.id,
          ...(n % 4 === 0 ? { cidr: `10.101.0.${16 * (n % 16)}/28` } : { prefixlen: 26 + (n % 4) }),
        }),
      )
      // A prefix that is asked for may be refused by the pool, and by the network that it is to be on.
      const others = Object.keys(refused).filter(
        (key) => key !== '409 SubnetAllocationError' && key !== '400 InvalidInput',
      )
      assert.deepEqual(others, [])
      const stored = await list(cloud.blue, 'subnet', { subnetpool_id: pool.id })
      assert.equal(stored.length, made.length)
      assert.ok(made.length > 8)
      assert.equal(overlapping(stored.map((subnet) => subnet.cidr)), undefined)
    })

    test('a pool that two projects share gives each its quota and no more', async () => {
      const pool = await post(cloud.admin, 'subnetpools', 'subnetpool', {
        name: 'rationed',
        prefixes: ['10.102.0.0/16'],
        default_prefixlen: 28,
        default_quota: 64,
        shared: true,
      })
      const projects = ['blue', 'red'] as const
      const outcomes = await Promise.all(
        projects.map(async (who) => {
          const networks = await someNetworks(cloud[who])
          return crowd(who, (client, n) =>
            create(client, 'subnet', {
              network_id: one(networks, n).id,
              ip_version: 4,
              subnetpool_id: pool.id,
            }),
          )
        }),
      )
      for (const { made, refused } of outcomes) {
        assert.equal(made.length, 4)
        assert.deepEqual(refused, { '409 SubnetPoolQuotaExceeded': clientCount - 4 })
      }
      const stored = await list(cloud.admin, 'subnet', { subnetpool_id: pool.id })
      assert.equal(stored.length, 8)
      assert.equal(overlapping(stored.map((subnet) => subnet.cidr)), undefined)
    })

    test('rules of one security group, added and removed by all: each once, each counted', async () => {
      const group = await post(cloud.blue, 'security-groups', 'security_group', { name: 'busy' })
      const state = async () => {
        const now = await shown(cloud.blue, 'security-groups', 'security_group', group.id)
        return {
          revision: Number(now.revision_number),
          rules: (now.security_group_rules as Shown[]).filter((rule) => rule.port_range_min !== null),
        }
      }
      const before = await state()
      const half = clientCount / 2
      const { made, refused } = await crowd('blue', (client, n) =>
        post(client, 'security-group-rules', 'security_group_rule', {
          security_group_id: group.id,
          direction: 'ingress',
          protocol: 'tcp',
          port_range_min: 1000 + (n % half),
          port_range_max: 1000 + (n % half),
        }),
      )
      assert.deepEqual(refused, { '409 SecurityGroupRuleExists': half })
      const full = await state()
      assert.equal(full.rules.length, half)
      assert.equal(full.revision, before.revision + half)
      // Each rule is removed by two, while the group is described and a port takes it.
      const network = await create(cloud.blue, 'network', {})
      const [gone, described, taken] = await Promise.all([
        crowd('blue', (client, n) => erase(client, 'security-group-rules', one(made, n).id)),
        outcomeOf(
          Array.from({ length: 8 }, (_, n) =>
            one(servers, n).blue.request('PUT', `/security-groups/${group.id}`, {
              security_group: { description: `by ${n}` },
            }),
          ),
        ),
        outcomeOf(
          Array.from({ length: 8 }, (_, n) =>
            create(one(servers, n).blue, 'port', { network_id: network.id, security_groups: [group.id] }),
          ),
        ),
      ])
      assert.deepEqual(gone.refused, { '404 SecurityGroupRuleNotFound': half })
      assert.deepEqual([described.refused, taken.refused], [{}, {}])
      const end = await state()
      assert.deepEqual(end.rules, [])
      assert.equal(end.revision, full.revision + half + 8)
      const [used] = (await outcomeOf([erase(cloud.blue, 'security-groups', group.id)])).made
      assert.equal(used, undefined, 'a group on ports stays')
    })

    test('a security group that is deleted while ports take it: in use, or not there', async () => {
      const network = await create(cloud.blue, 'network', {})
      for (let round = 0; round < 3; round++) {
        const group = await post(cloud.blue, 'security-groups', 'security_group', { name: `brief ${round}` })
        const [ports, gone] = await Promise.all([
          crowd('blue', (client) =>
            create(client, 'port', { network_id: network.id, security_groups: [group.id] }),
          ),
          outcomeOf([erase(one(servers, round).blue, 'security-groups', group.id)]),
        ])
        if (gone.made.length === 1) {
          assert.equal(ports.made.length, 0)
          assert.deepEqual(ports.refused, { '404 SecurityGroupNotFound': clientCount })
        } else {
          assert.deepEqual(gone.refused, { '409 SecurityGroupInUse': 1 })
          assert.deepEqual(ports.refused, {})
        }
        await Promise.all(ports.made.map((port) => remove(cloud.blue, 'port', port.id)))
      }
    })

    // From here on there are DHCP agents, whose ports come and go with subnets.
    test('64 stacks built and torn down at once: nothing is refused, nothing stays', async () => {
      const quota = { network: -1, subnet: -1, port: -1, security_group: -1, security_group_rule: -1 }
      await cloud.admin.request('PUT', `/quotas/${await cloud.red.projectId()}`, { quota })
      await cloud.beat('host-a', [dhcpAgent])
      await cloud.beat('host-b', [dhcpAgent])
      // The project's default group comes with the first look.
      await cloud.red.request('GET', '/security-groups')
      const before = await countAll()
      const { refused } = await crowd('red', async (client, n) => {
        const other = one(servers, n + 1).red
        const network = await create(client, 'network', { name: `stack ${n}` })
        const [subnet, second] = await Promise.all(
          [1, 2].map((part) =>
            create(client, 'subnet', { network_id: network.id, ip_version: 4, cidr: `10.${part}.0.0/24` }),
          ),
        )
        const group = await post(client, 'security-groups', 'security_group', { name: `stack ${n}` })
        const ports = await Promise.all(
          [client, other, client].map((from) =>
            create(from, 'port', { network_id: network.id, security_groups: [group.id] }),
          ),
        )
        await Promise.all(ports.map((port) => erase(other, 'ports', port.id)))
        await Promise.all([
          erase(client, 'security-groups', group.id),
          subnet && erase(other, 'subnets', subnet.id),
          n % 2 === 0 && second && erase(client, 'subnets', second.id),
        ])
        await erase(client, 'networks', network.id)
      })
      assert.deepEqual(refused, {})
      assert.deepEqual(await countAll(), before)
    })

    test('one stack torn down by all in any order: what is in use is refused, then it is gone', async () => {
      const network = await create(cloud.red, 'network', { name: 'wreck' })
      const subnets = await Promise.all(
        [1, 2, 3, 4].map((part) =>
          create(cloud.red, 'subnet', { network_id: network.id, ip_version: 4, cidr: `10.${part}.0.0/24` }),
        ),
      )
      const made = await Promise.all(
        Array.from({ length: 24 }, (_, n) => create(one(servers, n).red, 'port', { network_id: network.id })),
      )
      const parts = [
        ...made.map((port) => ['ports', port.id] as const),
        ...subnets.map((subnet) => ['subnets', subnet.id] as const),
        ['networks', network.id] as const,
      ]
      let gone = false
      for (let round = 0; !gone && round < 20; round++) {
        const { made: deleted, refused } = await crowd('red', async (client, n) => {
          const [collection, id] = one(parts, n * 7 + round)
          await erase(client, collection, id)
          return collection
        })
        const expected = /^(404 \w+NotFound|409 (NetworkInUse|SubnetInUse))$/
        assert.deepEqual(
          Object.keys(refused).filter((key) => !expected.test(key)),
          [],
        )
        gone = deleted.includes('networks')
      }
      assert.ok(gone)
      const left = await Promise.all([
        list(cloud.admin, 'port', { network_id: network.id }),
        list(cloud.admin, 'subnet', { network_id: network.id }),
        list(cloud.admin, 'network', { id: network.id }),
      ])
      assert.deepEqual(left, [[], [], []])
    })

    /** How many networks, subnets, ports and groups there are. */
    async function countAll(): Promise<number[]> {
      const groups = (await cloud.admin.request('GET', '/security-groups')) as { security_groups: Shown[] }
      const [networks, subnets, ports] = await Promise.all([
        list(cloud.admin, 'network'),
        list(cloud.admin, 'subnet'),
        list(cloud.admin, 'port'),
      ])
      return [networks.length, subnets.length, ports.length, groups.security_groups.length]
    }
  })
}
