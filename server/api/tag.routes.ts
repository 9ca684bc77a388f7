/** Tags of one object: /networks/{id}/tags and /networks/{id}/tags/{tag}. */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { badRequest, httpNotFound, NeutronError, tagNotFound, tagResourceNotFound } from '../../lib/errors.ts'
import { isObject } from '../../model/fields/kind.ts'
import { uniqueStrings } from '../../model/fields/lists.ts'
import type { Context } from '../context.ts'
import type { View } from '../resource.ts'
import type { ReadTx } from '../store/store.ts'
import { authorizeAction } from './authorize.ts'
import { faultOf } from './body.ts'
import { callerOf, refuseOtherMethods, sendJson } from './http.ts'
import { currentView, objectRow } from './objects.ts'
import { type RouteTools, refuseBody, writeOptions } from './route-tools.ts'
import type { Served } from './served.ts'

type ById = { Params: { id: string; tag: string } }

const kind = uniqueStrings(255)

/** Adds the tag routes of a resource whose feature has setTags. */
export function tagRoutes(app: FastifyInstance, { store, policy }: RouteTools, served: Served): void {
  const { feature, name, resource } = served
  const { setTags } = feature
  if (!setTags) throw new TypeError(`the feature ${name} cannot set tags`)
  const path = `/v2.0/${resource.path}/:id/tags`

  const current = async (tx: ReadTx, context: Context, id: string, action: string): Promise<View> => {
    const row = await objectRow(tx, context, served, id).catch((error: unknown) => {
      if (error instanceof NeutronError && error.status === 404)
        throw tagResourceNotFound(resource.collection, id)
      throw error
    })
    authorizeAction(served, policy.access(context), `${action}_${name}:tags`, row)
    return currentView(tx, context, served, row)
  }
  /** Rewrites the tags of the object to what `change` makes of them; answers the new ones. */
  const rewrite = (
    request: FastifyRequest<ById>,
    action: string,
    change: (tags: ReadonlySet<string>) => Iterable<string>,
  ): Promise<string[]> => {
    const context = callerOf(request)
    return store.write(writeOptions(context), async (tx) => {
      const view = await current(tx, context, request.params.id, action)
      const before = tagsOf(view)
      const after = [...new Set(change(before))].sort()
      if (after.length !== before.size || after.some((tag) => !before.has(tag))) {
        await setTags.call(feature, tx, context, view, after)
      }
      return after
    })
  }
  const requireTag = (tags: ReadonlySet<string>, tag: string): void => {
    if (!tags.has(tag)) throw tagNotFound(tag)
  }

  app.get<ById>(path, async (request, reply) => {
    const context = callerOf(request)
    const view = await store.read((tx) => current(tx, context, request.params.id, 'get'))
    return sendJson(reply, { tags: [...tagsOf(view)] })
  })
  app.put<ById>(path, async (request, reply) => {
    const { body } = request
    if (!isObject(body) || !('tags' in body))
      throw badRequest("Invalid input for tags. Reason: 'tags' is required.")
    const tags = readTags(body.tags)
    return sendJson(reply, { tags: await rewrite(request, 'update', () => tags) })
  })
  app.delete<ById>(path, async (request, reply) => {
    refuseBody(request)
    await rewrite(request, 'delete', () => [])
    return reply.code(204).send()
  })
  app.post(path, () => {
    throw httpNotFound()
  })
  app.get<ById>(`${path}/:tag`, async (request, reply) => {
    const context = callerOf(request)
    const view = await store.read((tx) => current(tx, context, request.params.id, 'get'))
    requireTag(tagsOf(view), request.params.tag)
    return reply.code(204).send()
  })
  app.put<ById>(`${path}/:tag`, async (request, reply) => {
    const { tag } = request.params
    readTags([tag])
    await rewrite(request, 'update', (tags) => [...tags, tag])
    return reply.code(201).send()
  })
  app.delete<ById>(`${path}/:tag`, async (request, reply) => {
    refuseBody(request)
    const { tag } = request.params
    await rewrite(request, 'delete', (tags) => {
      requireTag(tags, tag)
      return [...tags].filter((one) => one !== tag)
    })
    return reply.code(204).send()
  })
  refuseOtherMethods(app, path, ['GET', 'PUT', 'DELETE', 'POST'])
  refuseOtherMethods(app, `${path}/:tag`, ['GET', 'PUT', 'DELETE'])
}

function readTags(value: unknown): string[] {
  try {
    return kind.parse(value)
  } catch (error) {
    throw faultOf('tags', error)
  }
}

function tagsOf(view: View): ReadonlySet<string> {
  return new Set(Array.isArray(view.tags) ? (view.tags as string[]) : [])
}
