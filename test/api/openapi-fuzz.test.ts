/**
 * Requests made from the OpenAPI document that the server serves, valid ones and mutated ones, seeded
 * (NUCLEON_TEST_SEED): no 5xx, no answer that the document does not have, nothing of another project, no revision that
 * goes back, and what must hold in the database holds after.
 */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import type { Method, OpenApi, OperationItem, Parameter } from '../../model/openapi/openapi.ts'
import { type LogFields, type Logger, silentLogger } from '../../runtime/log.ts'
import { type Cloud, ovsHost, startCloud } from '../../server/features.testing.ts'
import { onSqlite } from '../../server/store/testing.ts'
import { anything, mutated, type Schema, type Surroundings, valid } from './probe/from-schema.ts'
import { brokenInvariants } from './probe/invariants.ts'
import { type Random, randomOf } from './probe/random.ts'

const soak = process.env.NUCLEON_TEST_SOAK === '1'
const count = Number(process.env.NUCLEON_TEST_COUNT ?? (soak ? 1_000_000 : 20_000))
const seed = Number(process.env.NUCLEON_TEST_SEED ?? 20260131)
/** Objects of a kind that are kept: beyond, the oldest is deleted. */
const kept = 30
const canary = `canary-${randomUUID()}`

/**
 * What Neutron answers with a 5xx though nothing is broken, and clients know it by: no identifier is left to give (no
 * VLAN is configured here), and a host cannot have the port.
 */
const expected = new Map([
  ['NoNetworkAvailable', 503],
  ['PortBindingError', 500],
])

interface Operation {
  method: Method
  path: string
  item: OperationItem
  parameters: Parameter[]
}

/** `yellow` has a quota that nobody changes; `nova` is the compute service. */
type Project = 'blue' | 'yellow' | 'nova' | 'admin'

/** Each stands for its share of requests. */
const askers: readonly Project[] = [
  ...(['blue', 'blue', 'blue', 'blue', 'yellow'] as const),
  ...(['nova', 'admin', 'admin', 'admin', 'admin'] as const),
]

/** Limits of `yellow`, with the tables in which its objects are. */
const limits = {
  network: ['networks', 4],
  subnet: ['subnets', 4],
  port: ['ports', 6],
  security_group: ['security_groups', 4],
  security_group_rule: ['security_group_rules', 20],
  subnetpool: ['subnetpools', 2],
  rbac_policy: ['rbac_policies', 2],
  trunk: ['trunks', 1],
} as const

function operationsOf(document: OpenApi): Operation[] {
  const resolved = (one: Parameter | { readonly $ref: string }): Parameter => {
    if (!('$ref' in one)) return one
    const found = document.components.parameters[one.$ref.split('/').at(-1) ?? '']
    assert.ok(found, one.$ref)
    return found
  }
  return Object.entries(document.paths).flatMap(([path, item]) =>
    (['get', 'post', 'put', 'delete'] as const).flatMap((method) => {
      const one = item[method]
      const parameters = [...(item.parameters ?? []), ...(one?.parameters ?? []).map(resolved)]
      return one ? [{ method, path, item: one, parameters }] : []
    }),
  )
}

/** What `red` has, and `blue` must not see: ids by the name of their resource. */
async function plant(cloud: Cloud): Promise<Map<string, string>> {
  const red = cloud.as('red')
  const hidden = { name: canary, description: canary }
  const network = await red.create('network', hidden)
  const subnet = await red.create('subnet', {
    ...hidden,
    network_id: network.id,
    ip_version: 4,
    cidr: '10.77.0.0/16',
  })
  const port = await red.create('port', { ...hidden, network_id: network.id, device_id: canary })
  return new Map(Object.entries({ network, subnet, port }).map(([name, { id }]) => [name, id]))
}

