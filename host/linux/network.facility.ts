/**
 * The kernel's network configuration: namespaces, links, addresses, routes and sysctls, by `ip -batch` and
 * `ip -json`. Scopes: the list of namespaces, each namespace, and the settings of each (sysctls, and whether devices
 * leave out checksums), which are glanced at in all namespaces together. What we made is known by the ledger
 * (namespaces, addresses on links of others), by the alias of a link, and by the protocol of a route.
 */
import { type FSWatcher, watch } from 'node:fs'
import { readdir, stat, statfs, writeFile } from 'node:fs/promises'
import { isDeepStrictEqual } from 'node:util'
import { gathered } from '../../runtime/gathered.ts'
import type { Change, Facility, FacilityEvents, Look, Observed, Verdict } from '../facility.ts'
import { eachOf, reasonOf } from '../keeper.ts'
import type { Ledger } from '../ledger.ts'
import type { Log } from '../log.ts'
import { type HostObject, type Link, type NamespaceName, objectKey, type Sysctl } from '../objects.ts'
import { run } from '../run.ts'
import { startWatcher, type Watcher } from '../watcher.ts'
import { type BatchLine, runBatch } from './ip.batch.ts'
import { type LinkView, type NamespaceView, parseView, viewCommands, withPrefix } from './ip.view.ts'
import { netnsDir } from './netns.ts'
import {
  readOwnSysctls,
  readSettings,
  type Settings,
  type SettingsQuery,
  sysctlPath,
} from './settings.reader.ts'

export interface NetworkOptions {
  ledger: Ledger
  log: Log
  /** Milliseconds between two glances at what tells no events; 0: none. */
  glanceInterval: number
}

/** Alias of the links that we made; the second form where checksums were moved to software. */
const alias = 'nucleon'
const softAlias = 'nucleon:checksum-in-software'
const outerAlias = 'nucleon:outer'
/** Protocol number of our routes (the kernel keeps it, nobody interprets it). */
const protocol = '78'
const nsfsMagic = 0x6e736673
const namespacesScope = 'namespaces'
/** Programs that run at the same time. */
const atOnce = 8

const scopeOfNamespace = (name: NamespaceName): string => (name === null ? 'own' : `in ${name}`)
const namespaceOfScope = (scope: string): NamespaceName => (scope === 'own' ? null : scope.slice(3))

