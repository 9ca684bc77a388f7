/**
 * `nucleon network create …`: create, list, show, set, unset, delete of every declared resource, and its actions.
 * Commands and options come from the declarations; what is not served, the server says.
 */
import { parseArgs } from 'node:util'
import { ApiError, type Client, createClient } from '../../client/http.ts'
import { callsOf, NotOne, type ResourceCalls } from '../../client/resources.ts'
import { extensionCatalogue } from '../../model/extensions/catalogue.ts'
import { compose, type Model, type Resource } from '../../model/resource.ts'
import { coreResources } from '../../model/resources/core.ts'
import { UserError } from '../errors.ts'
import { cloudOf } from './clouds.ts'
import { type Member, memberCall, memberOptions, membersOf, memberUsage } from './member.command.ts'
import { type AttributeOption, itemOf, jsonOf, optionsOf, scalarOf } from './options.ts'
import { columnsOf, type Format, formats, printedList, printedObject } from './output.ts'

type Given = Readonly<Record<string, string | boolean | (string | boolean)[] | undefined>>
type Row = Record<string, unknown> & { id: string }

const common = {
  'os-cloud': { type: 'string' },
  state: { type: 'string' },
  format: { type: 'string', short: 'f' },
  column: { type: 'string', short: 'c', multiple: true },
  help: { type: 'boolean', short: 'h' },
} as const

/** What lists show without -c. */
const listed: Readonly<Record<string, readonly string[]>> = {
  network: ['id', 'name', 'subnets'],
  subnet: ['id', 'name', 'network_id', 'cidr'],
  port: ['id', 'name', 'mac_address', 'fixed_ips', 'status'],
  agent: ['id', 'agent_type', 'host', 'availability_zone', 'alive', 'admin_state_up', 'binary'],
  security_group_rule: ['id', 'protocol', 'ethertype', 'remote_ip_prefix', 'direction', 'remote_group_id'],
  network_ip_availability: ['network_id', 'network_name', 'total_ips', 'used_ips'],
  security_groups_default_statefulness: ['id', 'project_id', 'stateful'],
  rbac_policy: ['id', 'object_type', 'object_id', 'action', 'target_tenant'],
}

/** Commands that are not called as their resource. */
const calledOtherwise: Readonly<Record<string, string>> = {
  network_ip_availability: 'ip availability',
  subnetpool: 'subnet pool',
  rbac_policy: 'rbac',
  metering_label: 'meter',
  metering_label_rule: 'meter rule',
}

/** What the word after `create` says, where that is no name. */
const saidFirst: Readonly<Record<string, string>> = {
  security_group_rule: 'security_group_id',
  metering_label_rule: 'metering_label_id',
  rbac_policy: 'object_id',
}

/** What a create means that does not say it. */
function assumed(name: string, body: Readonly<Record<string, unknown>>): Record<string, unknown> {
  switch (name) {
    case 'subnet':
      return { ip_version: String(body.cidr ?? '').includes(':') ? 6 : 4 }
    case 'address_scope':
      return { ip_version: 4 }
    case 'security_group_rule':
    case 'metering_label_rule':
      return { direction: 'ingress' }
    default:
      return {}
  }
}

/** What has no name and id of its own goes by those of another resource. */
const namedAs: Readonly<Record<string, string>> = {
  network_ip_availability: 'network',
  quota: 'project',
  auto_allocated_topology: 'project',
}

/** The words of a resource's commands: `security group rule`, `qos policy`. */
export function wordsOf(resource: Resource): string {
  return calledOtherwise[resource.name] ?? plainWordsOf(resource)
}

function plainWordsOf({ name, path }: Resource): string {
  const prefix = /^(qos|log)\//.exec(path)?.[1]
  const words = name.replaceAll('_', ' ')
  return prefix && words.split(' ')[0] !== prefix ? `${prefix} ${words}` : words
}

/** The whole declared API. */
export function wholeModel(): Model {
  return compose(coreResources, [...extensionCatalogue.values()])
}

