/** Port creations a second, by the same client as the bare ceiling, one after the other in the same run. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createClient } from '../../client/http.ts'
import { create } from '../../client/networking.ts'
import { repository } from '../paths.ts'
import { readCloud } from '../state/layout.ts'
import { type Bench, type Figure, round } from './bench.place.ts'
import { measureRate, type Rate } from './rate.ts'

const seconds = 4
const warmUp = 1
const ceilingPort = 19_797

type Target = Pick<Parameters<typeof measureRate>[0], 'url' | 'headers' | 'body'>

async function measure(target: Target, concurrency: number): Promise<Rate> {
  await measureRate({ ...target, concurrency, seconds: warmUp })
  return measureRate({ ...target, concurrency, seconds })
}

/** The same load on the bare server, with a database of its own. */
async function measureCeiling(directory: string, concurrency: number): Promise<Rate> {
  const child = fork(`${repository}/cli/bench/ceiling.process.ts`, [
    String(ceilingPort),
    join(directory, `ceiling-${concurrency}.db`),
  ])
  await once(child, 'message')
  try {
    const target: Target = {
      url: `http://127.0.0.1:${ceilingPort}/v2.0/ports`,
      headers: {},
      body: (n) => JSON.stringify({ port: { name: `p${n}`, network_id: 'n' } }),
    }
    return await measure(target, concurrency)
  } finally {
    const ended = once(child, 'exit')
    child.kill()
    await ended
  }
}

export async function measureCreation({ layout, directory }: Bench): Promise<Figure[]> {
  const client = createClient(readCloud(layout, 'blue'))
  const network = await create(client, 'network', { name: 'bench-create' })
  await create(client, 'subnet', {
    network_id: network.id,
    ip_version: 4,
    cidr: '10.64.0.0/14',
    enable_dhcp: false,
  })
  const session = await client.session()
  const target: Target = {
    url: `${session.endpoint}/v2.0/ports`,
    headers: { 'x-auth-token': session.token },
    body: (n) => JSON.stringify({ port: { name: `p${n}`, network_id: network.id } }),
  }
  const figures: Figure[] = []
  for (const concurrency of [1, 32]) {
    const ours = await measure(target, concurrency)
    const ceiling = await measureCeiling(directory, concurrency)
    const at = `at concurrency ${concurrency}`
    figures.push(
      { what: `creations ${at}`, value: round(ours.perSecond), unit: '/s' },
      { what: `ceiling ${at}`, value: round(ceiling.perSecond), unit: '/s' },
      {
        what: `share of the ceiling ${at}`,
        value: round(ours.perSecond / ceiling.perSecond),
        unit: '',
        aim: '0.25',
      },
      { what: `creation ${at}, p50`, value: round(ours.p50), unit: 'ms' },
      { what: `creation ${at}, p99`, value: round(ours.p99), unit: 'ms' },
    )
  }
  await client.close()
  return figures
}
