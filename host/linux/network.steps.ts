/**
 * How a host's network configuration is changed: namespaces first, then links, then what is on them, in batches of
 * `ip` (one a namespace); what goes, goes last. Answers the reason of each change that failed, by ident.
 */
import { writeFile } from 'node:fs/promises'
import type { Change } from '../facility.ts'
import { eachOf, reasonOf } from '../keeper.ts'
import type { Ledger } from '../ledger.ts'
import { type NamespaceName, objectKey } from '../objects.ts'
import { run } from '../run.ts'
import { type BatchLine, runBatch } from './ip.batch.ts'
import type { NamespaceView } from './ip.view.ts'
import type { NetworkEvents } from './network.events.ts'
import { alias, linkFaults, outerAlias, softAlias } from './network.links.ts'
import type { NetworkSettings } from './network.settings.ts'
import { sysctlPath } from './settings.reader.ts'

/** What the steps know of the host, and tell of what they did. */
export interface NetworkWorld {
  ledger: Ledger
  views: Map<NamespaceName, NamespaceView>
  settings: NetworkSettings
  events: NetworkEvents
  /** True for the key of an object that is wanted. */
  isWanted(key: string): boolean
  /** Things in a namespace have changed. */
  changed(namespace: NamespaceName): void
}

/** Protocol number of our routes (the kernel keeps it, nobody interprets it). */
export const routeProtocol = '78'
/** Programs that run at the same time. */
const atOnce = 8

/** Answers what makes such changes in a world. */
export function createNetworkSteps(world: NetworkWorld) {
  const { ledger, views, settings, events } = world

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
    await events.follow(made.map(({ name }) => name))
    for (const { name } of made) settings.forget(name)
  }

  async function makeLinks(changes: readonly Change[], failures: Map<string, string>): Promise<void> {
    const batches = new Map<NamespaceName, BatchLine[]>()
    for (const { ident, wanted: object } of changes) {
      if (object?.kind !== 'link') continue
      const faults = linkFaults(object, views, settings)
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
    // A route by way of a gateway needs the one that leads to it.
    const isBehind = ({ wanted: object }: Change): number =>
      Number(object?.kind === 'route' && object.via !== null)
    for (const { ident, wanted: object, observed } of changes.toSorted((a, b) => isBehind(a) - isBehind(b))) {
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
        put(object.namespace, ident, `route replace ${routeText(object)} proto ${routeProtocol}`)
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
    return world.isWanted(`link ${namespace ?? '-'} ${name}`)
  }

  async function moveChecksums(changes: readonly Change[], failures: Map<string, string>): Promise<void> {
    const links = changes.flatMap(({ wanted: object }) =>
      object?.kind === 'link' && object.checksumInSoftware ? [object] : [],
    )
    await eachOf(links, atOnce, async (link) => {
      const ident = objectKey(link)
      try {
        await run(['ethtool', '-K', link.name, 'tx', 'off'], { namespace: link.namespace })
        settings.noteSoftware(link.namespace, link.name)
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
      events.unfollow(observed.object.name)
    }
    merge(failures, await runBatch(null, lines))
    for (const { ident } of lines) {
      if (failures.has(ident)) continue
      ledger.strike(ident)
      // What was inside has gone with it.
      world.changed(ident.slice('namespace '.length))
    }
  }

  return apply
}

function merge(into: Map<string, string>, from: ReadonlyMap<string, string>): void {
  for (const [ident, reason] of from) into.set(ident, reason)
}

function routeText(route: { destination: string; via: string | null; link: string }): string {
  const via = route.via === null ? '' : ` via ${route.via}`
  return `${route.destination}${via} dev ${route.link}`
}
