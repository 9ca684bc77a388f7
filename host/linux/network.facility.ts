/**
 * The kernel's network configuration: namespaces, links, addresses, routes and sysctls, by `ip -batch` and
 * `ip -json`. Scopes: the list of namespaces, each namespace, and the sysctls of each. What we made is known by the
 * ledger (namespaces, addresses on links of others), by the alias of a link, and by the protocol of a route.
 */
import { type FSWatcher, watch } from 'node:fs'
import { readdir, readFile, stat, statfs, writeFile } from 'node:fs/promises'
import type { Change, Facility, FacilityEvents, Look, Observed, Verdict } from '../facility.ts'
import { eachOf, reasonOf } from '../keeper.ts'
import type { Ledger } from '../ledger.ts'
import type { Log } from '../log.ts'
import { type HostObject, type Link, type NamespaceName, objectKey, type Sysctl } from '../objects.ts'
import { CommandError, run } from '../run.ts'
import { startWatcher, type Watcher } from '../watcher.ts'
import { type BatchLine, inNamespace, runBatch } from './ip.batch.ts'
import { type LinkView, type NamespaceView, parseView, viewCommands, withPrefix } from './ip.view.ts'

export interface NetworkOptions {
  ledger: Ledger
  log: Log
}

/** Alias of the links that we made; the second form where checksums were moved to software. */
const alias = 'nucleon'
const softAlias = 'nucleon:checksum-in-software'
const outerAlias = 'nucleon:outer'
/** Protocol number of our routes (the kernel keeps it, nobody interprets it). */
const protocol = '78'
const netnsDir = '/run/netns'
const nsfsMagic = 0x6e736673
const namespacesScope = 'namespaces'

const scopeOfNamespace = (name: NamespaceName): string => (name === null ? 'own' : `in ${name}`)
const namespaceOfScope = (scope: string): NamespaceName => (scope === 'own' ? null : scope.slice(3))

