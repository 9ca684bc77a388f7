/** For tests: the real API over the real features on a test's store, spoken to as clients do. */
import type { FastifyInstance } from 'fastify'
import type { Fact } from '../bus/feed.ts'
import { defaultRules } from '../model/policy/defaults.ts'
import { createRuleBook } from '../model/policy/rulebook.ts'
import { compose } from '../model/resource.ts'
import { coreResources } from '../model/resources/core.ts'
import { type Logger, silentLogger } from '../runtime/log.ts'
import { buildApi } from './api/api.ts'
import { internalContext } from './context.ts'
import { createFeatures } from './features.ts'
import type { DocumentSources } from './feed/sources.ts'
import { servicePluginNames } from './plugins.ts'
import { createPolicy } from './policy/policy.ts'
import { defaultSettings, type NetworkingSettings } from './settings.ts'
import type { Store } from './store/store.ts'
import { forEachEngine } from './store/testing.ts'

export type Body = Record<string, unknown>

// biome-ignore lint/suspicious/noExplicitAny: tests read JSON answers by name.
export type Shown = Record<string, any>

export interface Answer {
  status: number
  /** Type of the fault; undefined on success. */
  fault: string | undefined
  body: Shown
}

/** One caller: `admin`, the service `nova`, or a member of the project of that name. */
export interface Caller {
  call(method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, body?: Body): Promise<Answer>
  /** POST, and the object; fails the test on any other answer than 201. */
  create(name: string, body: Body): Promise<Shown>
  createAll(name: string, bodies: Body[]): Promise<Shown[]>
  update(name: string, id: string, body: Body): Promise<Shown>
  show(name: string, id: string): Promise<Shown>
  list(name: string, query?: string): Promise<Shown[]>
  remove(name: string, id: string): Promise<void>
}

export interface Cloud {
  store: Store
  /** For requests that no Caller makes; `x-project` says who asks. */
  api: FastifyInstance
  settings: NetworkingSettings
  admin: Caller
  as(project: string): Caller
  sources: DocumentSources
  beat(host: string, agents: Partial<Record<'ovs' | 'dhcp', Body>>): Promise<void>
  report(host: string, ...facts: Fact[]): Promise<void>
  /** Makes the host's agents as old as `seconds` without a heartbeat. */
  age(host: string, seconds: number): Promise<void>
  /** One round of what the server does of itself. */
  doChores(): Promise<void>
  close(): Promise<void>
}

export type Overrides = { [S in keyof NetworkingSettings]?: Partial<NetworkingSettings[S]> }

export const testSettings = (overrides: Overrides = {}): NetworkingSettings => {
  const defaults = defaultSettings()
  return {
    DEFAULT: {
      ...defaults.DEFAULT,
      service_plugins: [...servicePluginNames],
      dns_domain: 'cloud.example.',
      ...overrides.DEFAULT,
    },
    ml2: { ...defaults.ml2, tenant_network_types: ['vxlan'], ...overrides.ml2 },
    // Tests of other things make as many objects as they like.
    quotas: {
      default_quota: -1,
      ...Object.fromEntries(Object.keys(defaults.quotas).map((key) => [key, -1])),
      ...overrides.quotas,
    } as NetworkingSettings['quotas'],
    ml2_type_flat: { ...defaults.ml2_type_flat, ...overrides.ml2_type_flat },
    ml2_type_vlan: { ...defaults.ml2_type_vlan, ...overrides.ml2_type_vlan },
    ml2_type_gre: { ...defaults.ml2_type_gre, ...overrides.ml2_type_gre },
    ml2_type_geneve: { ...defaults.ml2_type_geneve, ...overrides.ml2_type_geneve },
    ml2_type_vxlan: {
      ...defaults.ml2_type_vxlan,
      vni_ranges: [{ first: 1, last: 1000 }],
      ...overrides.ml2_type_vxlan,
    },
  }
}

