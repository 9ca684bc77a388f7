/** The Identity API v3 of the embedded identity service, on a Fastify instance of its own. */

import { randomUUID } from 'node:crypto'
import fastify, { type FastifyInstance } from 'fastify'
import { holdNull } from '../../../lib/null-characters.ts'
import type { Clock } from '../../../runtime/clock.ts'
import type { Logger } from '../../../runtime/log.ts'
import type { Store } from '../../store/store.ts'
import { assignmentRoutes } from './assignment.routes.ts'
import { authRoutes } from './auth.routes.ts'
import { collectionRoutes } from './collection.routes.ts'
import { collections } from './collections.ts'
import { badRequest, KeystoneError } from './errors.ts'
import { baseUrl, type IdentityTools } from './request.ts'
import type { Tokens } from './tokens.ts'
import { userRoutes } from './user.routes.ts'

export interface IdentityApiOptions {
  store: Store
  tokens: Tokens
  clock: Clock
  log: Logger
}

/** Builds the API; the caller lets it listen. */
export function buildIdentityApi(options: IdentityApiOptions): FastifyInstance {
  const { log } = options
  const tools: IdentityTools = { ...options, baseUrl }
  const api = fastify({
    logger: false,
    bodyLimit: 112 * 1024,
    genReqId: () => `req-${randomUUID()}`,
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: 255 },
    forceCloseConnections: 'idle',
  })

  // Clients send Content-Type with nothing behind it, on DELETE and PUT too.
  api.removeAllContentTypeParsers()
  api.addContentTypeParser('*', { parseAs: 'string' }, (_request, text, done) => {
    if (text === '') return done(null, undefined)
    try {
      done(null, JSON.parse(String(text)))
    } catch {
      done(new KeystoneError(400, 'Bad Request', 'The request body is not JSON.'))
    }
  })
  api.addHook('onRequest', async ({ params, query }) => {
    if (holdNull(params)) throw new KeystoneError(404, 'Not Found', 'The resource could not be found.')
    if (holdNull(query)) throw badRequest('A query parameter has a null character.')
  })
  api.addHook('onSend', async (request, reply) => {
    reply.header('x-openstack-request-id', request.id)
    reply.header('vary', 'X-Auth-Token')
    if (reply.statusCode === 401) reply.header('www-authenticate', `Keystone uri="${baseUrl(request)}"`)
  })
  api.setErrorHandler((error, request, reply) => {
    const known = error instanceof KeystoneError ? error : fromFastify(error)
    if (known.status >= 500) log.error({ requestId: request.id, err: error }, 'request failed')
    return reply.code(known.status).send(known.body)
  })
  api.setNotFoundHandler((_request, reply) =>
    reply.code(404).send(new KeystoneError(404, 'Not Found', 'The resource could not be found.').body),
  )

  api.get('/', (request, reply) =>
    reply.code(300).send({ versions: { values: [version(baseUrl(request))] } }),
  )
  api.get('/v3', (request) => ({ version: version(baseUrl(request)) }))
  authRoutes(api, tools)
  for (const collection of collections) collectionRoutes(api, tools, collection)
  assignmentRoutes(api, tools)
  userRoutes(api, tools)
  return api
}

function version(base: string): object {
  return {
    id: 'v3.14',
    status: 'stable',
    updated: '2020-04-07T00:00:00Z',
    links: [{ rel: 'self', href: `${base}/v3/` }],
    'media-types': [{ base: 'application/json', type: 'application/vnd.openstack.identity-v3+json' }],
  }
}

/** What Fastify itself refuses (a body too large …) keeps its status; all else is ours and says nothing. */
function fromFastify(error: unknown): KeystoneError {
  const status = error instanceof Error && 'statusCode' in error ? Number(error.statusCode) : 500
  if (status >= 400 && status < 500) return new KeystoneError(status, 'Bad Request', (error as Error).message)
  return new KeystoneError(
    500,
    'Internal Server Error',
    'An unexpected error prevented the server from answering.',
  )
}
