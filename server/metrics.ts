/**
 * What the server counts, under Prometheus' names: requests, writes, how far the relay is behind, the feed. Labels are
 * routes, never names or ids that somebody chose.
 */
import type { FastifyInstance } from 'fastify'
import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import type { Store } from './store/store.ts'

export interface ServerMetrics {
  /** Counts what a server is asked; `part` is `api`, `identity` or `feed`. */
  countRequests(server: FastifyInstance, part: 'api' | 'identity' | 'feed'): void
  /** The same store, its writes counted. */
  countWrites(store: Store): Store
  /** Looks at the relay whenever the metrics are read: two cheap queries. */
  watchRelay(store: Store): void
}

/** Streams that stay open are counted as open, not as requests that took long. */
const isStream = (route: string | undefined): boolean => route?.endsWith('/hints') === true

/** Adds its metrics to the registry, which may have them once: a second call throws. */
export function createServerMetrics(registry: Registry): ServerMetrics {
  const registers = [registry]
  const requests = new Histogram({
    name: 'nucleon_requests_seconds',
    help: 'Requests by part, method, route and status, and how long they took.',
    labelNames: ['part', 'method', 'route', 'status'],
    buckets: [0.005, 0.02, 0.1, 0.5, 2, 10],
    registers,
  })
  const streams = new Gauge({
    name: 'nucleon_feed_streams',
    help: 'Hosts that listen for hints now.',
    registers,
  })
  const writes = new Histogram({
    name: 'nucleon_writes_seconds',
    help: 'Transactions that write, by outcome, and how long they took until committed.',
    labelNames: ['outcome'],
    buckets: [0.001, 0.005, 0.02, 0.1, 0.5, 2],
    registers,
  })
  const restarts = new Counter({
    name: 'nucleon_write_restarts_total',
    help: 'Transactions that were run again from the start, after a conflict.',
    registers,
  })
  return {
    countRequests(server, part) {
      server.addHook('onRequest', async (request) => {
        if (isStream(request.routeOptions.url)) streams.inc()
      })
      server.addHook('onResponse', async (request, reply) => {
        const { url } = request.routeOptions
        if (isStream(url)) {
          streams.dec()
          return
        }
        const labels = {
          part,
          method: request.method,
          route: url ?? 'none',
          status: String(reply.statusCode),
        }
        requests.observe(labels, reply.elapsedTime / 1000)
      })
    },
    countWrites(store) {
      return {
        ...store,
        async write(options, work) {
          const began = performance.now()
          let runs = 0
          const observe = (outcome: 'committed' | 'undone'): void => {
            writes.observe({ outcome }, (performance.now() - began) / 1000)
            if (runs > 1) restarts.inc(runs - 1)
          }
          try {
            const result = await store.write(options, (tx) => {
              runs += 1
              return work(tx)
            })
            observe('committed')
            return result
          } catch (error) {
            observe('undone')
            throw error
          }
        },
      }
    },
    watchRelay(store) {
      const behind = new Gauge({
        name: 'nucleon_relay_changes_behind',
        help: 'Changes that are committed and not yet turned into what hosts are told.',
        registers,
        collect: measure,
      })
      const age = new Gauge({
        name: 'nucleon_relay_seconds_behind',
        help: 'Age of the oldest of them; 0 if there is none.',
        registers,
      })
      async function measure(): Promise<void> {
        const row = await store.read(({ db }) =>
          db
            .selectFrom('changes')
            .select((each) => [each.fn.countAll().as('count'), each.fn.min('at').as('oldest')])
            .where('seq', '>', (each) =>
              each.selectFrom('consumers').select('seq').where('name', '=', 'relay').limit(1),
            )
            .executeTakeFirst(),
        )
        behind.set(Number(row?.count ?? 0))
        age.set(row?.oldest ? Math.max(0, (Date.now() - Date.parse(row.oldest)) / 1000) : 0)
      }
    },
  }
}
