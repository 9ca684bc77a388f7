/**
 * Creates and deletes ports without a pause and appends each acknowledged write to a log, before the next is asked
 * for. A process of its own, so that no crash of the server can take the log with it.
 *
 *     acknowledged.process.ts CLOUD-JSON NETWORK-ID HOST LOG
 */
import { appendFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { ApiError, type Cloud, createClient } from '../../client/http.ts'
import { create, type Port } from '../../client/networking.ts'

const [cloudText = '', networkId = '', host = '', log = ''] = process.argv.slice(2)
const client = createClient(JSON.parse(cloudText) as Cloud)
const note = (line: string) => appendFileSync(log, `${line}\n`)

async function work(): Promise<void> {
  const mine: string[] = []
  for (let turn = 0; ; turn++) {
    const victim = turn % 3 === 2 ? mine.shift() : undefined
    try {
      if (victim !== undefined) {
        note(`deleting ${victim}`)
        await client.request('DELETE', `/ports/${victim}`)
        note(`deleted ${victim}`)
      } else {
        const port: Port = await create(client, 'port', {
          network_id: networkId,
          device_owner: 'compute:nova',
          device_id: `ack-${turn}`,
          'binding:host_id': host,
        })
        note(`created ${port.id} ${port.fixed_ips[0]?.ip_address}`)
        mine.push(port.id)
      }
    } catch (error) {
      // The server is away: what was asked for may or may not have happened. Anything else is a finding.
      if (error instanceof ApiError && error.status !== 401 && !(victim && error.status === 404)) {
        note(`refused ${error.message}`)
      }
      await sleep(20)
    }
  }
}

await Promise.all([work(), work(), work(), work()])
