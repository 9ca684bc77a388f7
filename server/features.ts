/** All loaded plugins together: what the API serves, what hosts are told, and what hosts' reports do. */
import type { Fact } from '../bus/feed.ts'
import { apiExtensions } from '../model/extensions/api.ts'
import { extensionsOf } from '../model/extensions/catalogue.ts'
import { compose, type Extension, type Resource } from '../model/resource.ts'
import { coreResources } from '../model/resources/core.ts'
import type { Logger } from '../runtime/log.ts'
import { type HeartbeatRecorder, heartbeatRecorder } from './agent/heartbeat.ts'
import type { Chore } from './chores.ts'
import type { DocumentSources } from './feed/sources.ts'
import type { MechanismDriver } from './ml2/mechanism-drivers/mechanism-driver.ts'
import { ml2Plugin } from './ml2/ml2.plugin.ts'
import { createMl2 } from './ml2/ml2.ts'
import type { Contribution, PluginParts } from './plugin.ts'
import { loadedPlugins } from './plugins.ts'
import { recordFacts } from './port/provisioning.ts'
import { rbacFeature } from './rbac/rbac.feature.ts'
import type { ComputedFeature, Feature, ProjectFeature } from './resource.ts'
import type { NetworkingSettings } from './settings.ts'
import type { Store } from './store/store.ts'

export interface Features {
  /** Those that are loaded, the API's own included. */
  extensions: Extension[]
  features: Feature[]
  computed: ComputedFeature[]
  ofProjects: ProjectFeature[]
  sources: DocumentSources
  /** Once at start, before the first request: brings identifiers of segments in line with the configuration. */
  initialize(store: Store): Promise<void>
  /** What the server does of itself, now and then. */
  chores(store: Store): Chore[]
  recordHeartbeat: HeartbeatRecorder
  recordFacts(store: Store, host: string, facts: readonly Fact[]): Promise<void>
}

/**
 * `drivers` are mechanism drivers from outside by name. Throws where the configuration names a driver that does not
 * exist.
 */
export function createFeatures(
  settings: NetworkingSettings,
  log: Logger,
  drivers: Readonly<Record<string, MechanismDriver>> = {},
): Features {
  const ml2 = createMl2(settings, log, drivers)
  const plugins = loadedPlugins(settings.DEFAULT.service_plugins)
  const extensions = extensionsOf([
    ...apiExtensions.map((one) => one.alias),
    ...plugins.flatMap((plugin) => plugin.extensions),
  ])
  const model = compose(coreResources, extensions)
  const resource = (name: string): Resource => {
    const found = model.resources.get(name)
    if (!found) throw new TypeError(`the model has no ${name}`)
    return found
  }
  const parts: PluginParts = { resource, ml2, settings }
  const core = ml2Plugin.serve(parts)
  const served: Contribution[] = plugins.map((plugin) => (plugin === ml2Plugin ? core : plugin.serve(parts)))
  const features = served.flatMap((one) => one.features ?? [])
  const sources: DocumentSources = { ...core.sources }
  for (const one of served) Object.assign(sources, one.sources)
  return {
    extensions,
    // Sharing is of the objects of all plugins.
    features: [...features, rbacFeature(resource('rbac_policy'), features)],
    computed: served.flatMap((one) => one.computed ?? []),
    ofProjects: served.flatMap((one) => one.ofProjects ?? []),
    sources,
    async initialize(store) {
      for (const one of served) await one.initialize?.(store)
    },
    chores: (store) => served.flatMap((one) => one.chores?.(store) ?? []),
    recordHeartbeat: heartbeatRecorder(ml2),
    recordFacts,
  }
}
