/**
 * What the kernel tells of its network configuration: `ip monitor` for the namespaces that have a number, the
 * directory of namespaces for their coming and going. Only what is wanted is passed on, and a burst as one change.
 */
import { type FSWatcher, watch } from 'node:fs'
import { stat } from 'node:fs/promises'
import { reasonOf } from '../keeper.ts'
import type { Log } from '../log.ts'
import type { HostObject, NamespaceName } from '../objects.ts'
import { run } from '../run.ts'
import { startWatcher, type Watcher } from '../watcher.ts'
import type { NamespaceView } from './ip.view.ts'
import { netnsDir } from './netns.ts'

export interface NetworkEventsOptions {
  log: Log
  /** The last look at each namespace. */
  views: ReadonlyMap<NamespaceName, NamespaceView>
  /** Namespaces have come or gone. */
  namespacesChanged(): void
  /** Something that is wanted in a namespace may have changed. */
  changed(namespace: NamespaceName): void
  /** A device of a namespace may leave out checksums now. */
  featuresChanged(namespace: NamespaceName): void
  /** Nobody has listened for a while: anything may have changed. */
  missed(): void
}

export interface NetworkEvents {
  start(): Promise<void>
  stop(): void
  /** Watches for namespaces that come and go, if that is possible by now. */
  watchNamespaces(): void
  /** Notes what is wanted instead of what was. */
  want(object: HostObject | undefined, before: HostObject | undefined): void
  /** Namespaces were made, or made anew: their events are told from now on. */
  follow(names: readonly string[]): Promise<void>
  /** A namespace goes. */
  unfollow(name: string): void
  /** True where the events of the namespace with that inode are told. */
  isFollowed(name: string, inode: string): boolean
}

/** Nothing is listened to before `start`; what happens until then is found by the first look. */
export function createNetworkEvents(options: NetworkEventsOptions): NetworkEvents {
  const { log, views } = options
  /** Names of namespaces by the numbers that events bear. */
  const ids = new Map<number, string>()
  let told: ReadonlySet<string> = new Set()
  /** Inode of each namespace whose events are told. */
  const followed = new Map<string, string>()
  /** Names of links, by namespace, whose events matter. */
  const watched = new Map<NamespaceName, Map<string, number>>()
  /** Wanted routes of the own namespace. */
  let routesHere = 0
  let monitor: Watcher | undefined
  let watcher: FSWatcher | undefined
  let stopped = false
  const soon = new Map<string, NodeJS.Timeout>()

  /** Events come in bursts, our own changes among them: one look follows a burst. */
  function afterBurst(what: string, tell: () => void): void {
    if (soon.has(what) || stopped) return
    soon.set(
      what,
      setTimeout(() => {
        soon.delete(what)
        tell()
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

  function restartMonitor(): void {
    if (stopped) return
    startMonitor()
    afterBurst('all', options.missed)
  }

  function takeEvent(line: string): void {
    const found = /^(?:\[nsid (?:(\d+)|current)\])?(.*)$/.exec(line)
    const id = found?.[1]
    const namespace = id === undefined ? null : ids.get(Number(id))
    if (namespace === undefined) return
    const text = found?.[2] ?? ''
    if (!concerns(namespace, text)) return
    afterBurst(`in ${namespace}`, () => options.changed(namespace))
    if (text.includes('event FEATURE CHANGE'))
      afterBurst(`features ${namespace}`, () => options.featuresChanged(namespace))
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

  function count(object: HostObject, by: number): void {
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

  async function readIds(): Promise<void> {
    try {
      const list: { nsid: number; name?: string }[] = JSON.parse(
        await run(['ip', '-json', 'netns', 'list-id']),
      )
      ids.clear()
      for (const { nsid, name } of list) if (name !== undefined) ids.set(nsid, name)
    } catch (error) {
      const reason = reasonOf(error)
      log.debug({ reason }, 'namespace ids cannot be read; their drift is found by the audit')
    }
    told = new Set(ids.values())
  }

  /** The directory comes into being with the first namespace; until then the audit looks. */
  function watchNamespaces(): void {
    if (watcher || stopped) return
    try {
      watcher = watch(netnsDir, () => afterBurst('namespaces', options.namespacesChanged))
      watcher.on('error', () => {
        watcher?.close()
        watcher = undefined
      })
    } catch {
      watcher = undefined
    }
  }

  return {
    async start() {
      startMonitor()
      await readIds()
      watchNamespaces()
    },
    stop() {
      stopped = true
      for (const timer of soon.values()) clearTimeout(timer)
      watcher?.close()
      monitor?.stop()
    },
    watchNamespaces,
    want(object, before) {
      if (object) count(object, 1)
      if (before) count(before, -1)
      if (object?.kind === 'route' && object.namespace === null) routesHere++
      if (before?.kind === 'route' && before.namespace === null) routesHere--
    },
    async follow(names) {
      for (const name of names) followed.delete(name)
      await readIds()
      for (const name of names) {
        // Where it has no number all the same, the audit finds what drifts in it.
        const inode = await stat(`${netnsDir}/${name}`).catch(() => undefined)
        if (inode) followed.set(name, String(inode.ino))
      }
    },
    unfollow: (name) => void followed.delete(name),
    isFollowed(name, inode) {
      if (!followed.has(name) && told.has(name)) followed.set(name, inode)
      return followed.get(name) === inode
    },
  }
}
