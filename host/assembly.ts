/** Wires a host: which facilities there are, in which order they work, and what they know of each other. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Facility } from './facility.ts'
import { createForker } from './forker.ts'
import type { Host, HostOptions } from './host.ts'
import { createKeeper, type Keeper } from './keeper.ts'
import { openLedger } from './ledger.ts'
import { createFilesFacility } from './linux/files.facility.ts'
import { createLeasesFacility } from './linux/leases.facility.ts'
import { createNetworkFacility } from './linux/network.facility.ts'
import { createProcessesFacility } from './linux/processes.facility.ts'
import type { Log } from './log.ts'
import { createFlowsFacility, holdsForeignFlows } from './ovs/flows.facility.ts'
import { createSwitchFacility } from './ovs/switch.facility.ts'
import { createReconciler } from './reconciler.ts'
import { runBy } from './run.ts'

export interface HostExtras {
  /** Milliseconds between two looks of the slow audit (5000). 0: none. */
  auditInterval?: number
  /** Counts what was found altered or missing. */
  onDrift?(kind: string): void
  /** Told of each pass over the host, with how long it took (ms). */
  onPass?(milliseconds: number): void
}

/** A host behind the contract of host.ts. Before start() nothing is touched but runDir and its ledger. */
export function createHost(options: HostOptions, log: Log, extras: HostExtras = {}): Host {
  const { auditInterval = 5000 } = extras
  mkdirSync(options.runDir, { recursive: true })
  const ledger = openLedger(join(options.runDir, 'ledger'))
  const keepers = new Map<string, Keeper>()
  let removing = false
  const keep = (facility: Facility): Keeper => {
    const keeper = createKeeper({
      facility,
      log,
      repair: options.repair,
      wake: () => reconciler.wake(),
      renewed: (ident) => processes.renewed(ident),
      drifted: (kind) => extras.onDrift?.(kind),
    })
    keepers.set(facility.name, keeper)
    return keeper
  }
  /** Identity of a thing by its key, whichever facility has it. */
  const generationOf = (key: string): string | undefined => {
    for (const keeper of keepers.values()) {
      const generation = keeper.generationOf(key)
      if (generation !== undefined) return generation
    }
    return undefined
  }

  const ovs = createSwitchFacility({
    socket: options.ovsdb,
    integrationBridge: options.integrationBridge,
    log,
    holdsForeignFlows: (bridge) => holdsForeignFlows(options.ovsRunDir, options.cookie, bridge),
  })
  const processes = createProcessesFacility({
    runDir: options.runDir,
    log,
    generationOf,
    starting: (process) => leases.starting(process),
    begun: (id) => files.begun(id),
    removing: () => removing,
  })
  const flows = createFlowsFacility({ runDir: options.ovsRunDir, cookie: options.cookie, ovs, log })
  const files = createFilesFacility({
    runDir: options.runDir,
    ledger,
    signal: processes.signal,
    isYoung: processes.isYoung,
    processes: processes.list,
    pidOf: processes.pidOf,
    initialLeases: (process) => leases.initial(process),
    log,
  })
  const network = createNetworkFacility({ ledger, log, glanceInterval: Math.min(auditInterval, 3000) })
  const leases = createLeasesFacility({ ledger, processes: processes.list, isWanted: processes.isWanted })

  // What others refer to comes first. Files come before the processes that read them, links before the switch.
  const stages = [[keep(network), keep(files)], [keep(ovs)], [keep(flows), keep(processes)], [keep(leases)]]
  const reconciler = createReconciler({ stages, log, auditInterval, onPass: (ms) => extras.onPass?.(ms) })

  const forker = createForker()
  let direct: (() => void) | undefined

  return {
    async start() {
      direct ??= runBy(forker.run)
      await keepers.get('switch')?.start()
      // Processes are adopted before files: signals that an earlier agent owes them are delivered at once.
      await keepers.get('processes')?.start()
      await Promise.all(['network', 'files', 'flows', 'leases'].map((name) => keepers.get(name)?.start()))
      reconciler.start()
    },
    setPiece: reconciler.setPiece,
    allowRemovals() {
      removing = true
      reconciler.allowRemovals()
    },
    plugs: ovs.plugs,
    onPlugs: ovs.onPlugs,
    bridges: ovs.bridges,
    onBridges: ovs.onBridges,
    onStatus: reconciler.onStatus,
    idle: reconciler.idle,
    async stop() {
      await reconciler.stop()
      direct?.()
      forker.stop()
    },
  }
}
