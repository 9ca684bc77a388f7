/** The API by inject, over two small features that write real tables, on both engines. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FastifyInstance, InjectOptions } from 'fastify'
import { sql } from 'kysely'
import type { ReadTx, Store } from '../store/store.ts'
import { forEachEngine, onSqlite, type StoreTest } from '../store/testing.ts'
import { canonicalPath, readJson } from './http.ts'
import { admin, blue, blueReader, red, type TestApi, testApi, testExtensions } from './testing.ts'

type Json = Record<string, unknown>
interface Answer {
  status: number
  // biome-ignore lint/suspicious/noExplicitAny: bodies are looked at freely in tests.
  body: any
  headers: Record<string, unknown>
}
type Call = (
  method: InjectOptions['method'],
  url: string,
  token?: string,
  body?: Json,
  headers?: Record<string, string>,
) => Promise<Answer>

function callerOf(app: FastifyInstance): Call {
  return async (method, url, token, body, headers = {}) => {
    const answer = await app.inject({
      method: method ?? 'GET',
      url,
      headers: { ...(token !== undefined && { 'x-test-token': token }), ...headers },
      ...(body && { payload: body }),
    })
    const text = answer.payload
    return { status: answer.statusCode, body: text ? JSON.parse(text) : undefined, headers: answer.headers }
  }
}

/** A test of the API on both engines. */
function apiTest(
  name: string,
  body: (call: Call, tools: StoreTest) => Promise<void>,
  options: TestApi = {},
): void {
  forEachEngine(name, async (tools) => {
    const app = await testApi(tools.store, options)
    try {
      await body(callerOf(app), tools)
    } finally {
      await app.close()
    }
  })
}

function fault(answer: Answer, status: number, type: string): void {
  assert.equal(answer.status, status, JSON.stringify(answer.body))
  assert.equal(answer.body.NeutronError?.type, type, JSON.stringify(answer.body))
  assert.deepEqual(Object.keys(answer.body.NeutronError).sort(), ['detail', 'message', 'type'])
}

async function createNetwork(
  call: Call,
  token: string,
  attributes: Json = {},
): Promise<Json & { id: string }> {
  const { status, body } = await call('POST', '/v2.0/networks', token, { network: attributes })
  assert.equal(status, 201, JSON.stringify(body))
  return body.network
}

