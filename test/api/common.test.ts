/**
 * What every resource of the API has in common, asked of each that the server serves: spellings of paths, `fields`,
 * methods, broken bodies, empty filters, tags, `changed_since`, If-Match, pages, collections below objects; and what
 * belongs to no resource: versions behind a proxy, quotas in use.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { extensionsOf } from '../../model/extensions/catalogue.ts'
import { compose, type Model, type Resource } from '../../model/resource.ts'
import { coreResources } from '../../model/resources/core.ts'
import { members, type Place, recipes } from './policy/recipes.ts'
import { type Answer, type Body, type Call, placeOf, startServer } from './probe/server.ts'

type Row = Body & { id: string }

let call: Call
let place: Place
let model: Model
/** Ends the server. */
const cleanups: (() => Promise<void> | void)[] = []
/** What was not as expected, in the resource that is asked. */
const wrong: string[] = []

before(async () => {
  const server = await startServer({ after: (cleanup) => void cleanups.push(cleanup as () => Promise<void>) })
  call = server.call
  place = await placeOf(server)
  const { extensions } = (await call('GET', '/v2.0/extensions')).body
  model = compose(coreResources, extensionsOf((extensions as { alias: string }[]).map((one) => one.alias)))
})

after(async () => {
  for (const cleanup of cleanups) await cleanup()
})

const same = (what: string, found: unknown, expected: unknown): void => {
  const [left, right] = [JSON.stringify(found), JSON.stringify(expected)]
  if (left !== right) wrong.push(`${what}: ${left} instead of ${right}`)
}

const base = (resource: Resource): string => `/v2.0/${resource.path}`

/** The answer to a GET that must succeed. */
async function get(path: string): Promise<Body> {
  const { status, body } = await call('GET', path)
  if (status !== 200) wrong.push(`GET ${path}: ${status} ${JSON.stringify(body).slice(0, 120)}`)
  return body
}

async function list({ collection, path }: Resource, query = ''): Promise<Row[]> {
  return ((await get(`/v2.0/${path}${query}`))[collection] ?? []) as Row[]
}

const idsOf = (rows: readonly Row[]): string[] => rows.map((row) => row.id).sort()

/** A new object, or one that is there; undefined of what cannot be made (lists that are worked out). */
async function objectOf(resource: Resource, more: Body = {}): Promise<string | undefined> {
  const recipe = recipes[resource.name]
  if (recipe?.existing) return recipe.existing(place)
  if (!recipe?.body) return undefined
  return (await place.make(resource.path, resource.name, { ...(await recipe.body(place)), ...more })).id
}

/** `.json` at the end, and underscores in the names of collections, are the same path. */
async function askSpellings(resource: Resource, id: string | undefined): Promise<void> {
  const plain = await get(base(resource))
  same('.json', Object.keys(await get(`${base(resource)}.json`)), Object.keys(plain))
  same('underscores', Object.keys(await get(base(resource).replaceAll('-', '_'))), Object.keys(plain))
  if (id === undefined || !resource.operations.includes('show')) return
  same('.json of one', await get(`${base(resource)}/${id}.json`), await get(`${base(resource)}/${id}`))
}

async function askFields(resource: Resource, id: string | undefined): Promise<void> {
  const { sometimes } = recipes[resource.name] ?? {}
  const visible = Object.entries(resource.attributes).filter(
    ([name, one]) => one.visible && !sometimes?.attributes.includes(name),
  )
  const [first = '', second = first] = visible.map(([name]) => name)
  for (const row of await list(resource, `?fields=${first}&fields=nonsense`)) {
    same('fields of a list', Object.keys(row), [first])
  }
  if (id === undefined || !resource.operations.includes('show')) return
  const one = (await get(`${base(resource)}/${id}?fields=${first}&fields=${second}`))[resource.name] as Body
  same('fields of one', Object.keys(one).sort(), [...new Set([first, second])].sort())
}

async function askMethods(resource: Resource): Promise<void> {
  const has = (operation: Resource['operations'][number]) => resource.operations.includes(operation)
  const on = {
    [base(resource)]: { GET: has('list'), POST: has('create'), PUT: false, DELETE: false, PATCH: false },
    ...((['show', 'update', 'delete'] as const).some(has) && {
      [`${base(resource)}/x`]: {
        GET: has('show'),
        PUT: has('update'),
        DELETE: has('delete'),
        POST: false,
        PATCH: false,
      },
    }),
  }
  for (const [path, methods] of Object.entries(on)) {
    for (const [method, served] of Object.entries(methods)) {
      if (served) continue
      const answer = await call(method as 'GET', path, method === 'DELETE' ? undefined : {})
      const allowed = String(answer.headers.allow ?? '')
      same(`${method} ${path}`, [answer.status, answer.type], [405, 'HTTPMethodNotAllowed'])
      if (allowed.split(', ').includes(method)) wrong.push(`${method} ${path}: Allow: ${allowed}`)
    }
  }
}

