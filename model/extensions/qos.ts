/** Quality of service: policies, their rules, and where they apply. */
import { boolean } from '../fields/boolean.ts'
import { derived } from '../fields/derived.ts'
import { orNull } from '../fields/kind.ts'
import { uuid } from '../fields/uuid.ts'
import { attribute, type Extension, extension, type SubResource, to } from '../resource.ts'
import { network } from '../resources/network.ts'
import { port } from '../resources/port.ts'
import { qosPolicy } from '../resources/qos-policy.ts'
import {
  bandwidthLimitAlias,
  dscpMarkingAlias,
  minimumBandwidthAlias,
  minimumPacketRateAlias,
  type QosRuleType,
  qosRules,
  qosRuleType,
  ruleTypeDetails,
  ruleTypeFilters,
} from '../resources/qos-rule.ts'

function rulesOfPolicy(type: QosRuleType): Omit<SubResource, 'extension'> {
  const rule = `policy_${type}_rule`
  return {
    name: `${type}_rules`,
    parent: 'policy',
    singular: `${type}_rule`,
    lists: undefined,
    operations: ['list', 'show', 'create', 'update', 'delete'],
    actions: [],
    attributes: qosRules[type],
    policy: {
      list: `get_${rule}`,
      show: `get_${rule}`,
      create: `create_${rule}`,
      update: `update_${rule}`,
      delete: `delete_${rule}`,
    },
  }
}

const resourceRequest = derived<Record<string, unknown> | null>({ type: ['object', 'null'] })
const policyOf = attribute(orNull(uuid), { write: 'always', default: null, enforcePolicy: true })

export const qosExtensions: readonly Extension[] = [
  extension('qos', {
    name: 'Quality of Service',
    description: 'Policies for the traffic of ports and networks',
    updated: '2015-06-08T10:00:00-00:00',
    resources: [qosPolicy, qosRuleType],
    adds: [to(port, { qos_policy_id: policyOf }), to(network, { qos_policy_id: policyOf })],
    members: [
      rulesOfPolicy('bandwidth_limit'),
      rulesOfPolicy('dscp_marking'),
      rulesOfPolicy('minimum_bandwidth'),
    ],
  }),
  extension('qos-default', {
    name: 'QoS default policy',
    description: 'A policy of a project that its new networks get',
    updated: '2017-041-06T10:00:00-00:00',
    requires: ['qos'],
    adds: [
      to(qosPolicy, { is_default: attribute(boolean, { write: 'always', default: false, filter: true }) }),
    ],
  }),
  extension('qos-bw-limit-direction', {
    name: 'Direction for QoS bandwidth limit rule',
    description: 'Limits of what comes and of what goes',
    updated: '2017-04-10T10:00:00-00:00',
    requires: ['qos'],
  }),
  extension('qos-bw-minimum-ingress', {
    name: 'Ingress direction for QoS minimum bandwidth rule',
    description: 'Guarantees of what comes as well',
    updated: '2018-07-09T10:00:00-00:00',
    requires: ['qos'],
  }),
  extension('qos-rule-type-details', {
    name: 'Details of QoS rule types',
    description: 'Which drivers support a kind of rule, with which parameters',
    updated: '2017-06-22T10:00:00-00:00',
    requires: ['qos'],
    adds: [to(qosRuleType, ruleTypeDetails)],
  }),
  extension('qos-rule-type-filter', {
    name: 'Allow to filter the list of QoS rule types',
    description: 'Lists of kinds of rules that some driver supports, or of all',
    updated: '2022-02-02T10:00:00-00:00',
    requires: ['qos'],
    adds: [to(qosRuleType, ruleTypeFilters)],
  }),
  extension('qos-port-network-policy', {
    name: 'QoS port network policy ID',
    description: 'A port tells the policy of its network',
    updated: '2019-11-01T10:00:00-00:00',
    requires: ['qos'],
    adds: [to(port, { qos_network_policy_id: attribute(orNull(uuid), { write: 'never' }) })],
  }),
  extension('port-resource-request', {
    name: 'Port Resource Request',
    description: 'What the compute service has to find room for before it places a port',
    updated: '2018-05-08T10:00:00-00:00',
    adds: [to(port, { resource_request: attribute(resourceRequest, { write: 'never' }) })],
  }),
  extension('port-resource-request-groups', {
    name: 'Port Resource Request Groups',
    description: 'Requests in groups, each of one provider',
    updated: '2021-08-02T10:00:00-00:00',
    requires: ['port-resource-request'],
  }),
  extension('qos-pps', {
    name: 'QoS Rule Type Packet per Second Extension',
    description: 'Limits of packets a second',
    updated: '2021-05-12T10:00:00-00:00',
    requires: ['qos'],
    members: [rulesOfPolicy('packet_rate_limit')],
  }),
  extension('qos-pps-minimum', {
    name: 'QoS minimum packet rate rule',
    description: 'Guarantees of packets a second',
    updated: '2021-07-14T10:00:00-00:00',
    requires: ['qos'],
    members: [rulesOfPolicy('minimum_packet_rate')],
  }),
  extension('qos-rules-alias', {
    name: 'Quality of Service rules alias API',
    description: 'Rules by their ids alone',
    updated: '2018-10-07T10:00:00-00:00',
    requires: ['qos', 'qos-bw-limit-direction'],
    resources: [bandwidthLimitAlias, dscpMarkingAlias, minimumBandwidthAlias],
  }),
  extension('qos-pps-minimum-rule-alias', {
    name: 'QoS minimum packet rate rule alias',
    description: 'Minimum packet rate rules by their ids alone',
    updated: '2021-10-22T10:00:00-00:00',
    requires: ['qos', 'qos-pps-minimum'],
    resources: [minimumPacketRateAlias],
  }),
]
