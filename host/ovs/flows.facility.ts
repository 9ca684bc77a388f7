/**
 * The flows of Open vSwitch's bridges that bear our cookie; a scope is a bridge. Symbols are resolved to port numbers
 * and local VLANs, each batch is one bundle a bridge with only what differs, and a flow monitor tells what others do.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Change, Facility, FacilityEvents, Observed } from '../facility.ts'
import { eachOf, reasonOf } from '../keeper.ts'
import type { Log } from '../log.ts'
import { type Flow, type HostObject, objectKey } from '../objects.ts'
import { run } from '../run.ts'
import { startWatcher, type Watcher } from '../watcher.ts'
import {
  addLine,
  deleteLine,
  type FlowEvent,
  normalActions,
  normalMatch,
  parseDump,
  parseFlowEvent,
} from './flow.text.ts'
import { portSymbol, type SwitchFacility, vlanSymbol } from './switch.facility.ts'

export interface FlowsOptions {
  runDir: string
  cookie: bigint
  ovs: SwitchFacility
  log: Log
}

const symbolPattern = /\{(port|outputs|vlan|vlan_tci):([^}]*)\}/g

type ActionsByPlace = Map<string, Set<string>>

/** True for a flow whose text would end its line in a bundle. */
const isUnsafe = (wanted: HostObject | undefined): boolean =>
  wanted?.kind === 'flow' && /[\n\r#]/.test(`${wanted.match}${wanted.actions}`)

/** Milliseconds after which a bridge is dumped again though its monitor has told of nothing. */
const oldAfter = 60_000

/** Failures of the connection, not of a flow in the bundle. */
const unreachable = /connect|is not a bridge|timed out|End of file|Broken pipe|reset by peer/i

/** What Open vSwitch's parser makes of each flow: equal texts are equal flows. Shorter where it refuses one. */
async function parseBySwitch(flows: readonly Flow[]): Promise<(string | undefined)[]> {
  const lines = flows.map((flow) => addLine(flow, 0n).replace(/^add /, ''))
  const argv = ['ovs-ofctl', '-O', 'OpenFlow13', '--no-names', 'parse-flows', '-'] as const
  const text = await run(argv, { input: `${lines.join('\n')}\n` }).catch(() => '')
  return text
    .split('\n')
    .filter((line) => line.startsWith('OFPT_FLOW_MOD'))
    .map((line) => line.replace(/\(xid=\w+\)/, ''))
}

/** True when a bridge holds flows of others; what expires is learned by flows, not by people. */
export async function holdsForeignFlows(runDir: string, cookie: bigint, bridge: string): Promise<boolean> {
  const text = await run([
    ...(['ovs-ofctl', 'dump-flows', '--no-names', '--no-stats'] as const),
    `unix:${join(runDir, `${bridge}.mgmt`)}`,
  ]).catch(() => '')
  return parseDump(text).some((flow) => flow.cookie !== cookie && !flow.expires)
}

/** `ovs` has to be started first. A flow waits for as long as a port or a segment in it has no number. */
export function createFlowsFacility(options: FlowsOptions): Facility {
  const { ovs, cookie, log } = options
  const keysBySymbol = new Map<string, Set<string>>()
  /** Normal form of what we believe each bridge holds, by ident; undefined: must be dumped. */
  const held = new Map<string, Map<string, Observed>>()
  /** When each bridge was dumped (ms, monotonic). */
  const dumpedAt = new Map<string, number>()
  /** Looks that the keeper has not taken yet. */
  const news = new Map<string, { found: Observed[]; gone: string[] }>()
  const monitors = new Map<string, Watcher>()
  /** What monitors tell of bridges that are being dumped. */
  const told = new Map<string, FlowEvent[]>()
  /** What was written since the last dump, and how the switch prints what it does not print in our normal form. */
  const written = new Map<string, Map<string, Flow>>()
  const printed = new Map<string, Flow>()
  const versions = new Map<string, number>()
  const indexes = new Map<string, { of: Map<string, Observed>; version: number; actions: ActionsByPlace }>()
  let events: FacilityEvents | undefined
  let stopped = false

  const socketOf = (bridge: string): string => `unix:${join(options.runDir, `${bridge}.mgmt`)}`

  function resolve(_key: string, object: HostObject): Flow | undefined {
    if (object.kind !== 'flow') return undefined
    let missing = false
    const substitute = (text: string): string =>
      text.replace(symbolPattern, (_, name: string, value: string) => {
        if (name === 'port') {
          const port = ovs.ofport(object.bridge, value)
          missing ||= port === undefined
          return port ?? ''
        }
        if (name === 'outputs') {
          const ports = value.split(',').flatMap((each) => ovs.ofport(object.bridge, each) ?? [])
          return ports.length === 0 ? 'drop' : ports.map((port) => `output:${port}`).join(',')
        }
        const vlan = ovs.localVlan(value)
        missing ||= vlan === undefined
        if (vlan === undefined) return ''
        return name === 'vlan' ? String(vlan) : `0x${(0x1000 | vlan).toString(16)}`
      })
    const match = substitute(object.match)
    const actions = substitute(object.actions)
    if (missing) return undefined
    return { ...object, match: normalMatch(match), actions: normalActions(actions) }
  }

  function observed(flow: Flow): Observed {
    return { ident: objectKey(flow), object: flow, ours: true }
  }

  const isOld = (bridge: string): boolean =>
    performance.now() - (dumpedAt.get(bridge) ?? -oldAfter) >= oldAfter

  async function observe(bridge: string): Promise<{ complete: boolean; found: Observed[]; gone?: string[] }> {
    const fresh = news.get(bridge)
    news.delete(bridge)
    if (held.has(bridge) && !isOld(bridge))
      return { complete: false, found: fresh?.found ?? [], gone: fresh?.gone ?? [] }
    held.delete(bridge)
    if (!ovs.bridges().has(bridge)) return { complete: true, found: [] }
    const flows = new Map<string, Observed>()
    const meanwhile: FlowEvent[] = []
    await watch(bridge)
    told.set(bridge, meanwhile)
    const text = await run([
      ...(['ovs-ofctl', 'dump-flows', '--no-names', '--no-stats', socketOf(bridge)] as const),
      `cookie=0x${cookie.toString(16)}/-1`,
    ])
    const dump: Flow[] = []
    for (const { cookie: of, expires, table, priority, match, actions } of parseDump(text)) {
      if (of === cookie && !expires) dump.push({ kind: 'flow', bridge, table, priority, match, actions })
    }
    await learnPrinted(bridge, dump)
    for (const flow of dump) {
      const seen = observed(printed.get(JSON.stringify(flow)) ?? flow)
      flows.set(seen.ident, seen)
    }
    held.set(bridge, flows)
    told.delete(bridge)
    // What was told during the dump is in it or not.
    if (meanwhile.some((event) => !expected(bridge, event))) setImmediate(distrust, bridge)
    dumpedAt.set(bridge, performance.now())
    return { complete: true, found: [...flows.values()] }
  }

  /**
   * Finds what was written and is printed otherwise than we write it, and takes the one for the other from now on: it
   * would be written again after each look. That both are one flow is what the switch's own parser says: what
   * somebody has altered since is another.
   */
  async function learnPrinted(bridge: string, dump: readonly Flow[]): Promise<void> {
    const recent = written.get(bridge)
    written.delete(bridge)
    if (!recent || recent.size === 0) return
    const texts = new Set(dump.map((flow) => JSON.stringify(flow)))
    const known = new Map(dump.map((flow) => [objectKey(flow), flow]))
    const pairs = [...recent].flatMap(([ident, wanted]): [Flow, Flow][] => {
      if (texts.has(JSON.stringify(wanted))) return []
      const other =
        known.get(ident) ??
        dump.find(
          (flow) =>
            flow.table === wanted.table &&
            flow.priority === wanted.priority &&
            flow.actions === wanted.actions &&
            !recent.has(objectKey(flow)),
        )
      return other ? [[wanted, other]] : []
    })
    if (pairs.length === 0) return
    const parsed = await parseBySwitch(pairs.flat())
    pairs.forEach(([wanted, other], at) => {
      if (parsed[2 * at] === undefined || parsed[2 * at] !== parsed[2 * at + 1]) return
      printed.set(JSON.stringify(other), wanted)
      log.warn({ wanted, printed: other }, 'the switch prints this flow otherwise')
    })
  }

  function distrust(bridge: string): void {
    held.delete(bridge)
    news.delete(bridge)
    events?.changed(bridge)
  }

  /** Starts the bridge's monitor; resolves when it listens, so that a dump that follows misses nothing. */
  function watch(bridge: string): Promise<void> | undefined {
    if (stopped) return undefined
    const running = monitors.get(bridge)
    if (running) return running.listens
    const watcher = startWatcher({
      argv: ['ovs-ofctl', 'monitor', '--no-names', socketOf(bridge), 'watch:!initial'],
      patience: 1000,
      line(text) {
        const event = parseFlowEvent(text)
        if (!event) return
        told.get(bridge)?.push(event)
        if (!expected(bridge, event)) distrust(bridge)
      },
      ended(lived) {
        monitors.delete(bridge)
        held.delete(bridge)
        news.delete(bridge)
        // A bridge that is gone is looked at when it is made anew.
        if (stopped || !ovs.bridges().has(bridge)) return
        // The switch has gone or come anew: what it holds is unknown.
        setTimeout(() => stopped || distrust(bridge), lived > 2000 ? 50 : 500)
      },
    })
    monitors.set(bridge, watcher)
    return watcher.listens
  }

  /** True when an event says nothing else than what is held: our own write, or one without effect. */
  function expected(bridge: string, event: FlowEvent): boolean {
    const flows = held.get(bridge)
    if (!flows) return true
    const present = index(bridge, flows).get(`${event.table} ${event.match}`)
    // A flow of others where ours is may have replaced it: changing a flow changes its cookie too.
    if (event.cookie !== cookie) return present === undefined || event.event === 'DELETED'
    if (event.event === 'DELETED') return present === undefined
    return present?.has(event.actions) ?? false
  }

  /** The actions held, by table and match (events do not tell priorities). */
  function index(bridge: string, flows: Map<string, Observed>): ActionsByPlace {
    const version = versions.get(bridge) ?? 0
    const cached = indexes.get(bridge)
    if (cached?.of === flows && cached.version === version) return cached.actions
    const map: ActionsByPlace = new Map()
    for (const { object } of flows.values()) {
      if (object.kind !== 'flow') continue
      const place = `${object.table} ${object.match}`
      const actions = map.get(place) ?? new Set()
      actions.add(object.actions)
      map.set(place, actions)
    }
    indexes.set(bridge, { of: flows, version, actions: map })
    return map
  }

  async function apply(changes: readonly Change[]): Promise<Map<string, string>> {
    const failures = new Map<string, string>()
    const byBridge = new Map<string, Change[]>()
    for (const change of changes) {
      const object = change.wanted ?? change.observed?.object
      if (object?.kind !== 'flow') continue
      const list = byBridge.get(object.bridge) ?? []
      list.push(change)
      byBridge.set(object.bridge, list)
    }
    await eachOf([...byBridge], 4, async ([bridge, list]) => {
      if (!existsSync(join(options.runDir, `${bridge}.mgmt`))) {
        for (const change of list) {
          if (change.wanted) failures.set(change.ident, `bridge ${bridge} does not answer`)
        }
        if (!ovs.bridges().has(bridge)) distrust(bridge)
        return
      }
      await write(bridge, list, failures)
    })
    return failures
  }

  /** Writes one bundle; where it is refused, halves it until the flow at fault stands alone. */
  async function write(
    bridge: string,
    changes: readonly Change[],
    failures: Map<string, string>,
  ): Promise<void> {
    const good = changes.filter(({ wanted }) => !isUnsafe(wanted))
    if (good.length < changes.length) {
      for (const { ident, wanted } of changes) {
        if (isUnsafe(wanted)) failures.set(ident, 'its text would break the bundle')
      }
      if (good.length > 0) await write(bridge, good, failures)
      return
    }
    const removed: string[] = []
    const added: string[] = []
    for (const { observed: was, wanted } of changes) {
      if (wanted?.kind === 'flow') added.push(addLine(wanted, cookie))
      else if (was?.object.kind === 'flow') removed.push(deleteLine(was.object, cookie))
    }
    // What is held is noted first: the monitor may tell of the write before the program has ended.
    const undo = note(bridge, changes)
    try {
      await run(['ovs-ofctl', '--bundle', 'add-flows', socketOf(bridge), '-'], {
        input: `${[...removed, ...added].join('\n')}\n`,
        timeout: 5000,
      })
    } catch (error) {
      undo()
      if (changes.length > 1 && !unreachable.test(reasonOf(error))) {
        const middle = changes.length >> 1
        await write(bridge, changes.slice(0, middle), failures)
        await write(bridge, changes.slice(middle), failures)
        return
      }
      for (const change of changes) failures.set(change.ident, reasonOf(error))
      log.debug({ bridge, reason: reasonOf(error) }, 'bundle refused')
      distrust(bridge)
    }
  }

  function note(bridge: string, changes: readonly Change[]): () => void {
    const flows = held.get(bridge)
    if (!flows) return () => {}
    const before = changes.map((change) => ({ change, was: flows.get(change.ident) }))
    const fresh = news.get(bridge) ?? { found: [], gone: [] }
    news.set(bridge, fresh)
    const recent = written.get(bridge) ?? new Map<string, Flow>()
    written.set(bridge, recent)
    for (const { ident, wanted } of changes) {
      if (wanted?.kind === 'flow') {
        const now = observed(wanted)
        recent.set(ident, wanted)
        flows.set(ident, now)
        fresh.found.push(now)
      } else {
        flows.delete(ident)
        recent.delete(ident)
        fresh.gone.push(ident)
      }
    }
    versions.set(bridge, (versions.get(bridge) ?? 0) + 1)
    return () => {
      const idents = new Set(changes.map((change) => change.ident))
      fresh.found = fresh.found.filter((item) => !idents.has(item.ident))
      fresh.gone = fresh.gone.filter((ident) => !idents.has(ident))
      for (const { change, was } of before) {
        if (was) flows.set(change.ident, was)
        else flows.delete(change.ident)
        recent.delete(change.ident)
      }
      versions.set(bridge, (versions.get(bridge) ?? 0) + 1)
    }
  }

  function symbolsOf(flow: Flow): string[] {
    const symbols: string[] = []
    for (const found of `${flow.match} ${flow.actions}`.matchAll(symbolPattern)) {
      const value = found[2] ?? ''
      if (found[1] === 'port') symbols.push(portSymbol(flow.bridge, value))
      else if (found[1] !== 'outputs') symbols.push(vlanSymbol(value))
      else for (const name of value.split(',')) symbols.push(portSymbol(flow.bridge, name))
    }
    return symbols
  }

  function enlist(key: string, flow: Flow): void {
    for (const symbol of symbolsOf(flow)) {
      const keys = keysBySymbol.get(symbol) ?? new Set()
      keys.add(key)
      keysBySymbol.set(symbol, keys)
      if (symbol.startsWith('vlan ')) ovs.retainVlan(symbol.slice(5))
    }
  }

  function strike(key: string, flow: Flow, kept: readonly string[]): void {
    for (const symbol of symbolsOf(flow)) {
      const keys = keysBySymbol.get(symbol)
      if (!kept.includes(symbol)) keys?.delete(key)
      if (keys?.size === 0) keysBySymbol.delete(symbol)
      if (symbol.startsWith('vlan ')) ovs.releaseVlan(symbol.slice(5))
    }
  }

  ovs.onSymbol((symbol) => {
    const keys = keysBySymbol.get(symbol)
    if (keys && keys.size > 0) events?.resolved(keys)
  })
  ovs.onBridgeMade((bridge) => {
    if (dumpedAt.has(bridge)) distrust(bridge)
  })

  return {
    name: 'flows',
    kinds: ['flow'],
    removesAtOnce: true,
    scopeOf: (object) => (object.kind === 'flow' ? object.bridge : ''),
    async start(listener) {
      events = listener
      return [...ovs.bridges()]
    },
    wanted(key, object, before) {
      // Symbols are listed before others are struck, so that a segment in both keeps its local VLAN.
      const kept = object?.kind === 'flow' ? symbolsOf(object) : []
      if (object?.kind === 'flow') enlist(key, object)
      if (before?.kind === 'flow') strike(key, before, kept)
    },
    resolve,
    observe,
    verdict(seen, wanted) {
      if (seen?.object.kind !== 'flow' || wanted.kind !== 'flow') return 'differs'
      return seen.object.actions === wanted.actions ? 'settled' : 'differs'
    },
    apply,
    auditScopes: () => [...held.keys()].filter(isOld),
    async stop() {
      stopped = true
      for (const watcher of monitors.values()) watcher.stop()
    },
  }
}
