/**
 * Tells the server that this host is alive, what its agents are like and what it holds: at once at start, then every
 * report_interval, and at once when asked; sooner again while no server answers.
 */
import type { AgentState, Feed, HeartbeatReply } from '../../bus/feed.ts'
import type { Logger } from '../../runtime/log.ts'
import type { Replica } from './replica.ts'
import { backoff, createWake } from './retry.ts'

export interface HeartbeatOptions {
  feed: Feed
  log: Logger
  replica(): Replica
  agents(): AgentState[]
  startedAt: Date
  /** Milliseconds ([agent] report_interval). */
  interval: number
  onReply(reply: HeartbeatReply): void
}

export interface Heartbeats {
  /** Runs until the signal aborts. */
  run(signal: AbortSignal): Promise<void>
  /** Sends one now. */
  now(): void
}

/** Sends nothing before `run`, and no digest while the replica is not whole: there is nothing to compare yet. */
export function createHeartbeats(options: HeartbeatOptions): Heartbeats {
  const { feed, log } = options
  const wake = createWake()

  async function beat(): Promise<void> {
    const { position, complete, inSnapshot, documents } = options.replica()
    const known = complete && !inSnapshot && position !== null
    const reply = await feed.heartbeat({
      started_at: options.startedAt.toISOString(),
      agents: options.agents(),
      position,
      digest: known ? documents.digest() : null,
    })
    options.onReply(reply)
  }

  return {
    async run(signal) {
      for (let failures = 0; !signal.aborted; ) {
        try {
          await beat()
          failures = 0
          await wake.wait(options.interval, signal)
        } catch (error) {
          if (signal.aborted) return
          failures += 1
          log.debug({ err: error, failures }, 'no heartbeat')
          await wake.wait(backoff(failures), signal)
        }
      }
    },
    now: wake.set,
  }
}