export function createNetworkFacility(options: NetworkOptions): Facility {
  const { ledger, log } = options
  const wanted = new Map<string, HostObject>()
  const sysctls = new Map<string, Set<string>>()
  /** The last look at each namespace: a link is judged by both of its ends. */
  const views = new Map<NamespaceName, NamespaceView>()
  const ids = new Map<number, string>()
  /** Names of links, by namespace, whose events matter. */
  const watched = new Map<NamespaceName, Map<string, number>>()
  let events: FacilityEvents | undefined
  let monitor: Watcher | undefined
  let watcher: FSWatcher | undefined
  let stopped = false

  // Looking

  async function observe(scope: string): Promise<Look> {
    if (scope === namespacesScope) return { complete: true, found: await lookAtNamespaces() }
    if (scope.startsWith('sysctl ')) return { complete: true, found: await lookAtSysctls(scope) }
    const namespace = namespaceOfScope(scope)
    const view = await viewOf(namespace)
    const before = views.get(namespace)
    views.set(namespace, view)
    if (before) judgePeersAnew(namespace, before, view)
    return { complete: true, found: view === nothing ? [] : objectsOf(namespace, view) }
  }

  async function viewOf(namespace: NamespaceName): Promise<NamespaceView> {
    if (namespace !== null && !(await isNamespace(namespace))) return nothing
    const text = await run(['ip', ...inNamespace(namespace), '-json', '-details', '-batch', '-'], {
      input: viewCommands,
    })
    return parseView(text)
  }

  async function lookAtNamespaces(): Promise<Observed[]> {
    const found: Observed[] = []
    for (const name of await readdir(netnsDir).catch(() => [] as string[])) {
      const ident = `namespace ${name}`
      if ((!ledger.has(ident) && !wanted.has(ident)) || !(await isNamespace(name))) continue
      const generation = String((await stat(`${netnsDir}/${name}`)).ino)
      found.push({ ident, object: { kind: 'namespace', name }, ours: ledger.has(ident), generation })
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
      const asked = wanted.get(objectKey(object))
      const detail = asked?.kind === 'link' ? linkFaults(asked).join() : ''
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

  /** When an outer end has changed, its inner end's namespace is looked at again. */
  function judgePeersAnew(namespace: NamespaceName, before: NamespaceView, now: NamespaceView): void {
    for (const object of wanted.values()) {
      if (object.kind !== 'link' || !object.peer || object.peer.namespace !== namespace) continue
      const a = before.links.get(object.peer.name)
      const b = now.links.get(object.peer.name)
      if (a?.index !== b?.index || a?.up !== b?.up || a?.mtu !== b?.mtu) {
        events?.changed(scopeOfNamespace(object.namespace))
      }
    }
  }

  async function lookAtSysctls(scope: string): Promise<Observed[]> {
    const namespace = namespaceOfScope(scope.slice('sysctl '.length))
    const keys = [...(sysctls.get(scope) ?? [])]
    if (keys.length === 0) return []
    const found: Observed[] = []
    for (const [key, value] of await readSysctls(namespace, keys)) {
      const object: Sysctl = { kind: 'sysctl', namespace, key, value }
      found.push({ ident: objectKey(object), object, ours: false })
    }
    return found
  }

  function verdict(observed: Observed | undefined, object: HostObject): Verdict {
    if (!observed) return 'differs'
    const seen = observed.object
    if (object.kind === 'namespace') return observed.ours ? 'settled' : 'differs'
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
    for (const namespace of outer) views.set(namespace, await viewOf(namespace))
    return failures
  }

  async function makeNamespaces(changes: readonly Change[], failures: Map<string, string>): Promise<void> {
    const made = changes.flatMap(({ ident, wanted: object, observed }) =>
      object?.kind === 'namespace' ? [{ ident, name: object.name, there: observed !== undefined }] : [],
    )
    if (made.length === 0) return
    for (const { ident } of made) ledger.add(ident)
    const lines: BatchLine[] = made.flatMap(({ ident, name, there }) => [
      ...(there ? [] : [{ ident, text: `netns add ${name}` }]),
      { ident, text: `netns set ${name} auto`, mayFail: true },
    ])
    merge(failures, await runBatch(null, lines))
    await eachOf(made, 4, async ({ ident, name }) => {
      merge(failures, await runBatch(name, [{ ident, text: 'link set dev lo up' }]))
    })
    await readIds()
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
    await eachOf([...batches], 4, async ([namespace, lines]) => {
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
        if (!isOurLink(object.namespace, object.link)) ledger.add(ident)
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
    await eachOf([...batches], 4, async ([namespace, lines]) => {
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
    await eachOf(links, 4, async (link) => {
      const ident = objectKey(link)
      const enter = link.namespace === null ? [] : ['ip', 'netns', 'exec', link.namespace]
      const [program = 'ethtool', ...rest] = [...enter, 'ethtool', '-K', link.name, 'tx', 'off']
      try {
        await run([program, ...rest])
        // The alias remembers it: a look at offloads would cost a program a link.
        const text = `link set dev ${link.name} alias ${softAlias}`
        merge(failures, await runBatch(link.namespace, [{ ident, text }]))
      } catch (error) {
        failures.set(ident, reasonOf(error))
      }
    })
  }

  async function writeSysctls(changes: readonly Change[], failures: Map<string, string>): Promise<void> {
    for (const { ident, wanted: object } of changes) {
      if (object?.kind !== 'sysctl') continue
      try {
        const path = sysctlPath(object.key)
        if (object.namespace === null) await writeFile(path, object.value)
        else await run(['ip', 'netns', 'exec', object.namespace, 'tee', path], { input: object.value })
      } catch (error) {
        failures.set(ident, reasonOf(error))
      }
    }
  }

  async function removeNamespaces(changes: readonly Change[], failures: Map<string, string>): Promise<void> {
    const lines: BatchLine[] = []
    for (const { ident, wanted: object, observed } of changes) {
      if (object || observed?.object.kind !== 'namespace') continue
      lines.push({ ident, text: `netns delete ${observed.object.name}` })
      views.delete(observed.object.name)
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
        if (!stopped) setTimeout(() => stopped || startMonitor(), 1000).unref()
      },
    })
  }

  function takeEvent(line: string): void {
    const found = /^(?:\[nsid (\d+)\])?(.*)$/.exec(line)
    const id = found?.[1]
    const namespace = id === undefined ? null : ids.get(Number(id))
    if (namespace === undefined) return
    const text = found?.[2] ?? ''
    const link = /^(?:Deleted )?\d+: ([^:@\s]+)/.exec(text)?.[1] ?? / dev (\S+)/.exec(text)?.[1]
    if (link !== undefined && watched.get(namespace)?.has(link)) changedSoon(scopeOfNamespace(namespace))
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
    }
  }

  return {
    name: 'network',
    kinds: ['namespace', 'link', 'address', 'route', 'sysctl'],
    removesAtOnce: false,
    scopeOf(object) {
      if (object.kind === 'namespace') return namespacesScope
      if (object.kind === 'sysctl') return `sysctl ${scopeOfNamespace(object.namespace)}`
      return 'namespace' in object ? scopeOfNamespace(object.namespace) : ''
    },
    async start(listener) {
      events = listener
      startMonitor()
      await readIds()
      try {
        watcher = watch(netnsDir, () => changedSoon(namespacesScope))
      } catch {
        // The directory comes into being with the first namespace; until then the audit looks.
      }
      views.set(null, await viewOf(null))
      const scopes = [namespacesScope, 'own']
      for (const key of ledger.keys()) {
        if (key.startsWith('namespace ')) scopes.push(scopeOfNamespace(key.slice('namespace '.length)))
      }
      return scopes
    },
    wanted(key, object, before) {
      if (object) wanted.set(key, object)
      else wanted.delete(key)
      if (object) watchLink(object, 1)
      if (before) watchLink(before, -1)
      const sysctl = object ?? before
      if (sysctl?.kind !== 'sysctl') return
      const scope = `sysctl ${scopeOfNamespace(sysctl.namespace)}`
      const keys = sysctls.get(scope) ?? new Set<string>()
      sysctls.set(scope, keys)
      if (object) keys.add(sysctl.key)
      else keys.delete(sysctl.key)
      if (object) events?.changed(scope)
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

function sysctlPath(key: string): string {
  // `/` in a key stands for a dot in a name (`net.ipv4.conf.eth0/100.rp_filter`), as sysctl(8) has it.
  return `/proc/sys/${key.replaceAll('.', '\0').replaceAll('/', '.').replaceAll('\0', '/')}`
}

async function readSysctls(namespace: NamespaceName, keys: readonly string[]): Promise<Map<string, string>> {
  const values = new Map<string, string>()
  const byPath = new Map(keys.map((key) => [sysctlPath(key), key]))
  if (namespace === null) {
    for (const [path, key] of byPath) {
      const text = await readFile(path, 'utf8').catch(() => undefined)
      if (text !== undefined) values.set(key, text.trim().replaceAll('\t', ' '))
    }
    return values
  }
  // grep prints the path before each value; a path that is missing costs only its own line.
  const text = await run(['ip', 'netns', 'exec', namespace, 'grep', '-H', '', ...byPath.keys()]).catch(
    (error) => {
      if (error instanceof CommandError) return error.stdout
      throw error
    },
  )
  for (const line of text.split('\n')) {
    const at = line.indexOf(':')
    const key = byPath.get(line.slice(0, at))
    if (key !== undefined)
      values.set(
        key,
        line
          .slice(at + 1)
          .trim()
          .replaceAll('\t', ' '),
      )
  }
  return values
}
