/**
 * Takes from the host what the agent put there: a host that is to hold nothing, and that knows its own by the same
 * marks as the agent does.
 */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { cookie } from '../../agents/assembly.ts'
import { createHost } from '../../host/assembly.ts'
import { silentLogger } from '../../runtime/log.ts'
import type { Layout } from '../state/layout.ts'

/** Milliseconds after which what cannot be removed is told instead. */
const patience = 20_000

/**
 * Removals of 20 s at most; then tells that something is left, and resolves all the same. No agent may run meanwhile.
 */
export async function withdraw(
  layout: Layout,
  ovs: { ovsdb: string; ovsRunDir: string },
  say: (text: string) => void,
): Promise<void> {
  const host = createHost(
    {
      ...ovs,
      integrationBridge: 'br-int',
      cookie,
      runDir: join(layout.agent, 'run'),
      repair: true,
    },
    { ...silentLogger, error: (fields, message) => say(`${message}: ${JSON.stringify(fields)}`) },
    { auditInterval: 0 },
  )
  await host.start()
  host.allowRemovals()
  const done = await Promise.race([host.idle().then(() => true), sleep(patience, false, { ref: false })])
  if (!done) say("the agent's part of the host could not be removed in time; run this again")
  await host.stop()
}
