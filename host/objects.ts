/**
 * The kinds of things that Nucleon puts on a Linux host, as plain data. A HostState is a set of them; two objects
 * with the same key are the same thing, and content is compared by value.
 */

/** Network namespace; null is the one that the agent itself runs in. */
export type NamespaceName = string | null

export interface Namespace {
  kind: 'namespace'
  name: string
}

/** A link that we make. A veth is ONE object, described from its inner end; `peer` is its outer end. */
export interface Link {
  kind: 'link'
  namespace: NamespaceName
  name: string
  type: 'veth' | 'dummy'
  peer?: { namespace: NamespaceName; name: string }
  mac?: string
  mtu?: number
  up: boolean
  /** True: TX checksum offload of this end is off (needed for what a userspace datapath forwards). */
  checksumInSoftware?: boolean
}

export interface Address {
  kind: 'address'
  namespace: NamespaceName
  link: string
  /** Address with prefix length, canonical: `10.0.0.2/24`. */
  cidr: string
}

export interface Route {
  kind: 'route'
  namespace: NamespaceName
  /** CIDR, or `default` with the family of `via`. */
  destination: string
  via: string | null
  link: string
}

export interface Sysctl {
  kind: 'sysctl'
  namespace: NamespaceName
  /** `net.ipv6.conf.all.forwarding` */
  key: string
  value: string
}

/** A bridge of Open vSwitch. Columns not named here are left alone. */
export interface OvsBridge {
  kind: 'ovs-bridge'
  name: string
  datapathType: 'system' | 'netdev'
  failMode: 'secure' | 'standalone'
  /** True: the bridge was made by its operator (a provider bridge): we set fail mode and flows, never remove it. */
  foreign?: boolean
}

/** A port on a bridge with its one interface. `type` '' is a system device, as OVSDB has it. */
export interface OvsPort {
  kind: 'ovs-port'
  bridge: string
  name: string
  type: '' | 'internal' | 'patch' | 'vxlan' | 'gre' | 'geneve'
  options?: Record<string, string>
  /** external_ids of the interface (iface-id, attached-mac, iface-status …). */
  externalIds?: Record<string, string>
}

/** Key of a network segment on a host: what a local VLAN stands for. */
export interface SegmentRef {
  networkId: string
  networkType: string
  physicalNetwork: string | null
  segmentationId: number | null
}

/**
 * The local VLAN of a port that somebody (Nova, DHCP) has put on br-int: a facet of theirs that the L2 agent owns.
 * The number is chosen at apply (see host/ovs/local-vlans.ts) and kept in the port's other_config, as Neutron does.
 */
export interface OvsTag {
  kind: 'ovs-tag'
  port: string
  segment: SegmentRef
}

/**
 * One flow of ours (our cookie). Text is in the form that `ovs-ofctl dump-flows --no-names` prints it, except for
 * the symbols, which are resolved at apply:
 *   {port:NAME}  the ofport of that port on that bridge;   {vlan:KEY}  the local VLAN of segmentKey(segment);
 *   {vlan_tci:KEY}  the same as 0x1VVV.
 *   {outputs:NAME,NAME}  `output:N` of each of these ports of that bridge that has a value now, with commas between;
 *                        `drop` when none has. Always has a value: one port in trouble must not stop the others.
 * A flow with a symbol that has no value yet is not written.
 */
export interface Flow {
  kind: 'flow'
  bridge: string
  table: number
  priority: number
  /** `in_port={port:tap1},arp`; '' matches all. Fields in a fixed order. */
  match: string
  actions: string
}

/** A file that we own, whole. Written beside and renamed. */
export interface File {
  kind: 'file'
  path: string
  content: string
  mode: number
  /** A process that must hear of it, and of which happenings. The signal is not lost if the agent dies in between. */
  notify?: { process: string; signal: 'SIGHUP'; on: readonly ('create' | 'update' | 'remove')[] }
}

/**
 * The file in which a process keeps what it has given out (dnsmasq's leases). Made before the process, with the
 * leases that are wanted; from then on its content is the process's. Name it in the process's `needs`: one that took its place means a restart.
 */
export interface LeaseFile {
  kind: 'lease-file'
  path: string
  process: string
}

/** A directory that we own. What is in it and not wanted is removed, save files that a process's arguments name. */
export interface Directory {
  kind: 'directory'
  path: string
  mode: number
}

/** A long-running program that outlives the agent and is adopted by the next one. Changed argv means a restart. */
export interface Process {
  kind: 'process'
  /** `dnsmasq-<network id>`: unique on the host. */
  id: string
  namespace: NamespaceName
  argv: readonly [string, ...string[]]
  /** Objects (keys) whose removal or re-creation needs this process restarted (its namespace, its interface). */
  needs?: readonly string[]
}

/**
 * Leave for a DHCP lease to exist: a lease that the server of `process` has given and for which there is no such
 * object is released (dhcp_release). Never creates anything.
 */
export interface Lease {
  kind: 'lease'
  /** The DHCP server that the lease is of. */
  process: string
  namespace: string
  link: string
  /** dnsmasq's lease file. */
  file: string
  ip: string
  mac: string
}

export type HostObject =
  | Namespace
  | Link
  | Address
  | Route
  | Sysctl
  | OvsBridge
  | OvsPort
  | OvsTag
  | Flow
  | Directory
  | File
  | LeaseFile
  | Process
  | Lease

export type Kind = HostObject['kind']

/** Identity of an object: equal keys mean the same thing on the host. */
export function objectKey(object: HostObject): string {
  switch (object.kind) {
    case 'namespace':
      return `namespace ${object.name}`
    case 'link':
      return `link ${object.namespace ?? '-'} ${object.name}`
    case 'address':
      return `address ${object.namespace ?? '-'} ${object.link} ${object.cidr}`
    case 'route':
      return `route ${object.namespace ?? '-'} ${object.destination} ${object.via ?? '-'} ${object.link}`
    case 'sysctl':
      return `sysctl ${object.namespace ?? '-'} ${object.key}`
    case 'ovs-bridge':
      return `ovs-bridge ${object.name}`
    case 'ovs-port':
      return `ovs-port ${object.bridge} ${object.name}`
    case 'ovs-tag':
      return `ovs-tag ${object.port}`
    case 'flow':
      return `flow ${object.bridge} ${object.table} ${object.priority} ${object.match}`
    case 'directory':
      return `directory ${object.path}`
    case 'file':
      return `file ${object.path}`
    case 'lease-file':
      return `lease-file ${object.path}`
    case 'process':
      return `process ${object.id}`
    case 'lease':
      return `lease ${object.process} ${object.ip} ${object.mac}`
  }
}

/** Text form of a segment, for the symbols of flows. */
export function segmentKey(segment: SegmentRef): string {
  return `${segment.networkId}/${segment.networkType}/${segment.physicalNetwork ?? ''}/${segment.segmentationId ?? ''}`
}
