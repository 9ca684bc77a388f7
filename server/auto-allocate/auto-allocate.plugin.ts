/** The service plugin `auto_allocate`, which is always loaded: a network for whoever has none. */
import type { Plugin } from '../plugin.ts'
import { topologyFeature } from './topology.feature.ts'

export const autoAllocatePlugin: Plugin = {
  name: 'auto_allocate',
  extensions: ['auto-allocated-topology'],
  serve: (parts) => ({ ofProjects: [topologyFeature(parts)] }),
}
