/**
 * The settings of namespaces that are wanted in a certain way: sysctls, and whether devices leave out checksums. They
 * tell no events: those of all namespaces are glanced at together, by one program.
 */
import { isDeepStrictEqual } from 'node:util'
import { gathered } from '../../runtime/gathered.ts'
import { reasonOf } from '../keeper.ts'
import type { Log } from '../log.ts'
import type { HostObject, NamespaceName } from '../objects.ts'
import { readOwnSysctls, readSettings, type Settings, type SettingsQuery } from './settings.reader.ts'

export interface NetworkSettingsOptions {
  log: Log
  /** Milliseconds between two glances; 0: none. */
  glanceInterval: number
  /** The settings of a namespace are not what they were, or others are asked for. */
  changed(namespace: NamespaceName): void
  /** Devices of a namespace leave out checksums that did not, or the other way round. */
  offloadsChanged(namespace: NamespaceName): void
}

export interface NetworkSettings {
  /** Notes what is wanted instead of what was. */
  want(object: HostObject | undefined, before: HostObject | undefined): void
  /** The namespaces of which something is asked. */
  asked(): Iterable<NamespaceName>
  isAsked(namespace: NamespaceName): boolean
  /** Looks at what is asked of a namespace; answers its sysctls. */
  look(namespace: NamespaceName): Promise<Settings['sysctls']>
  /** Whether a device leaves out checksums, as last seen; undefined where nobody has looked. */
  offload(namespace: NamespaceName, device: string): boolean | undefined
  /** A device was told to make its checksums. */
  noteSoftware(namespace: NamespaceName, device: string): void
  /** What was seen of a namespace is void: it has gone, or was made anew. */
  forget(namespace: NamespaceName): void
  start(): void
  stop(): void
}

/** Nothing is read before it is asked for. */
export function createNetworkSettings(options: NetworkSettingsOptions): NetworkSettings {
  /** What is wanted of the settings of each namespace. */
  const asked = new Map<NamespaceName, { sysctls: Set<string>; devices: Set<string> }>()
  /** The last look at them. */
  const seen = new Map<NamespaceName, Settings>()
  let timer: NodeJS.Timeout | undefined
  let stopped = false

  /** Namespaces that are looked at together cost one program. */
  const readTogether = gathered(readSettings)

  function queryOf(namespace: NamespaceName): SettingsQuery {
    const { sysctls = [], devices = [] } = asked.get(namespace) ?? {}
    return { namespace, sysctls: [...sysctls], devices: [...devices] }
  }

  const isEmpty = ({ sysctls, devices }: SettingsQuery): boolean => sysctls.length + devices.length === 0

  async function read(query: SettingsQuery): Promise<Settings> {
    if (query.namespace === null && query.devices.length === 0)
      return { sysctls: await readOwnSysctls(query.sysctls), offloads: new Map() }
    return readTogether(query)
  }

  /** Finds the namespaces whose settings are not what they were. */
  async function glance(): Promise<void> {
    const queries = [...seen.keys()].map(queryOf).filter((query) => !isEmpty(query))
    const known = queries.map(({ namespace }) => seen.get(namespace))
    const found = await readSettings(queries)
    queries.forEach(({ namespace }, at) => {
      const before = known[at]
      // What we changed ourselves meanwhile was looked at.
      if (before === seen.get(namespace) && !isDeepStrictEqual(before, found[at])) options.changed(namespace)
    })
  }

  async function glanceNowAndThen(): Promise<void> {
    try {
      await glance()
    } catch (error) {
      options.log.debug({ reason: reasonOf(error) }, 'settings cannot be glanced at')
    }
    if (!stopped) timer = setTimeout(glanceNowAndThen, options.glanceInterval)
  }

  return {
    want(object, before) {
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
        options.changed(namespace)
      } else if (had > 0) {
        asked.delete(namespace)
        seen.delete(namespace)
      }
    },
    asked: () => asked.keys(),
    isAsked: (namespace) => asked.has(namespace),
    async look(namespace) {
      const query = queryOf(namespace)
      if (isEmpty(query)) return new Map()
      const before = seen.get(namespace)
      const now = await read(query)
      seen.set(namespace, now)
      if (!isDeepStrictEqual(before?.offloads, now.offloads)) options.offloadsChanged(namespace)
      return now.sysctls
    },
    offload: (namespace, device) => seen.get(namespace)?.offloads.get(device),
    noteSoftware: (namespace, device) => void seen.get(namespace)?.offloads.set(device, false),
    forget: (namespace) => void seen.delete(namespace),
    start() {
      if (options.glanceInterval > 0) timer = setTimeout(glanceNowAndThen, options.glanceInterval)
    },
    stop() {
      stopped = true
      clearTimeout(timer)
    },
  }
}
