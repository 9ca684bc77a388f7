/**
 * The loop around the roles: what changes in documents and plugs becomes pieces of the host, and what becomes of the
 * pieces becomes facts for the server. Everything here happens in the turn of the event loop that brought the change.
 */
import { isDeepStrictEqual } from 'node:util'
import type { AgentState, Fact, Feed } from '../../bus/feed.ts'
import type { Host, PieceStatus } from '../../host/host.ts'
import type { HostObject } from '../../host/objects.ts'
import type { LogFields, Logger } from '../../runtime/log.ts'
import type { Cache } from './cache.ts'
import type { DocumentChange } from './documents.ts'
import { createHeartbeats } from './heartbeat.ts'
import type { AgentMetrics } from './metrics.ts'
import { createReporter } from './reporter.ts'
import type { Role, Standing, View, ViewChanges } from './role.ts'
import { createSync } from './sync.ts'

export interface DaemonOptions {
  /** Name of this host, as bindings name it. */
  hostName: string
  feed: Feed
  host: Host
  cache: Cache
  roles: readonly Role[]
  log: Logger
  /** Milliseconds between heartbeats. */
  reportInterval: number
  /** Milliseconds between pulls without hints. */
  safetyPull?: number
  startedAt?: Date
  metrics?: AgentMetrics
}

export interface Daemon {
  /** Starts the host's and the feed's loops. Resolves when what is known from disk has been handed to the host. */
  start(): Promise<void>
  /** Resolves when a server has accepted a heartbeat and the host has been brought in line with a whole snapshot. */
  readonly ready: Promise<void>
  /** Facts that the server has not acknowledged. */
  pendingFacts(): number
  /** Documents that a differing digest led to. */
  mended(): number
  /** Ends the loops. The host stays as it is. */
  stop(): Promise<void>
}

interface Piece {
  objects: readonly HostObject[]
  standing: Standing
}

