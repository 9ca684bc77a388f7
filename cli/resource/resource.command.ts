/**
 * `nucleon network create …`: create, list, show, set, unset, delete of every declared resource, and its actions.
 * Commands and options come from the declarations; what is not served, the server says.
 */
import { parseArgs } from 'node:util'
import { type Client, createClient } from '../../client/http.ts'
import { callsOf, type ResourceCalls } from '../../client/resources.ts'
import type { Attribute, Model, Resource } from '../../model/resource.ts'
import { UserError } from '../errors.ts'
import { defaultState } from '../paths.ts'
import { bodyOf, filtersOf, type Given, type IdOf, tagFilters, textOf, textsOf, withoutOf } from './bodies.ts'
import { cloudOf } from './clouds.ts'
import { type Member, memberCall, memberOptions, membersOf, memberUsage } from './member.command.ts'
import {
  assumed,
  isVerb,
  listed,
  memberOf,
  namedAs,
  resourceOf,
  saidFirst,
  verbs,
  wholeModel,
  wordsOf,
} from './names.ts'
import { type AttributeOption, jsonOf, optionsOf } from './options.ts'
import { columnsOf, type Format, formats, printedList, printedObject } from './output.ts'

type Row = Record<string, unknown> & { id: string }

const common = {
  'os-cloud': { type: 'string' },
  state: { type: 'string' },
  format: { type: 'string', short: 'f' },
  column: { type: 'string', short: 'c', multiple: true },
  help: { type: 'boolean', short: 'h' },
} as const

/** Runs one command; prints its answer. Throws UserError, ApiError, NotOne. */
export async function resourceCommand(argv: readonly string[]): Promise<void> {
  const text = await answerTo(argv)
  if (text !== '') process.stdout.write(`${text}\n`)
}

/** What one command answers. Throws UserError, ApiError, NotOne. */
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
  } finally {
    await client.close()
  }
}

/** What every command needs: the cloud's client, how to print, and how to find what is named. */
function ready(model: Model, values: Given) {
  const format = String(values.format ?? 'table') as Format
  if (!formats.includes(format)) throw new UserError(`-f ${format}: one of ${formats.join(', ')}`)
  const state = String(values.state ?? process.env.NUCLEON_STATE ?? defaultState)
  const cloud = cloudOf(textOf(values['os-cloud']), state, process.env)
  const client = createClient(cloud)
  const idOf: IdOf = async (kind, name) => {
    if (kind === 'project') return projectId(cloud.authUrl, client, name)
    const other = model.resources.get(kind === 'qos_policy' ? 'policy' : kind)
    return other ? (await callsOf(client, other).find(name)).id : name
  }
  return { client, columns: textsOf(values.column), format, idOf }
}

/** One command on a resource: what it was given, and what it works with. */
interface Command {
  resource: Resource
  words: string
  verb: string
  options: readonly AttributeOption[]
  values: Given
  positionals: readonly string[]
  columns: readonly string[]
  format: Format
  client: Client
  calls: ResourceCalls
  idOf: IdOf
}

type Verb = (typeof verbs)[number]

/** What each verb takes options of, and what it does; answers what is printed. */
const commands: Readonly<
  Record<Verb, { takes(attribute: Attribute): boolean; run(command: Command): Promise<string> }>
> = {
  list: { takes: (one) => one.filter, run: list },
  show: { takes: () => false, run: async (command) => shown(command, (await theOne(command)).row) },
  create: { takes: (one) => one.post, run: create },
  set: { takes: (one) => one.put, run: set },
  unset: { takes: (one) => one.put, run: unset },
  delete: { takes: () => false, run: remove },
}

async function answerOf(model: Model, resource: Resource, verb: string, args: string[]): Promise<string> {
  const words = wordsOf(resource)
  const known = commands[verb as Verb] as (typeof commands)[Verb] | undefined
  const options = optionsOf(resource, known?.takes ?? (() => false))
  const { values, positionals } = parsed(verb, options, args)
  if (values.help || !isVerb(resource, verb) || verb.startsWith('-')) return usage(resource, words)
  const { client, ...rest } = ready(model, values)
  const calls = callsOf(client, resource) as ResourceCalls
  const command = { resource, words, verb, options, values, positionals, client, calls, ...rest }
  try {
    return await (known?.run ?? act)(command)
  } finally {
    await client.close()
  }
}

