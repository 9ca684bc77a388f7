/** The plugins that configuration may name. An unknown name ends the start and tells the known ones. */
import type { Logger } from '../runtime/log.ts'

const corePlugins = ['ml2', 'neutron.plugins.ml2.plugin.Ml2Plugin']

/** Service plugins of Neutron that are always there here, or not there yet: named in a stock configuration. */
const builtIn = ['auto_allocate', 'tag', 'timestamp', 'network_ip_availability', 'flavors', 'revisions']
const notServed = [
  'conntrack_helper',
  'firewall_v2',
  'local_ip',
  'log',
  'loki',
  'metering',
  'ndp_proxy',
  'network_segment_range',
  'placement',
  'port_forwarding',
  'qos',
  'router',
  'segments',
  'trunk',
  'vpnaas',
]

/** Throws for a name that is none of Neutron's; warns of those that nothing serves yet. */
export function checkPlugins(core: string, services: readonly string[], log: Logger): void {
  if (!corePlugins.includes(core)) {
    throw new Error(
      `[DEFAULT] core_plugin = ${core}: there is no such plugin; known: ${corePlugins.join(', ')}`,
    )
  }
  for (const name of services) {
    if (builtIn.includes(name)) continue
    // A class of Neutron's own, written out.
    if (!notServed.includes(name) && !/^neutron(_\w+)?\.[\w.:]+$/.test(name)) {
      const known = [...builtIn, ...notServed].sort().join(', ')
      throw new Error(`[DEFAULT] service_plugins: there is no plugin ${name}; known: ${known}`)
    }
    log.warn({ plugin: name }, 'this service plugin is not served yet')
  }
}
