/**
 * How to make one object of each resource, and the values with which rules of attributes are asked: what the policy
 * test cannot read from the declarations.
 */

export type Body = Record<string, unknown>

/** Where an object is to be, and what it may stand on. */
export interface Place {
  /** Project of the object. */
  owner: string
  /** A network of the project above it, shared or external as the place says, and its subnet. */
  network: string
  subnet: string
  /** The project that asks. */
  here: string
  /** A number that was not used before. */
  next(): number
  /** Creates as administrator; answers the object. */
  make(path: string, name: string, body: Body): Promise<Body & { id: string }>
  put(path: string, body: Body): Promise<unknown>
  /** Deletes as administrator what a collection has with these values. */
  clear(path: string, filters: Record<string, string>): Promise<void>
  /** Lets an agent of a new host report itself; answers the agent's id. */
  agent(): Promise<string>
  /** A new host with an agent that binds ports. */
  host(): Promise<string>
}

type BodyOf = (place: Place) => Body | Promise<Body>

export interface Recipe {
  /** A body that creates one; absent where objects are not made through the API. */
  body?: BodyOf
  /** The id of one that is there. */
  existing?: (place: Place) => Promise<string>
  /** What a plain update says. */
  change?: Body
  /** Bodies, on top of the plain ones, that name attributes with rules; sent with POST and PUT as far as these take them. */
  variants?: readonly BodyOf[]
  /** Attributes that PUT takes and this server then refuses with 400. */
  notUpdated?: readonly string[]
  /** Attributes that one object of the cloud may have: the next one that is let through is refused with 400 or 409. */
  onlyOne?: readonly string[]
  /** Attributes that only some objects show, and what such an object is made with. */
  sometimes?: { attributes: readonly string[]; body?: Body }
  /** Its objects are shared by RBAC policies of this type. */
  shares?: string
  /** It belongs to no project. */
  everywhere?: true
  /** Statuses of refusals, where they are not 404 for what may not be seen and else 403. */
  refused?: readonly number[]
  /** Lists cannot be asked for one by its id. */
  unlisted?: true
  /** It stands on the network of its place. */
  onNetwork?: true
  /** Bodies of actions. */
  actions?: Record<string, (place: Place, id: string) => Body | Promise<Body>>
}

const description = { description: 'changed' }
const vxlan = { 'provider:network_type': 'vxlan' }
const mac = (number: number) =>
  `fa:16:3e:${[16, 8, 0].map((shift) => ((number >> shift) & 255).toString(16).padStart(2, '0')).join(':')}`
const address = (number: number) => `10.1.${(number >> 8) & 255}.${number & 255}`

const made = async (place: Place, path: string, name: string, body: Body = {}): Promise<string> =>
  (await place.make(path, name, { project_id: place.owner, ...body })).id

const portOf = (place: Place) => made(place, 'ports', 'port', { network_id: place.network })

/** What topologies need: a default external network, and a default subnet pool that all may use. */
async function allowTopologies({ clear, make, put }: Place): Promise<void> {
  await clear('networks', { is_default: 'true' })
  await make('networks', 'network', { 'router:external': true, is_default: true })
  await clear('subnetpools', { is_default: 'true' })
  const { id } = await make('subnetpools', 'subnetpool', {
    ...{ name: 'for all', shared: true, prefixes: ['10.200.0.0/16'], default_prefixlen: 26 },
  })
  // Refused where an earlier one is in use and could not be deleted: that one does as well.
  await put(`subnetpools/${id}`, { subnetpool: { is_default: true } })
}

/** A rule of a QoS policy, by its alias. */
function aliasOf(kind: string, body: Body, change: Body): Recipe {
  return {
    async existing(place) {
      const policy = await made(place, 'qos/policies', 'policy', { name: 'policy' })
      return (await place.make(`qos/policies/${policy}/${kind}_rules`, `${kind}_rule`, body)).id
    },
    change,
    sometimes: { attributes: ['project_id', 'tenant_id'] },
    unlisted: true,
  }
}

const qosRules: Record<string, [body: Body, change: Body]> = {
  bandwidth_limit: [{ max_kbps: 1000 }, { max_kbps: 2000 }],
  dscp_marking: [{ dscp_mark: 8 }, { dscp_mark: 10 }],
  minimum_bandwidth: [{ min_kbps: 1000 }, { min_kbps: 2000 }],
  packet_rate_limit: [{ max_kpps: 1000 }, { max_kpps: 2000 }],
  minimum_packet_rate: [{ min_kpps: 1000 }, { min_kpps: 2000 }],
}

const qosAliases: Record<string, Recipe> = Object.fromEntries(
  Object.entries(qosRules).map(([kind, [body, change]]) => [
    `alias_${kind}_rule`,
    aliasOf(kind, body, change),
  ]),
)