onSqlite(`${count} requests from the OpenAPI document`, async ({ store, options, t }) => {
  /** What the server logged of its own defects. */
  const causes: string[] = []
  const keep = ({ err }: LogFields) => void causes.push(String((err as Error | undefined)?.stack ?? err))
  const log: Logger = { ...silentLogger, error: keep, child: () => log }
  const cloud = await startCloud(store, {}, log)
  const beat = async () => {
    await cloud.beat('host-1', { ovs: ovsHost('192.0.2.1'), dhcp: {} })
    await cloud.beat('host-2', { ovs: ovsHost('192.0.2.2') })
  }
  await beat()
  const foreign = await plant(cloud)
  const secrets = [canary, ...foreign.values()]
  const document = (await cloud.api.inject({ url: '/openapi.json' })).json<OpenApi>()
  const operations = operationsOf(document)
  assert.ok(operations.length > 40, `${operations.length} operations`)
  const quota = Object.fromEntries(Object.entries(limits).map(([name, [, limit]]) => [name, limit]))
  assert.equal((await cloud.admin.call('PUT', 'quotas/yellow', { quota })).status, 200)
  const random = randomOf(seed)
  const known = new Map<string, { id: string; place: string; project: Project }[]>()
  const shares = new Map<string, number>()
  const reached = new Map<string, number>()
  const failures = new Map<string, string>()
  /** The greatest that each object has shown. */
  const revisions = new Map<string, number>()
  let asked = 0
  let revised = 0

  /** Where something is that fits the template's parameters, if there is anything: of the project, mostly. */
  const urlOf = (template: string, project: Project): string | undefined => {
    const end = template.lastIndexOf('}') + 1
    const fitting = new RegExp(`^${template.slice(0, end).replace(/\{\w+\}/g, '[^/]+')}$`)
    const there = [...known.values()].flat().filter(({ place }) => fitting.test(place))
    const own = there.filter((one) => one.project === project)
    const among = own.length > 0 && random.chance(0.8) ? own : there
    return end > 0 && among.length > 0 ? `${random.pick(among).place}${template.slice(end)}` : undefined
  }

  const around = (project: Project): Surroundings => ({
    random,
    resolve: (reference) => document.components.schemas[reference.split('/').at(-1) ?? ''] as Schema,
    idOf: (name) => {
      if (name === 'project' || name === 'tenant') return random.pick(['blue', 'green'])
      if (project !== 'admin' && random.chance(0.05)) return foreign.get(name)
      const ids = known.get(name) ?? []
      const own = random.chance(0.9) ? ids.filter((one) => one.project === project) : []
      const among = own.length > 0 ? own : ids
      return among.length > 0 ? random.pick(among).id : undefined
    },
  })

  const send = async (operation: Operation, project: Project, isMutated: boolean): Promise<void> => {
    const place = random.chance(0.8) ? urlOf(operation.path, project) : undefined
    const request = requestFor(operation, around(project), isMutated, place)
    const payload = request.body === undefined ? undefined : JSON.stringify(request.body)
    const answer = await cloud.api.inject({
      method: operation.method.toUpperCase() as 'GET',
      url: request.url,
      headers: { 'x-project': project, 'content-type': 'application/json', ...request.headers },
      ...(payload !== undefined && { payload }),
    })
    const { statusCode: status, payload: text } = answer
    const shown = text === '' ? undefined : answer.json()
    asked++
    shares.set(String(status), (shares.get(String(status)) ?? 0) + 1)
    const { operationId } = operation.item
    if (status < 400) reached.set(operationId, (reached.get(operationId) ?? 0) + 1)
    const fail = (why: string): void => {
      const line = `${operation.method} ${request.url.slice(0, 200)} ${payload?.slice(0, 500) ?? ''} -> ${status} ${text.slice(0, 400)}`
      failures.set(`${why}: ${operationId}`, line)
    }
    if (status >= 500 && expected.get(shown?.NeutronError?.type) === status) return
    if (status >= 500) fail(`a defect (${causes.splice(0).join('; ') || 'told of'})`)
    else if (!(String(status) in operation.item.responses) && !(isMutated && lax.includes(status)))
      fail(`undocumented ${status}`)
    if (project === 'blue' || project === 'yellow') {
      const sent = `${decodeURIComponent(request.url)} ${payload ?? ''}`
      for (const secret of secrets)
        if (text.includes(secret) && !sent.includes(secret)) fail(`shows ${secret}`)
    }
    for (const one of objectsIn(shown)) {
      if (typeof one.id !== 'string' || typeof one.revision_number !== 'number') continue
      const known = revisions.get(one.id) ?? 0
      if (one.revision_number < known) fail(`revision ${one.revision_number} after ${known}`)
      revisions.set(one.id, one.revision_number)
      revised++
    }
    if (status === 201 && shown) await remember(operation, request.url, shown, project)
    if (status === 204) forget(request.url)
  }

  /** Keeps the ids of what was created; the oldest goes. */
  const remember = async (
    { path }: Operation,
    url: string,
    shown: Record<string, unknown>,
    project: Project,
  ): Promise<void> => {
    for (const [key, value] of Object.entries(shown)) {
      const objects = Array.isArray(value) ? value : [value]
      const item = document.paths[path]?.post
      const name = item?.operationId.replace(/^create_/, '') ?? key
      const place = url.split('?')[0] ?? url
      for (const one of objects) {
        // Some are named by what they are for.
        const id = one?.id ?? one?.host ?? one?.fixed_port_id
        if (typeof id !== 'string') continue
        const list = known.get(name) ?? []
        known.set(name, list)
        list.push({ id, place: `${place}/${id}`, project })
        if (list.length <= kept) continue
        const oldest = list.shift()
        if (oldest)
          await cloud.api.inject({ method: 'DELETE', url: oldest.place, headers: { 'x-project': 'admin' } })
      }
    }
  }

  const forget = (url: string): void => {
    const id = url.split('/').at(-1)
    for (const [name, list] of known)
      known.set(
        name,
        list.filter((one) => one.id !== id),
      )
  }

  /** What is there already, and what nobody can create: agents, who come back. */
  const discover = async (paths: RegExp): Promise<void> => {
    for (const { path, method, item } of operations) {
      const name = /^list_(\w+)s$/.exec(item.operationId)?.[1] ?? ''
      if (method !== 'get' || path.includes('{') || !document.paths[`${path}/{${name}_id}`]) continue
      if (!paths.test(path)) continue
      const listed = await cloud.api.inject({ url: path, headers: { 'x-project': 'admin' } })
      const [objects] = Object.values(listed.json<Record<string, { id: string }[]>>())
      const own = (objects ?? []).filter(({ id }) => !secrets.includes(id))
      const places = own.map(({ id }) => ({ id, place: `${path}/${id}`, project: 'admin' as const }))
      known.set(name, places)
    }
  }

  await discover(/./)
  // Creations first, in the document's order, so that there is something to refer to.
  const creations = operations.filter(({ method }) => method === 'post')
  for (let i = 0; i < 3; i++) for (const one of creations) await send(one, 'admin', false)
  while (asked < count && failures.size < 20) {
    if (asked % 400 === 0) {
      await beat()
      await discover(/\/agents$/)
    }
    const operation = random.chance(0.3) ? random.pick(creations) : random.pick(operations)
    await send(operation, random.pick(askers), random.chance(0.6))
  }
  const share = [...shares].sort().map(([status, n]) => `${status}: ${((100 * n) / asked).toFixed(1)} %`)
  const untouched = operations.map(({ item }) => item.operationId).filter((id) => !reached.has(id))
  t.diagnostic(
    `${asked} requests (seed ${seed}) on ${operations.length} operations; ${share.join(', ')}\n` +
      `never with success: ${untouched.join(', ') || 'none'}`,
  )
  assert.deepEqual([...failures], [])
  if (count >= 20_000) assert.ok(untouched.length < operations.length / 10, 'most operations have succeeded')
  assert.ok(options.engine === 'sqlite')
  assert.ok(revised > count / 10, `${revised} revisions were seen`)
  const quotas = { yellow: Object.fromEntries(Object.values(limits)) }
  assert.deepEqual(brokenInvariants(options.path, { quotas, identifiers: { vxlan: 1000 } }), [])
  await cloud.close()
})