function shown({ columns, format }: Command, row: Readonly<Record<string, unknown>>): string {
  return printedObject(row, columnsOf(columns, Object.keys(row).sort()), format)
}

async function find({ resource, calls, idOf }: Command, name: string): Promise<{ id: string; row: Row }> {
  const other = namedAs[resource.name]
  if (other === undefined) {
    const row = (await calls.find(name)) as Row
    return { id: row.id, row }
  }
  const id = await idOf(other, name)
  return { id, row: (await calls.show(id)) as Row }
}

/** The one that the command names. Who asks for what his own project has need not know what it is called. */
async function theOne(command: Command): Promise<{ id: string; row: Row }> {
  const { resource, positionals, verb, client, words } = command
  const own = namedAs[resource.name] === 'project' && positionals.length === 0 && verb === 'show'
  return find(command, own ? await client.projectId() : oneOf(positionals, words))
}

async function list({ resource, options, values, columns, format, calls, idOf }: Command): Promise<string> {
  const rows = (await calls.list(await filtersOf(options, values, idOf))) as Row[]
  const plain =
    listed[resource.name] ?? ['id', 'name', 'description'].filter((name) => resource.attributes[name])
  const isPlain = columns.length === 0 && !values.long && plain.length > 0
  return printedList(rows, isPlain ? plain : columnsOf(columns, everyColumn(rows)), format)
}

async function create(command: Command): Promise<string> {
  const { resource, options, values, positionals, calls, idOf } = command
  const body = await bodyOf(options, values, idOf)
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
  return shown(command, tags.length > 0 ? ((await calls.show(row.id)) as Row) : row)
}

async function set(command: Command): Promise<string> {
  const { options, values, calls, idOf } = command
  const { id, row } = await theOne(command)
  const changes = await bodyOf(options, values, idOf, row)
  if (Object.keys(changes).length > 0) await calls.update(id, changes)
  const tags = textsOf(values.tag)
  if (tags.length > 0 || values['no-tag']) {
    const before = values['no-tag'] ? [] : ((row.tags ?? []) as string[])
    await calls.setTags(id, [...new Set([...before, ...tags])])
  }
  return ''
}

async function unset(command: Command): Promise<string> {
  const { options, values, calls, idOf } = command
  const { id, row } = await theOne(command)
  const changes = await withoutOf(options, values, idOf, row)
  if (Object.keys(changes).length > 0) await calls.update(id, changes)
  const gone = textsOf(values.tag)
  if (gone.length > 0 || values['all-tag']) {
    const before = (row.tags ?? []) as string[]
    await calls.setTags(id, values['all-tag'] ? [] : before.filter((tag) => !gone.includes(tag)))
  }
  return ''
}

async function remove(command: Command): Promise<string> {
  const { resource, positionals, words, calls, idOf } = command
  if (positionals.length === 0) throw new UserError(`which ${words}? Give names or ids.`)
  const other = namedAs[resource.name]
  for (const name of positionals) {
    await calls.remove(other === undefined ? (await find(command, name)).id : await idOf(other, name))
  }
  return ''
}

/** An action of the resource. */
async function act(command: Command): Promise<string> {
  const data = textOf(command.values.data)
  const { id } = await theOne(command)
  const answer = await command.calls.act(id, command.verb.replaceAll('-', '_'), data && jsonOf(data))
  return answer === undefined ? '' : shown(command, answer as Row)
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
      ...Object.fromEntries(Object.keys(tagFilters).map((name) => [name, { type: 'string' }])),
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

function oneOf(positionals: readonly string[], words: string): string {
  const [name, ...more] = positionals
  if (name === undefined || more.length > 0) throw new UserError(`give one ${words}, by name or id`)
  return name
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

function everyColumn(rows: readonly Readonly<Record<string, unknown>>[]): string[] {
  return [...new Set(rows.flatMap((row) => Object.keys(row)))]
}
