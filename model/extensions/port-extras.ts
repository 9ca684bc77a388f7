/** Attributes of ports, and one of subnets, that are kept for those who ask: no part of this cloud acts on them yet. */
import { boolean } from '../fields/boolean.ts'
import { dnsDomain } from '../fields/dns.ts'
import { orNull } from '../fields/kind.ts'
import { portHints } from '../fields/port-hints.ts'
import { string } from '../fields/string.ts'
import { values } from '../fields/values.ts'
import { attribute, type Extension, extension, to } from '../resource.ts'
import { port } from '../resources/port.ts'
import { subnet } from '../resources/subnet.ts'

const numaPolicies = ['required', 'preferred', 'legacy'] as const

export const portExtras: readonly Extension[] = [
  extension('data-plane-status', {
    name: 'Port data plane status extension',
    description: 'What an outside monitor says of the wire of a port',
    updated: '2017-01-24T10:00:00-00:00',
    adds: [
      to(port, {
        data_plane_status: attribute(values([null, 'ACTIVE', 'DOWN']), {
          write: 'update',
          enforcePolicy: true,
        }),
      }),
    ],
  }),
  extension('port-device-profile', {
    name: 'Port device profile',
    description: 'The accelerator that a port comes with',
    updated: '2020-12-17T10:00:00-00:00',
    adds: [to(port, { device_profile: attribute(orNull(string(255)), { write: 'create', default: null }) })],
  }),
  extension('port-numa-affinity-policy', {
    name: 'Port NUMA affinity policy',
    description: 'How near to the device of a port its instance has to be',
    updated: '2020-07-08T10:00:00-00:00',
    adds: [
      to(port, {
        numa_affinity_policy: attribute(values([...numaPolicies, null]), { write: 'always', default: null }),
      }),
    ],
  }),
  extension('port-numa-affinity-policy-socket', {
    name: 'Port NUMA affinity policy "socket"',
    description: 'On the socket of the device',
    updated: '2024-02-09T10:00:00-00:00',
    requires: ['port-numa-affinity-policy'],
    adds: [
      to(port, {
        numa_affinity_policy: attribute(values([...numaPolicies, 'socket', null]), {
          write: 'always',
          default: null,
        }),
      }),
    ],
  }),
  extension('port-hints', {
    name: 'Port hints',
    description: 'Settings for what plugs a port',
    updated: '2023-01-01T00:00:00-00:00',
    adds: [
      to(port, {
        hints: attribute(orNull(portHints), { write: 'always', default: null, enforcePolicy: true }),
      }),
    ],
  }),
  extension('port-hint-ovs-tx-steering', {
    name: 'Port hint: Open vSwitch Tx steering',
    description: 'The hint openvswitch other_config tx-steering',
    updated: '2023-01-01T00:00:00-00:00',
    requires: ['port-hints'],
  }),
  extension('port-trusted-vif', {
    name: 'Port trusted vif',
    description: 'Ports whose instance may change what the device guards',
    updated: '2024-07-10T10:00:00-00:00',
    requires: ['binding'],
    adds: [to(port, { trusted: attribute(boolean, { write: 'always', enforcePolicy: true }) })],
  }),
  extension('port-hardware-offload-type', {
    name: 'Port hardware offload',
    description: 'Ports that the device switches by itself: their binding profile says so',
    updated: '2023-05-09T10:00:00-00:00',
    adds: [
      to(port, {
        hardware_offload_type: attribute(values(['switchdev']), { write: 'create', enforcePolicy: true }),
      }),
    ],
  }),
  extension('uplink-status-propagation', {
    name: 'Uplink status propagation extension',
    description: 'Whether a port goes down with the uplink of its device',
    updated: '2018-05-31T18:00:00-00:00',
    adds: [to(port, { propagate_uplink_status: attribute(boolean, { write: 'create', default: true }) })],
  }),
  extension('uplink-status-propagation-updatable', {
    name: 'Uplink status propagation updatable extension',
    description: 'propagate_uplink_status can be changed',
    updated: '2024-09-03T18:00:00-00:00',
    requires: ['uplink-status-propagation'],
    adds: [to(port, { propagate_uplink_status: attribute(boolean, { write: 'always', default: true }) })],
  }),
  extension('dns-domain-ports', {
    name: 'dns_domain for ports',
    description: 'The domain in which an outside DNS service publishes a port',
    updated: '2017-04-24T10:00:00-00:00',
    requires: ['dns-integration'],
    adds: [to(port, { dns_domain: attribute(dnsDomain, { write: 'always', default: '' }) })],
  }),
  extension('subnet-dns-publish-fixed-ip', {
    name: 'Subnet DNS publish fixed IP',
    description: 'Whether an outside DNS service publishes the addresses of a subnet',
    updated: '2019-05-24T10:00:00-00:00',
    requires: ['dns-domain-ports'],
    adds: [to(subnet, { dns_publish_fixed_ip: attribute(boolean, { write: 'always', default: false }) })],
  }),
]

export const subnetExternalNetwork = extension('subnet-external-network', {
  name: 'Subnet belongs to an external network',
  description: 'A subnet tells whether its network is external',
  updated: '2024-02-05T18:00:00-00:00',
  requires: ['external-net'],
  adds: [
    to(subnet, {
      'router:external': attribute(boolean, {
        write: 'never',
        filter: true,
        requiredByPolicy: true,
        enforcePolicy: true,
      }),
    }),
  ],
})
