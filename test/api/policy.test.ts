/**
 * Policy over HTTP: for every rule of what the server serves, each role asks about its own project's object, another
 * project's, one that is shared with it, and those below one another; the answers equal oslo.policy's
 * (test/facts/policy-matrix.json).
 */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { Agent, request } from 'undici'
import { extensionsOf } from '../../model/extensions/catalogue.ts'
import { type Attribute, compose, type Model, type Resource, type SubResource } from '../../model/resource.ts'
import { coreResources } from '../../model/resources/core.ts'
import { servicePluginNames } from '../../server/plugins.ts'
import { createCloud, type WholeCloud } from '../whole/cloud.ts'
import { type Body, emptyLists, members, type Place, type Recipe, recipes } from './policy/recipes.ts'

type Table = Record<string, Record<string, string>>
type Where = 'own' | 'other' | 'shared' | 'external' | 'below' | 'guest'

const facts = (name: string) => new URL(`../facts/${name}`, import.meta.url)
const matrix: { roles: Record<string, string[]>; rules: Table } = JSON.parse(
  readFileSync(facts('policy-matrix.json'), 'utf8'),
)
const roles = Object.keys(matrix.roles)
/** Rules for operations, without those that only others refer to. */
const operational = new Set(
  (JSON.parse(readFileSync(facts('policies.json'), 'utf8')) as { name: string; scope_types?: string[] }[])
    .filter((fact) => fact.scope_types !== undefined)
    .map((fact) => fact.name),
)

const quotas = 'network subnet port security_group security_group_rule rbac_policy subnetpool trunk'.split(
  ' ',
)

/** Rules that no request can ask for, by the reason. */
const unasked: Readonly<Record<string, RegExp>> = {
  'routers and what stands on them are not served yet':
    /_(router|floatingip|ndp_proxy|l3-router|l3-agents|extraroutes|external_gateways)/,
  'segments have no tags: no extension announces them': /_segments_tags$/,
  'private VLANs are not announced': /:pvlan/,
  'agents come into being by their reports; POST is 400 for everybody': /^create_agent$/,
}

const dhcpAgent = {
  agent_type: 'DHCP agent',
  binary: 'neutron-dhcp-agent',
  availability_zone: 'nova',
  configurations: {},
}

interface Answer {
  status: number
  body: Body
}

let cloud: WholeCloud
let model: Model
let endpoint: string
let dispatcher: Agent
const tokens: Record<string, string> = {}
let projects: { here: string; there: string }
const places = {} as Record<Where, Place>
const visited = new Set<string>()
const wrong: string[] = []
let asked = 0
let counter = 0

