/** Serves feeds over HTTP for tests of what is on the other side: the paths and the credential of the real thing. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { DocumentKey } from '../../model/documents/documents.ts'
import { hostOf } from '../credential.ts'
import type { BucketDigests, Fact, Feed, Heartbeat, Position } from '../feed.ts'
import { feedPaths } from '../paths.ts'

export interface FeedOverHttp {
  /** The port that it listens on; undefined on a unix socket. */
  port: number | undefined
  close(): Promise<void>
}

/** Listens on a unix socket, or on a free port of 127.0.0.1. `feedOf` answers for hosts with a right credential. */
export async function serveFeed(
  secret: string,
  feedOf: (host: string) => Feed,
  socketPath?: string,
): Promise<FeedOverHttp> {
  const abort = new AbortController()
  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      if (!response.headersSent) response.writeHead(500)
      response.end(String(error))
    })
  })

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const credential = /^Bearer (.*)$/.exec(request.headers.authorization ?? '')?.[1] ?? ''
    const host = hostOf(secret, credential)
    if (host === undefined) {
      response.writeHead(401).end('{}')
      return
    }
    const feed = feedOf(host)
    if (request.url === feedPaths.hints) return await streamHints(feed, response)
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const body = JSON.parse(Buffer.concat(chunks).toString()) as Record<string, unknown>
    const reply = await call(feed, request.url ?? '', body)
    if (reply === undefined) response.writeHead(204).end()
    else response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(reply))
  }

  async function streamHints(feed: Feed, response: ServerResponse): Promise<void> {
    const gone = new AbortController()
    response.on('close', () => gone.abort())
    response.writeHead(200, { 'content-type': 'application/x-ndjson' }).write('\n')
    for await (const hint of feed.hints(AbortSignal.any([gone.signal, abort.signal]))) {
      response.write(`${JSON.stringify(hint)}\n`)
    }
    response.end()
  }

  await new Promise<void>((resolve) => {
    if (socketPath !== undefined) server.listen(socketPath, resolve)
    else server.listen(0, '127.0.0.1', resolve)
  })
  const address = server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : undefined,
    async close() {
      abort.abort()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

async function call(feed: Feed, path: string, body: Record<string, unknown>): Promise<unknown> {
  switch (path) {
    case feedPaths.pull:
      return await feed.pull(body.since as Position | null)
    case feedPaths.heartbeat:
      return await feed.heartbeat(body as unknown as Heartbeat)
    case feedPaths.report:
      return await feed.report(body.facts as Fact[])
    case feedPaths.compare:
      return await feed.compare(body.buckets as BucketDigests)
    case feedPaths.fetch:
      return { documents: await feed.fetch(body.keys as DocumentKey[]) }
  }
  throw new Error(`no such path ${path}`)
}