/** What an answer shows: one object, or a list of them. */
function objectsIn(shown: Record<string, unknown> | undefined): Record<string, unknown>[] {
  return Object.values(shown ?? {})
    .flat()
    .filter((one): one is Record<string, unknown> => typeof one === 'object' && one !== null)
}

/** Answers that no operation has of its own: what is wrong is found before the operation is known. */
const lax: readonly number[] = [400, 404, 405, 413, 414]

interface Request {
  url: string
  headers: Record<string, string>
  body: unknown
}

function requestFor(
  { path, item, parameters, method }: Operation,
  around: Surroundings,
  isMutated: boolean,
  place: string | undefined,
): Request {
  const { random } = around
  const where = isMutated ? random.pick(['body', 'body', 'body', 'path', 'query'] as const) : undefined
  const template = where === 'path' ? path : (place ?? path)
  const url = template.replace(/\{(\w+)\}/g, (_all, name: string) => {
    const schema = parameters.find((one) => one.in === 'path' && one.name === name)?.schema ?? {}
    const value =
      where === 'path' && random.chance(0.5)
        ? anything(random, 0)
        : valid({ format: 'uuid', ...schema }, name, around)
    return encodeURIComponent(wellFormed(String(value))) || 'x'
  })
  const query = new URLSearchParams()
  for (const one of parameters) {
    if (one.in !== 'query' || !random.chance(0.12)) continue
    const value = where === 'query' ? anything(random, 1) : valid(one.schema, one.name, around)
    for (const text of Array.isArray(value) ? value : [value]) query.append(one.name, plain(text))
  }
  const content = item.requestBody as { content?: { 'application/json'?: { schema?: Schema } } } | undefined
  const schema = content?.content?.['application/json']?.schema
  const sent = schema === undefined ? undefined : valid(schema, '', around)
  const ifMatch = parameters.some((one) => one.in === 'header') && random.chance(0.05)
  return {
    url: query.size > 0 ? `${url}?${query}` : url,
    headers: ifMatch ? { 'if-match': `revision_number=${random.below(5)}` } : {},
    body: where === 'body' && method !== 'get' ? mutatedBody(sent, random) : sent,
  }
}

function mutatedBody(sent: unknown, random: Random): unknown {
  let body = sent
  for (let times = random.pick([1, 1, 1, 2, 3]); times > 0; times--) body = mutated(body, random)
  return body
}

const plain = (value: unknown): string =>
  wellFormed(typeof value === 'string' ? value : (JSON.stringify(value) ?? ''))
const wellFormed = (text: string): string => text.toWellFormed()