apiTest('create, show, update, delete', async (call) => {
  const made = await createNetwork(call, blue, { name: 'n1', description: 'd' })
  assert.equal(made.project_id, 'blue')
  assert.equal(made.tenant_id, 'blue')
  assert.equal(made.shared, false)
  assert.deepEqual(made.tags, [])
  assert.match(String(made.created_at), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
  assert.equal(made['provider:network_type'], undefined, 'only administrators see the wire')
  assert.deepEqual((await call('GET', `/v2.0/networks/${made.id}`, blue)).body.network, made)
  const seen = (await call('GET', `/v2.0/networks/${made.id}`, admin)).body.network
  assert.equal(seen['provider:segmentation_id'], 7)

  const updated = await call('PUT', `/v2.0/networks/${made.id}`, blue, { network: { name: 'n2' } })
  assert.equal(updated.status, 200)
  assert.equal(updated.body.network.name, 'n2')
  assert.equal(updated.body.network.revision_number, 2)
  const same = await call('PUT', `/v2.0/networks/${made.id}`, blue, { network: {} })
  assert.equal(same.body.network.revision_number, 2)

  const gone = await call('DELETE', `/v2.0/networks/${made.id}`, blue)
  assert.equal(gone.status, 204)
  assert.equal(gone.body, undefined)
  fault(await call('GET', `/v2.0/networks/${made.id}`, blue), 404, 'NetworkNotFound')
  fault(await call('DELETE', `/v2.0/networks/${made.id}`, blue), 404, 'NetworkNotFound')
})

apiTest('a refused body is 400 and changes nothing', async (call) => {
  for (const [body, type] of [
    [undefined, 'HTTPBadRequest'],
    [{}, 'HTTPBadRequest'],
    [{ network: 5 }, 'HTTPBadRequest'],
    [{ networks: [] }, 'HTTPBadRequest'],
    [{ network: { nme: 'x' } }, 'HTTPBadRequest'],
    [{ network: { id: 'x' } }, 'HTTPBadRequest'],
    [{ network: { name: 5 } }, 'HTTPBadRequest'],
    [{ network: { name: 'x'.repeat(256) } }, 'HTTPBadRequest'],
    [{ network: { admin_state_up: 'maybe' } }, 'InvalidInput'],
    [{ network: { project_id: 'red' } }, 'HTTPBadRequest'],
    [{ network: { project_id: 'blue', tenant_id: 'red' } }, 'HTTPBadRequest'],
    [{ networks: [{ name: 'good' }, { name: 5 }] }, 'HTTPBadRequest'],
  ] as const) {
    fault(await call('POST', '/v2.0/networks', blue, body as Json | undefined), 400, type)
  }
  // Bodies come before policy.
  fault(await call('POST', '/v2.0/networks', blueReader, { network: { shared: 'x' } }), 400, 'InvalidInput')
  assert.deepEqual((await call('GET', '/v2.0/networks', admin)).body, { networks: [] })
  const { id } = await createNetwork(call, blue)
  for (const body of [
    {},
    { network: { id } },
    { network: { tenant_id: 'red' } },
    { network: { status: 'DOWN' } },
  ]) {
    fault(await call('PUT', `/v2.0/networks/${id}`, blue, body), 400, 'HTTPBadRequest')
  }
})

apiTest('policy on writes: 403 for who may read the object, 404 for who may not', async (call) => {
  fault(await call('POST', '/v2.0/networks', blueReader, { network: {} }), 403, 'PolicyNotAuthorized')
  fault(await call('POST', '/v2.0/networks', blue, { network: { shared: true } }), 403, 'PolicyNotAuthorized')
  fault(await call('POST', '/v2.0/networks', `${admin}/system`, { network: {} }), 403, 'PolicyNotAuthorized')
  // A default value that is sent is not checked.
  await createNetwork(call, blue, { shared: false, name: 'own' })
  const shared = await createNetwork(call, admin, { shared: true, project_id: 'blue' })
  const hidden = await createNetwork(call, blue)
  for (const method of ['PUT', 'DELETE'] as const) {
    const body = method === 'PUT' ? { network: { name: 'x' } } : undefined
    fault(await call(method, `/v2.0/networks/${shared.id}`, red, body), 403, 'PolicyNotAuthorized')
    fault(await call(method, `/v2.0/networks/${hidden.id}`, red, body), 404, 'NetworkNotFound')
  }
  fault(
    await call('PUT', `/v2.0/networks/${hidden.id}`, blue, { network: { shared: true } }),
    403,
    'PolicyNotAuthorized',
  )
  // In an update a default is checked as well: blue may not end the sharing.
  fault(
    await call('PUT', `/v2.0/networks/${shared.id}`, blue, { network: { shared: false } }),
    403,
    'PolicyNotAuthorized',
  )
  assert.equal((await call('GET', `/v2.0/networks/${shared.id}`, red)).status, 200)
})

apiTest('ports on networks of others', async (call) => {
  const own = await createNetwork(call, blue)
  const shared = await createNetwork(call, admin, { shared: true })
  const external = await createNetwork(call, admin, { 'router:external': true })
  const post = (token: string, port: Json) => call('POST', '/v2.0/ports', token, { port })
  assert.equal((await post(blue, { network_id: own.id })).status, 201)
  assert.equal((await post(blue, { network_id: shared.id })).status, 201)
  fault(await post(red, { network_id: own.id }), 404, 'NetworkNotFound')
  fault(await post(red, { network_id: external.id }), 403, 'HTTPForbidden')
  fault(await post(admin, { network_id: '00000000-0000-4000-8000-000000000000' }), 404, 'NetworkNotFound')
  fault(await post(blue, { network_id: shared.id, device_owner: 'network:dhcp' }), 403, 'PolicyNotAuthorized')
  assert.equal((await post(blue, { network_id: own.id, device_owner: 'network:dhcp' })).status, 201)
  fault(
    await post(blue, { network_id: shared.id, fixed_ips: [{ ip_address: '10.0.0.5' }] }),
    403,
    'PolicyNotAuthorized',
  )
  // What stands on a network, its owner sees; a stranger does not.
  assert.equal((await post(red, { network_id: shared.id })).status, 201)
  assert.equal((await call('GET', '/v2.0/ports', red)).body.ports.length, 1)
  assert.equal((await call('GET', '/v2.0/ports', blue)).body.ports.length, 3)
  assert.equal((await call('GET', '/v2.0/ports', admin)).body.ports.length, 4)
  assert.equal((await call('GET', '/v2.0/ports', 'reader@ops')).body.ports.length, 2)
})

apiTest('lists show what policy allows, and filter', async (call) => {
  const make = (token: string, name: string, more: Json = {}) => createNetwork(call, token, { name, ...more })
  await make(blue, 'a')
  await make(blue, 'b', { admin_state_up: false })
  await make(blue, '')
  await make(red, 'c')
  await make(admin, 'd', { shared: true })
  const names = async (query: string, token = blue): Promise<string> => {
    const { status, body } = await call('GET', `/v2.0/networks?sort_key=name&sort_dir=asc&${query}`, token)
    assert.equal(status, 200, JSON.stringify(body))
    return body.networks.map((one: Json) => one.name).join()
  }
  assert.equal(await names(''), ',a,b,d')
  assert.equal(await names('', red), 'c,d')
  assert.equal(await names('', admin), ',a,b,c,d')
  assert.equal(await names('', 'stranger@blue'), 'd', 'without a role only what is shared')
  assert.equal(await names('name=a&name=b&name=zzz'), 'a,b')
  assert.equal(await names('name=a&admin_state_up=false'), '')
  assert.equal(await names('admin_state_up=False'), 'b')
  assert.equal(await names('shared=True', red), 'd')
  assert.equal(await names('name='), '')
  assert.equal(await names('tenant_id=blue', admin), ',a,b')
  assert.equal(await names('tenant_id=blue&project_id=blue', admin), ',a,b')
  assert.equal(await names('revision_number=1&mtu=1500'), ',a,b,d')
  assert.equal(await names('changed_since=2000-01-01T00:00:00'), ',a,b,d')
  assert.equal(await names('changed_since=2999-01-01T00:00:00Z'), '')
  assert.equal(await names('id=nonsense'), '')
  for (const [query, type] of [
    ['nonsense=1', 'HTTPBadRequest'],
    ['subnets=1', 'HTTPBadRequest'],
    ['admin_state_up=maybe', 'InvalidInput'],
    ['mtu=many', 'InvalidInput'],
    ['changed_since=yesterday', 'InvalidInput'],
    ['name=a%00b', 'HTTPBadRequest'],
    ['tenant_id=blue&project_id=red', 'TenantIdProjectIdFilterConflict'],
    ['limit=-1', 'BadRequest'],
    ['limit=x', 'BadRequest'],
    ['sort_key=name', 'HTTPBadRequest'],
    ['sort_key=name&sort_dir=up', 'HTTPBadRequest'],
    ['sort_key=subnets&sort_dir=asc', 'HTTPBadRequest'],
  ] as const) {
    fault(await call('GET', `/v2.0/networks?${query}`, blue), 400, type)
  }
  const { body } = await call('GET', '/v2.0/networks?fields=id&fields=tenant_id&fields=nonsense&name=a', blue)
  assert.deepEqual(Object.keys(body.networks[0]).sort(), ['id', 'tenant_id'])
  assert.equal(body.networks[0].tenant_id, 'blue')
})

apiTest('pages: every object once, forwards and backwards, with several sort keys', async (call) => {
  for (const [name, description] of [
    ['a', 'x'],
    ['b', 'x'],
    ['a', 'y'],
    ['a', 'x'],
    ['c', 'y'],
    ['b', 'y'],
    ['B', 'x'],
  ]) {
    await createNetwork(call, blue, { name, description })
  }
  const key = (one: Json) => `${one.name}${one.revision_number}${one.id}`
  const sort = 'sort_key=status&sort_dir=asc&sort_key=name&sort_dir=desc'
  const all = (await call('GET', `/v2.0/networks?${sort}`, blue)).body.networks.map(key)
  assert.equal(all.length, 7)
  assert.deepEqual(all.map((one: string) => one[0]).join(''), 'cbbaaaB')
  const collect = async (rel: string, start: string): Promise<string[]> => {
    const pages: string[][] = []
    let url: string | undefined = start
    while (url !== undefined) {
      const { status, body }: Answer = await call('GET', url, blue)
      assert.equal(status, 200)
      pages.push(body.networks.map(key))
      const link: { href: string } | undefined = body.networks_links?.find((one: Json) => one.rel === rel)
      url = link && new URL(link.href).pathname + new URL(link.href).search
    }
    return (rel === 'next' ? pages : pages.reverse()).flat()
  }
  assert.deepEqual(await collect('next', `/v2.0/networks?${sort}&limit=3`), all)
  assert.deepEqual(await collect('next', `/v2.0/networks.json?${sort}&limit=7`), all)
  assert.deepEqual(await collect('previous', `/v2.0/networks?${sort}&limit=2&page_reverse=True`), all)
  const { body } = await call('GET', '/v2.0/networks?limit=2', blue, undefined, {
    'x-forwarded-proto': 'https',
    host: 'cloud:9696',
  })
  assert.match(body.networks_links[0].href, /^https:\/\/cloud:9696\/v2\.0\/networks\?limit=2&marker=/)
  fault(await call('GET', '/v2.0/networks?limit=2&marker=nothing', blue), 404, 'NetworkNotFound')
})

apiTest(
  'pagination_max_limit caps every page',
  async (call) => {
    for (let i = 0; i < 4; i++) await createNetwork(call, blue)
    for (const query of ['', '?limit=0', '?limit=99']) {
      const { body } = await call('GET', `/v2.0/networks${query}`, blue)
      assert.equal(body.networks.length, 3)
      assert.equal(body.networks_links[0].rel, 'next')
    }
  },
  { settings: { paginationMaxLimit: 3 } },
)

apiTest('links of pages lead on whatever the fields, and follow the proxy that is believed', async (call) => {
  for (const name of ['a', 'b', 'c']) await createNetwork(call, blue, { name })
  const { body } = await call('GET', '/v2.0/networks?fields=name&limit=1', blue)
  assert.deepEqual(Object.keys(body.networks[0]), ['name'])
  const next = new URL(body.networks_links[0].href)
  const second = await call('GET', next.pathname + next.search, blue)
  assert.equal(second.status, 200)
  assert.notEqual(second.body.networks[0].name, body.networks[0].name)
})

const behindProxy = {
  'x-forwarded-proto': 'https',
  'x-forwarded-host': 'cloud.example',
  'x-forwarded-prefix': '/network/',
  host: 'inside:9696',
}

apiTest('what a proxy says of the protocol is believed, and no more', async (call) => {
  const { body } = await call('GET', '/', undefined, undefined, behindProxy)
  assert.equal(body.versions[0].links[0].href, 'https://inside:9696/v2.0/')
})

apiTest(
  'enable_proxy_headers_parsing believes host and prefix',
  async (call) => {
    const { body } = await call('GET', '/', undefined, undefined, behindProxy)
    assert.equal(body.versions[0].links[0].href, 'https://cloud.example/network/v2.0/')
  },
  { settings: { trustProxy: true } },
)

apiTest(
  'allow_bulk and filter_validation can be switched off',
  async (call) => {
    fault(
      await call('POST', '/v2.0/networks', blue, { networks: [{}] } as unknown as Json),
      400,
      'HTTPBadRequest',
    )
    assert.equal((await call('GET', '/v2.0/networks?nonsense=1', blue)).status, 200)
    fault(await call('GET', '/v2.0/extensions/filter-validation', blue), 404, 'ExtensionNotFound')
  },
  { settings: { allowBulk: false, validateFilters: false } },
)

apiTest('the reference needs no token and nothing from elsewhere', async (call, { store }) => {
  const { status, body } = await call('GET', '/openapi.json')
  assert.equal(status, 200)
  assert.equal(body.openapi, '3.1.0')
  assert.deepEqual(Object.keys(body.paths['/v2.0/networks']), ['get', 'post'])
  assert.equal(body.paths['/v2.0/routers'], undefined)
  const app = await testApi(store)
  const page = await app.inject({ method: 'GET', url: '/reference' })
  await app.close()
  assert.match(String(page.headers['content-type']), /^text\/html/)
  assert.match(String(page.headers['content-security-policy']), /default-src 'none'/)
  assert.match(page.payload, /<code>\/v2\.0\/networks\/\{network_id\}<\/code>/)
  assert.doesNotMatch(page.payload, /(src|href)="(https?:)?\/\//)
})

apiTest('paths that are too long, or cannot be decoded', async (call) => {
  fault(await call('GET', `/v2.0/networks?name=${'x'.repeat(9000)}`, blue), 414, 'HTTPRequestURITooLong')
  fault(await call('GET', '/v2.0/networks/%E0%A4%A', blue), 404, 'HTTPNotFound')
})

apiTest('bulk: all or nothing, in order', async (call) => {
  const list = ['x', 'y', 'z'].map((name) => ({ name }))
  const { status, body } = await call('POST', '/v2.0/networks', blue, { networks: list } as unknown as Json)
  assert.equal(status, 201)
  assert.deepEqual(
    body.networks.map((one: Json) => one.name),
    ['x', 'y', 'z'],
  )
  const mixed = { networks: [{ name: 'p' }, { name: 'q', shared: true }] } as unknown as Json
  fault(await call('POST', '/v2.0/networks', blue, mixed), 403, 'PolicyNotAuthorized')
  assert.equal((await call('GET', '/v2.0/networks', blue)).body.networks.length, 3)
})

apiTest('If-Match', async (call) => {
  const { id } = await createNetwork(call, blue)
  const url = `/v2.0/networks/${id}`
  const change = { network: { name: 'x' } }
  const match = (value: string) => ({ 'if-match': value })
  fault(
    await call('PUT', url, blue, change, match('revision_number=9')),
    412,
    'RevisionNumberConstraintFailed',
  )
  fault(
    await call('DELETE', url, blue, undefined, match('revision_number=9')),
    412,
    'RevisionNumberConstraintFailed',
  )
  fault(await call('PUT', url, blue, change, match('revision_number=x')), 400, 'HTTPBadRequest')
  fault(
    await call('PUT', url, blue, change, match('revision_number=1, revision_number=2')),
    400,
    'HTTPBadRequest',
  )
  assert.equal((await call('PUT', url, blue, change, match('revision_number=1'))).status, 200)
  assert.equal((await call('DELETE', url, blue, undefined, match('revision_number=2'))).status, 204)
})

apiTest('tags', async (call) => {
  const { id } = await createNetwork(call, blue, { shared: false })
  const url = `/v2.0/networks/${id}/tags`
  const long = 'ö'.repeat(255)
  const json = { 'content-type': 'application/json' }
  assert.deepEqual((await call('GET', url, blue)).body, { tags: [] })
  assert.equal((await call('PUT', `${url}/green`, blue, undefined, json)).status, 201)
  assert.equal((await call('PUT', `${url}/${encodeURIComponent(long)}`, blue, undefined, json)).status, 201)
  assert.equal((await call('PUT', `${url}/${encodeURIComponent('a/b c')}`, blue)).status, 201)
  assert.equal((await call('GET', `${url}/${encodeURIComponent('a/b c')}`, blue)).status, 204)
  assert.deepEqual((await call('GET', `/v2.0/networks/${id}`, blue)).body.network.tags, [
    'a/b c',
    'green',
    long,
  ])
  fault(await call('GET', `${url}/blue`, blue), 404, 'TagNotFound')
  fault(await call('DELETE', `${url}/blue`, blue), 404, 'TagNotFound')
  assert.equal((await call('DELETE', `${url}/green`, blue, undefined, json)).status, 204)
  const set = await call('PUT', url, blue, { tags: ['red', 'blue'] } as unknown as Json)
  assert.deepEqual([set.status, set.body], [200, { tags: ['blue', 'red'] }])
  for (const tags of ['red', ['a', 'a'], [''], ['x'.repeat(256)], [5], null]) {
    fault(await call('PUT', url, blue, { tags } as Json), 400, 'HTTPBadRequest')
  }
  fault(await call('POST', url, blue, {}), 404, 'HTTPNotFound')
  assert.equal((await call('GET', '/v2.0/networks?tags=red', blue)).body.networks.length, 1)
  assert.equal((await call('GET', '/v2.0/networks?not-tags-any=red', blue)).body.networks.length, 0)
  fault(await call('GET', url, red), 404, 'NetworkNotFound')
  fault(await call('PUT', `${url}/x`, blueReader), 403, 'PolicyNotAuthorized')
  fault(await call('GET', '/v2.0/networks/nothing/tags', blue), 404, 'TagResourceNotFound')
  assert.equal((await call('DELETE', url, blue)).status, 204)
  assert.deepEqual((await call('GET', url, blue)).body, { tags: [] })
})

/** A store whose readers meet that when they ask for one object. */
function meeting(store: Store, trouble: (tx: ReadTx) => Promise<never>): Store {
  return { ...store, read: (work) => store.read((tx) => work({ ...tx, run: () => trouble(tx) })) }
}

const troubles: Record<string, (tx: ReadTx) => Promise<never>> = {
  'a conflict': async () => {
    throw Object.assign(new Error('could not serialize access'), { code: '40001' })
  },
  'a statement that takes too long': async (tx) => {
    if (tx.engine === 'sqlite') throw Object.assign(new Error('a stand-in'), { code: '57014' })
    await sql`set local statement_timeout = 20`.execute(tx.db)
    await sql`select pg_sleep(10)`.execute(tx.db)
    throw new Error('it was let go on')
  },
}
for (const [name, trouble] of Object.entries(troubles)) {
  forEachEngine(`${name} is 503, for an object and for its tags`, async ({ store }) => {
    const app = await testApi(meeting(store, trouble))
    const call = callerOf(app)
    for (const path of ['/v2.0/networks/x', '/v2.0/networks/x/tags']) {
      fault(await call('GET', path, blue), 503, 'ServiceUnavailable')
    }
    await app.close()
  })
}

onSqlite('paths, methods, headers, bodies', async ({ store }) => {
  const app = await testApi(store)
  const call = callerOf(app)
  try {
    const versions = await call('GET', '/', undefined, undefined, {
      host: 'h:1',
      'x-forwarded-proto': 'https',
    })
    assert.deepEqual(versions.body.versions[0].links, [{ rel: 'self', href: 'https://h:1/v2.0/' }])
    const root = await call('GET', '/v2.0/', blue)
    assert.deepEqual(
      root.body.resources.map((one: Json) => one.collection),
      ['networks', 'subnets', 'ports', 'subnetpools'],
    )

    const denied = await call('GET', '/v2.0/networks')
    assert.equal(denied.status, 401)
    assert.equal(denied.headers['www-authenticate'], 'Keystone uri="http://127.0.0.1:5000"')
    assert.deepEqual(denied.body, {
      error: {
        message: 'The request you have made requires authentication.',
        code: 401,
        title: 'Unauthorized',
      },
    })
    assert.equal((await call('GET', '/v2.0/nothing')).status, 401)
    fault(await call('GET', '/v2.0/nothing', blue), 404, 'HTTPNotFound')
    fault(await call('GET', '/nothing', blue), 404, 'HTTPNotFound')
    const refused = await call('PATCH', '/v2.0/networks', blue, {})
    fault(refused, 405, 'HTTPMethodNotAllowed')
    assert.equal(refused.headers.allow, 'GET, POST')
    fault(await call('POST', '/v2.0/networks/x', blue, {}), 405, 'HTTPMethodNotAllowed')

    const extensions = (await call('GET', '/v2.0/extensions', blue)).body.extensions
    assert.deepEqual(extensions.map((one: Json) => one.alias).sort(), [...testExtensions].sort())
    assert.equal((await call('GET', '/v2.0/extensions/net-mtu', blue)).body.extension.name, 'Network MTU')
    fault(await call('GET', '/v2.0/extensions/router', blue), 404, 'ExtensionNotFound')

    const { id } = await createNetwork(call, blue)
    const shown = await call('GET', `/v2.0/networks/${id}.json`, blue)
    assert.equal(shown.status, 200)
    assert.equal(shown.headers['content-type'], 'application/json')
    assert.match(String(shown.headers['x-openstack-request-id']), /^req-[0-9a-f-]{36}$/)
    const head = await app.inject({
      method: 'HEAD',
      url: `/v2.0/networks/${id}`,
      headers: { 'x-test-token': blue },
    })
    assert.deepEqual([head.statusCode, head.payload], [200, ''])
    const json = { 'content-type': 'application/json' }
    assert.equal((await call('GET', '/v2.0/networks.json', blue, undefined, json)).status, 200)
    fault(await call('DELETE', `/v2.0/networks/${id}`, blue, { network: {} }), 400, 'HTTPBadRequest')
    assert.equal((await call('DELETE', `/v2.0/networks/${id}`, blue, undefined, json)).status, 204)

    const send = async (payload: string, type = 'application/json') => {
      const answer = await app.inject({
        method: 'POST',
        url: '/v2.0/networks',
        headers: { 'x-test-token': blue, 'content-type': type },
        payload,
      })
      return { status: answer.statusCode, body: JSON.parse(answer.payload), headers: {} }
    }
    fault(await send('{"network":'), 400, 'HTTPBadRequest')
    fault(await send('[]'), 400, 'HTTPBadRequest')
    fault(await send(`{"network":{"name":${'['.repeat(70)}${']'.repeat(70)}}}`), 400, 'HTTPBadRequest')
    fault(await send('{"network":{"__proto__":{"shared":true}}}'), 400, 'HTTPBadRequest')
    fault(
      await send(JSON.stringify({ network: { name: 'x'.repeat(2 ** 20) } })),
      413,
      'HTTPRequestEntityTooLarge',
    )
    assert.equal((await send('{"network":{}}', 'text/plain')).status, 201)
    const defect = await send('{"network":{"name":"explode"}}')
    fault(defect, 500, 'HTTPInternalServerError')
    assert.doesNotMatch(defect.body.NeutronError.message, /defect/)
  } finally {
    await app.close()
  }
})

test('paths as routes are written', () => {
  for (const [url, canonical] of [
    ['/v2.0/networks.json', '/v2.0/networks'],
    ['/v2.0/availability_zones?a_b=c.json', '/v2.0/availability-zones?a_b=c.json'],
    ['/v2.0/networks/a_b/dhcp_agents.json', '/v2.0/networks/a_b/dhcp-agents'],
    ['/v2.0/networks/ID/tags/a_b.json', '/v2.0/networks/ID/tags/a_b'],
    ['/v2.0/', '/v2.0/'],
    ['/', '/'],
    ['/healthcheck', '/healthcheck'],
  ] as const) {
    assert.equal(canonicalPath(url), canonical)
  }
})

test('nesting is counted outside of strings', () => {
  assert.deepEqual(readJson(`{"a":"${'['.repeat(100)}\\"["}`), { a: `${'['.repeat(100)}"[` })
  assert.throws(() => readJson('['.repeat(65) + ']'.repeat(65)), /deeper than 64/)
})
