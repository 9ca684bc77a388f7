/** Stands between an agent and its server, and can make the agent deaf to hints, or cut it off. */
import { createServer, request } from 'node:http'
import { feedPaths } from '../../../bus/paths.ts'

export interface FeedProxy {
  /** `deaf`: streams of hints are open and say nothing. `cut`: no call is answered. */
  mode: 'open' | 'deaf' | 'cut'
  close(): void
}

/** Listens on one unix socket and passes on to another. */
export async function startFeedProxy(path: string, server: string): Promise<FeedProxy> {
  const sockets = new Set<{ destroy(): void }>()
  const streams = new Set<{ destroy(): void }>()
  let mode: FeedProxy['mode'] = 'open'
  const http = createServer((incoming, outgoing) => {
    if (mode === 'cut') {
      incoming.socket.destroy()
      return
    }
    const isStream = incoming.url === feedPaths.hints
    if (isStream && mode === 'deaf') {
      outgoing.writeHead(200).flushHeaders()
      streams.add(incoming.socket)
      return
    }
    const call = request(
      { socketPath: server, path: incoming.url, method: incoming.method, headers: incoming.headers },
      (reply) => {
        outgoing.writeHead(reply.statusCode ?? 502, reply.headers)
        outgoing.flushHeaders()
        reply.pipe(outgoing)
      },
    )
    call.on('error', () => incoming.socket.destroy())
    outgoing.on('close', () => call.destroy())
    if (isStream) streams.add(incoming.socket)
    incoming.pipe(call)
  })
  http.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.once('close', () => {
      sockets.delete(socket)
      streams.delete(socket)
    })
  })
  await new Promise<void>((resolve) => http.listen(path, resolve))
  return {
    get mode() {
      return mode
    },
    set mode(wanted) {
      mode = wanted
      for (const socket of wanted === 'cut' ? sockets : streams) socket.destroy()
    },
    close() {
      http.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}
