/** Port creations a second, by the same client as the bare ceiling, in turns of half a second within the same run. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createClient } from '../../client/http.ts'
import { create } from '../../client/networking.ts'
import { repository } from '../paths.ts'
import { readCloud } from '../state/layout.ts'
import { type Bench, type Figure, round } from './bench.place.ts'
import { measureRate, percentile, type Rate } from './rate.ts'

/** Turns of each, and seconds of a turn. */
const turns = 10
const turn = 0.5
const ceilingPort = 19_797

export type Target = Pick<Parameters<typeof measureRate>[0], 'url' | 'headers' | 'body'>

/** The bare server, with a database of its own. */
export async function startCeiling(directory: string): Promise<{ target: Target; stop(): Promise<void> }> {
  const file = join(directory, 'ceiling.db')
  const child = fork(`${repository}/cli/bench/ceiling.process.ts`, [String(ceilingPort), file])
  await once(child, 'message')
  return {
    target: {
      url: `http://127.0.0.1:${ceilingPort}/v2.0/ports`,
      headers: {},
      body: (n) => JSON.stringify({ port: { name: `p${n}`, network_id: 'n' } }),
    },
    async stop() {
      const ended = once(child, 'exit')
      child.kill()
      await ended
    },
  }
}

export interface Comparison {
  ours: Rate
  ceiling: Rate
  /** Ours as a share of the ceiling: the median of the turns, so that a busy moment of the machine counts once. */
  share: number
}

const middle = (rates: readonly Rate[]): Rate => {
  const of = (name: keyof Rate) =>
    percentile(
      rates.map((rate) => rate[name]),
      0.5,
    )
  return { perSecond: of('perSecond'), p50: of('p50'), p99: of('p99') }
}

/** Both under the same load, one after the other in short turns; the first turns warm up. */
export async function compare(ours: Target, ceiling: Target, concurrency: number): Promise<Comparison> {
  const pairs: { ours: Rate; ceiling: Rate }[] = []
  for (let n = -2; n < turns; n += 1) {
    const pair = {
      ours: await measureRate({ ...ours, concurrency, seconds: turn }),
      ceiling: await measureRate({ ...ceiling, concurrency, seconds: turn }),
    }
    if (n >= 0) pairs.push(pair)
  }
  return {
    ours: middle(pairs.map((pair) => pair.ours)),
    ceiling: middle(pairs.map((pair) => pair.ceiling)),
    share: percentile(
      pairs.map((pair) => pair.ours.perSecond / pair.ceiling.perSecond),
      0.5,
    ),
  }
}

/** A network of the tenant `blue` with room for very many ports, and what creates one there. */
export async function creationTarget({ layout }: Bench, name: string, cidr: string) {
  const client = createClient(readCloud(layout, 'blue'))
  const network = await create(client, 'network', { name })
  await create(client, 'subnet', { network_id: network.id, ip_version: 4, cidr, enable_dhcp: false })
  const { endpoint, token } = await client.session()
  await client.close()
  const target: Target = {
    url: `${endpoint}/v2.0/ports`,
    headers: { 'x-auth-token': token },
    body: (n) => JSON.stringify({ port: { name: `p${n}`, network_id: network.id } }),
  }
  return { network_id: network.id, target }
}

/** At concurrency 1 and 32, of ports with an address and no DHCP; the ceiling is a bare server with a database. */
export async function measureCreation(bench: Bench): Promise<Figure[]> {
  const { target } = await creationTarget(bench, 'bench-create', '10.64.0.0/14')
  const bare = await startCeiling(bench.directory)
  const figures: Figure[] = []
  try {
    for (const concurrency of [1, 32]) {
      const { ours, ceiling, share } = await compare(target, bare.target, concurrency)
      const at = `at concurrency ${concurrency}`
      figures.push(
        { what: `creations ${at}`, value: round(ours.perSecond), unit: '/s' },
        { what: `ceiling ${at}`, value: round(ceiling.perSecond), unit: '/s' },
        { what: `share of the ceiling ${at}`, value: round(share), unit: '', aim: 'at least 0.333' },
        { what: `creation ${at}, p50`, value: round(ours.p50), unit: 'ms' },
        { what: `creation ${at}, p99`, value: round(ours.p99), unit: 'ms' },
      )
    }
  } finally {
    await bare.stop()
  }
  return figures
}