const qosMembers: Record<string, MemberRecipe> = Object.fromEntries(
  Object.entries(qosRules).map(([kind, [body, change]]) => [
    `policy.${kind}_rules`,
    { body: () => body, change },
  ]),
)

export const recipes: Record<string, Recipe> = {
  network: {
    body: ({ owner }) => ({ project_id: owner }),
    change: description,
    shares: 'network',
    notUpdated: ['segments', 'provider:network_type'],
    onlyOne: ['is_default'],
    sometimes: { attributes: ['segments'], body: { segments: [vxlan, vxlan] } },
    variants: [
      () => ({ shared: true }),
      () => ({ 'router:external': true }),
      () => ({ 'router:external': true, is_default: true }),
      () => ({ port_security_enabled: false }),
      () => ({ segments: [vxlan, vxlan] }),
      () => ({ 'provider:network_type': 'local' }),
      ({ next }) => ({ ...vxlan, 'provider:segmentation_id': 50_000 + next() }),
      ({ next }) => ({ 'provider:network_type': 'flat', 'provider:physical_network': `flat${next()}` }),
    ],
  },
  subnet: {
    body: async ({ owner, network, next }) => {
      const number = next()
      const cidr = `10.${100 + ((number >> 8) & 127)}.${number & 255}.0/24`
      return { project_id: owner, network_id: network, ip_version: 4, cidr }
    },
    change: description,
    onNetwork: true,
    variants: [
      () => ({ service_types: ['compute:nova'] }),
      () => ({ segment_id: null }),
      async (place) => {
        const network_id = await made(place, 'networks', 'network', vxlan)
        const { id } = await place.make('segments', 'segment', { network_id, network_type: 'local' })
        return { network_id, segment_id: id }
      },
    ],
  },
  port: {
    body: ({ owner, network }) => ({ project_id: owner, network_id: network }),
    change: description,
    onNetwork: true,
    sometimes: { attributes: ['trunk_details'] },
    variants: [
      () => ({ device_id: 'device' }),
      () => ({ device_owner: 'network:special' }),
      ({ next }) => ({ mac_address: mac(next()) }),
      ({ next }) => ({ fixed_ips: [{ ip_address: address(next() + 1000) }] }),
      ({ subnet }) => ({ fixed_ips: [{ subnet_id: subnet }] }),
      () => ({ port_security_enabled: false, security_groups: [] }),
      () => ({ 'binding:host_id': 'somewhere' }),
      () => ({ 'binding:profile': { a: 1 } }),
      () => ({ 'binding:vnic_type': 'direct' }),
      () => ({ allowed_address_pairs: [{ ip_address: '192.0.2.1' }] }),
      () => ({ allowed_address_pairs: [{ ip_address: '192.0.2.1', mac_address: 'fa:16:3e:00:00:01' }] }),
      () => ({ hints: { openvswitch: { other_config: { 'tx-steering': 'hash' } } } }),
      () => ({ trusted: true }),
      () => ({ data_plane_status: 'DOWN' }),
    ],
  },
  rbac_policy: {
    body: async ({ owner, here, make }) => {
      const network = await make('networks', 'network', { project_id: owner })
      return {
        project_id: owner,
        object_type: 'network',
        object_id: network.id,
        action: 'access_as_shared',
        target_tenant: here,
      }
    },
    change: { target_tenant: 'another' },
    variants: [() => ({ target_tenant: '*' })],
  },
  agent: { existing: ({ agent }) => agent(), change: description, everywhere: true },
  quota: {
    existing: async ({ owner, put }) => {
      await put(`quotas/${owner}`, { quota: { port: 50_000 } })
      return owner
    },
    change: { network: 50_000 },
    sometimes: { attributes: ['project_id', 'tenant_id'] },
    refused: [403],
    unlisted: true,
  },
  auto_allocated_topology: {
    async existing(place) {
      await allowTopologies(place)
      return place.owner
    },
    refused: [403],
  },
  security_group: {
    body: ({ owner }) => ({ project_id: owner }),
    change: description,
    shares: 'security_group',
  },
  security_group_rule: {
    body: async (place) => ({
      project_id: place.owner,
      security_group_id: await made(place, 'security-groups', 'security_group'),
      direction: 'ingress',
      protocol: 'tcp',
    }),
  },
  default_security_group_rule: {
    body: ({ next }) => ({ direction: 'ingress', remote_ip_prefix: `${address(next())}/32` }),
    everywhere: true,
  },
  security_groups_default_statefulness: {
    // A project has one.
    async body({ owner, clear }) {
      await clear('security-groups-default-statefulness', { project_id: owner })
      return { project_id: owner }
    },
    change: { stateful: false },
  },
  address_group: {
    body: ({ owner }) => ({ project_id: owner, addresses: ['192.0.2.0/24'] }),
    change: description,
    shares: 'address_group',
    actions: {
      add_addresses: () => ({ addresses: ['198.51.100.0/24'] }),
      remove_addresses: () => ({ addresses: ['192.0.2.0/24'] }),
    },
  },
  address_scope: {
    body: ({ owner }) => ({ project_id: owner, name: 'scope', ip_version: 4 }),
    change: { name: 'changed' },
    shares: 'address_scope',
    variants: [() => ({ shared: true })],
  },
  subnetpool: {
    body: ({ owner }) => ({ project_id: owner, name: 'pool', prefixes: ['10.0.0.0/16', '10.8.0.0/16'] }),
    change: description,
    shares: 'subnetpool',
    onlyOne: ['is_default'],
    variants: [() => ({ shared: true }), () => ({ is_default: true })],
    actions: {
      add_prefixes: () => ({ prefixes: ['10.16.0.0/16'] }),
      remove_prefixes: () => ({ prefixes: ['10.8.0.0/16'] }),
      onboard_network_subnets: async (place) => ({ network_id: await made(place, 'networks', 'network') }),
    },
  },
  policy: {
    body: ({ owner }) => ({ project_id: owner, name: 'policy' }),
    change: description,
    shares: 'qos_policy',
  },
  ...qosAliases,
  trunk: {
    body: async (place) => ({ project_id: place.owner, port_id: await portOf(place) }),
    change: description,
    actions: {
      async add_subports(place) {
        return {
          sub_ports: [{ port_id: await portOf(place), segmentation_type: 'vlan', segmentation_id: 7 }],
        }
      },
      async remove_subports(place, id) {
        const port_id = await portOf(place)
        const sub_ports = [{ port_id, segmentation_type: 'vlan', segmentation_id: 7 }]
        await place.put(`trunks/${id}/add_subports`, { sub_ports })
        return { sub_ports: [{ port_id }] }
      },
    },
  },
  segment: {
    body: async (place) => ({
      network_id: await made(place, 'networks', 'network', vxlan),
      network_type: 'vxlan',
    }),
    change: description,
    everywhere: true,
  },
  network_segment_range: {
    body: ({ next }) => {
      const minimum = 1_000_000 + next() * 10
      return { name: 'range', shared: true, network_type: 'vxlan', minimum, maximum: minimum + 9 }
    },
    change: description,
    everywhere: true,
  },
  network_ip_availability: { existing: async ({ network }) => network, unlisted: true },
  flavor: {
    body: ({ next }) => ({ name: `flavor${next()}`, service_type: 'L3_ROUTER_NAT' }),
    change: description,
    everywhere: true,
    sometimes: { attributes: ['project_id', 'tenant_id'] },
  },
  service_profile: {
    body: () => ({ metainfo: 'x' }),
    change: description,
    everywhere: true,
    sometimes: { attributes: ['project_id', 'tenant_id'] },
  },
  log: {
    body: ({ owner }) => ({ project_id: owner, name: 'log', resource_type: 'security_group' }),
    change: description,
  },
  local_ip: {
    body: ({ owner, network }) => ({ project_id: owner, network_id: network }),
    change: description,
  },
  metering_label: { body: ({ owner }) => ({ project_id: owner }) },
  metering_label_rule: {
    body: async ({ owner, next, make }) => {
      const label = await make('metering/metering-labels', 'metering_label', { project_id: owner })
      return {
        project_id: owner,
        metering_label_id: label.id,
        direction: 'ingress',
        remote_ip_prefix: `${address(next())}/32`,
      }
    },
  },
}

export interface MemberRecipe {
  /** What the object above is made with besides. */
  above?: Body
  body?: BodyOf
  change?: Body
  /** The attribute of the body that names it in paths, if that is not the id of the answer. */
  key?: string
}

/** Lists that are worked out and empty until some service has something to tell. */
export const emptyLists: readonly string[] = ['service_provider']

/** Members of collections below an object: `port.bindings`. */
export const members: Record<string, MemberRecipe> = {
  'port.bindings': {
    above: { device_owner: 'compute:nova' },
    body: async ({ host }) => ({ host: await host() }),
    change: { profile: { a: 1 } },
    key: 'host',
  },
  'network.dhcp_agents': {},
  ...qosMembers,
  'flavor.service_profiles': {
    body: async ({ make }) => ({
      id: (await make('service_profiles', 'service_profile', { metainfo: 'x' })).id,
    }),
    key: 'id',
  },
  'local_ip.port_associations': {
    body: async (place) => ({ fixed_port_id: await portOf(place) }),
    key: 'fixed_port_id',
  },
  'agent.dhcp_networks': {
    body: async ({ owner, make }) => ({
      network_id: (await make('networks', 'network', { project_id: owner })).id,
    }),
    key: 'network_id',
  },
}