/** The resource that the first words name, and the rest; `network agent` is `agent`, as with `openstack`. */
export function resourceOf(
  model: Model,
  argv: readonly string[],
): { resource: Resource; rest: string[] } | undefined {
  const all = [...model.resources.values()]
  const byWords = new Map([plainWordsOf, wordsOf].flatMap((words) => all.map((one) => [words(one), one])))
  for (const skip of [0, argv[0] === 'network' ? 1 : 0]) {
    for (let count = 4; count > 0; count--) {
      const resource = byWords.get(argv.slice(skip, skip + count).join(' '))
      if (resource && (skip > 0 || isVerb(resource, argv[count]))) {
        return { resource, rest: argv.slice(skip + count) }
      }
    }
  }
  return undefined
}

const verbs = ['list', 'show', 'create', 'set', 'unset', 'delete'] as const

function isVerb(resource: Resource, word: string | undefined): boolean {
  if (word === undefined || word.startsWith('-')) return true
  return verbs.some((verb) => verb === word) || resource.actions[word.replaceAll('-', '_')] !== undefined
}

/** Runs one command; prints its answer. Throws UserError. */
export async function resourceCommand(argv: readonly string[]): Promise<void> {
  const text = await answerTo(argv)
  if (text !== '') process.stdout.write(`${text}\n`)
}

/** What one command answers. Throws UserError. */
export async function answerTo(argv: readonly string[]): Promise<string> {
  const model = wholeModel()
  const found = resourceOf(model, argv)
  const below = found ? undefined : memberOf(model, argv)
  if (below) return memberAnswer(model, below.one, below.rest)
  if (!found) {
    const all = [...[...model.resources.values()].map(wordsOf), ...membersOf(model, wordsOf).keys()]
      .sort()
      .join(', ')
    throw new UserError(
      `there is no command ${argv.join(' ')}`,
      `nucleon --help; or RESOURCE VERB with: ${all}`,
    )
  }
  const { resource, rest } = found
  const [verb = '', ...args] = rest
  return answerOf(model, resource, verb, args)
}

/** What stands below an object, if the first words name such; with or without `network` before them. */
function memberOf(model: Model, argv: readonly string[]): { one: Member; rest: string[] } | undefined {
  const members = membersOf(model, wordsOf)
  for (const skip of [0, argv[0] === 'network' ? 1 : 0]) {
    for (let count = 6; count > 1; count--) {
      const one = members.get(argv.slice(skip, skip + count).join(' '))
      if (one) return { one, rest: argv.slice(skip + count) }
    }
  }
  return undefined
}

async function memberAnswer(model: Model, one: Member, [verb = '', ...args]: string[]): Promise<string> {
  const options = memberOptions(one, verb)
  const { values, positionals } = parsed(verb === 'list' ? 'show' : verb, options, args)
  if (values.help || verb === '' || verb.startsWith('-')) return memberUsage(one)
  const { client, columns, format, idOf } = ready(model, values)
  try {
    const body = await bodyOf(options, values, idOf)
    const answer = await memberCall(client, one, { verb, positionals, body, idOf })
    if (answer === undefined) return ''
    if (Array.isArray(answer)) return printedList(answer, columnsOf(columns, everyColumn(answer)), format)
    return printedObject(answer, columnsOf(columns, Object.keys(answer).sort()), format)
  } catch (error) {
    throw inWords(error)
  } finally {
    await client.close()
  }
}

/** What every command needs: the cloud's client, how to print, and how to find what is named. */
function ready(model: Model, values: Given) {
  const format = String(values.format ?? 'table') as Format
  if (!formats.includes(format)) throw new UserError(`-f ${format}: one of ${formats.join(', ')}`)
  const state = String(values.state ?? process.env.NUCLEON_STATE ?? '/var/lib/nucleon')
  const cloud = cloudOf(textOf(values['os-cloud']), state, process.env)
  const client = createClient(cloud)
  const idOf: IdOf = async (kind, name) => {
    if (kind === 'project') return projectId(cloud.authUrl, client, name)
    const other = model.resources.get(kind === 'qos_policy' ? 'policy' : kind)
    return other ? (await callsOf(client, other).find(name)).id : name
  }
  return { client, columns: textsOf(values.column), format, idOf }
}

const inWords = (error: unknown): unknown =>
  error instanceof NotOne || error instanceof ApiError ? new UserError(error.message) : error