async function call(token: string, method: string, path: string, body?: unknown): Promise<Answer> {
  const response = await request(`${endpoint}/v2.0/${path}`, {
    method: method as 'GET',
    dispatcher,
    headers: { 'x-auth-token': token, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    body: body === undefined ? null : JSON.stringify(body),
  })
  const text = await response.body.text()
  return { status: response.statusCode, body: (text === '' ? null : (JSON.parse(text) as Body | null)) ?? {} }
}

async function make(path: string, name: string, body: Body): Promise<Body & { id: string }> {
  const { status, body: answer } = await call(tokens.root ?? '', 'POST', path, { [name]: body })
  assert.equal(status, 201, `POST ${path} ${JSON.stringify(body)}: ${JSON.stringify(answer)}`)
  return answer[name] as Body & { id: string }
}

/** May the action be done? A rule that does not exist is `default`. */
function allowsAction(rule: string, role: string, where: Where): boolean {
  return allows(matrix.rules[rule] ? rule : 'default', role, where)
}

/** What oslo.policy says; a rule that does not exist refuses nothing. */
function allows(rule: string, role: string, where: Where): boolean {
  const row = matrix.rules[rule]
  if (row === undefined) return true
  visited.add(rule.replace(/=.*/, ''))
  return (row[where] ?? '').split(' ').includes(role)
}

/** The rules that a body brings into play beside the action's own. */
function rulesOf(action: string, attributes: Readonly<Record<string, Attribute>>, body: Body): string[] {
  return Object.entries(body).flatMap(([name, value]) => {
    const attribute = attributes[name]
    if (attribute === undefined) return []
    if (action.startsWith('create_') && value === attribute.default) return []
    const rules = [`${action}:${name}`]
    if (name === 'target_tenant') rules.push(`${action}:target_project`)
    for (const part of attribute.kind.parts ?? []) {
      if (Array.isArray(value) && value.some((one: Body) => one[part] !== undefined)) {
        rules.push(`${action}:${name}:${part}`)
      }
    }
    const meant = (rule: string) => (matrix.rules[`${rule}=${value}`] ? `${rule}=${value}` : rule)
    return rules.filter((rule) => matrix.rules[rule] !== undefined).map(meant)
  })
}

function expect(what: string, { status, body }: Answer, expected: readonly number[] | 'success'): void {
  asked++
  const fine = expected === 'success' ? status < 300 : expected.includes(status)
  if (!fine) wrong.push(`${what}: ${status} instead of ${expected}: ${JSON.stringify(body).slice(0, 160)}`)
}

async function identity(method: string, path: string, body?: unknown): Promise<Body> {
  const response = await request(`${cloud.clouds.admin.authUrl}${path}`, {
    method: method as 'GET',
    headers: { 'x-auth-token': tokens.root ?? '', 'content-type': 'application/json' },
    body: body === undefined ? null : JSON.stringify(body),
  })
  const text = await response.body.text()
  assert.ok(response.statusCode < 300, `${method} ${path}: ${response.statusCode} ${text}`)
  return text === '' ? {} : (JSON.parse(text) as Body)
}

/** A project, and a user of each role in it. */
async function arrangeProjects(): Promise<void> {
  const project = async (name: string) =>
    ((await identity('POST', '/projects', { project: { name } })).project as { id: string }).id
  projects = { here: await project('here'), there: await project('there') }
  await identity('POST', '/roles', { role: { name: 'none' } })
  const known = (await identity('GET', '/roles')).roles as { id: string; name: string }[]
  for (const role of roles) {
    const user = { name: `as-${role}`, password: 'secret' }
    const { id } = (await identity('POST', '/users', { user })).user as { id: string }
    const roleId = known.find((one) => one.name === role)?.id
    await identity('PUT', `/projects/${projects.here}/users/${id}/roles/${roleId}`)
    const scope = { project: { id: projects.here } }
    const proof = { methods: ['password'], password: { user: { id, password: user.password } } }
    const response = await request(`${cloud.clouds.admin.authUrl}/auth/tokens`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ auth: { identity: proof, scope } }),
    })
    await response.body.dump()
    tokens[role] = String(response.headers['x-subject-token'])
  }
}

async function arrangePlaces(): Promise<void> {
  const { here, there } = projects
  const place = async (owner: string, above: string, how: 'plain' | 'shared' | 'external') => {
    const external = how === 'external' ? { 'router:external': true } : {}
    const network = await make('networks', 'network', { project_id: above, ...external })
    if (how === 'shared') await share('network', network.id, above)
    const subnet = await make('subnets', 'subnet', {
      network_id: network.id,
      project_id: above,
      ip_version: 4,
      cidr: '10.1.0.0/16',
      enable_dhcp: false,
    })
    return {
      owner,
      here,
      network: network.id,
      subnet: subnet.id,
      next: () => ++counter,
      make,
      put,
      clear,
      agent,
      host,
    }
  }
  places.own = await place(here, here, 'plain')
  places.other = await place(there, there, 'plain')
  places.shared = await place(there, there, 'shared')
  places.external = await place(there, there, 'external')
  places.below = await place(there, here, 'plain')
  places.guest = await place(here, there, 'shared')
}

const put = (path: string, body: Body) => call(tokens.root ?? '', 'PUT', path, body)

async function clear(path: string, filters: Record<string, string>): Promise<void> {
  const root = tokens.root ?? ''
  const { body } = await call(root, 'GET', `${path}?${new URLSearchParams(filters)}`)
  for (const { id } of Object.values(body).flat() as Body[]) await call(root, 'DELETE', `${path}/${id}`)
}

async function agent(): Promise<string> {
  const host = `host-of-agent-${++counter}`
  await cloud.beat(host, [dhcpAgent])
  const { body } = await call(tokens.root ?? '', 'GET', `agents?host=${host}`)
  return String((body.agents as Body[])[0]?.id)
}

async function host(): Promise<string> {
  const name = `host-${++counter}`
  await cloud.beat(name)
  return name
}

function share(type: string, id: string, owner: string): Promise<unknown> {
  return make('rbac-policies', 'rbac_policy', {
    project_id: owner,
    object_type: type,
    object_id: id,
    action: 'access_as_shared',
    target_tenant: projects.here,
  })
}

