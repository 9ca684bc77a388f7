/** Wires the agent daemon of one host by hand: feed, host, cache, roles. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { httpFeed } from '../bus/http.ts'
import { createHost } from '../host/assembly.ts'
import { makeRoomForWatchers } from '../host/linux/limits.ts'
import type { Lifecycle } from '../runtime/lifecycle.ts'
import type { Logger } from '../runtime/log.ts'
import { createMetrics, serveMetrics } from '../runtime/metrics.ts'
import { openCache } from './daemon/cache.ts'
import { createDaemon, type Daemon } from './daemon/daemon.ts'
import { createAgentMetrics } from './daemon/metrics.ts'
import type { Role } from './daemon/role.ts'
import { dhcpRole } from './dhcp/dhcp.role.ts'
import { l2Role } from './l2/l2.role.ts'
import { type AgentConfig, dhcpSettingsOf, l2SettingsOf } from './settings.ts'

export const roleNames = ['l2', 'dhcp'] as const
export type RoleName = (typeof roleNames)[number]

export interface AgentOptions {
  /** Name of this host, as bindings name it. */
  host: string
  /** Where the feed is: `unix:/path/feed.sock`, `http(s)://host:port`. */
  server: string
  credential: string
  config: AgentConfig
  /** Directory of the cache and of what runs; this agent's own. */
  state: string
  roles: readonly RoleName[]
  ovsdb: string
  ovsRunDir: string
  /** False: what drifts on the host is not put right. */
  repair: boolean
}

/** Marks our flows: `nucleon` and a final 0 in ASCII. */
export const cookie = 0x6e75636c656f6e00n

/**
 * Resolves once the host has what the disk holds, whether a server answers or not (Daemon.ready waits for that).
 * Throws where Open vSwitch's database does not answer.
 */
export async function startAgent(options: AgentOptions, lifecycle: Lifecycle, log: Logger): Promise<Daemon> {
  const { config, state } = options
  const runDir = join(state, 'run')
  mkdirSync(runDir, { recursive: true, mode: 0o755 })
  if (options.roles.includes('dhcp')) makeRoomForWatchers(log)
  const l2Settings = await l2SettingsOf(config.l2)
  const factories: Record<RoleName, () => Role> = {
    l2: () => l2Role(l2Settings),
    dhcp: () =>
      dhcpRole(
        dhcpSettingsOf(config.dhcp, l2Settings.datapathType, runDir),
        config.dhcp.agent.availability_zone,
      ),
  }
  const registry = createMetrics('agent')
  const metrics = createAgentMetrics(registry)
  const { agent_metrics: address } = config.l2.nucleon
  if (address !== null) {
    await lifecycle.start(
      'metrics',
      () => serveMetrics(registry, address),
      (server) => server.close(),
    )
  }
  const feed = httpFeed({ url: options.server, credential: options.credential })
  const host = createHost(
    {
      ovsdb: options.ovsdb,
      ovsRunDir: options.ovsRunDir,
      integrationBridge: l2Settings.integrationBridge,
      cookie,
      runDir,
      repair: options.repair,
    },
    log.child({ part: 'host' }),
    { onDrift: metrics.drift, onPass: metrics.pass },
  )
  const daemon = createDaemon({
    hostName: options.host,
    feed,
    host,
    cache: openCache({ directory: join(state, 'cache'), host: options.host, log }),
    roles: options.roles.map((name) => factories[name]()),
    log,
    reportInterval: config.l2.agent.report_interval * 1000,
    metrics,
  })
  await lifecycle.start(
    'daemon',
    () => daemon.start(),
    async () => {
      const stopped = daemon.stop()
      // Calls under way end at once.
      await feed.close()
      await stopped
    },
  )
  return daemon
}
