/**
 * Metrics in the form that Prometheus reads, at an address that an option names. Whoever counts is given the
 * registry; nothing is counted in a place of its own.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import { parseHostPort } from '../lib/addresses.ts'

/** A registry with what every process has: memory, CPU, the lag of its event loop. */
export function createMetrics(process: 'server' | 'agent'): Registry {
  const registry = new Registry()
  registry.setDefaultLabels({ process })
  collectDefaultMetrics({ register: registry })
  const delay = monitorEventLoopDelay({ resolution: 10 })
  delay.enable()
  new Gauge({
    name: `nucleon_${process}_longest_turn_seconds`,
    help: 'Longest time since the start for which the process did nothing else.',
    registers: [registry],
    collect() {
      this.set(delay.max / 1e9)
    },
  })
  return registry
}

export interface MetricsServer {
  /** Where it listens, the port that was chosen included. */
  url: string
  close(): Promise<void>
}

/** Serves `GET /metrics` at `HOST:PORT` or `[V6]:PORT`. Throws when the text is no address, or it is in use. */
export async function serveMetrics(registry: Registry, address: string): Promise<MetricsServer> {
  const where = parseHostPort(address)
  if (where === undefined) throw new Error(`${address} is no address: expected HOST:PORT`)
  const { host } = where
  const server = createServer((request, response) => {
    if (request.method !== 'GET' || request.url?.split('?')[0] !== '/metrics') {
      response.writeHead(404).end()
      return
    }
    registry.metrics().then(
      (text) => response.writeHead(200, { 'content-type': registry.contentType }).end(text),
      (error: Error) => response.writeHead(500).end(error.message),
    )
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(where, resolve)
  })
  const bound = server.address() as AddressInfo
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${bound.port}/metrics`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
