/**
 * `nucleon network create …`: create, list, show, set, unset, delete of every declared resource, and its actions.
 * Commands and options come from the declarations; what is not served, the server says.
 */
import { parseArgs } from 'node:util'
import { ApiError, createClient } from '../../client/http.ts'
import { callsOf, NotOne, type ResourceCalls } from '../../client/resources.ts'
import { extensionCatalogue } from '../../model/extensions/catalogue.ts'
import { compose, type Model, type Resource } from '../../model/resource.ts'
import { coreResources } from '../../model/resources/core.ts'
import { UserError } from '../errors.ts'
import { cloudOf } from './clouds.ts'
import { type AttributeOption, itemOf, jsonOf, optionsOf, scalarOf } from './options.ts'
import { type Format, formats, printedList, printedObject } from './output.ts'

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
const calledOtherwise: Readonly<Record<string, string>> = { network_ip_availability: 'ip availability' }

/** What has no name and id of its own goes by those of another resource. */
const namedAs: Readonly<Record<string, string>> = { network_ip_availability: 'network' }

/** The words of a resource's commands: `security group rule`, `qos policy`. */
export function wordsOf({ name, path }: Resource): string {
  const called = calledOtherwise[name]
  if (called !== undefined) return called
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
  const byWords = new Map([...model.resources.values()].map((one) => [wordsOf(one), one]))
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
  const model = wholeModel()
  const found = resourceOf(model, argv)
  if (!found) {
    const all = [...model.resources.values()].map(wordsOf).sort().join(', ')
    throw new UserError(
      `there is no command ${argv.join(' ')}`,
      `nucleon --help; or RESOURCE VERB with: ${all}`,
    )
  }
  const { resource, rest } = found
  const [verb = '', ...args] = rest
  const text = await answerOf(model, resource, verb, args)
  if (text !== '') process.stdout.write(`${text}\n`)
}

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
  const format = String(values.format ?? 'table') as Format
  if (!formats.includes(format)) throw new UserError(`-f ${format}: one of ${formats.join(', ')}`)
  const state = String(values.state ?? process.env.NUCLEON_STATE ?? '/var/lib/nucleon')
  const client = createClient(cloudOf(textOf(values['os-cloud']), state, process.env))
  const columns = (values.column ?? []) as string[]
  const calls = callsOf(client, resource) as ResourceCalls
  const idOf = async (kind: string, name: string): Promise<string> => {
    const other = model.resources.get(kind === 'qos_policy' ? 'policy' : kind)
    if (!other) return name
    return (await callsOf(client, other).find(name)).id
  }
  const shown = (row: Row) =>
    printedObject(row, columns.length > 0 ? columns : Object.keys(row).sort(), format)
  const one = async () => {
    const name = oneOf(positionals, words)
    const other = namedAs[resource.name]
    return (other ? await calls.show(await idOf(other, name)) : await calls.find(name)) as Row
  }
  try {
    switch (verb) {
      case 'list': {
        const filters = await filtersOf(attributeOptions, values, idOf)
        const rows = (await calls.list(filters)) as Row[]
        const plain =
          listed[resource.name] ?? ['id', 'name', 'description'].filter((name) => resource.attributes[name])
        return printedList(
          rows,
          columns.length > 0 ? columns : values.long ? everyColumn(rows) : plain,
          format,
        )
      }
      case 'show':
        return shown(await one())
      case 'create': {
        const body = await bodyOf(attributeOptions, values, idOf)
        const [name] = positionals
        if (name !== undefined && resource.attributes.name?.post) body.name = name
        const row = (await calls.create(body)) as Row
        const tags = textsOf(values.tag)
        if (tags.length > 0) await calls.setTags(row.id, tags)
        return shown(tags.length > 0 ? ((await calls.show(row.id)) as Row) : row)
      }
      case 'set': {
        const row = await one()
        const changes = await bodyOf(attributeOptions, values, idOf, row)
        if (Object.keys(changes).length > 0) await calls.update(row.id, changes)
        const tags = textsOf(values.tag)
        if (tags.length > 0 || values['no-tag']) {
          const before = values['no-tag'] ? [] : ((row.tags ?? []) as string[])
          await calls.setTags(row.id, [...new Set([...before, ...tags])])
        }
        return ''
      }
      case 'unset': {
        const row = await one()
        const changes = await withoutOf(attributeOptions, values, idOf, row)
        if (Object.keys(changes).length > 0) await calls.update(row.id, changes)
        const gone = textsOf(values.tag)
        if (gone.length > 0 || values['all-tag']) {
          const before = (row.tags ?? []) as string[]
          await calls.setTags(row.id, values['all-tag'] ? [] : before.filter((tag) => !gone.includes(tag)))
        }
        return ''
      }
      case 'delete':
        if (positionals.length === 0) throw new UserError(`which ${words}? Give names or ids.`)
        for (const name of positionals) await calls.remove((await calls.find(name)).id)
        return ''
      default: {
        const data = textOf(values.data)
        const answer = await calls.act((await one()).id, verb.replaceAll('-', '_'), data && jsonOf(data))
        return answer === undefined ? '' : shown(answer as Row)
      }
    }
  } catch (error) {
    if (error instanceof NotOne) throw new UserError(error.message)
    if (error instanceof ApiError) throw new UserError(error.message)
    throw error
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
  for (const { name, off, shape } of options) {
    if (shape === 'switch' && verb !== 'unset') {
      config[name] = { type: 'boolean' }
      config[off] = { type: 'boolean' }
    } else if (verb === 'unset' && shape !== 'list') config[name] = { type: 'boolean' }
    else config[name] = { type: 'string', multiple: shape === 'list' || verb === 'list' }
    if (shape === 'list' && verb === 'set') config[off] = { type: 'boolean' }
  }
  if (verb === 'list')
    Object.assign(config, {
      sort: { type: 'string' },
      limit: { type: 'string' },
      long: { type: 'boolean' },
      tags: { type: 'string' },
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

const textOf = (value: Given[string]) => (typeof value === 'string' ? value : undefined)
const textsOf = (value: Given[string]) =>
  (Array.isArray(value) ? value : value === undefined ? [] : [value]).map(String)

function oneOf(positionals: readonly string[], words: string): string {
  const [name, ...more] = positionals
  if (name === undefined || more.length > 0) throw new UserError(`give one ${words}, by name or id`)
  return name
}

type IdOf = (resource: string, name: string) => Promise<string>

/** Items of a list, with what they name by name (`subnet=s1`) as the API's ids. */
async function itemsOf(texts: readonly string[], idOf: IdOf): Promise<unknown[]> {
  return Promise.all(
    texts.map(async (text) => {
      const item = itemOf(text)
      if (typeof item !== 'object' || item === null) return item
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
  for (const { attribute, name, off, shape, refers, kind } of options) {
    const value = values[name]
    if (shape === 'switch') {
      if (value !== undefined || values[off] !== undefined) body[attribute] = value === true
    } else if (shape === 'list') {
      if (value === undefined && values[off] !== true) continue
      const before = values[off] === true ? [] : ((current[attribute] ?? []) as unknown[])
      body[attribute] = [...before, ...(await itemsOf(textsOf(value), idOf))]
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
  for (const { attribute, name, shape } of options) {
    const value = values[name]
    if (value === undefined) continue
    if (shape !== 'list') {
      body[attribute] = null
      continue
    }
    const gone = await itemsOf(textsOf(value), idOf)
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
  for (const { attribute, name, off, shape, refers } of options) {
    const value = values[name]
    if (shape === 'switch') {
      if (value !== undefined || values[off] !== undefined) filters[attribute] = [String(value === true)]
    } else if (value !== undefined) {
      filters[attribute] = await Promise.all(
        textsOf(value).map((text) => (refers ? idOf(refers, text) : text)),
      )
    }
  }
  for (const name of ['tags', 'limit'])
    if (typeof values[name] === 'string') filters[name] = [String(values[name])]
  if (typeof values.sort === 'string') {
    const keys = values.sort.split(',').map((one) => one.split(':'))
    filters.sort_key = keys.map(([key = '']) => key)
    filters.sort_dir = keys.map(([, way = 'asc']) => way)
  }
  return filters
}

function everyColumn(rows: readonly Row[]): string[] {
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
