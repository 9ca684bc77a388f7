/** The core plugin, wired: features, document sources, and what hosts' heartbeats and reports do. */
import type { Fact, Heartbeat } from '../bus/feed.ts'
import { apiExtensions } from '../model/extensions/api.ts'
import { extensionsOf } from '../model/extensions/catalogue.ts'
import { compose, type Extension, type Resource } from '../model/resource.ts'
import { coreResources } from '../model/resources/core.ts'
import type { Logger } from '../runtime/log.ts'
import { agentFeature } from './agent/agent.feature.ts'
import { availabilityZones } from './agent/availability-zones.ts'
import { recordHeartbeat } from './agent/heartbeat.ts'
import { tunnelEndpointDocuments } from './agent/tunnel-endpoint.documents.ts'
import type { Chore } from './chores.ts'
import { dhcpEntryDocuments } from './dhcp/dhcp-entry.documents.ts'
import { keepDhcpUp, upkeepInterval } from './dhcp/dhcp-upkeep.ts'
import type { DocumentSources } from './feed/sources.ts'
import type { MechanismDriver } from './ml2/mechanism-drivers/mechanism-driver.ts'
import { createMl2, initializeTypeDrivers } from './ml2/ml2.ts'
import { networkDocuments } from './network/network.documents.ts'
import { networkFeature } from './network/network.feature.ts'
import { portDocuments } from './port/port.documents.ts'
import { portFeature } from './port/port.feature.ts'
import { recordFacts } from './port/provisioning.ts'
import { rbacFeature } from './rbac/rbac.feature.ts'
import type { ComputedFeature, Feature } from './resource.ts'
import type { NetworkingSettings } from './settings.ts'
import type { Store } from './store/store.ts'
import { subnetFeature } from './subnet/subnet.feature.ts'

/** What these features serve. */
const servedExtensions: readonly string[] = [
  'standard-attr-description',
  'standard-attr-timestamp',
  'standard-attr-revisions',
  'standard-attr-tag',
  'revision-if-match',
  'provider',
  'multi-provider',
  'external-net',
  'net-mtu',
  'net-mtu-writable',
  'port-security',
  'allowed-address-pairs',
  'extra_dhcp_opt',
  'dns-integration',
  'port-mac-address-regenerate',
  'ip_allocation',
  'ip-substring-filtering',
  'subnet-service-types',
  'binding',
  'binding-extended',
  'agent',
  'agent_sort_key',
  'agent-resources-synced',
  'availability_zone',
  'availability_zone_filter',
  'network_availability_zone',
  'dhcp_agent_scheduler',
  'rbac-policies',
]

export interface Features {
  /** Those that are loaded, the API's own included. */
  extensions: Extension[]
  features: Feature[]
  computed: ComputedFeature[]
  sources: DocumentSources
  /** Once at start, before the first request: brings identifiers of segments in line with the configuration. */
  initialize(store: Store): Promise<void>
  /** What the server does of itself, now and then. */
  chores(store: Store): Chore[]
  recordHeartbeat(store: Store, host: string, beat: Heartbeat): Promise<void>
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
  const extensions = extensionsOf([...apiExtensions.map((one) => one.alias), ...servedExtensions])
  const model = compose(coreResources, extensions)
  const resource = (name: string): Resource => {
    const found = model.resources.get(name)
    if (!found) throw new TypeError(`the model has no ${name}`)
    return found
  }
  const features = [
    networkFeature(resource('network'), ml2),
    subnetFeature(resource('subnet'), ml2),
    portFeature(resource('port'), ml2),
    agentFeature(resource('agent'), ml2),
  ]
  return {
    extensions,
    features: [...features, rbacFeature(resource('rbac_policy'), features)],
    computed: [availabilityZones(resource('availability_zone'))],
    sources: {
      network: networkDocuments(settings),
      port: portDocuments,
      'dhcp-entry': dhcpEntryDocuments(settings),
      'tunnel-endpoint': tunnelEndpointDocuments,
    },
    initialize: (store) =>
      store.write({ requestId: 'start', serialize: ['segments'] }, (tx) => initializeTypeDrivers(tx, ml2)),
    chores: (store) => [{ name: 'dhcp', interval: upkeepInterval(ml2), run: () => keepDhcpUp(store, ml2) }],
    recordHeartbeat: (store, host, beat) => recordHeartbeat(store, ml2, host, beat),
    recordFacts,
  }
}
