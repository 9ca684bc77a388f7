/** The plugins that configuration may name. An unknown name ends the start and tells the known ones. */
import type { Logger } from '../runtime/log.ts'
import { autoAllocatePlugin } from './auto-allocate/auto-allocate.plugin.ts'
import { flavorsPlugin } from './flavor/flavors.plugin.ts'
import { localIpPlugin } from './local-ip/local-ip.plugin.ts'
import { logPlugin } from './log/log.plugin.ts'
import { meteringPlugin } from './metering/metering.plugin.ts'
import { ml2Plugin } from './ml2/ml2.plugin.ts'
import { networkSegmentRangePlugin } from './network-segment-range/network-segment-range.plugin.ts'
import type { Plugin } from './plugin.ts'
import { qosPlugin } from './qos/qos.plugin.ts'
import { segmentsPlugin } from './segment/segments.plugin.ts'
import { trunkPlugin } from './trunk/trunk.plugin.ts'

/** Loaded where `[DEFAULT] service_plugins` names them. */
const servicePlugins: readonly Plugin[] = [
  localIpPlugin,
  logPlugin,
  meteringPlugin,
  networkSegmentRangePlugin,
  qosPlugin,
  segmentsPlugin,
  trunkPlugin,
]

/** Names of all that can be loaded beside the core plugin. */
export const servicePluginNames: readonly string[] = servicePlugins.map((plugin) => plugin.name)

const coreNames = [ml2Plugin.name, 'neutron.plugins.ml2.plugin.Ml2Plugin']

/** Plugins of Neutron whose work is always done here. */
const alwaysThere = ['auto_allocate', 'tag', 'timestamp', 'network_ip_availability', 'flavors', 'revisions']

/** Plugins of Neutron that nothing serves yet: a stock configuration names some. */
const notServed = [
  'conntrack_helper',
  'firewall_v2',
  'loki',
  'ndp_proxy',
  'placement',
  'port_forwarding',
  'router',
  'vpnaas',
]

/**
 * The core plugin, those that are always there, and the service plugins of these names; names that nothing serves are
 * passed over.
 */
export function loadedPlugins(services: readonly string[]): readonly Plugin[] {
  return [
    ml2Plugin,
    autoAllocatePlugin,
    flavorsPlugin,
    ...servicePlugins.filter((plugin) => services.includes(plugin.name)),
  ]
}

/** Throws for a name that is none of Neutron's; warns of those that nothing serves yet. */
export function checkPlugins(core: string, services: readonly string[], log: Logger): void {
  if (!coreNames.includes(core)) {
    throw new Error(
      `[DEFAULT] core_plugin = ${core}: there is no such plugin; known: ${coreNames.join(', ')}`,
    )
  }
  for (const name of services) {
    if (alwaysThere.includes(name) || servicePluginNames.includes(name)) continue
    // A class of Neutron's own, written out.
    if (!notServed.includes(name) && !/^neutron(_\w+)?\.[\w.:]+$/.test(name)) {
      const known = [...alwaysThere, ...servicePluginNames, ...notServed].sort().join(', ')
      throw new Error(`[DEFAULT] service_plugins: there is no plugin ${name}; known: ${known}`)
    }
    log.warn({ plugin: name }, 'this service plugin is not served yet')
  }
}
