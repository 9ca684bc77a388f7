/** What one request costs: each operation of the main resources, and the list of 10,000 ports. */
import { request } from 'undici'
import { createClient } from '../../client/http.ts'
import { readCloud } from '../state/layout.ts'
import { type Bench, type Figure, round } from './bench.place.ts'

type Body = Record<string, unknown>

const rounds = 50
const manyPorts = 10_000
const perRequest = 500

/** Sends one request; answers its body and the milliseconds until that was read and parsed. */
type Timed = (method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, body?: Body) => Promise<[Body, number]>

async function timedClient(bench: Bench): Promise<Timed> {
  const client = createClient(readCloud(bench.layout, 'admin'))
  const { endpoint, token } = await client.session()
  await client.close()
  return async (method, path, body) => {
    const started = performance.now()
    const answer = await request(`${endpoint}/v2.0/${path}`, {
      method,
      headers: { 'x-auth-token': token, 'content-type': 'application/json' },
      ...(body && { body: JSON.stringify(body) }),
    })
    const text = await answer.body.text()
    if (answer.statusCode >= 400) throw new Error(`${method} ${path}: ${answer.statusCode} ${text}`)
    const shown = (text === '' ? {} : JSON.parse(text)) as Body
    return [shown, performance.now() - started]
  }
}

const median = (times: readonly number[]): number =>
  times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)] ?? Number.NaN

/** Create, show, list, update and delete of one resource, the median of some rounds each. */
async function measureResource(
  timed: Timed,
  collection: string,
  bodyOf: (i: number) => Body,
): Promise<Figure[]> {
  const name = collection.slice(0, -1)
  const times: Record<string, number[]> = { create: [], show: [], list: [], update: [], delete: [] }
  for (let i = 0; i < rounds; i++) {
    const [made, created] = await timed('POST', collection, { [name]: bodyOf(i) })
    const path = `${collection}/${(made[name] as { id: string }).id}`
    const [, shown] = await timed('GET', path)
    const [, listed] = await timed('GET', `${collection}?limit=20`)
    const [, updated] = await timed('PUT', path, { [name]: { description: `${i}` } })
    const [, deleted] = await timed('DELETE', path)
    for (const [what, time] of Object.entries({
      create: created,
      show: shown,
      list: listed,
      update: updated,
      delete: deleted,
    })) {
      times[what]?.push(time)
    }
  }
  return Object.entries(times).map(([what, all]) => ({
    what: `${what} ${what === 'list' ? `20 ${collection}` : name}, p50`,
    value: round(median(all)),
    unit: 'ms',
  }))
}

export async function measureApi(bench: Bench): Promise<Figure[]> {
  const timed = await timedClient(bench)
  const [{ network }] = await timed('POST', 'networks', { network: { name: 'bench-api' } })
  const { id: network_id } = network as { id: string }
  const subnet = { network_id, ip_version: 4, cidr: '10.96.0.0/14', enable_dhcp: false }
  await timed('POST', 'subnets', { subnet })
  const figures = [
    ...(await measureResource(timed, 'networks', (i) => ({ name: `n${i}` }))),
    ...(await measureResource(timed, 'subnets', (i) => ({ ...subnet, cidr: `10.${i}.0.0/24` }))),
    ...(await measureResource(timed, 'ports', (i) => ({ name: `p${i}`, network_id }))),
  ]
  for (let made = 0; made < manyPorts; made += perRequest) {
    const ports = Array.from({ length: perRequest }, (_, i) => ({ name: `p${made + i}`, network_id }))
    await timed('POST', 'ports', { ports })
  }
  const lists: number[] = []
  for (let i = 0; i < 7; i++) lists.push((await timed('GET', `ports?network_id=${network_id}`))[1])
  return [
    ...figures,
    { what: `list of ${manyPorts} ports, p50`, value: round(median(lists)), unit: 'ms', aim: '200' },
  ]
}