async function answerOf(model: Model, resource: Resource, verb: string, args: string[]): Promise<string> {
  const words = wordsOf(resource)
  const attributeOptions = optionsOf(resource, (one) =>
    verb === 'list'
      ? one.filter
      : verb === 'create'
        ? one.post
        : verb === 'unset' || verb === 'set'
          ? one.put
          : false,
  )
  const { values, positionals } = parsed(verb, attributeOptions, args)
  if (values.help || !isVerb(resource, verb) || verb.startsWith('-')) return usage(resource, words)
  const { client, columns, format, idOf } = ready(model, values)
  const calls = callsOf(client, resource) as ResourceCalls
  const shown = (row: Readonly<Record<string, unknown>>) =>
    printedObject(row, columnsOf(columns, Object.keys(row).sort()), format)
  const other = namedAs[resource.name]
  const find = async (name: string): Promise<{ id: string; row: Row }> => {
    if (other === undefined) {
      const row = (await calls.find(name)) as Row
      return { id: row.id, row }
    }
    const id = await idOf(other, name)
    return { id, row: (await calls.show(id)) as Row }
  }
  const one = async () => {
    // Who asks for what his own project has need not know what it is called.
    const own = other === 'project' && positionals.length === 0 && verb === 'show'
    return find(own ? await client.projectId() : oneOf(positionals, words))
  }
  try {
    switch (verb) {
      case 'list': {
        const filters = await filtersOf(attributeOptions, values, idOf)
        const rows = (await calls.list(filters)) as Row[]
        const plain =
          listed[resource.name] ?? ['id', 'name', 'description'].filter((name) => resource.attributes[name])
        const every = everyColumn(rows)
        if (plain.length === 0) return printedList(rows, columnsOf(columns, every), format)
        return printedList(
          rows,
          columns.length > 0 || values.long ? columnsOf(columns, every) : plain,
          format,
        )
      }
      case 'show':
        return shown((await one()).row)
      case 'create': {
        const body = await bodyOf(attributeOptions, values, idOf)
        const [first, ...others] = positionals
        if (first !== undefined) {
          const attribute = saidFirst[resource.name] ?? 'name'
          const known = resource.attributes[attribute]?.post === true && others.length === 0
          if (!known) throw new UserError(`what is ${others[0] ?? first}?`, 'Add --help for the options.')
          const kind = attribute === 'object_id' ? String(body.object_type) : attribute.replace(/_id$/, '')
          body[attribute] = attribute === 'name' ? first : await idOf(kind, first)
        }
        const row = (await calls.create({ ...assumed(resource.name, body), ...body })) as Row
        const tags = textsOf(values.tag)
        if (tags.length > 0) await calls.setTags(row.id, tags)
        return shown(tags.length > 0 ? ((await calls.show(row.id)) as Row) : row)
      }
      case 'set': {
        const { id, row } = await one()
        const changes = await bodyOf(attributeOptions, values, idOf, row)
        if (Object.keys(changes).length > 0) await calls.update(id, changes)
        const tags = textsOf(values.tag)
        if (tags.length > 0 || values['no-tag']) {
          const before = values['no-tag'] ? [] : ((row.tags ?? []) as string[])
          await calls.setTags(id, [...new Set([...before, ...tags])])
        }
        return ''
      }
      case 'unset': {
        const { id, row } = await one()
        const changes = await withoutOf(attributeOptions, values, idOf, row)
        if (Object.keys(changes).length > 0) await calls.update(id, changes)
        const gone = textsOf(values.tag)
        if (gone.length > 0 || values['all-tag']) {
          const before = (row.tags ?? []) as string[]
          await calls.setTags(id, values['all-tag'] ? [] : before.filter((tag) => !gone.includes(tag)))
        }
        return ''
      }
      case 'delete':
        if (positionals.length === 0) throw new UserError(`which ${words}? Give names or ids.`)
        for (const name of positionals) {
          await calls.remove(other === undefined ? (await find(name)).id : await idOf(other, name))
        }
        return ''
      default: {
        const data = textOf(values.data)
        const answer = await calls.act((await one()).id, verb.replaceAll('-', '_'), data && jsonOf(data))
        return answer === undefined ? '' : shown(answer as Row)
      }
    }
  } catch (error) {
    throw inWords(error)
  } finally {
    await client.close()
  }
}

