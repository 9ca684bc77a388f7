/**
 * The HTTP side that all routes share: request ids, identity, bodies, faults, and the ways in which clients spell
 * paths (`.json`, dashes or underscores).
 */

import { randomUUID } from 'node:crypto'
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import {
  badRequest,
  bodyTooLarge,
  httpNotFound,
  internalServerError,
  methodNotAllowed,
  NeutronError,
  requestUriTooLong,
  serviceUnavailable,
} from '../../lib/errors.ts'
import { holdNull } from '../../lib/null-characters.ts'
import type { Logger } from '../../runtime/log.ts'
import type { Context } from '../context.ts'
import { type Identity, IdentityUnavailable, Unauthorized } from '../identity/identity.ts'
import { isBusy, isCancelled, isConflict, isConnectionLoss, isDeadlock } from '../store/errors.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Who asks; null only on public routes. */
    caller: Context | null
  }
  interface FastifyInstance {
    /** [oslo_middleware] enable_proxy_headers_parsing. */
    trustProxy: boolean
  }
  interface FastifyContextConfig {
    /** Needs no token. */
    public?: boolean
  }
}

/** Largest body, in bytes: a bulk request of some thousand ports. */
const bodyLimit = 2 ** 20
/** Deepest nesting of a body. */
const depthLimit = 64
/** Longest request line and headers together, in bytes: a token of Keystone may take some. */
const headerLimit = 2 ** 16
/** Longest path with its query, in characters; clients of Neutron split longer lists of filters by themselves. */
const urlLimit = 8192
const jsonType = 'application/json'

export interface HttpOptions {
  identity: Identity
  log: Logger
  /** Believe what a proxy says of the address that the client used, beyond its protocol. */
  trustProxy: boolean
}

/** The bare server: no routes yet. */
export function createHttp({ identity, log, trustProxy }: HttpOptions): FastifyInstance {
  const app = fastify({
    logger: false,
    bodyLimit,
    http: { maxHeaderSize: headerLimit },
    genReqId: () => `req-${randomUUID()}`,
    rewriteUrl: (request) => canonicalPath(request.url ?? '/'),
    routerOptions: { maxParamLength: 1024, ignoreTrailingSlash: false },
    // Requests under way are answered; idle connections must not hold up the end.
    forceCloseConnections: 'idle',
    // Paths that cannot be decoded are nobody's.
    frameworkErrors: (_error, _request, reply) => {
      sendFault(reply, httpNotFound())
    },
  })
  app.decorate('trustProxy', trustProxy)
  app.decorateRequest('caller', null)

  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => {
    try {
      done(null, body === '' ? undefined : readJson(String(body)))
    } catch (error) {
      done(error instanceof Error ? error : new Error(String(error)))
    }
  })

  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-openstack-request-id', request.id)
    if (request.routeOptions.config.public) return
    if (request.originalUrl.length > urlLimit) throw requestUriTooLong(urlLimit)
    request.caller = { ...(await identity.authenticate(request.headers)), requestId: request.id }
    if (holdNull(request.params)) throw httpNotFound()
  })
  app.addHook('onResponse', (request, reply, done) => {
    log.info(
      {
        request_id: request.id,
        global_request_id: globalRequestId(request),
        project_id: request.caller?.projectId,
        user_id: request.caller?.userId,
        method: request.method,
        url: request.originalUrl,
        status: reply.statusCode,
        ms: Math.round(reply.elapsedTime * 10) / 10,
      },
      'request',
    )
    done()
  })
  app.setErrorHandler((error, request, reply) => {
    if (error instanceof Unauthorized) {
      return sendJson(reply.header('www-authenticate', error.challenge), error.body, error.status)
    }
    const fault = faultOf(error)
    if (fault.status === 500) log.error({ request_id: request.id, err: error }, 'a request failed')
    return sendFault(reply, fault)
  })
  app.setNotFoundHandler((_request, reply) => sendFault(reply, httpNotFound()))
  return app
}

/** The context of a request on a route that needs a token. */
export function callerOf(request: FastifyRequest): Context {
  if (!request.caller) throw new Error(`no caller on ${request.method} ${request.url}`)
  return request.caller
}

/** Answers JSON. */
export function sendJson(reply: FastifyReply, body: unknown, status = 200): FastifyReply {
  // As bytes: to text, Fastify would add a charset, which the type does not have.
  return reply
    .code(status)
    .header('content-type', jsonType)
    .send(Buffer.from(JSON.stringify(body)))
}

/** Objects of a list's answer as they are written, without the brackets around them. */
export function writeObjects(objects: readonly unknown[]): Buffer {
  return Buffer.from(JSON.stringify(objects).slice(1, -1))
}

const comma = Buffer.from(',')

