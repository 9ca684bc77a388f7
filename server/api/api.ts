/**
 * The Networking API v2.0 over the features that serve it: routes, identity, policy, transactions, answers.
 * buildApi makes the server; who calls it listens and closes.
 */
import type { FastifyInstance } from 'fastify'
import { compose, type Extension } from '../../model/resource.ts'
import { coreResources } from '../../model/resources/core.ts'
import type { Logger } from '../../runtime/log.ts'
import type { Identity } from '../identity/identity.ts'
import type { Policy } from '../policy/policy.ts'
import { createQuotas, type QuotaSettings, unlimited } from '../quota/quotas.ts'
import type { ComputedFeature, Feature, ProjectFeature } from '../resource.ts'
import type { Store } from '../store/store.ts'
import { computedRoutes } from './computed.routes.ts'
import { discoveryRoutes } from './discovery.routes.ts'
import { createHttp } from './http.ts'
import { memberRoutes } from './member.routes.ts'
import { projectRoutes } from './project.routes.ts'
import { quotaRoutes } from './quota.routes.ts'
import { referenceRoutes } from './reference.routes.ts'
import { resourceRoutes } from './resource.routes.ts'
import type { RouteTools } from './route-tools.ts'
import { type Served, served } from './served.ts'
import { tagRoutes } from './tag.routes.ts'

export interface ApiOptions {
  store: Store
  features: readonly Feature[]
  computed?: readonly ComputedFeature[]
  ofProjects?: readonly ProjectFeature[]
  /** Those that the features serve; see extensionsOf in model/extensions/catalogue.ts. */
  extensions: readonly Extension[]
  identity: Identity
  policy: Policy
  log: Logger
  settings?: {
    /** [DEFAULT] pagination_max_limit; absent or below 1: no limit. */
    paginationMaxLimit?: number
    /** [DEFAULT] filter_validation: false ignores filters that do not exist, and announces that. */
    validateFilters?: boolean
    /** [DEFAULT] allow_bulk: false refuses to create several objects in one request. */
    allowBulk?: boolean
    /** [quotas]; absent: no limits but those that projects are given. */
    quotas?: QuotaSettings
    /** [oslo_middleware] enable_proxy_headers_parsing. */
    trustProxy?: boolean
  }
}

/** The API as a server that does not listen yet. Throws where declarations, features and policy do not fit. */
export function buildApi(options: ApiOptions): FastifyInstance {
  const { store, policy, log, identity, settings = {} } = options
  const extensions = options.extensions.filter(
    (one) => one.alias !== 'filter-validation' || settings.validateFilters !== false,
  )
  const model = compose(coreResources, extensions)
  const loaded = new Set(model.extensions.map((one) => one.alias))
  const maxLimit = settings.paginationMaxLimit ?? 0
  const counted = options.features.flatMap(({ resource, reader }) =>
    model.resources.get(resource.name)?.quota ? [{ name: resource.name, table: reader.table }] : [],
  )
  const tools: RouteTools = {
    store,
    policy,
    validateFilters: loaded.has('filter-validation'),
    maxLimit: maxLimit > 0 ? maxLimit : undefined,
    ifMatch: loaded.has('revision-if-match'),
    allowBulk: settings.allowBulk ?? true,
    quotas: createQuotas(counted, settings.quotas ?? { default_quota: unlimited }),
  }

  const app = createHttp({ identity, log, trustProxy: settings.trustProxy ?? false })
  discoveryRoutes(app, model)
  referenceRoutes(app, model)
  const all = new Map<string, Served>()
  for (const feature of options.features) {
    const resource = model.resources.get(feature.resource.name)
    if (resource) all.set(resource.name, served(resource, feature, policy))
  }
  for (const feature of options.computed ?? []) {
    const resource = model.resources.get(feature.resource.name)
    if (resource) computedRoutes(app, tools, resource, feature)
  }
  for (const feature of options.ofProjects ?? []) {
    const resource = model.resources.get(feature.resource.name)
    if (resource) projectRoutes(app, tools, resource, feature)
  }
  const quota = model.resources.get('quota')
  if (quota) quotaRoutes(app, tools, quota, loaded.has('quota_details'))
  for (const one of all.values()) {
    resourceRoutes(app, tools, one)
    if (loaded.has('standard-attr-tag') && one.attributes.has('tags')) tagRoutes(app, tools, one)
    for (const declared of Object.values(one.resource.members)) {
      const member = one.feature.members?.[declared.name]
      if (!member)
        throw new TypeError(`extension ${declared.extension}: ${one.name} does not serve ${declared.name}`)
      const listed = declared.lists === undefined ? undefined : all.get(declared.lists)
      memberRoutes(app, tools, one, declared, member, listed)
    }
  }
  return app
}
