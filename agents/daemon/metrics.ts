/** What the agent counts, under Prometheus' names. */
import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import { kindOrder } from '../../host/plan.ts'

export interface AgentMetrics {
  /** A thing of that kind was found altered or missing. */
  drift(kind: string): void
  /** A pass over the host took that many milliseconds. */
  pass(milliseconds: number): void
  /** The host was seen in line with what the server had said up to that sequence. */
  converged(sequence: number): void
  /** Facts that the server refused for good. */
  refused(count: number): void
  /** What is asked when somebody reads the metrics. */
  watch(sources: AgentSources): void
}

export interface AgentSources {
  documents(): number
  /** Newest sequence taken in; null before the first. */
  sequence(): number | null
  pieces(): Iterable<'pending' | 'settled' | 'failed'>
  pendingFacts(): number
  mended(): number
}

/** Adds its metrics to the registry, which may have them once: a second call throws. */
export function createAgentMetrics(registry: Registry): AgentMetrics {
  const registers = [registry]
  const drift = new Counter({
    name: 'nucleon_agent_drift_total',
    help: 'Things of ours that somebody else removed or altered, by kind.',
    labelNames: ['kind'],
    registers,
  })
  for (const kind of kindOrder) drift.inc({ kind }, 0)
  const passes = new Histogram({
    name: 'nucleon_agent_pass_seconds',
    help: 'Passes over the host, and how long they took.',
    buckets: [0.005, 0.02, 0.1, 0.5, 2, 10],
    registers,
  })
  const converged = new Gauge({
    name: 'nucleon_agent_converged_sequence',
    help: 'Sequence of this host up to which what the server wants has been put in place.',
    registers,
  })
  const refused = new Counter({
    name: 'nucleon_agent_facts_refused_total',
    help: 'Facts that the server refused for good.',
    registers,
  })
  return {
    drift: (kind) => drift.inc({ kind }),
    pass: (milliseconds) => passes.observe(milliseconds / 1000),
    converged: (sequence) => converged.set(sequence),
    refused: (count) => refused.inc(count),
    watch(sources) {
      const gauge = (name: string, help: string, read: () => number): void => {
        new Gauge({
          name,
          help,
          registers,
          collect() {
            this.set(read())
          },
        })
      }
      gauge('nucleon_agent_documents', 'Documents held.', sources.documents)
      gauge('nucleon_agent_sequence', 'Newest sequence of this host that was taken in.', () => {
        return sources.sequence() ?? Number.NaN
      })
      gauge(
        'nucleon_agent_facts_pending',
        'Facts that the server has not acknowledged.',
        sources.pendingFacts,
      )
      gauge('nucleon_agent_documents_mended', 'Documents that differed from the server’s.', sources.mended)
      new Gauge({
        name: 'nucleon_agent_pieces',
        help: 'Pieces of the host by what has become of them.',
        labelNames: ['standing'],
        registers,
        collect() {
          const counts = { pending: 0, settled: 0, failed: 0 }
          for (const standing of sources.pieces()) counts[standing] += 1
          for (const [standing, count] of Object.entries(counts)) this.set({ standing }, count)
        },
      })
    },
  }
}
