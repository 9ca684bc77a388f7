/** The core plugin: networks, subnets, ports and agents, by type and mechanism drivers. */
import { addressGroupFeature } from '../address-group/address-group.feature.ts'
import { agentFeature } from '../agent/agent.feature.ts'
import { availabilityZones } from '../agent/availability-zones.ts'
import { tunnelEndpointDocuments } from '../agent/tunnel-endpoint.documents.ts'
import { dhcpEntryDocuments } from '../dhcp/dhcp-entry.documents.ts'
import { dhcpUpkeep, upkeepInterval } from '../dhcp/dhcp-upkeep.ts'
import { networkDocuments } from '../network/network.documents.ts'
import { networkFeature } from '../network/network.feature.ts'
import { networkIpAvailability } from '../network-ip-availability/availability.feature.ts'
import type { Plugin } from '../plugin.ts'
import { portDocuments } from '../port/port.documents.ts'
import { portFeature } from '../port/port.feature.ts'
import { defaultRuleFeature } from '../security-group/default-rule.feature.ts'
import { defaultStatefulnessFeature } from '../security-group/default-statefulness.feature.ts'
import { securityGroupRuleFeature } from '../security-group/rule.feature.ts'
import { securityGroupFeature } from '../security-group/security-group.feature.ts'
import { subnetFeature } from '../subnet/subnet.feature.ts'
import { addressScopeFeature } from '../subnetpool/address-scope.feature.ts'
import { subnetpoolFeature } from '../subnetpool/subnetpool.feature.ts'
import { initializeTypeDrivers } from './ml2.ts'

export const ml2Plugin = {
  name: 'ml2',
  extensions: [
    'standard-attr-description',
    'standard-attr-timestamp',
    'standard-attr-revisions',
    'standard-attr-tag',
    'tag-ports-during-bulk-creation',
    'tag-creation',
    'revision-if-match',
    'provider',
    'multi-provider',
    'external-net',
    'net-mtu',
    'net-mtu-writable',
    'port-security',
    'allowed-address-pairs',
    'aap-reject-multicast',
    'extra_dhcp_opt',
    'dns-integration',
    'port-mac-address-regenerate',
    'ip_allocation',
    'ip-substring-filtering',
    'subnet-service-types',
    'subnet-external-network',
    'data-plane-status',
    'port-device-profile',
    'port-numa-affinity-policy',
    'port-numa-affinity-policy-socket',
    'port-hints',
    'port-hint-ovs-tx-steering',
    'port-trusted-vif',
    'port-hardware-offload-type',
    'uplink-status-propagation',
    'uplink-status-propagation-updatable',
    'dns-domain-ports',
    'subnet-dns-publish-fixed-ip',
    'subnet_allocation',
    'default-subnetpools',
    'subnetpool-prefix-ops',
    'subnet_onboard',
    'address-scope',
    'rbac-address-scope',
    'rbac-subnetpool',
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
    'rbac-security-groups',
    'rbac-address-group',
    'security-group',
    'port-security-groups-filtering',
    'address-group',
    'security-groups-remote-address-group',
    'security-groups-normalized-cidr',
    'stateful-security-group',
    'security-groups-shared-filtering',
    'security-groups-rules-belongs-to-default-sg',
    'security-groups-default-rules',
    'security-groups-default-statefulness',
    'network-ip-availability',
    'network-ip-availability-details',
    'quotas',
    'quota_details',
    'quota-check-limit',
    'quota-check-limit-default',
  ],
  serve: ({ resource, ml2, settings }) => ({
    features: [
      networkFeature(resource('network'), ml2),
      subnetFeature(resource('subnet'), ml2),
      portFeature(resource('port'), ml2),
      subnetpoolFeature(resource('subnetpool')),
      addressScopeFeature(resource('address_scope')),
      agentFeature(resource('agent'), ml2),
      securityGroupFeature(resource('security_group'), settings.quotas),
      securityGroupRuleFeature(resource('security_group_rule')),
      defaultRuleFeature(resource('default_security_group_rule')),
      defaultStatefulnessFeature(resource('security_groups_default_statefulness')),
      addressGroupFeature(resource('address_group')),
    ],
    computed: [
      availabilityZones(resource('availability_zone')),
      networkIpAvailability(resource('network_ip_availability')),
    ],
    sources: {
      network: networkDocuments(settings),
      port: portDocuments,
      'dhcp-entry': dhcpEntryDocuments(settings),
      'tunnel-endpoint': tunnelEndpointDocuments,
    },
    initialize: (store) =>
      store.write({ requestId: 'start', serialize: ['segments'] }, (tx) => initializeTypeDrivers(tx, ml2)),
    chores: (store) => [{ name: 'dhcp', interval: upkeepInterval(ml2), run: dhcpUpkeep(store, ml2) }],
  }),
} satisfies Plugin