function parsed(
  verb: string,
  options: readonly AttributeOption[],
  args: string[],
): { values: Given; positionals: string[] } {
  const config: Record<string, { type: 'string' | 'boolean'; short?: string; multiple?: boolean }> = {
    ...common,
  }
  for (const { name, off, shape, choices } of options) {
    if (shape === 'switch' && verb !== 'unset') {
      config[name] = { type: 'boolean' }
      config[off] = { type: 'boolean' }
    } else if (verb === 'unset' && shape !== 'list') config[name] = { type: 'boolean' }
    else config[name] = { type: 'string', multiple: shape === 'list' || verb === 'list' }
    for (const choice of choices) config[choice] = { type: 'boolean' }
    if (shape === 'list' && verb === 'set') config[off] = { type: 'boolean' }
  }
  if (verb === 'list')
    Object.assign(config, {
      sort: { type: 'string' },
      limit: { type: 'string' },
      long: { type: 'boolean' },
      ...Object.fromEntries(tagFilters.map((name) => [name, { type: 'string' }])),
    })
  else
    Object.assign(config, {
      tag: { type: 'string', multiple: true },
      'no-tag': { type: 'boolean' },
      'all-tag': { type: 'boolean' },
      data: { type: 'string' },
    })
  try {
    return parseArgs({ args, options: config, allowPositionals: true, strict: true })
  } catch (error) {
    throw new UserError(error instanceof Error ? error.message : String(error), 'Add --help for the options.')
  }
}

const tagFilters = ['tags', 'any-tags', 'not-tags', 'not-any-tags'] as const

const textOf = (value: Given[string]) => (typeof value === 'string' ? value : undefined)
const textsOf = (value: Given[string]) =>
  (Array.isArray(value) ? value : value === undefined ? [] : [value]).map(String)

function oneOf(positionals: readonly string[], words: string): string {
  const [name, ...more] = positionals
  if (name === undefined || more.length > 0) throw new UserError(`give one ${words}, by name or id`)
  return name
}

type IdOf = (resource: string, name: string) => Promise<string>

/** Items of a list, with what they name by name (`subnet=s1`, or all of them `refers`) as the API's ids. */
async function itemsOf(texts: readonly string[], idOf: IdOf, refers?: string): Promise<unknown[]> {
  return Promise.all(
    texts.map(async (text) => {
      const item = itemOf(text)
      if (typeof item !== 'object' || item === null) return refers ? idOf(refers, text) : item
      const known = item as Record<string, unknown>
      const { subnet, port, gateway, ...rest } = known
      return {
        ...rest,
        ...(typeof subnet === 'string' && { subnet_id: await idOf('subnet', subnet) }),
        ...(typeof port === 'string' && { port_id: await idOf('port', port) }),
        ...(typeof gateway === 'string' && { nexthop: gateway }),
      }
    }),
  )
}

/** The body of a create or set; lists are added to those of `current`. */
async function bodyOf(
  options: readonly AttributeOption[],
  values: Given,
  idOf: IdOf,
  current: Record<string, unknown> = {},
): Promise<Record<string, unknown>> {
  const body: Record<string, unknown> = {}
  for (const { attribute, name, off, shape, refers, choices, until, kind } of options) {
    const value = values[name] ?? choices.find((choice) => values[choice] === true)
    if (shape === 'switch') {
      if (value !== undefined || values[off] !== undefined) body[attribute] = value === true
    } else if (shape === 'list') {
      if (value === undefined && values[off] !== true) continue
      const before = values[off] === true ? [] : ((current[attribute] ?? []) as unknown[])
      body[attribute] = [...before, ...(await itemsOf(textsOf(value), idOf, refers))]
    } else if (typeof value === 'string' && until !== undefined) {
      const [first = '', last = first] = value.split(':')
      Object.assign(body, { [attribute]: scalarOf(kind, first), [until]: scalarOf(kind, last) })
    } else if (typeof value === 'string') {
      body[attribute] = refers ? await idOf(refers, value) : scalarOf(kind, value)
    }
  }
  return body
}