async function askBodies(resource: Resource): Promise<void> {
  if (!resource.operations.includes('create') || !recipes[resource.name]?.body) return
  const send = async (body: unknown, headers = {}) => {
    const { status, type } = await call('POST', base(resource), body, headers)
    return [status, type]
  }
  const bad = [400, 'HTTPBadRequest']
  same('no JSON', await send(Buffer.from('{"')), bad)
  same('no object', await send([]), bad)
  same('another name', await send({ nonsense: {} }), bad)
  same('an empty list', await send({ [resource.collection]: [] }), bad)
  same('too large', (await send({ [resource.name]: { name: 'x'.repeat(2 ** 20) } }))[0], 413)
  same('too deep', await send(Buffer.from(`${'['.repeat(200)}${']'.repeat(200)}`)), bad)
  same('another type', await send({ nonsense: {} }, { 'content-type': 'text/plain' }), bad)
}

/** An empty filter finds what has no value. */
async function askEmptyFilters(resource: Resource): Promise<void> {
  if (!resource.attributes.id) return
  const all = await list(resource)
  for (const [name, { filter, kind, visible }] of Object.entries(resource.attributes)) {
    const { type } = kind.schema
    if (!filter || !visible || type !== 'string' || ['id', 'tags', 'project_id', 'tenant_id'].includes(name))
      continue
    const expected = all.filter((row) => row[name] === '' || row[name] === null)
    same(`${name}=`, idsOf(await list(resource, `?${name}=`)), idsOf(expected))
  }
}

async function askTags(resource: Resource): Promise<void> {
  const [one = '', other = ''] = [await objectOf(resource), await objectOf(resource)]
  const tags = (id: string) => `${base(resource)}/${id}/tags`
  const put = await call('PUT', tags(one), { tags: ['red', 'blue'] })
  same('tags replaced', [put.status, put.body], [200, { tags: ['blue', 'red'] }])
  await call('PUT', tags(other), { tags: ['red'] })
  same('a tag added', (await call('PUT', `${tags(other)}/green`)).status, 201)
  const both = new Set([one, other])
  for (const [query, expected] of [
    ['tags=red', [one, other]],
    ['tags=red,blue', [one]],
    ['tags-any=blue,green', [one, other]],
    ['tags-any=green', [other]],
    ['not-tags=red,green', [one]],
    ['not-tags-any=blue,none', [other]],
    ['tags=red&not-tags=blue', [other]],
  ] as const) {
    const found = idsOf(await list(resource, `?${query}`)).filter((id) => both.has(id))
    same(query, found, [...expected].sort())
  }
  same('a tag that is there', (await call('GET', `${tags(one)}/red`)).status, 204)
  same('one that is not', (await call('GET', `${tags(one)}/green`)).type, 'TagNotFound')
  same('a tag removed', (await call('DELETE', `${tags(one)}/red`)).status, 204)
  same('tags left', (await get(tags(one))).tags, ['blue'])
  same('all removed', (await call('DELETE', tags(one))).status, 204)
  same('none left', (await get(tags(one))).tags, [])
  same('too long', (await call('PUT', tags(one), { tags: ['x'.repeat(256)] })).status, 400)
}

async function askChangedSince(resource: Resource): Promise<void> {
  const id = await objectOf(resource)
  const since = async (time: string) => idsOf(await list(resource, `?changed_since=${time}&fields=id`))
  same('changed since long', (await since('2000-01-01T00:00:00Z')).includes(id ?? ''), true)
  same('changed in the future', await since('2999-01-01T00:00:00'), [])
  const wrongTime = await call('GET', `${base(resource)}?changed_since=yesterday`)
  same('no time', [wrongTime.status, wrongTime.type], [400, 'InvalidInput'])
}

async function askRevisions(resource: Resource): Promise<void> {
  const { change } = recipes[resource.name] ?? {}
  const id = await objectOf(resource)
  if (!change || !resource.operations.includes('update')) return
  const path = `${base(resource)}/${id}`
  const revision = Number(((await get(path))[resource.name] as Body).revision_number)
  const put = (expected: number) =>
    call('PUT', path, { [resource.name]: change }, { 'if-match': `revision_number=${expected}` })
  const stale = await put(revision + 1)
  same('another revision', [stale.status, stale.type], [412, 'RevisionNumberConstraintFailed'])
  const right = await put(revision)
  same(
    'the revision',
    [right.status, (right.body[resource.name] as Body)?.revision_number],
    [200, revision + 1],
  )
}

/** Forwards and back by the links of pages of two. */
async function askPages(resource: Resource): Promise<void> {
  const expected = idsOf(await list(resource, '?fields=id'))
  const walk = async (rel: 'next' | 'previous', start: string): Promise<string[]> => {
    const found: string[] = []
    let path: string | undefined = `${base(resource)}?limit=2&sort_key=id&sort_dir=asc&fields=id${start}`
    for (let pages = 0; path !== undefined && pages <= expected.length; pages++) {
      const body: Body = await get(path)
      const page = ((body[resource.collection] ?? []) as Row[]).map((row) => row.id)
      found.push(...(rel === 'next' ? page : page.reverse()))
      const links = (body[`${resource.collection}_links`] ?? []) as { rel: string; href: string }[]
      const href: string | undefined = links.find((link) => link.rel === rel)?.href
      path = href?.replace(/^http:\/\/[^/]+/, '')
    }
    return found
  }
  same('pages', await walk('next', ''), expected)
  same('pages backwards', await walk('previous', '&page_reverse=True'), expected.toReversed())
}

