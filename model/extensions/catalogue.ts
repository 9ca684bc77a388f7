/** Every extension that is declared, by alias. Which of them are loaded is for the server's assembly to say. */
import type { Extension } from '../resource.ts'
import {
  agentResourcesSynced,
  agentSortKey,
  agents,
  availabilityZoneFilter,
  availabilityZones,
  dhcpAgentScheduler,
} from './agent.ts'
import { apiExtensions, revisionIfMatch } from './api.ts'
import { autoAllocatedTopologies } from './auto-allocated-topology.ts'
import { binding, bindingExtended } from './binding.ts'
import { flavorExtensions } from './flavors.ts'
import { localIps } from './local-ip.ts'
import { logging } from './logging.ts'
import { meteringExtensions } from './metering.ts'
import { externalNet, netMtu, netMtuWritable, networkAvailabilityZone } from './network.ts'
import { networkIpAvailabilityExtensions } from './network-ip-availability.ts'
import { networkSegmentRanges } from './network-segment-range.ts'
import {
  addressPairsRejectMulticast,
  allowedAddressPairs,
  dnsIntegration,
  extraDhcpOpt,
  ipAllocation,
  ipSubstringFiltering,
  portMacAddressRegenerate,
  portSecurity,
} from './port.ts'
import { portExtras, subnetExternalNetwork } from './port-extras.ts'
import { multiProvider, provider } from './provider.ts'
import { qosExtensions } from './qos.ts'
import { quotaExtensions } from './quota.ts'
import {
  rbacAddressGroup,
  rbacAddressScope,
  rbacPolicies,
  rbacSecurityGroups,
  rbacSubnetpool,
} from './rbac.ts'
import { securityGroupExtensions } from './security-group.ts'
import { segmentExtensions } from './segment.ts'
import {
  standardDescription,
  standardRevisions,
  standardTag,
  standardTimestamp,
  tagCreation,
  tagPortsDuringBulkCreation,
} from './standard-attributes.ts'
import { subnetServiceTypes } from './subnet.ts'
import { subnetpoolExtensions } from './subnetpool.ts'
import { trunkExtensions } from './trunk.ts'

/** In the order in which they are composed: who overrides comes after whom it overrides. */
export const extensionCatalogue: ReadonlyMap<string, Extension> = new Map(
  [
    ...apiExtensions,
    standardDescription,
    standardTimestamp,
    standardRevisions,
    revisionIfMatch,
    standardTag,
    tagPortsDuringBulkCreation,
    tagCreation,
    provider,
    multiProvider,
    externalNet,
    netMtu,
    netMtuWritable,
    portSecurity,
    allowedAddressPairs,
    addressPairsRejectMulticast,
    extraDhcpOpt,
    dnsIntegration,
    portMacAddressRegenerate,
    ipAllocation,
    ipSubstringFiltering,
    subnetServiceTypes,
    subnetExternalNetwork,
    binding,
    bindingExtended,
    ...portExtras,
    agents,
    agentSortKey,
    agentResourcesSynced,
    availabilityZones,
    availabilityZoneFilter,
    networkAvailabilityZone,
    ...networkIpAvailabilityExtensions,
    dhcpAgentScheduler,
    ...subnetpoolExtensions,
    autoAllocatedTopologies,
    ...segmentExtensions,
    networkSegmentRanges,
    rbacPolicies,
    rbacAddressScope,
    rbacSubnetpool,
    ...meteringExtensions,
    ...qosExtensions,
    ...trunkExtensions,
    ...flavorExtensions,
    logging,
    localIps,
    ...quotaExtensions,
    rbacSecurityGroups,
    rbacAddressGroup,
    ...securityGroupExtensions,
  ].map((one) => [one.alias, one]),
)

/** The extensions of these aliases, in the catalogue's order. An unknown alias throws, and lists the known ones. */
export function extensionsOf(aliases: Iterable<string>): Extension[] {
  const wanted = new Set(aliases)
  const unknown = [...wanted].filter((alias) => !extensionCatalogue.has(alias))
  if (unknown.length > 0) {
    throw new TypeError(
      `unknown extension ${unknown.join(', ')}; known are ${[...extensionCatalogue.keys()].join(', ')}`,
    )
  }
  return [...extensionCatalogue.values()].filter((one) => wanted.has(one.alias))
}
