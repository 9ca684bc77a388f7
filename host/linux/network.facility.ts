/**
 * The kernel's network configuration: namespaces, links, addresses, routes and sysctls, by `ip -batch` and
 * `ip -json`. Scopes: the list of namespaces, each namespace, and the settings of each (network.settings.ts). What we
 * made is known by the ledger (namespaces, addresses on links of others), by the alias of a link, and by the protocol
 * of a route.
 */
import { readdir, stat, statfs } from 'node:fs/promises'
import type { Facility, FacilityEvents, Look, Observed, Verdict } from '../facility.ts'
import type { Ledger } from '../ledger.ts'
import type { Log } from '../log.ts'
import { type HostObject, type Link, type NamespaceName, objectKey, type Sysctl } from '../objects.ts'
import { run } from '../run.ts'
import { type NamespaceView, parseView, viewCommands, withPrefix } from './ip.view.ts'
import { netnsDir } from './netns.ts'
import { createNetworkEvents } from './network.events.ts'
import { alias, linkFaults, linkObject, softAlias, stateOf } from './network.links.ts'
import { createNetworkSettings } from './network.settings.ts'
import { createNetworkSteps, routeProtocol } from './network.steps.ts'

export interface NetworkOptions {
  ledger: Ledger
  log: Log
  /** Milliseconds between two glances at what tells no events; 0: none. */
  glanceInterval: number
}

const nsfsMagic = 0x6e736673
const namespacesScope = 'namespaces'

const scopeOfNamespace = (name: NamespaceName): string => (name === null ? 'own' : `in ${name}`)
const scopeOfSettings = (name: NamespaceName): string => `settings ${scopeOfNamespace(name)}`
const namespaceOfScope = (scope: string): NamespaceName => (scope === 'own' ? null : scope.slice(3))

/** `start` begins to listen and changes nothing. What others made is seen only where it is wanted as well. */
export function createNetworkFacility(options: NetworkOptions): Facility {
  const { ledger, log } = options
  const wanted = new Map<string, HostObject>()
  /** The last look at each namespace: a link is judged by both of its ends. */
  const views = new Map<NamespaceName, NamespaceView>()
  /** By which state of its outer end each link was judged. */
  const judgedBy = new Map<string, string>()
  let listener: FacilityEvents | undefined

  const changed = (scope: string): void => listener?.changed(scope)
  const settings = createNetworkSettings({
    log,
    glanceInterval: options.glanceInterval,
    changed: (namespace) => changed(scopeOfSettings(namespace)),
    offloadsChanged: (namespace) => changed(scopeOfNamespace(namespace)),
  })
  const events = createNetworkEvents({
    log,
    views,
    namespacesChanged: () => changed(namespacesScope),
    changed: (namespace) => changed(scopeOfNamespace(namespace)),
    featuresChanged(namespace) {
      if (settings.isAsked(namespace)) changed(scopeOfSettings(namespace))
    },
    missed() {
      for (const namespace of views.keys()) changed(scopeOfNamespace(namespace))
      for (const namespace of settings.asked()) changed(scopeOfSettings(namespace))
    },
  })
  const change = createNetworkSteps({
    ledger,
    views,
    settings,
    events,
    isWanted: (key) => wanted.has(key),
    changed: (namespace) => changed(scopeOfNamespace(namespace)),
  })

  async function observe(scope: string): Promise<Look> {
    if (scope === namespacesScope) return { complete: true, found: await lookAtNamespaces() }
    if (scope.startsWith('settings '))
      return {
        complete: true,
        found: await lookAtSettings(namespaceOfScope(scope.slice('settings '.length))),
      }
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
    events.watchNamespaces()
    for (const name of await readdir(netnsDir).catch(() => [] as string[])) {
      const ident = `namespace ${name}`
      if ((!ledger.has(ident) && !wanted.has(ident)) || !(await isNamespace(name))) continue
      const generation = String((await stat(`${netnsDir}/${name}`)).ino)
      const detail = events.isFollowed(name, generation) ? '' : 'its events are not told'
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
      const detail = asked?.kind === 'link' ? linkFaults(asked, views, settings).join() : ''
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
      add({ kind: 'route', namespace, destination, via, link }, route.protocol === routeProtocol)
    }
    return found
  }

  /** Where an outer end is not what its inner end was judged by, the inner end's namespace is looked at again. */
  function judgePeersAnew(namespace: NamespaceName): void {
    const ends = views.get(namespace)?.links
    for (const [key, object] of linksByOuter(namespace)) {
      if (object.peer && stateOf(ends?.get(object.peer.name)) !== (judgedBy.get(key) ?? ''))
        changed(scopeOfNamespace(object.namespace))
    }
  }

  function* linksByOuter(namespace: NamespaceName): Iterable<[string, Link]> {
    for (const [key, object] of wanted) {
      if (object.kind === 'link' && object.peer?.namespace === namespace) yield [key, object]
    }
  }

  async function lookAtSettings(namespace: NamespaceName): Promise<Observed[]> {
    return Array.from(await settings.look(namespace), ([key, value]) => {
      const object: Sysctl = { kind: 'sysctl', namespace, key, value }
      return { ident: objectKey(object), object, ours: false }
    })
  }

  function verdict(observed: Observed | undefined, object: HostObject): Verdict {
    if (!observed) return 'differs'
    const seen = observed.object
    if (object.kind === 'namespace') return observed.ours && observed.detail === '' ? 'settled' : 'differs'
    if (object.kind === 'sysctl' && seen.kind === 'sysctl')
      return seen.value === object.value ? 'settled' : 'differs'
    if (object.kind === 'link')
      return linkFaults(object, views, settings).length === 0 ? 'settled' : 'differs'
    return 'settled'
  }

  return {
    name: 'network',
    kinds: ['namespace', 'link', 'address', 'route', 'sysctl'],
    removesAtOnce: false,
    scopeOf(object) {
      if (object.kind === 'namespace') return namespacesScope
      if (object.kind === 'sysctl') return scopeOfSettings(object.namespace)
      return 'namespace' in object ? scopeOfNamespace(object.namespace) : ''
    },
    async start(told) {
      listener = told
      await events.start()
      settings.start()
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
      events.want(object, before)
      settings.want(object, before)
    },
    resolve(_key, object) {
      if (object.kind !== 'route') return object
      return { ...object, destination: withPrefix(object.destination) }
    },
    observe,
    verdict,
    async apply(changes) {
      const failures = await change(changes)
      // Both ends of a link are looked at before it is judged.
      const links = changes.flatMap(({ wanted: object }) => (object?.kind === 'link' ? [object] : []))
      const outer = new Set(links.flatMap(({ peer }) => (peer ? [peer.namespace] : [])))
      for (const namespace of outer) await viewOf(namespace)
      return failures
    },
    // Outer ends of links are nobody's objects, and looked at all the same.
    *auditScopes() {
      yield namespacesScope
      for (const namespace of views.keys()) yield scopeOfNamespace(namespace)
      for (const namespace of settings.asked()) yield scopeOfSettings(namespace)
    },
    async stop() {
      events.stop()
      settings.stop()
    },
  }
}

const nothing: NamespaceView = { links: new Map(), addresses: [], routes: [] }

/** True for a name that stands for a namespace, not for the file that a reboot or a crash left there. */
async function isNamespace(name: string): Promise<boolean> {
  try {
    return (await statfs(`${netnsDir}/${name}`)).type === nsfsMagic
  } catch {
    return false
  }
}