/** Starts nothing. From here on host and cache are the daemon's: `stop` ends them too. */
export function createDaemon(options: DaemonOptions): Daemon {
  const { feed, host, cache, roles, log } = options
  const abort = new AbortController()
  const reporter = createReporter({ feed, log, onRefused: (count) => options.metrics?.refused(count) })
  const pieces = new Map<string, Piece>()
  /** Ids of pieces that could not be worked out or set: tried again with whatever comes next, and with each pull. */
  const failing = new Set<string>()
  const accepted = Promise.withResolvers<void>()
  const converged = Promise.withResolvers<void>()
  /** Turns true with the first whole snapshot: from then on, things that are not wanted go. */
  let removing = false
  /** True once a server, not only the disk, has told all it has. */
  let upToDate = false
  let loops: Promise<unknown> = Promise.resolve()
  /** What the agents said of themselves in the last heartbeat. */
  let lastTold: string | undefined

  const view: View = {
    host: options.hostName,
    get documents() {
      return cache.replica.documents
    },
    get plugs() {
      return host.plugs()
    },
    get bridges() {
      return host.bridges()
    },
  }

  const sync = createSync({
    feed,
    cache,
    log,
    onChanges(changes, complete) {
      update(changes, [])
      if (complete && cache.replica.complete) allowRemovals()
      if (complete) noteConverged()
      if (complete && !upToDate) {
        upToDate = true
        heartbeats.now()
        converged.resolve(host.idle())
      }
    },
    onForgotten: () => reporter.again(),
    ...(options.safetyPull === undefined ? {} : { safetyPull: options.safetyPull }),
  })

  const heartbeats = createHeartbeats({
    feed,
    log,
    replica: () => cache.replica,
    agents: agentsToTell,
    startedAt: options.startedAt ?? new Date(),
    interval: options.reportInterval,
    onReply({ agrees, position }) {
      accepted.resolve()
      const held = cache.replica.position
      if (!agrees) sync.mend()
      else if (held?.epoch !== position.epoch || held.sequence !== position.sequence) sync.pull()
    },
  })

  /** The host has caught up once it is idle, unless more has come meanwhile. */
  function noteConverged(): void {
    const sequence = cache.replica.position?.sequence
    if (sequence === undefined || options.metrics === undefined) return
    const { metrics } = options
    host.idle().then(
      () => cache.replica.position?.sequence === sequence && metrics.converged(sequence),
      () => {},
    )
  }

  function agents(): AgentState[] {
    return roles.map((role) => role.agent(view))
  }

  function agentsToTell(): AgentState[] {
    const states = agents()
    lastTold = JSON.stringify(states)
    return states
  }

  /** What a piece that could not be set has on the host is not taken for unwanted. */
  function allowRemovals(): void {
    if (removing || failing.size > 0) return
    removing = true
    host.allowRemovals()
  }

  /** What throws, as on a document that a role cannot read, holds up nothing else. Answers whether it went well. */
  function attempt(about: LogFields, step: () => void, level: 'error' | 'debug' = 'error'): boolean {
    try {
      step()
      return true
    } catch (error) {
      log[level]({ ...about, err: error }, 'cannot be worked out: going on without it')
      return false
    }
  }

  /** Recomputes the pieces that these changes affect, and the facts of the ports that are concerned. */
  function update(documents: readonly DocumentChange[], plugs: readonly string[]): void {
    const ports = new Set<string>(plugs)
    for (const { type, id } of documents) if (type === 'port' || type === 'dhcp-entry') ports.add(id)
    const news: ViewChanges[] = documents.map((one) => ({ documents: [one], plugs: [] }))
    news.push({ documents: [], plugs })
    for (const role of roles) {
      const ids = new Set([...failing].filter((id) => isOf(role, id)))
      for (const changes of news) {
        attempt({ role: role.name, document: changes.documents[0]?.id }, () => {
          for (const id of role.affected(view, changes)) ids.add(id)
        })
      }
      for (const id of ids) if (!setPiece(role, id)) noteConcerned(role, id, ports)
    }
    tellOf(ports)
  }

  const isOf = (role: Role, piece: string): boolean => piece.startsWith(`${role.name}/`)

  function noteConcerned(role: Role, piece: string, ports: Set<string>): void {
    attempt({ piece }, () => {
      for (const port of role.concerned(view, piece)) ports.add(port)
    })
  }

  /** Answers true when the piece is as it was. */
  function setPiece(role: Role, id: string): boolean {
    const failed = failing.has(id)
    let same = false
    const step = (): void => {
      const objects = role.piece(view, id)
      const before = pieces.get(id)
      same = isDeepStrictEqual(before?.objects ?? [], objects)
      if (same) return
      host.setPiece(id, objects)
      if (objects.length === 0) pieces.delete(id)
      else pieces.set(id, { objects, standing: 'pending' })
      log.debug({ piece: id, objects: objects.length }, 'piece set')
    }
    if (!attempt({ piece: id }, step, failed ? 'debug' : 'error')) {
      failing.add(id)
      return failed
    }
    failing.delete(id)
    return same && !failed
  }

  function onStatus(changed: readonly PieceStatus[]): void {
    const ports = new Set<string>()
    for (const { id, settled, failures } of changed) {
      const piece = pieces.get(id)
      if (piece === undefined) continue
      const standing = settled ? 'settled' : failures.length > 0 ? 'failed' : 'pending'
      if (standing === 'failed' && piece.standing !== 'failed')
        log.warn({ piece: id, failures }, 'not in place')
      piece.standing = standing
      log.debug({ piece: id, standing }, 'piece')
      for (const role of roles) if (isOf(role, id)) noteConcerned(role, id, ports)
    }
    tellOf(ports)
  }

  /** What an agent reports of itself may depend on the bridges of its host. */
  function onBridges(): void {
    if (lastTold !== undefined && lastTold !== JSON.stringify(agents())) heartbeats.now()
  }

  const standing = (id: string): Standing =>
    failing.has(id) ? 'failed' : (pieces.get(id)?.standing ?? 'pending')

  function tellOf(ports: Iterable<string>): void {
    for (const port of ports) {
      for (const role of roles) {
        attempt({ role: role.name, port }, () => {
          const fact = role.fact(view, port, standing)
          if (fact !== undefined && isNews(fact)) reporter.tell(fact)
        })
      }
      const { documents } = view
      if (!documents.get('port', port) && !documents.get('dhcp-entry', port)) reporter.forget(port)
    }
  }

  /** That a port which came while this daemon ran was never wired is what the server takes for granted. */
  function isNews(fact: Fact): boolean {
    if (fact.kind !== 'port-wired' || fact.wired || !upToDate) return true
    return reporter.last('port-wired', fact.port_id) !== undefined
  }

  options.metrics?.watch({
    documents: () => cache.replica.documents.size,
    sequence: () => cache.replica.position?.sequence ?? null,
    pieces: () => new Set([...pieces.keys(), ...failing]).values().map(standing),
    pendingFacts: reporter.pending,
    mended: () => sync.mended,
  })

  return {
    async start() {
      await host.start()
      host.onStatus(onStatus)
      host.onPlugs((changed) => update([], [...changed]))
      host.onBridges(onBridges)
      for (const role of roles) for (const id of role.always) setPiece(role, id)
      const held = Array.from(cache.replica.documents.envelopes(), (after) => {
        return { type: after.type, id: after.id, before: undefined, after }
      })
      update(held, [...view.plugs.keys()])
      if (cache.replica.complete) allowRemovals()
      log.info({ documents: held.length, plugs: view.plugs.size, pieces: pieces.size }, 'started from disk')
      loops = Promise.all([sync.run(abort.signal), heartbeats.run(abort.signal), reporter.run(abort.signal)])
    },
    ready: Promise.all([accepted.promise, converged.promise]).then(() => {}),
    pendingFacts: reporter.pending,
    mended: () => sync.mended,
    async stop() {
      abort.abort()
      await loops
      await host.stop()
      cache.close()
    },
  }
}
