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
  actions?: Record<string, (place: Place) => Body | Promise<Body>>
}

const description = { description: 'changed' }
const vxlan = { 'provider:network_type': 'vxlan' }
const mac = (number: number) =>
  `fa:16:3e:${[16, 8, 0].map((shift) => ((number >> shift) & 255).toString(16).padStart(2, '0')).join(':')}`
const address = (number: number) => `10.1.${(number >> 8) & 255}.${number & 255}`

export const recipes: Record<string, Recipe> = {
  network: {
    body: ({ owner }) => ({ project_id: owner }),
    change: description,
    shares: 'network',
    notUpdated: ['segments', 'provider:network_type'],
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
    variants: [() => ({ service_types: ['compute:nova'] }), () => ({ segment_id: null })],
  },
  port: {
    body: ({ owner, network }) => ({ project_id: owner, network_id: network }),
    change: description,
    onNetwork: true,
    variants: [
      () => ({ device_id: 'device' }),
      () => ({ device_owner: 'network:special' }),
      ({ next }) => ({ mac_address: mac(next()) }),
      ({ next }) => ({ fixed_ips: [{ ip_address: address(next() + 1000) }] }),
      ({ subnet }) => ({ fixed_ips: [{ subnet_id: subnet }] }),
      () => ({ port_security_enabled: false }),
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

/** Members of collections below an object: `port.bindings`. */
export const members: Record<string, MemberRecipe> = {
  'port.bindings': {
    above: { device_owner: 'compute:nova' },
    body: async ({ host }) => ({ host: await host() }),
    change: { profile: { a: 1 } },
    key: 'host',
  },
  'network.dhcp_agents': {},
  'agent.dhcp_networks': {
    body: async ({ owner, make }) => ({
      network_id: (await make('networks', 'network', { project_id: owner })).id,
    }),
    key: 'network_id',
  },
}