/** The body of an unset: lists without the named items, others null. */
async function withoutOf(
  options: readonly AttributeOption[],
  values: Given,
  idOf: IdOf,
  current: Record<string, unknown>,
): Promise<Record<string, unknown>> {
  const body: Record<string, unknown> = {}
  for (const { attribute, name, shape, refers } of options) {
    const value = values[name]
    if (value === undefined) continue
    if (shape !== 'list') {
      body[attribute] = null
      continue
    }
    const gone = await itemsOf(textsOf(value), idOf, refers)
    const matches = (item: unknown) =>
      gone.some((one) =>
        typeof one === 'object' && one !== null
          ? Object.entries(one).every(([key, part]) => (item as Record<string, unknown>)[key] === part)
          : one === item,
      )
    body[attribute] = ((current[attribute] ?? []) as unknown[]).filter((item) => !matches(item))
  }
  return body
}

async function filtersOf(
  options: readonly AttributeOption[],
  values: Given,
  idOf: IdOf,
): Promise<Record<string, string[]>> {
  const filters: Record<string, string[]> = {}
  for (const { attribute, name, off, shape, refers, choices } of options) {
    const value = values[name] ?? choices.find((choice) => values[choice] === true)
    if (shape === 'switch') {
      if (value !== undefined || values[off] !== undefined) filters[attribute] = [String(value === true)]
    } else if (value !== undefined) {
      const items = shape === 'list' ? await itemsOf(textsOf(value), idOf, refers) : []
      filters[attribute] =
        shape === 'list'
          ? items.flatMap(filterTexts)
          : await Promise.all(textsOf(value).map((text) => (refers ? idOf(refers, text) : text)))
    }
  }
  for (const name of [...tagFilters, 'limit'])
    if (typeof values[name] === 'string') filters[name] = [String(values[name])]
  if (typeof values.sort === 'string') {
    const keys = values.sort.split(',').map((one) => one.split(':'))
    filters.sort_key = keys.map(([key = '']) => key)
    filters.sort_dir = keys.map(([, way = 'asc']) => way)
  }
  return filters
}

/** `{ subnet_id: ID }` -> `subnet_id=ID`, as filters of lists of objects are written. */
function filterTexts(item: unknown): string[] {
  if (typeof item !== 'object' || item === null) return [String(item)]
  return Object.entries(item).map(([key, value]) => `${key}=${value}`)
}

/** The id of a project that is named; those who may not look for projects give ids. */
async function projectId(authUrl: string, client: Client, name: string): Promise<string> {
  if (name === '*' || /^[0-9a-f]{32}$/.test(name)) return name
  const { token } = await client.session()
  const response = await fetch(`${authUrl}/projects?${new URLSearchParams({ name })}`, {
    headers: { 'x-auth-token': token },
  })
  const { projects = [] } = response.ok ? ((await response.json()) as { projects?: { id: string }[] }) : {}
  const [project] = projects
  if (!project) throw new UserError(`there is no project ${name}, or you may not look for it: use its id`)
  return project.id
}

function everyColumn(rows: readonly Readonly<Record<string, unknown>>[]): string[] {
  return [...new Set(rows.flatMap((row) => Object.keys(row)))]
}

function usage(resource: Resource, words: string): string {
  const lines = (wanted: Parameters<typeof optionsOf>[1]) =>
    optionsOf(resource, wanted)
      .map(({ name, off, shape }) =>
        shape === 'switch'
          ? `  --${name}, --${off}`
          : `  --${name} <${shape === 'list' ? 'item> …' : 'value>'}`,
      )
      .join('\n')
  const actions = Object.keys(resource.actions).map(
    (action) => `nucleon ${words} ${action.replaceAll('_', '-')} NAME --data JSON`,
  )
  return [
    ...verbs.map((verb) => `nucleon ${words} ${verb}${verb === 'list' ? '' : ' NAME'} [options]`),
    ...actions,
    'Everywhere: --os-cloud NAME, -f table|json|yaml|value, -c COLUMN …',
    `create:\n${lines((one) => one.post)}`,
    `set, unset:\n${lines((one) => one.put)}`,
    `list:\n${lines((one) => one.filter)}`,
  ].join('\n')
}
