/** `nucleon qos bandwidth limit rule create POLICY …`: what stands below one object of a resource. */
import type { Client } from '../../client/http.ts'
import type { Model, Resource, SubResource } from '../../model/resource.ts'
import { UserError } from '../errors.ts'
import { type AttributeOption, optionsOf } from './options.ts'

export interface Member {
  parent: Resource
  member: SubResource
  /** `qos bandwidth limit rule`, `port binding`. */
  words: string
}

/** Every collection below an object, by the words of its commands. */
export function membersOf(model: Model, wordsOf: (resource: Resource) => string): Map<string, Member> {
  const all = [...model.resources.values()].flatMap((parent) =>
    Object.values(parent.members).map((member): Member => {
      const above = parent.name === 'policy' ? 'qos' : wordsOf(parent)
      return { parent, member, words: `${above} ${member.singular.replaceAll('_', ' ')}` }
    }),
  )
  return new Map(all.map((one) => [one.words, one]))
}

/** The options of a verb. */
export function memberOptions({ member }: Member, verb: string): AttributeOption[] {
  const owner = { name: member.singular, attributes: member.attributes }
  return optionsOf(owner, (one) => (verb === 'create' ? one.post : verb === 'set' ? one.put : false))
}

export interface MemberAsked {
  verb: string
  positionals: readonly string[]
  /** What the options say. */
  body: Record<string, unknown>
  idOf(resource: string, name: string): Promise<string>
}

/** Does it; answers one object, a list of them, or nothing. Throws ApiError, UserError. */
export async function memberCall(
  client: Client,
  { parent, member, words }: Member,
  { verb, positionals, body, idOf }: MemberAsked,
): Promise<Record<string, unknown> | Record<string, unknown>[] | undefined> {
  const [above, key, ...others] = positionals
  if (above === undefined)
    throw new UserError(`which ${parent.name.replaceAll('_', ' ')}? Give a name or id.`)
  if (others.length > 0) throw new UserError(`what is ${others[0]}?`)
  const collection = `/${parent.path}/${await idOf(parent.name, above)}/${member.name.replaceAll('_', '-')}`
  const keyed = keyOf(member)
  const wrapped = member.lists ? body : { [member.singular]: body }
  const id = async (): Promise<string> => {
    if (key === undefined) throw new UserError(`which ${words}? Give it after ${above}.`)
    return keyed?.refers ? idOf(keyed.refers, key) : key
  }
  switch (verb) {
    case 'list': {
      const answer = (await client.request('GET', collection)) as Record<string, Record<string, unknown>[]>
      return Object.values(answer).find(Array.isArray) ?? []
    }
    case 'create': {
      if (key !== undefined && keyed) body[keyed.attribute] = await id()
      const answer = await client.request('POST', collection, wrapped)
      return shownBy(answer, member)
    }
    case 'show':
      return shownBy(await client.request('GET', `${collection}/${encodeURIComponent(await id())}`), member)
    case 'set':
      await client.request('PUT', `${collection}/${encodeURIComponent(await id())}`, wrapped)
      return undefined
    case 'delete':
      await client.request('DELETE', `${collection}/${encodeURIComponent(await id())}`)
      return undefined
    default: {
      const path = `${collection}/${encodeURIComponent(await id())}/${verb}`
      if (!member.actions.includes(verb.replaceAll('-', '_')))
        throw new UserError(`${words} has no ${verb}`, 'Add --help for what it has.')
      return shownBy(await client.request('PUT', path), member)
    }
  }
}

/** The attribute that a member is named by, where that is not an id of its own. */
function keyOf(member: SubResource): { attribute: string; refers: string | undefined } | undefined {
  const needed = Object.keys(member.attributes).filter((name) => member.attributes[name]?.required)
  const attribute = needed.find((name) => name === 'id' || name === 'host' || name.endsWith('_id'))
  if (attribute === undefined) return undefined
  if (attribute === 'id') return { attribute, refers: member.singular }
  const [, named] = /^(?:fixed_)?(\w+)_id$/.exec(attribute) ?? []
  return { attribute, refers: named }
}

function shownBy(answer: unknown, member: SubResource): Record<string, unknown> | undefined {
  const body = (answer ?? undefined) as Record<string, unknown> | undefined
  return (body?.[member.singular] as Record<string, unknown> | undefined) ?? body
}

/** What `--help` says of it. */
export function memberUsage(one: Member): string {
  const { member, words, parent } = one
  const above = parent.name.toUpperCase()
  const verbs = member.operations.map((operation) => (operation === 'update' ? 'set' : operation))
  const named = (verb: string) => verb !== 'list' && (verb !== 'create' || keyOf(member) !== undefined)
  const lines = verbs.map((verb) => `nucleon ${words} ${verb} ${above}${named(verb) ? ' ID' : ''} [options]`)
  const actions = member.actions.map((action) => `nucleon ${words} ${action} ${above} ID`)
  const options = memberOptions(one, 'create').map(({ name }) => `  --${name}`)
  return [...lines, ...actions, ...(options.length > 0 ? ['create, set:', ...options] : [])].join('\n')
}
