/** A plugin: extensions that it announces, and what serves them. The core plugin is one; the others have names. */
import type { Resource } from '../model/resource.ts'
import type { Chore } from './chores.ts'
import type { DocumentSources } from './feed/sources.ts'
import type { Ml2 } from './ml2/ml2.ts'
import type { ComputedFeature, Feature, ProjectFeature } from './resource.ts'
import type { NetworkingSettings } from './settings.ts'
import type { Store } from './store/store.ts'

export interface Plugin {
  /** As `[DEFAULT] core_plugin` and `service_plugins` name it. */
  name: string
  /** Aliases that the API announces when the plugin is loaded; each is served by what `serve` answers. */
  extensions: readonly string[]
  serve(parts: PluginParts): Contribution
}

/** What a plugin is made of. */
export interface PluginParts {
  /** The declaration of a resource, with what all loaded extensions add. */
  resource(name: string): Resource
  ml2: Ml2
  settings: NetworkingSettings
}

/** What a plugin adds to the server. */
export interface Contribution {
  features?: readonly Feature[]
  computed?: readonly ComputedFeature[]
  ofProjects?: readonly ProjectFeature[]
  sources?: Partial<DocumentSources>
  /** Once at start, before the first request. */
  initialize?(store: Store): Promise<void>
  /** What the server does of itself, now and then. */
  chores?(store: Store): Chore[]
}
