/** Every declared resource as calls, typed by its declaration: list, show, find, create, update, remove, actions, tags. */
import type { Attributes, Resource, Values } from '../model/resource.ts'
import { ApiError, type Client, type Filters } from './http.ts'

/** An object as an answer holds it: attributes that policy hides are absent. */
export type Shown<A extends Attributes> = Partial<Values<A>> & { id: string }

export interface ResourceCalls<A extends Attributes = Attributes> {
  list(filters?: Filters): Promise<Shown<A>[]>
  /** Throws ApiError 404 where there is none that the caller may see. */
  show(id: string): Promise<Shown<A>>
  /** By id, else by name. Throws where none or several have it. */
  find(idOrName: string): Promise<Shown<A>>
  create(attributes: Partial<Values<A>>): Promise<Shown<A>>
  update(id: string, changes: Partial<Values<A>>): Promise<Shown<A>>
  remove(id: string): Promise<void>
  /** `add_subports` of a trunk; answers what the server answers. */
  act(id: string, action: string, body?: unknown): Promise<unknown>
  setTags(id: string, tags: readonly string[]): Promise<void>
}

/** No object, or several, of that name. */
export class NotOne extends Error {
  override name = 'NotOne'
}

/** The calls of one resource, with path and keys from its declaration; nothing is checked before it is sent. */
export function callsOf<A extends Attributes>(client: Client, resource: Resource<A>): ResourceCalls<A> {
  const { name, collection, path } = resource
  const at = (id: string) => `/${path}/${encodeURIComponent(id)}`
  const one = (body: unknown) => (body as Record<string, Shown<A>>)[name] as Shown<A>
  const calls: ResourceCalls<A> = {
    async list(filters = {}) {
      const params = new URLSearchParams()
      for (const [key, values] of Object.entries(filters)) {
        for (const value of typeof values === 'string' ? [values] : values) params.append(key, value)
      }
      const query = params.size === 0 ? '' : `?${params}`
      const body = await client.request('GET', `/${path}${query}`)
      return (body as Record<string, Shown<A>[]>)[collection] ?? []
    },
    show: async (id) => one(await client.request('GET', at(id))),
    async find(idOrName) {
      try {
        return await calls.show(idOrName)
      } catch (error) {
        if (!(error instanceof ApiError) || error.status !== 404) throw error
      }
      const found = resource.attributes.name?.filter ? await calls.list({ name: idOrName }) : []
      const [only, ...others] = found
      const words = name.replaceAll('_', ' ')
      if (only === undefined) throw new NotOne(`there is no ${words} ${idOrName}`)
      if (others.length > 0)
        throw new NotOne(`${found.length} of the ${words}s are called ${idOrName}: use the id`)
      return only
    },
    create: async (attributes) => one(await client.request('POST', `/${path}`, { [name]: attributes })),
    update: async (id, changes) => one(await client.request('PUT', at(id), { [name]: changes })),
    async remove(id) {
      await client.request('DELETE', at(id))
    },
    act: (id, action, body) =>
      client.request(resource.actions[action]?.method ?? 'PUT', `${at(id)}/${action}`, body),
    async setTags(id, tags) {
      await client.request('PUT', `${at(id)}/tags`, { tags })
    },
  }
  return calls
}
