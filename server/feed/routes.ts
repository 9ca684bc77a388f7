/**
 * The feed over HTTP (bus/paths.ts), as a Fastify plugin. A host's credential says which host asks; there is no other
 * way to name one.
 */
import { once } from 'node:events'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { hostOf } from '../../bus/credential.ts'
import type { BucketDigests, Fact, Feed, Heartbeat, Position } from '../../bus/feed.ts'
import { feedPaths, hintKeepAliveSeconds, requestIdHeader } from '../../bus/paths.ts'
import { NeutronError } from '../../lib/errors.ts'
import type { DocumentKey } from '../../model/documents/documents.ts'
import type { Logger } from '../../runtime/log.ts'
import type { FeedServer } from './feed.ts'

export interface FeedRouteOptions {
  feed: FeedServer
  /** The secret that hosts' credentials are made with. */
  secret: string
  log: Logger
}

/** Facts and keys come in batches. */
const bodyLimit = 8 * 1024 * 1024

const text = { type: 'string', maxLength: 255 }
const position = {
  type: ['object', 'null'],
  required: ['epoch', 'sequence'],
  properties: { epoch: text, sequence: { type: 'integer' } },
}

function listOf(name: string, required: string[], properties: Record<string, unknown>) {
  const items = { type: 'object', required, properties }
  return { type: 'object', required: [name], properties: { [name]: { type: 'array', items } } }
}

const schemas = {
  pull: { type: 'object', required: ['since'], properties: { since: position } },
  heartbeat: {
    type: 'object',
    required: ['started_at', 'agents', 'position', 'digest'],
    properties: {
      started_at: text,
      position,
      digest: { type: ['string', 'null'], maxLength: 64 },
      agents: {
        type: 'array',
        maxItems: 100,
        items: {
          type: 'object',
          required: ['agent_type', 'binary', 'configurations'],
          properties: {
            agent_type: text,
            binary: text,
            availability_zone: { type: ['string', 'null'], maxLength: 255 },
            configurations: { type: 'object' },
          },
        },
      },
    },
  },
  report: listOf('facts', ['kind', 'port_id', 'generation'], {
    kind: { enum: ['port-wired', 'dhcp-served'] },
    port_id: text,
    generation: { type: 'integer' },
    wired: { type: 'boolean' },
  }),
  compare: {
    type: 'object',
    required: ['buckets'],
    properties: { buckets: { type: 'object', maxProperties: 256, additionalProperties: text } },
  },
  fetch: listOf('keys', ['type', 'id'], { type: text, id: { type: 'string', maxLength: 1024 } }),
}

/** `await app.register(feedRoutes(options))` */
export function feedRoutes({ feed, secret, log }: FeedRouteOptions) {
  const streams = new AbortController()

  return async function routes(app: FastifyInstance): Promise<void> {
    app.addHook('preClose', async () => streams.abort())

    app.setErrorHandler(async (error: Error & { statusCode?: number }, request, reply) => {
      const status = error instanceof NeutronError ? error.status : (error.statusCode ?? 500)
      if (status >= 500)
        log.error({ err: error, path: request.url, request_id: idOf(request) }, 'a call failed')
      return reply.code(status).send({ message: status === 500 ? 'internal error' : error.message })
    })

    /** The caller's feed; a 401 where the credential is none. */
    function feedOf(request: FastifyRequest): Feed {
      const [scheme, credential = ''] = (request.headers.authorization ?? '').split(' ', 2)
      const host = scheme === 'Bearer' ? hostOf(secret, credential) : undefined
      if (host === undefined) {
        throw new NeutronError('Unauthorized', 401, 'The credential of a host is needed.')
      }
      return feed.of(host)
    }

    function post<B>(
      path: string,
      body: object,
      answer: (feed: Feed, body: B, reply: FastifyReply) => Promise<unknown>,
    ): void {
      app.post<{ Body: B }>(
        path,
        {
          schema: { body },
          bodyLimit,
          // Before the body is read: a stranger has nothing to say.
          onRequest: async (request) => void feedOf(request),
        },
        async (request, reply) => answer(feedOf(request), request.body as B, reply),
      )
    }

    post<{ since: Position | null }>(feedPaths.pull, schemas.pull, (of, { since }) => of.pull(since))
    post<Heartbeat>(feedPaths.heartbeat, schemas.heartbeat, (of, beat) => of.heartbeat(beat))
    post<{ facts: Fact[] }>(feedPaths.report, schemas.report, async (of, { facts }, reply) => {
      await of.report(facts)
      return reply.code(204).send()
    })
    post<{ buckets: BucketDigests }>(feedPaths.compare, schemas.compare, (of, { buckets }) =>
      of.compare(buckets),
    )
    post<{ keys: DocumentKey[] }>(feedPaths.fetch, schemas.fetch, async (of, { keys }) => ({
      documents: await of.fetch(keys),
    }))

    app.get(feedPaths.hints, async (request, reply) => {
      const of = feedOf(request)
      reply.hijack()
      await stream(of, reply.raw, streams.signal)
    })
  }
}

async function stream(of: Feed, response: FastifyReply['raw'], ending: AbortSignal): Promise<void> {
  const gone = new AbortController()
  response.once('close', () => gone.abort())
  response.writeHead(200, { 'content-type': 'application/x-ndjson', 'cache-control': 'no-store' })
  response.flushHeaders()
  const alive = setInterval(() => response.write('\n'), hintKeepAliveSeconds * 1000)
  try {
    for await (const hint of of.hints(AbortSignal.any([gone.signal, ending]))) {
      if (!response.write(`${JSON.stringify(hint)}\n`)) {
        await once(response, 'drain', { signal: gone.signal })
      }
    }
  } catch (error) {
    if (!gone.signal.aborted) throw error
  } finally {
    clearInterval(alive)
    response.end()
  }
}

function idOf(request: FastifyRequest): string | undefined {
  const id = request.headers[requestIdHeader]
  return typeof id === 'string' ? id : undefined
}
