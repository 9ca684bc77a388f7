/** Many clients at once on a small subnet, over HTTP, on both databases: no address twice, nothing but 201 and 409. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ApiError } from '../../client/http.ts'
import { create, list, type Port, remove } from '../../client/networking.ts'
import { createCloud } from '../whole/cloud.ts'

const clients = 64
const databases = [
  { name: 'SQLite', connection: undefined, skip: false as const },
  {
    name: 'PostgreSQL',
    connection: process.env.NUCLEON_TEST_POSTGRES,
    skip: process.env.NUCLEON_TEST_POSTGRES ? (false as const) : 'needs NUCLEON_TEST_POSTGRES',
  },
]

for (const [index, { name, connection, skip }] of databases.entries()) {
  test(`${clients} clients at once on a /28 (${name})`, { skip }, async () => {
    const cloud = await createCloud({
      apiPort: 19810 + index,
      identityPort: 15110 + index,
      config: connection ? `[database]\nconnection = ${connection}\n` : '',
    })
    try {
      const network = await create(cloud.blue, 'network', { name: 'small' })
      await create(cloud.blue, 'subnet', { network_id: network.id, ip_version: 4, cidr: '10.0.0.0/28' })
      for (let round = 0; round < 3; round++) {
        const answers = await Promise.all(
          Array.from({ length: clients }, () =>
            create(cloud.blue, 'port', { network_id: network.id }).catch((error: unknown) => error),
          ),
        )
        const ports = answers.filter((answer): answer is Port => !(answer instanceof Error))
        for (const error of answers.filter((answer) => answer instanceof Error)) {
          assert.ok(error instanceof ApiError, String(error))
          assert.deepEqual([error.status, error.type], [409, 'IpAddressGenerationFailure'])
        }
        // 16 addresses less network, broadcast and gateway; no agent, so no DHCP port.
        assert.equal(ports.length, 13)
        const stored = await list(cloud.blue, 'port', { network_id: network.id })
        const addresses = stored.flatMap((port) => port.fixed_ips.map((fixed) => fixed.ip_address))
        assert.equal(new Set(addresses).size, 13)
        assert.equal(addresses.length, 13)
        await Promise.all(ports.map((port) => remove(cloud.blue, 'port', port.id)))
      }
    } finally {
      await cloud.destroy()
    }
  })
}