/** The places in which a resource's objects can be. */
function placesOf(name: string): Where[] {
  const recipe = recipes[name]
  // Objects that belong to no project are the same everywhere.
  if (!recipe || recipe.everywhere) return ['own']
  if (recipe.onNetwork) return ['own', 'other', 'shared', 'external', 'below', 'guest']
  return recipe.shares ? ['own', 'other', 'shared'] : ['own', 'other']
}

/** Makes an object as administrator; answers its id. */
async function object(resource: Resource, where: Where, more: Body = {}): Promise<string> {
  const recipe = recipes[resource.name]
  const place = places[where]
  if (recipe?.existing) return recipe.existing(place)
  if (!recipe?.body) throw new Error(`no recipe for ${resource.name}`)
  const { id } = await make(resource.path, resource.name, { ...(await recipe.body(place)), ...more })
  if (where === 'shared' && recipe.shares) await share(recipe.shares, id, place.owner)
  return id
}

function reduced(resource: Resource, body: Body, settable: 'post' | 'put'): Body | undefined {
  const known = Object.keys(body).every((name) => resource.attributes[name]?.[settable])
  return known ? body : undefined
}

async function askCreate(resource: Resource, where: Where): Promise<void> {
  const recipe = recipes[resource.name]
  const place = places[where]
  for (const variant of [(): Body => ({}), () => ({ tags: ['a'] }), ...(recipe?.variants ?? [])]) {
    const more = reduced(resource, await variant(place), 'post')
    if (more === undefined) continue
    for (const role of roles) {
      const body: Body = { ...(await recipe?.body?.(place)), ...(await variant(place)) }
      const action = `create_${resource.name}`
      const rules = [action, ...rulesOf(action, resource.attributes, body)]
      const foreign = body.project_id !== undefined && body.project_id !== projects.here
      const may = rules.every((rule) => allowsAction(rule, role, where))
      const privileged = !foreign || role === 'admin' || role === 'service'
      const answer = await call(tokens[role] ?? '', 'POST', resource.path, { [resource.name]: body })
      const what = `${role}, ${where}: POST ${resource.path} (${rules.join(', ')})`
      const allowed = outcome(recipe, body)
      expect(what, answer, may && privileged ? allowed : privileged ? [403, 404] : [400, 403, 404])
    }
  }
}

/** What a request is answered with that policy lets through. */
function outcome(recipe: Recipe | undefined, body: Body): readonly number[] | 'success' {
  return Object.keys(body).some((one) => recipe?.onlyOne?.includes(one)) ? [200, 201, 400, 409] : 'success'
}

async function askShow(resource: Resource, where: Where): Promise<void> {
  const { name } = resource
  const { sometimes } = recipes[name] ?? {}
  if (!recipes[name]) return askComputed(resource, where)
  await askShown(
    resource,
    where,
    await object(resource, where),
    (one) => !sometimes?.attributes.includes(one),
  )
  if (sometimes?.body) {
    const id = await object(resource, where, sometimes.body)
    await askShown(resource, where, id, (one) => sometimes.attributes.includes(one))
  }
}

/** A list that is worked out is empty for who may not read it. */
async function askComputed({ name, path, collection }: Resource, where: Where): Promise<void> {
  for (const role of roles) {
    const answer = await call(tokens[role] ?? '', 'GET', path)
    const what = `${role}, ${where}: GET ${path}`
    expect(what, answer, 'success')
    const found = (answer.body[collection] as unknown[] | undefined)?.length ?? 0
    const expected = allows(`get_${name}`, role, where) && !emptyLists.includes(name)
    if (found > 0 !== expected) wrong.push(`${what}: ${found} objects`)
  }
}

async function askShown(
  resource: Resource,
  where: Where,
  id: string,
  concerns: (attribute: string) => boolean,
): Promise<void> {
  const { name, path } = resource
  for (const role of roles) {
    const readable = allows(`get_${name}`, role, where)
    const token = tokens[role] ?? ''
    const what = `${role}, ${where}: GET ${path}`
    if (resource.operations.includes('show')) {
      const answer = await call(token, 'GET', `${path}/${id}`)
      expect(`${what}/{id}`, answer, readable ? 'success' : (recipes[name]?.refused ?? [404]))
      if (readable && answer.status === 200) {
        for (const [attribute, { visible }] of Object.entries(resource.attributes)) {
          if (!visible || attribute === 'tags' || !concerns(attribute)) continue
          const seen = Object.hasOwn(answer.body[name] as Body, attribute)
          const expected = allows(`get_${name}:${attribute}`, role, where)
          if (seen !== expected) wrong.push(`${what}: ${attribute} is ${seen ? 'there' : 'missing'}`)
        }
      }
    }
    if (resource.operations.includes('list') && !recipes[name]?.unlisted) {
      const answer = await call(token, 'GET', `${path}?id=${id}`)
      expect(what, answer, 'success')
      const found = (answer.body[resource.collection] as unknown[] | undefined)?.length
      if (found !== Number(readable)) wrong.push(`${what}?id: ${found} objects`)
    }
  }
}