/** The store is the test's; what is made here is closed by `close`. */
export async function startCloud(
  store: Store,
  overrides: Overrides = {},
  log: Logger = silentLogger,
): Promise<Cloud> {
  const settings = testSettings(overrides)
  const features = createFeatures(settings, log)
  await features.initialize(store)
  const api = buildApi({
    store,
    features: features.features,
    computed: features.computed,
    ofProjects: features.ofProjects,
    extensions: features.extensions,
    settings: { quotas: settings.quotas },
    policy: createPolicy(createRuleBook(defaultRules, { enforceNewDefaults: true, enforceScope: true })),
    identity: {
      authenticate: async (headers) => {
        const project = String(headers['x-project'])
        const admin = project === 'admin'
        return {
          ...internalContext(''),
          projectId: project,
          userId: `user-of-${project}`,
          isAdmin: admin,
          roles: rolesOf(project),
        }
      },
    },
    log,
  })
  await api.ready()

  const { resources } = compose(coreResources, features.extensions)
  const collection = (name: string): string => resources.get(name)?.collection ?? name
  const path = (name: string): string => resources.get(name)?.path ?? name

  function as(project: string): Caller {
    const call: Caller['call'] = async (method, path, body) => {
      const answer = await api.inject({
        method,
        url: `/v2.0/${path}`,
        headers: { 'x-project': project },
        ...(body && { payload: body }),
      })
      const json = answer.body === '' ? {} : (JSON.parse(answer.body) as Shown)
      return { status: answer.statusCode, fault: json?.NeutronError?.type, body: json }
    }
    const must = async (status: number, ...request: Parameters<Caller['call']>): Promise<Shown> => {
      const answer = await call(...request)
      if (answer.status === status) return answer.body
      throw new Error(`${request[0]} ${request[1]}: ${answer.status} ${JSON.stringify(answer.body)}`)
    }
    return {
      call,
      create: async (name, body) => (await must(201, 'POST', path(name), { [name]: body }))[name],
      createAll: async (name, bodies) =>
        (await must(201, 'POST', path(name), { [collection(name)]: bodies }))[collection(name)],
      update: async (name, id, body) =>
        (await must(200, 'PUT', `${path(name)}/${id}`, { [name]: body }))[name],
      show: async (name, id) => (await must(200, 'GET', `${path(name)}/${id}`))[name],
      list: async (name, query = '') => (await must(200, 'GET', `${path(name)}${query}`))[collection(name)],
      remove: async (name, id) => {
        await must(204, 'DELETE', `${path(name)}/${id}`)
      },
    }
  }

  return {
    store,
    api,
    settings,
    admin: as('admin'),
    as,
    sources: features.sources,
    beat: (host, agents) => features.recordHeartbeat(store, host, heartbeatOf(agents)),
    report: (host, ...facts) => features.recordFacts(store, host, facts),
    age: (host, seconds) =>
      store.write({ requestId: 'test' }, async (tx) => {
        const then = `${new Date(Date.now() - seconds * 1000).toISOString().slice(0, 19)}Z`
        await tx.db
          .updateTable('agents')
          .set({ heartbeat_timestamp: then })
          .where('host', '=', host)
          .execute()
      }),
    doChores: async () => {
      for (const chore of features.chores(store)) await chore.run()
    },
    close: async () => {
      await api.close()
    },
  }
}

function rolesOf(project: string): string[] {
  if (project === 'admin') return ['admin', 'member', 'reader']
  return project === 'nova' ? ['service'] : ['member', 'reader']
}

function heartbeatOf(agents: Partial<Record<'ovs' | 'dhcp', Body>>) {
  const kinds = {
    ovs: { agent_type: 'Open vSwitch agent', binary: 'neutron-openvswitch-agent', availability_zone: null },
    dhcp: { agent_type: 'DHCP agent', binary: 'neutron-dhcp-agent', availability_zone: 'nova' },
  }
  return {
    started_at: '2026-01-31T12:00:00.000Z',
    agents: (['ovs', 'dhcp'] as const)
      .filter((kind) => agents[kind] !== undefined)
      .map((kind) => ({ ...kinds[kind], configurations: agents[kind] ?? {} })),
    position: null,
    digest: null,
  }
}

/** What an Open vSwitch agent reports of a host that has everything. */
export function ovsHost(ip: string): Body {
  return {
    bridge_mappings: { public: 'br-ex' },
    tunnel_types: ['vxlan'],
    tunneling_ip: ip,
    datapath_type: 'system',
    ovs_hybrid_plug: false,
  }
}

/** One test on each engine, with a cloud of its own. */
export function onCloud(
  name: string,
  body: (cloud: Cloud) => Promise<void>,
  overrides: Overrides = {},
): void {
  forEachEngine(name, async ({ store }) => {
    const cloud = await startCloud(store, overrides)
    try {
      await body(cloud)
    } finally {
      await cloud.close()
    }
  })
}