async function askMembers(resource: Resource): Promise<void> {
  for (const member of Object.values(resource.members)) {
    const recipe = members[`${resource.name}.${member.name}`]
    const id = await objectOf(resource, recipe?.above)
    const path = `${base(resource)}/${id}/${member.name.replaceAll('_', '-')}`
    if (member.operations.includes('create')) {
      const body = (await recipe?.body?.(place)) ?? {}
      const made = await call('POST', path, member.lists ? body : { [member.singular]: body })
      same(`${member.name} made`, made.status, 201)
    }
    if (member.operations.includes('list')) {
      const listed = member.lists === undefined ? undefined : model.resources.get(member.lists)
      const collection = listed?.collection ?? member.name
      const rows = async (query: string, spelled = path) =>
        ((await get(`${spelled}${query}`))[collection] ?? []) as Row[]
      const [field = ''] = Object.keys(listed?.attributes ?? member.attributes)
      const all = await rows('')
      if (member.operations.includes('create')) same(`${member.name} listed`, all.length > 0, true)
      for (const row of await rows(`?fields=${field}`))
        same(`fields of ${member.name}`, Object.keys(row), [field])
      const spelled = `${base(resource)}/${id}/${member.name}.json`
      same(`${member.name}.json`, (await rows('', spelled)).length, all.length)
      same(`${member.name}, pages`, (await rows('?limit=1')).length, Math.min(1, all.length))
      same(`${member.name}, an unknown filter`, (await call('GET', `${path}?nonsense=1`)).status, 400)
    }
    for (const method of ['PUT', 'DELETE', 'PATCH'] as const) {
      same(
        `${method} ${member.name}`,
        (await call(method, path, method === 'DELETE' ? undefined : {})).status,
        405,
      )
    }
    const absent = path.replace(String(id), 'deadbeef-0000-4000-8000-00000000dead')
    const method = member.operations.includes('list') ? 'GET' : 'POST'
    const body = method === 'POST' ? { [member.singular]: (await recipe?.body?.(place)) ?? {} } : undefined
    const missing: Answer = await call(method, absent, body)
    same(`${member.name} of nothing`, [missing.status, missing.type], [404, resource.notFound])
  }
}

test('every resource', async (t) => {
  let asked = 0
  for (const resource of model.resources.values()) {
    if (resource.name === 'quota' || !resource.operations.includes('list')) continue
    await t.test(resource.name, async () => {
      wrong.length = 0
      asked++
      const id = await objectOf(resource)
      const { attributes } = resource
      await askSpellings(resource, id)
      await askFields(resource, id)
      await askMethods(resource)
      await askBodies(resource)
      await askEmptyFilters(resource)
      if (attributes.tags) await askTags(resource)
      if (attributes.updated_at) await askChangedSince(resource)
      if (attributes.revision_number) await askRevisions(resource)
      if (attributes.id?.sort) await askPages(resource)
      await askMembers(resource)
      assert.deepEqual(wrong, [])
    })
  }
  assert.ok(asked > 20, `${asked}`)
})

test('what is used of every quota is what is there', async () => {
  const { quota: details } = (await call('GET', '/v2.0/quotas/p/details.json')).body
  const { quota: limits } = (await call('GET', '/v2.0/quotas/p')).body
  const counted = [...model.resources.values()].filter((one) => one.quota)
  assert.deepEqual(Object.keys(details as Body).sort(), counted.map((one) => one.name).sort())
  for (const resource of counted) {
    const there = await list(resource, '?project_id=p&fields=id')
    const limit = (limits as Record<string, number>)[resource.name]
    assert.deepEqual(
      (details as Body)[resource.name],
      { limit, used: there.length, reserved: 0 },
      resource.name,
    )
  }
})

test('versions and resources are told with the address that the client used', async () => {
  const hrefs = (value: unknown): string[] =>
    [...JSON.stringify(value).matchAll(/"href":"([^"]+)"/g)].map((m) => m[1] ?? '')
  for (const [headers, start] of [
    [{}, 'http://127.0.0.1:'],
    [{ 'x-forwarded-proto': 'https' }, 'https://127.0.0.1:'],
    [{ host: 'cloud.example:9696', 'x-forwarded-proto': 'https' }, 'https://cloud.example:9696/'],
  ] as const) {
    for (const path of ['/', '/v2.0/', '/v2.0']) {
      const found = hrefs((await call('GET', path, undefined, headers)).body)
      assert.ok(found.length > 0 && found.every((href) => href.startsWith(start)), `${path}: ${found}`)
      for (const href of found) {
        const answer = await call('GET', new URL(href).pathname)
        assert.equal(answer.status, 200, href)
      }
    }
  }
  const { status, type } = await call('GET', `/v2.0/networks?name=${'x'.repeat(9000)}`)
  assert.deepEqual([status, type], [414, 'HTTPRequestURITooLong'])
})