/** What a refused action is answered with: 404 where the object may not be seen. */
function refusal(name: string, role: string, where: Where): readonly number[] {
  const { refused } = recipes[name] ?? {}
  return (refused ?? allows(`get_${name}`, role, where)) ? [403] : [404]
}

async function askUpdate(resource: Resource, where: Where): Promise<void> {
  const recipe = recipes[resource.name]
  const { name, path } = resource
  const place = places[where]
  for (const variant of [() => recipe?.change ?? {}, ...(recipe?.variants ?? [])]) {
    for (const role of roles) {
      const body = reduced(resource, await variant(place), 'put')
      if (body === undefined) break
      const id = await object(resource, where)
      const action = `update_${name}`
      const rules = [action, ...rulesOf(action, resource.attributes, body)]
      const may = rules.every((rule) => allowsAction(rule, role, where))
      const answer = await call(tokens[role] ?? '', 'PUT', `${path}/${id}`, { [name]: body })
      const what = `${role}, ${where}: PUT ${path} (${rules.join(', ')})`
      const taken = Object.keys(body).some((one) => recipe?.notUpdated?.includes(one))
      const allowed = taken ? [400] : outcome(recipe, body)
      expect(what, answer, may ? allowed : refusal(name, role, where))
    }
  }
}

async function askDelete(resource: Resource, where: Where): Promise<void> {
  const { name, path } = resource
  for (const role of roles) {
    const id = await object(resource, where)
    const may = allowsAction(`delete_${name}`, role, where)
    const answer = await call(tokens[role] ?? '', 'DELETE', `${path}/${id}`)
    expect(`${role}, ${where}: DELETE ${path}`, answer, may ? 'success' : refusal(name, role, where))
  }
}

async function askTags(resource: Resource, where: Where): Promise<void> {
  const { name, path } = resource
  const id = await object(resource, where)
  for (const role of roles) {
    const token = tokens[role] ?? ''
    for (const [verb, method, body] of [
      ['get', 'GET', undefined],
      ['update', 'PUT', { tags: ['a'] }],
      ['delete', 'DELETE', undefined],
    ] as const) {
      const rule = `${verb}_${name}:tags`
      const may = allows(matrix.rules[rule] ? rule : `${verb}_${name}s_tags`, role, where)
      const answer = await call(token, method, `${path}/${id}/tags`, body)
      const what = `${role}, ${where}: ${method} ${path}/{id}/tags`
      expect(what, answer, may ? 'success' : refusal(name, role, where))
    }
  }
}

async function askAction(resource: Resource, action: string, where: Where): Promise<void> {
  const { name, path } = resource
  const body = recipes[name]?.actions?.[action]
  for (const role of roles) {
    const id = await object(resource, where)
    const may = allowsAction(action, role, where)
    const method = resource.actions[action]?.method ?? 'PUT'
    const sent = method === 'GET' ? undefined : await body?.(places[where], id)
    const answer = await call(tokens[role] ?? '', method, `${path}/${id}/${action}`, sent)
    const what = `${role}, ${where}: ${method} ${path}/{id}/${action}`
    expect(what, answer, may ? 'success' : refusal(name, role, where))
  }
}