/** `start` begins to listen and changes nothing. What others made is seen only where it is wanted as well. */
export function createNetworkFacility(options: NetworkOptions): Facility {
  const { ledger, log } = options
  const wanted = new Map<string, HostObject>()
  /** What is wanted of the settings of each namespace. */
  const asked = new Map<NamespaceName, { sysctls: Set<string>; devices: Set<string> }>()
  /** The last look at them. */
  const settings = new Map<NamespaceName, Settings>()
  /** The last look at each namespace: a link is judged by both of its ends. */
  const views = new Map<NamespaceName, NamespaceView>()
  const ids = new Map<number, string>()
  /** Names of links, by namespace, whose events matter. */
  const watched = new Map<NamespaceName, Map<string, number>>()
  /** By which state of its outer end each link was judged. */
  const judgedBy = new Map<string, string>()
  /** Inode of each namespace whose events are told. */
  const followed = new Map<string, string>()
  let glances: NodeJS.Timeout | undefined
  /** Wanted routes of the own namespace. */
  let routesHere = 0
  let events: FacilityEvents | undefined
  let monitor: Watcher | undefined
  let watcher: FSWatcher | undefined
  let stopped = false

  /** Namespaces that are looked at together cost one program. */
  const readSettingsOf = gathered(readSettings)

  // Looking

  async function observe(scope: string): Promise<Look> {
    if (scope === namespacesScope) return { complete: true, found: await lookAtNamespaces() }
    if (scope.startsWith('settings ')) return { complete: true, found: await lookAtSettings(scope) }
    const namespace = namespaceOfScope(scope)
    const view = await viewOf(namespace)
    judgePeersAnew(namespace)
    return { complete: true, found: view === nothing ? [] : objectsOf(namespace, view) }
  }

  /** Looks at a namespace, and remembers what is there. */
  async function viewOf(namespace: NamespaceName): Promise<NamespaceView> {
    if (namespace !== null && !(await isNamespace(namespace))) {
      views.delete(namespace)
      return nothing
    }
    const text = await run(['ip', '-json', '-details', '-batch', '-'], {
      namespace,
      input: viewCommands,
    })
    const view = parseView(text)
    views.set(namespace, view)
    return view
  }

  async function lookAtNamespaces(): Promise<Observed[]> {
    const found: Observed[] = []
    watchNamespaces()
    const told = new Set(ids.values())
    for (const name of await readdir(netnsDir).catch(() => [] as string[])) {
      const ident = `namespace ${name}`
      if ((!ledger.has(ident) && !wanted.has(ident)) || !(await isNamespace(name))) continue
      const generation = String((await stat(`${netnsDir}/${name}`)).ino)
      if (!followed.has(name) && told.has(name)) followed.set(name, generation)
      const detail = followed.get(name) === generation ? '' : 'its events are not told'
      found.push({ ident, object: { kind: 'namespace', name }, ours: ledger.has(ident), generation, detail })
    }
    return found
  }

  function objectsOf(namespace: NamespaceName, view: NamespaceView): Observed[] {
    const found: Observed[] = []
    const add = (
      object: HostObject,
      ours: boolean,
      more: Pick<Observed, 'generation' | 'detail'> = {},
    ): void => {
      const ident = objectKey(object)
      if (!ours && !wanted.has(ident)) return
      found.push({ ident, object, ours, ...more })
    }
    const ownNamespace = namespace !== null && ledger.has(`namespace ${namespace}`)
    const isOurs = (link: string): boolean =>
      link !== 'lo' && (ownNamespace || (view.links.get(link)?.alias ?? '').startsWith(alias))
    for (const link of view.links.values()) {
      const ours = link.alias === alias || link.alias === softAlias
      const object = linkObject(namespace, link)
      const key = objectKey(object)
      const asked = wanted.get(key)
      const detail = asked?.kind === 'link' ? linkFaults(asked).join() : ''
      if (asked?.kind === 'link' && asked.peer)
        judgedBy.set(key, stateOf(views.get(asked.peer.namespace)?.links.get(asked.peer.name)))
      add(object, ours, { generation: `${link.index} ${link.mac}`, detail })
    }
    for (const { link, cidr } of view.addresses) {
      const object: HostObject = { kind: 'address', namespace, link, cidr }
      add(object, isOurs(link) || ledger.has(objectKey(object)))
    }
    for (const route of view.routes) {
      const { destination, via, link } = route
      add({ kind: 'route', namespace, destination, via, link }, route.protocol === protocol)
    }
    return found
  }

  function linkObject(namespace: NamespaceName, link: LinkView): Link {
    return {
      kind: 'link',
      namespace,
      name: link.name,
      type: link.type === 'dummy' ? 'dummy' : 'veth',
      mac: link.mac,
      mtu: link.mtu,
      up: link.up,
      checksumInSoftware: link.alias === softAlias,
    }
  }

  /** What matters of an outer end. */
  const stateOf = (end: LinkView | undefined): string =>
    end ? `${end.index} ${end.peerIndex} ${end.up} ${end.mtu} ${end.alias}` : ''

  /** Where an outer end is not what its inner end was judged by, the inner end's namespace is looked at again. */
  function judgePeersAnew(namespace: NamespaceName): void {
    const ends = views.get(namespace)?.links
    for (const [key, object] of linksByOuter(namespace)) {
      if (object.peer && stateOf(ends?.get(object.peer.name)) !== (judgedBy.get(key) ?? ''))
        events?.changed(scopeOfNamespace(object.namespace))
    }
  }

  function* linksByOuter(namespace: NamespaceName): Iterable<[string, Link]> {
    for (const [key, object] of wanted) {
      if (object.kind === 'link' && object.peer?.namespace === namespace) yield [key, object]
    }
  }

  function queryOf(namespace: NamespaceName): SettingsQuery {
    const { sysctls = [], devices = [] } = asked.get(namespace) ?? {}
    return { namespace, sysctls: [...sysctls], devices: [...devices] }
  }

  async function settingsOf(query: SettingsQuery): Promise<Settings> {
    if (query.namespace === null && query.devices.length === 0)
      return { sysctls: await readOwnSysctls(query.sysctls), offloads: new Map() }
    return readSettingsOf(query)
  }

  async function lookAtSettings(scope: string): Promise<Observed[]> {
    const namespace = namespaceOfScope(scope.slice('settings '.length))
    const before = settings.get(namespace)
    const query = queryOf(namespace)
    if (query.sysctls.length + query.devices.length === 0) return []
    const now = await settingsOf(query)
    settings.set(namespace, now)
    if (!isDeepStrictEqual(before?.offloads, now.offloads)) events?.changed(scopeOfNamespace(namespace))
    const found: Observed[] = []
    for (const [key, value] of now.sysctls) {
      const object: Sysctl = { kind: 'sysctl', namespace, key, value }
      found.push({ ident: objectKey(object), object, ours: false })
    }
    return found
  }

  /** Finds the namespaces whose settings are not what they were. */
  async function glance(): Promise<void> {
    const queries = [...settings.keys()].map(queryOf).filter((q) => q.sysctls.length + q.devices.length > 0)
    const known = queries.map(({ namespace }) => settings.get(namespace))
    const found = await readSettings(queries)
    queries.forEach(({ namespace }, at) => {
      const before = known[at]
      // What we changed ourselves meanwhile was looked at.
      if (before === settings.get(namespace) && !isDeepStrictEqual(before, found[at])) {
        events?.changed(`settings ${scopeOfNamespace(namespace)}`)
      }
    })
  }

  async function glanceNowAndThen(): Promise<void> {
    try {
      await glance()
    } catch (error) {
      log.debug({ reason: reasonOf(error) }, 'settings cannot be glanced at')
    }
    if (!stopped) glances = setTimeout(glanceNowAndThen, options.glanceInterval)
  }

  function verdict(observed: Observed | undefined, object: HostObject): Verdict {
    if (!observed) return 'differs'
    const seen = observed.object
    if (object.kind === 'namespace') return observed.ours && observed.detail === '' ? 'settled' : 'differs'
    if (object.kind === 'sysctl' && seen.kind === 'sysctl')
      return seen.value === object.value ? 'settled' : 'differs'
    if (object.kind === 'link') return linkFaults(object).length === 0 ? 'settled' : 'differs'
    return 'settled'
  }

  /** What is wrong with a link; 'broken' when it must be made anew. */
  function linkFaults(object: Link): string[] {
    const inner = views.get(object.namespace)?.links.get(object.name)
    if (!inner) return ['missing']
    const faults: string[] = []
    if (inner.type !== object.type) faults.push('broken')
    if (object.mac !== undefined && inner.mac !== object.mac.toLowerCase()) faults.push('mac')
    if (object.mtu !== undefined && inner.mtu !== object.mtu) faults.push('mtu')
    if (inner.up !== object.up) faults.push('state')
    if (inner.alias !== (object.checksumInSoftware ? softAlias : alias)) faults.push('alias')
    const offload = settings.get(object.namespace)?.offloads.get(object.name)
    if (object.checksumInSoftware && offload === true) faults.push('checksum')
    if (!object.peer) return faults
    const outer = views.get(object.peer.namespace)?.links.get(object.peer.name)
    if (!outer || outer.index !== inner.peerIndex || outer.peerIndex !== inner.index) faults.push('broken')
    else {
      if (object.mtu !== undefined && outer.mtu !== object.mtu) faults.push('mtu')
      if (!outer.up) faults.push('state')
    }
    return faults
  }

  // Changing

  async function apply(changes: readonly Change[]): Promise<Map<string, string>> {
    const failures = new Map<string, string>()
    const goingNamespaces = new Set<NamespaceName>()
    for (const change of changes) {
      if (!change.wanted && change.observed?.object.kind === 'namespace') {
        goingNamespaces.add(change.observed.object.name)
      }
    }
    await makeNamespaces(changes, failures)
    await makeLinks(changes, failures)
    await configure(changes, failures, goingNamespaces)
    await moveChecksums(changes, failures)
    await writeSysctls(changes, failures)
    await removeNamespaces(changes, failures)
    // Both ends of a link are looked at before it is judged.
    const outer = new Set<NamespaceName>()
    for (const { wanted: object } of changes)
      if (object?.kind === 'link' && object.peer) outer.add(object.peer.namespace)
    for (const namespace of outer) await viewOf(namespace)
    return failures
  }

  /** Enters a thing in the ledger, as it must be before it is made; false where that fails. */
  function enter(ident: string, failures: Map<string, string>): boolean {
    try {
      ledger.add(ident)
      return true
    } catch (error) {
      failures.set(ident, reasonOf(error))
      return false
    }
  }

  async function makeNamespaces(changes: readonly Change[], failures: Map<string, string>): Promise<void> {
    const made = changes.flatMap(({ ident, wanted: object, observed }) =>
      object?.kind === 'namespace' && enter(ident, failures)
        ? [{ ident, name: object.name, there: observed !== undefined }]
        : [],
    )
    if (made.length === 0) return
    const lines: BatchLine[] = made.flatMap(({ ident, name, there }) => [
      ...(there ? [] : [{ ident, text: `netns add ${name}` }]),
      { ident, text: `netns set ${name} auto`, mayFail: true },
    ])
    merge(failures, await runBatch(null, lines))
    await eachOf(made, atOnce, async ({ ident, name }) => {
      merge(failures, await runBatch(name, [{ ident, text: 'link set dev lo up' }]))
    })
    for (const { name } of made) followed.delete(name)
    await readIds()
    for (const { name } of made) {
      // Where it has no number all the same, the audit finds what drifts in it.
      const inode = await stat(`${netnsDir}/${name}`).catch(() => undefined)
      if (inode) followed.set(name, String(inode.ino))
      settings.delete(name)
    }
  }

  async function makeLinks(changes: readonly Change[], failures: Map<string, string>): Promise<void> {
    const batches = new Map<NamespaceName, BatchLine[]>()
    for (const { ident, wanted: object } of changes) {
      if (object?.kind !== 'link') continue
      const faults = linkFaults(object)
      if (!faults.includes('missing') && !faults.includes('broken')) continue
      const runner = object.peer ? object.peer.namespace : object.namespace
      const lines = batches.get(runner) ?? []
      batches.set(runner, lines)
      const mtu = object.mtu === undefined ? '' : ` mtu ${object.mtu}`
      if (faults.includes('broken')) {
        const stale: BatchLine = { ident, text: `link delete dev ${object.name}`, mayFail: true }
        await runBatch(object.namespace, [stale])
      }
      if (!object.peer) {
        lines.push({ ident, text: `link add name ${object.name}${mtu} type ${object.type}` })
        continue
      }
      // An outer end without its inner one is a leftover of ours.
      const outer = views.get(object.peer.namespace)?.links.get(object.peer.name)
      if (outer?.alias === outerAlias)
        lines.push({ ident, text: `link delete dev ${outer.name}`, mayFail: true })
      const target = object.namespace === null ? ` netns ${process.pid}` : ` netns ${object.namespace}`
      const place = object.namespace === object.peer.namespace ? '' : target
      lines.push({
        ident,
        text: `link add name ${object.peer.name}${mtu} type veth peer name ${object.name}${mtu}${place}`,
      })
    }
    await eachOf([...batches], atOnce, async ([namespace, lines]) => {
      merge(failures, await runBatch(namespace, lines))
    })
  }

  /** One batch a namespace: ends of links, addresses and routes; then what goes away. */
  async function configure(
    changes: readonly Change[],
    failures: Map<string, string>,
    goingNamespaces: ReadonlySet<NamespaceName>,
  ): Promise<void> {
    const batches = new Map<NamespaceName, BatchLine[]>()
    const put = (namespace: NamespaceName, ident: string, text: string, mayFail = false): void => {
      const lines = batches.get(namespace) ?? []
      lines.push({ ident, text, mayFail })
      batches.set(namespace, lines)
    }
    for (const { ident, wanted: object, observed } of changes) {
      if (object?.kind === 'link') {
        const mac = object.mac === undefined ? '' : ` address ${object.mac}`
        const mtu = object.mtu === undefined ? '' : ` mtu ${object.mtu}`
        const state = object.up ? 'up' : 'down'
        put(object.namespace, ident, `link set dev ${object.name}${mac}${mtu} alias ${alias} ${state}`)
        const { peer } = object
        if (peer) put(peer.namespace, ident, `link set dev ${peer.name}${mtu} alias ${outerAlias} up`)
      } else if (object?.kind === 'address') {
        const nodad = object.cidr.includes(':') ? ' nodad' : ''
        if (!isOurLink(object.namespace, object.link) && !enter(ident, failures)) continue
        put(object.namespace, ident, `address replace ${object.cidr} dev ${object.link}${nodad}`)
      } else if (object?.kind === 'route') {
        put(object.namespace, ident, `route replace ${routeText(object)} proto ${protocol}`)
      }
      const gone = object ? undefined : observed?.object
      if (!gone || !('namespace' in gone) || goingNamespaces.has(gone.namespace)) continue
      if (gone.kind === 'route') put(gone.namespace, ident, `route delete ${routeText(gone)}`, true)
      if (gone.kind === 'address') {
        put(gone.namespace, ident, `address delete ${gone.cidr} dev ${gone.link}`, true)
        ledger.strike(ident)
      }
      if (gone.kind === 'link') put(gone.namespace, ident, `link delete dev ${gone.name}`)
    }
    await eachOf([...batches], atOnce, async ([namespace, lines]) => {
      merge(failures, await runBatch(namespace, lines))
    })
  }

  function isOurLink(namespace: NamespaceName, name: string): boolean {
    if (namespace !== null && ledger.has(`namespace ${namespace}`)) return true
    return wanted.has(`link ${namespace ?? '-'} ${name}`)
  }

  async function moveChecksums(changes: readonly Change[], failures: Map<string, string>): Promise<void> {
    const links = changes.flatMap(({ wanted: object }) =>
      object?.kind === 'link' && object.checksumInSoftware ? [object] : [],
    )
    await eachOf(links, atOnce, async (link) => {
      const ident = objectKey(link)
      try {
        await run(['ethtool', '-K', link.name, 'tx', 'off'], { namespace: link.namespace })
        settings.get(link.namespace)?.offloads.set(link.name, false)
        // The alias remembers it: a look at offloads would cost a program a link.
        const text = `link set dev ${link.name} alias ${softAlias}`
        merge(failures, await runBatch(link.namespace, [{ ident, text }]))
      } catch (error) {
        failures.set(ident, reasonOf(error))
      }
    })
  }

  async function writeSysctls(changes: readonly Change[], failures: Map<string, string>): Promise<void> {
    const sysctls = changes.flatMap(({ wanted: object }) => (object?.kind === 'sysctl' ? [object] : []))
    await eachOf(sysctls, atOnce, async (object) => {
      try {
        const path = sysctlPath(object.key)
        if (object.namespace === null) await writeFile(path, object.value)
        else await run(['tee', path], { namespace: object.namespace, input: object.value })
      } catch (error) {
        failures.set(objectKey(object), reasonOf(error))
      }
    })
  }

  async function removeNamespaces(changes: readonly Change[], failures: Map<string, string>): Promise<void> {
    const lines: BatchLine[] = []
    for (const { ident, wanted: object, observed } of changes) {
      if (object || observed?.object.kind !== 'namespace') continue
      lines.push({ ident, text: `netns delete ${observed.object.name}` })
      views.delete(observed.object.name)
      followed.delete(observed.object.name)
    }
    merge(failures, await runBatch(null, lines))
    for (const { ident } of lines) {
      if (failures.has(ident)) continue
      ledger.strike(ident)
      // What was inside has gone with it.
      events?.changed(scopeOfNamespace(ident.slice('namespace '.length)))
    }
  }

  // Events

  async function readIds(): Promise<void> {
    try {
      const list = JSON.parse(await run(['ip', '-json', 'netns', 'list-id'])) as {
        nsid: number
        name?: string
      }[]
      ids.clear()
      for (const { nsid, name } of list) if (name !== undefined) ids.set(nsid, name)
    } catch (error) {
      log.debug(
        { reason: reasonOf(error) },
        'namespace ids cannot be read; their drift is found by the audit',
      )
    }
  }

  const soon = new Map<string, NodeJS.Timeout>()

  /** Events come in bursts, our own changes among them: one look follows a burst. */
  function changedSoon(scope: string): void {
    if (soon.has(scope) || stopped) return
    soon.set(
      scope,
      setTimeout(() => {
        soon.delete(scope)
        events?.changed(scope)
      }, 50),
    )
  }

  function startMonitor(): void {
    monitor = startWatcher({
      argv: ['ip', 'monitor', 'all-nsid', 'link', 'address', 'route'],
      patience: 0,
      line: takeEvent,
      ended() {
        if (!stopped) setTimeout(restartMonitor, 1000).unref()
      },
    })
  }

  /** What was told while nobody listened is unknown. */
  function restartMonitor(): void {
    if (stopped) return
    startMonitor()
    for (const namespace of views.keys()) changedSoon(scopeOfNamespace(namespace))
    for (const namespace of asked.keys()) changedSoon(`settings ${scopeOfNamespace(namespace)}`)
  }

  /** The directory comes into being with the first namespace; until then the audit looks. */
  function watchNamespaces(): void {
    if (watcher || stopped) return
    try {
      watcher = watch(netnsDir, () => changedSoon(namespacesScope))
      watcher.on('error', () => {
        watcher?.close()
        watcher = undefined
      })
    } catch {
      watcher = undefined
    }
  }

  function takeEvent(line: string): void {
    const found = /^(?:\[nsid (?:(\d+)|current)\])?(.*)$/.exec(line)
    const id = found?.[1]
    const namespace = id === undefined ? null : ids.get(Number(id))
    if (namespace === undefined) return
    const text = found?.[2] ?? ''
    if (!concerns(namespace, text)) return
    changedSoon(scopeOfNamespace(namespace))
    if (text.includes('event FEATURE CHANGE') && asked.has(namespace))
      changedSoon(`settings ${scopeOfNamespace(namespace)}`)
  }

  /**
   * True for an event of something that is wanted. `ip monitor` keeps one list of names for the links of all
   * namespaces: in what it says of addresses and routes only numbers can be relied on.
   */
  function concerns(namespace: NamespaceName, text: string): boolean {
    const names = watched.get(namespace)
    if (!names || names.size === 0) return false
    if (namespace !== null) return true
    const [, index, name = '', isLink] = /^(?:Deleted )?(\d+): ([^:@\s]+)[^:]*(: <)?/.exec(text) ?? []
    if (isLink !== undefined) return names.has(name)
    if (index === undefined) return / dev /.test(text) && routesHere > 0
    const links = views.get(null)?.links
    return names.keys().some((each) => links?.get(each)?.index === Number(index))
  }

  function watchLink(object: HostObject, by: number): void {
    const ends: { namespace: NamespaceName; name: string }[] = []
    if (object.kind === 'link') ends.push(object, ...(object.peer ? [object.peer] : []))
    if (object.kind === 'address' || object.kind === 'route') ends.push({ ...object, name: object.link })
    for (const { namespace, name } of ends) {
      const names = watched.get(namespace) ?? new Map<string, number>()
      watched.set(namespace, names)
      const left = (names.get(name) ?? 0) + by
      if (left > 0) names.set(name, left)
      else names.delete(name)
      if (names.size === 0) watched.delete(namespace)
    }
  }

  return {
    name: 'network',
    kinds: ['namespace', 'link', 'address', 'route', 'sysctl'],
    removesAtOnce: false,
    scopeOf(object) {
      if (object.kind === 'namespace') return namespacesScope
      if (object.kind === 'sysctl') return `settings ${scopeOfNamespace(object.namespace)}`
      return 'namespace' in object ? scopeOfNamespace(object.namespace) : ''
    },
    async start(listener) {
      events = listener
      startMonitor()
      await readIds()
      watchNamespaces()
      if (options.glanceInterval > 0) glances = setTimeout(glanceNowAndThen, options.glanceInterval)
      await viewOf(null)
      const scopes = [namespacesScope, 'own']
      for (const key of ledger.keys()) {
        if (key.startsWith('namespace ')) scopes.push(scopeOfNamespace(key.slice('namespace '.length)))
      }
      return scopes
    },
    wanted(key, object, before) {
      if (object) wanted.set(key, object)
      else {
        wanted.delete(key)
        judgedBy.delete(key)
      }
      if (object) watchLink(object, 1)
      if (before) watchLink(before, -1)
      if (object?.kind === 'route' && object.namespace === null) routesHere++
      if (before?.kind === 'route' && before.namespace === null) routesHere--
      const subject = object ?? before
      if (subject?.kind !== 'sysctl' && subject?.kind !== 'link') return
      const { namespace } = subject
      const here = asked.get(namespace) ?? { sysctls: new Set<string>(), devices: new Set<string>() }
      const had = here.sysctls.size + here.devices.size
      if (before?.kind === 'sysctl') here.sysctls.delete(before.key)
      if (object?.kind === 'sysctl') here.sysctls.add(object.key)
      if (before?.kind === 'link') here.devices.delete(before.name)
      if (object?.kind === 'link' && object.checksumInSoftware) here.devices.add(object.name)
      if (here.sysctls.size + here.devices.size > 0) {
        asked.set(namespace, here)
        events?.changed(`settings ${scopeOfNamespace(namespace)}`)
      } else if (had > 0) {
        asked.delete(namespace)
        settings.delete(namespace)
      }
    },
    resolve(_key, object) {
      if (object.kind !== 'route') return object
      return { ...object, destination: withPrefix(object.destination) }
    },
    observe,
    verdict,
    apply,
    async stop() {
      stopped = true
      for (const timer of soon.values()) clearTimeout(timer)
      clearTimeout(glances)
      watcher?.close()
      monitor?.stop()
    },
  }
}

const nothing: NamespaceView = { links: new Map(), addresses: [], routes: [] }

function merge(into: Map<string, string>, from: ReadonlyMap<string, string>): void {
  for (const [ident, reason] of from) into.set(ident, reason)
}

function routeText(route: { destination: string; via: string | null; link: string }): string {
  const via = route.via === null ? '' : ` via ${route.via}`
  return `${route.destination}${via} dev ${route.link}`
}

/** True for a name that stands for a namespace, not for the file that a reboot or a crash left there. */
async function isNamespace(name: string): Promise<boolean> {
  try {
    return (await statfs(`${netnsDir}/${name}`)).type === nsfsMagic
  } catch {
    return false
  }
}
