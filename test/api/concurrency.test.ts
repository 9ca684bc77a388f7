/**
 * 64 clients at once over HTTP: on SQLite, and on PostgreSQL with two server processes. Nothing is given twice,
 * nothing is overrun, no update is lost, and whatever is refused is refused as Neutron would, never with a 5xx.
 */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { ApiError, type Client } from '../../client/http.ts'
import { create, list, type Network, type Port, remove, show, update } from '../../client/networking.ts'
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
  })
}