async function askMember(parent: Resource, member: SubResource, where: Where): Promise<void> {
  const recipe = members[`${parent.name}.${member.name}`]
  if (!recipe) throw new Error(`no recipe for ${parent.name}.${member.name}`)
  const place = places[where]
  const wrapped = (body: Body) => (member.lists ? body : { [member.singular]: body })
  /** The collection below a new object, so that members of one do not meet. */
  const collection = async () =>
    `${parent.path}/${await object(parent, where, recipe.above)}/${member.name.replaceAll('_', '-')}`
  const rules = (operation: string, body: Body = {}) => {
    const own = `${operation}_${parent.name}_${member.singular}`
    return [member.policy[operation] ?? 'default', ...rulesOf(own, member.attributes, body)]
  }
  const madeMember = async () => {
    const path = await collection()
    const body = (await recipe.body?.(place)) ?? {}
    let answer = await call(tokens.root ?? '', 'POST', path, wrapped(body))
    if (answer.status === 403) answer = await call(tokens.service ?? '', 'POST', path, wrapped(body))
    const shown = answer.body[member.singular] as Body | undefined
    const key = recipe.key ? body[recipe.key] : shown?.id
    assert.ok(answer.status === 201 && key, `POST ${path}: ${JSON.stringify(answer.body)}`)
    return `${path}/${key}`
  }
  for (const role of roles) {
    const ask = async (operation: string, method: string, path: string, body?: Body) => {
      const named = rules(operation, body)
      const seen = allows(`get_${parent.name}`, role, where)
      const may = seen && named.every((rule) => allows(rule, role, where))
      const sent = body && Object.keys(body).length > 0 ? wrapped(body) : undefined
      const answer = await call(tokens[role] ?? '', method, path, sent)
      const what = `${role}, ${where}: ${method} ${parent.path}/{id}/${member.name} (${named.join(', ')})`
      expect(what, answer, may ? 'success' : refusal(parent.name, role, where))
    }
    const can = (operation: SubResource['operations'][number]) => member.operations.includes(operation)
    if (can('list')) await ask('list', 'GET', await collection())
    if (can('create')) await ask('create', 'POST', await collection(), await recipe.body?.(place))
    if (can('show')) await ask('show', 'GET', await madeMember())
    if (can('update') && recipe.change) await ask('update', 'PUT', await madeMember(), recipe.change)
    for (const action of member.actions) await ask(action, 'PUT', `${await madeMember()}/${action}`)
    if (can('delete')) await ask('delete', 'DELETE', await madeMember())
  }
}

before(async () => {
  cloud = await createCloud({
    config:
      `[DEFAULT]\nagent_down_time = 600\nservice_plugins = ${servicePluginNames.join(',')}\n` +
      '[ml2_type_flat]\nflat_networks = *\n' +
      `[quotas]\n${quotas.map((name) => `quota_${name} = -1\n`).join('')}`,
  })
  const session = await cloud.admin.session()
  dispatcher = new Agent({ connections: 8 })
  endpoint = session.endpoint
  tokens.root = session.token
  const announced = (await call(session.token, 'GET', 'extensions')).body.extensions as { alias: string }[]
  model = compose(coreResources, extensionsOf(announced.map((one) => one.alias)))
  await arrangeProjects()
  await arrangePlaces()
  await cloud.beat('compute-1', [dhcpAgent])
})

after(async () => {
  await dispatcher?.close()
  await cloud?.destroy()
})

test("the server's answers are oslo.policy's", async (t) => {
  for (const resource of model.resources.values()) {
    await t.test(resource.name, async () => {
      wrong.length = 0
      for (const where of placesOf(resource.name)) {
        const can = (operation: Resource['operations'][number]) => resource.operations.includes(operation)
        if (can('create') && recipes[resource.name]?.body) await askCreate(resource, where)
        if (can('show') || can('list')) await askShow(resource, where)
        if (can('update')) await askUpdate(resource, where)
        if (resource.attributes.tags) await askTags(resource, where)
        for (const action of Object.keys(resource.actions)) await askAction(resource, action, where)
        for (const member of Object.values(resource.members)) await askMember(resource, member, where)
        if (can('delete')) await askDelete(resource, where)
      }
      assert.deepEqual(wrong, [])
    })
  }
  t.diagnostic(`${asked} requests judged, ${visited.size} of ${operational.size} rules asked`)
})

test('every rule was asked, or stands among those that cannot be', (t) => {
  const silent = [...operational].filter((rule) => !visited.has(rule))
  const reasonOf = (rule: string) => Object.keys(unasked).find((reason) => unasked[reason]?.test(rule))
  for (const [reason, pattern] of Object.entries(unasked)) {
    const count = silent.filter((rule) => pattern.test(rule)).length
    t.diagnostic(`${count} rules not asked: ${reason}`)
    assert.ok(count > 0, `no rule is left of which to say: ${reason}`)
  }
  assert.deepEqual(
    silent.filter((rule) => reasonOf(rule) === undefined),
    [],
  )
})

const oslo = await promisify(execFile)('/usr/bin/python3', ['-c', 'import oslo_policy']).then(
  () => false as const,
  () => 'needs python3-oslo.policy',
)

test('the table is what oslo.policy says today', { skip: oslo }, async () => {
  const { stdout } = await promisify(execFile)('/usr/bin/python3', [facts('policy-matrix.py').pathname])
  assert.equal(stdout, readFileSync(facts('policy-matrix.json'), 'utf8'))
})
