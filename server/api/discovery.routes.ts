/** What a client can find out about the API itself: versions, resources, extensions. */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { NeutronError } from '../../lib/errors.ts'
import type { Extension, Model } from '../../model/resource.ts'
import { baseUrlOf, refuseOtherMethods, sendJson } from './http.ts'

type ByAlias = { Params: { alias: string } }

/** Adds `/`, `/v2.0/` and `/v2.0/extensions`. */
export function discoveryRoutes(app: FastifyInstance, model: Model): void {
  app.get('/', { config: { public: true } }, (request, reply) =>
    sendJson(reply, {
      versions: [
        { id: 'v2.0', status: 'CURRENT', links: [{ rel: 'self', href: `${baseUrlOf(request)}/v2.0/` }] },
      ],
    }),
  )

  const core = [...model.resources.values()].filter((one) => one.extension === '(core)')
  for (const path of ['/v2.0', '/v2.0/']) {
    app.get(path, (request, reply) =>
      sendJson(reply, {
        resources: core.map((one) => ({
          links: [{ rel: 'self', href: `${baseUrlOf(request)}/v2.0/${one.collection}` }],
          name: one.name,
          collection: one.collection,
        })),
      }),
    )
    refuseOtherMethods(app, path, ['GET'])
  }

  app.get('/v2.0/extensions', (_request, reply) =>
    sendJson(reply, { extensions: model.extensions.map(shown) }),
  )
  app.get('/v2.0/extensions/:alias', (request: FastifyRequest<ByAlias>, reply) => {
    const { alias } = request.params
    const found = model.extensions.find((one) => one.alias === alias)
    if (!found)
      throw new NeutronError('ExtensionNotFound', 404, `Extension with alias ${alias} does not exist`)
    return sendJson(reply, { extension: shown(found) })
  })
  refuseOtherMethods(app, '/v2.0/extensions', ['GET'])
  refuseOtherMethods(app, '/v2.0/extensions/:alias', ['GET'])
}

function shown(one: Extension) {
  return {
    name: one.name,
    alias: one.alias,
    description: one.description,
    updated: one.updated,
    links: [],
  }
}