/** Answers a list of what writeObjects has written, none of it empty, and `others` beside it. */
export function sendList(
  reply: FastifyReply,
  name: string,
  written: readonly Buffer[],
  others: Readonly<Record<string, unknown>>,
): FastifyReply {
  const rest = JSON.stringify(others).slice(1)
  const parts = written.flatMap((part, i) => (i === 0 ? [part] : [comma, part]))
  const [head, tail] = [`{${JSON.stringify(name)}:[`, rest === '}' ? ']}' : `],${rest}`]
  return reply
    .code(200)
    .header('content-type', jsonType)
    .send(Buffer.concat([Buffer.from(head), ...parts, Buffer.from(tail)]))
}

/** Answers a fault with its status, as `{"NeutronError": {type, message, detail}}`. */
export function sendFault(
  reply: FastifyReply,
  { type, status, message, detail }: NeutronError,
): FastifyReply {
  return sendJson(reply, { NeutronError: { type, message, detail } }, status)
}

/** Refuses the methods that a path does not have: 405 with Allow. */
export function refuseOtherMethods(app: FastifyInstance, url: string, allowed: readonly string[]): void {
  const others = ['GET', 'POST', 'PUT', 'DELETE', 'PATCH'].filter((method) => !allowed.includes(method))
  app.route({
    method: others,
    url,
    handler: (request, reply) =>
      sendFault(reply.header('allow', allowed.join(', ')), methodNotAllowed(request.method)),
  })
}

/** The address by which the client reached the server, before the path: `https://cloud:9696`. */
export function baseUrlOf(request: FastifyRequest): string {
  const forwarded = (what: string): string | undefined => {
    const header = request.headers[`x-forwarded-${what}`]
    return (Array.isArray(header) ? header[0] : header)?.split(',')[0]?.trim()
  }
  const asked = forwarded('proto')?.toLowerCase()
  const protocol = asked === 'https' || asked === 'http' ? asked : request.protocol
  if (!request.server.trustProxy) return `${protocol}://${request.host}`
  const prefix = forwarded('prefix')?.replace(/\/+$/, '') ?? ''
  return `${protocol}://${forwarded('host') ?? request.host}${prefix}`
}

/** A caller's own id for a chain of requests (oslo.context's global_request_id). */
function globalRequestId(request: FastifyRequest): string | undefined {
  const given = request.headers['x-openstack-request-id']
  return typeof given === 'string' && /^req-[0-9a-f-]{36}$/i.test(given) ? given : undefined
}

/** What the same request need not meet again. */
const passing = [isConflict, isDeadlock, isBusy, isCancelled, isConnectionLoss]

function faultOf(error: unknown): NeutronError {
  if (error instanceof NeutronError) return error
  if (error instanceof IdentityUnavailable) return serviceUnavailable()
  if (passing.some((is) => is(error))) return serviceUnavailable()
  const status = error instanceof Error && 'statusCode' in error ? error.statusCode : undefined
  if (status === 413) return bodyTooLarge()
  if (typeof status === 'number' && status >= 400 && status < 500 && error instanceof Error) {
    return badRequest(error.message)
  }
  return internalServerError()
}

/** Services whose collections are one level further down: /v2.0/qos/policies. */
const prefixes: readonly string[] = ['qos', 'metering', 'log']

/**
 * The path as routes are written: without `.json`, dashes for underscores in names of collections (every other
 * segment after the version, or after the prefix of a service; the others are ids and tags).
 */
export function canonicalPath(url: string): string {
  const mark = url.indexOf('?')
  const path = mark < 0 ? url : url.slice(0, mark)
  if (!path.startsWith('/v2.0/')) return url
  const segments = (path.endsWith('.json') ? path.slice(0, -5) : path).split('/')
  const first = prefixes.includes(segments[2] ?? '') ? 3 : 2
  for (let i = first; i < segments.length; i += 2) segments[i] = segments[i]?.replaceAll('_', '-') ?? ''
  return segments.join('/') + (mark < 0 ? '' : url.slice(mark))
}

/** Parses a body. Throws a fault on what is no JSON or nested too deep. */
export function readJson(text: string): unknown {
  if (depthOf(text) > depthLimit) throw badRequest(`The body is nested deeper than ${depthLimit} levels`)
  try {
    return JSON.parse(text)
  } catch {
    throw badRequest('Malformed request body: it is not JSON')
  }
}

function depthOf(text: string): number {
  let depth = 0
  let deepest = 0
  let inString = false
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (inString) {
      if (code === 0x5c) i++
      else if (code === 0x22) inString = false
    } else if (code === 0x22) inString = true
    else if (code === 0x7b || code === 0x5b) deepest = Math.max(deepest, ++depth)
    else if (code === 0x7d || code === 0x5d) depth--
  }
  return deepest
}
