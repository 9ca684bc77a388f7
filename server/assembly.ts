/**
 * The server, wired by hand in the order in which its parts start:
 *
 *     features -> store -> identity -> relay -> chores -> feed -> HTTP: feed, identity, API
 *
 * They stop in reverse: first nothing new comes in, the database closes last.
 */
import { dirname, resolve } from 'node:path'
import fastify, { type FastifyInstance } from 'fastify'
import { type Clock, systemClock } from '../runtime/clock.ts'
import type { ServerConfig } from '../runtime/config/roles.ts'
import { crashPoint } from '../runtime/crash-point.ts'
import type { Lifecycle } from '../runtime/lifecycle.ts'
import type { Logger } from '../runtime/log.ts'
import { createMetrics, serveMetrics } from '../runtime/metrics.ts'
import { buildApi } from './api/api.ts'
import { startChores } from './chores.ts'
import { createFeatures } from './features.ts'
import { createFeed, type FeedServer } from './feed/feed.ts'
import { startRelay } from './feed/relay.ts'
import { feedRoutes } from './feed/routes.ts'
import { buildIdentityApi } from './identity/embedded/api.ts'
import { applyBootstrap, type Bootstrap } from './identity/embedded/bootstrap.ts'
import { createEmbeddedIdentity } from './identity/embedded/embedded.ts'
import { createTokens } from './identity/embedded/tokens.ts'
import type { Identity } from './identity/identity.ts'
import { createKeystoneIdentity, type DomainName } from './identity/keystone.ts'
import { isLoopback, noauthIdentity } from './identity/noauth.ts'
import { type Address, listen, listenOnSocket, type TcpAddress, urlOf } from './listen.ts'
import { createServerMetrics, type ServerMetrics } from './metrics.ts'
import { checkPlugins } from './plugins.ts'
import { loadPolicy } from './policy/policy.file.ts'
import type { Policy } from './policy/policy.ts'
import { openStore, type StoreOptions } from './store/open.ts'
import type { Store } from './store/store.ts'

export interface ServerOptions {
  config: ServerConfig
  policy: Policy
  /** Used when [database] connection is not set. */
  sqlitePath: string
  /** Where agents get their documents, and what their credentials are made with. Absent: no agent can come. */
  feed?: { addresses: readonly Address[]; secret: string }
  /** What the embedded identity service has to hold. */
  bootstrap: Bootstrap
  log: Logger
  clock?: Clock
}

/** Where the server is reached. */
export interface RunningServer {
  api: string
  /** Where clients get a token; undefined with noauth. */
  identity: string | undefined
}

/** Starts everything; the server answers authenticated requests when this resolves. Throws what is misconfigured. */
export async function startServer(lifecycle: Lifecycle, options: ServerOptions): Promise<RunningServer> {
  const { config, policy, log, clock = systemClock } = options
  const { bind_host: host, bind_port: port, core_plugin, service_plugins } = config.DEFAULT
  checkPlugins(core_plugin, service_plugins, log)
  const features = createFeatures(config, log.child({ part: 'networking' }))

  const metrics = config.nucleon.server_metrics === null ? undefined : await startMetrics(lifecycle, options)
  const opened = await lifecycle.start(
    'store',
    () => openStore(databaseOf(config, options), log.child({ part: 'store' })),
    (store) => store.close(),
  )
  const store = metrics?.countWrites(opened) ?? opened
  metrics?.watchRelay(store)
  await features.initialize(store)
  const identity = await startIdentity(lifecycle, options, store, clock, metrics)
  await lifecycle.start(
    'relay',
    () => startRelay({ store, sources: features.sources, log: log.child({ part: 'feed' }), clock }),
    (relay) => relay.stop(),
  )
  await lifecycle.start(
    'chores',
    () => startChores(features.chores(store), log.child({ part: 'chores' })),
    (chores) => chores.stop(),
  )
  if (options.feed !== undefined) {
    const { recordHeartbeat, recordFacts } = features
    const feed = await lifecycle.start(
      'feed',
      () => createFeed({ store, recordHeartbeat, recordFacts, log: log.child({ part: 'feed' }) }),
      (feed) => feed.close(),
    )
    await startFeedListeners(lifecycle, feed, options.feed, log, metrics)
  }

  const api = buildApi({
    store,
    features: features.features,
    computed: features.computed,
    ofProjects: features.ofProjects,
    extensions: features.extensions,
    identity: identity.identity,
    policy,
    log: log.child({ part: 'api' }),
    settings: {
      paginationMaxLimit: config.DEFAULT.pagination_max_limit,
      validateFilters: config.DEFAULT.filter_validation,
      allowBulk: config.DEFAULT.allow_bulk,
      quotas: config.quotas,
      trustProxy: config.oslo_middleware.enable_proxy_headers_parsing,
    },
  })
  healthRoute(api, store)
  metrics?.countRequests(api, 'api')
  api.addHook('onSend', async (request) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') crashPoint('before-reply')
  })
  const address = await serve(lifecycle, 'api', api, { host, port })
  await identity.seed(config.nucleon.public_endpoint ?? urlOf(address))
  return { api: urlOf(address), identity: identity.url }
}

/** Metrics for Prometheus, where an option names an address for them. */
async function startMetrics(lifecycle: Lifecycle, { config, log }: ServerOptions): Promise<ServerMetrics> {
  const registry = createMetrics('server')
  const server = await lifecycle.start(
    'metrics',
    () => serveMetrics(registry, config.nucleon.server_metrics ?? ''),
    (server) => server.close(),
  )
  log.info({ url: server.url }, 'metrics')
  return createServerMetrics(registry)
}

/** The policy in force; relative paths are seen from the directory. Throws PolicyError. */
export function policyOf({ oslo_policy }: ServerConfig, configDirectory: string): Promise<Policy> {
  return loadPolicy({
    file: resolve(configDirectory, oslo_policy.policy_file),
    directories: oslo_policy.policy_dirs.map((name) => resolve(configDirectory, name)),
    defaultRule: oslo_policy.policy_default_rule,
    enforceNewDefaults: oslo_policy.enforce_new_defaults,
    enforceScope: oslo_policy.enforce_scope,
  })
}

/**
 * `postgresql://…`, `sqlite:////absolute/path` as SQLAlchemy writes them; a driver (`+psycopg2`) makes no difference.
 */
export function databaseOf(config: ServerConfig, { sqlitePath }: { sqlitePath: string }): StoreOptions {
  const { connection, max_pool_size: connections } = config.database
  if (connection === null) return { engine: 'sqlite', path: sqlitePath }
  const [, scheme, rest] = /^(\w+)(?:\+\w+)?:\/\/(.*)$/s.exec(connection) ?? []
  if (scheme === 'sqlite' && rest?.startsWith('//') === true) return { engine: 'sqlite', path: rest.slice(1) }
  if (scheme === 'postgresql' || scheme === 'postgres') {
    return { engine: 'postgres', url: `postgresql://${rest}`, connections }
  }
  throw new Error(
    `[database] connection: ${scheme ?? 'this'} is not supported; expected postgresql://… or sqlite:////absolute/path`,
  )
}

interface StartedIdentity {
  identity: Identity
  url: string | undefined
  /** Makes what has to be there for the first log-in, once it is known where the API is. */
  seed(networkUrl: string): Promise<void>
}

async function startIdentity(
  lifecycle: Lifecycle,
  options: ServerOptions,
  store: Store,
  clock: Clock,
  metrics: ServerMetrics | undefined,
): Promise<StartedIdentity> {
  const { config, log } = options
  const nothing = async () => {}
  switch (config.DEFAULT.auth_strategy) {
    case 'noauth':
      if (!isLoopback(config.DEFAULT.bind_host)) {
        throw new Error(
          `[DEFAULT] auth_strategy = noauth makes everybody an administrator: with it bind_host must be a loopback ` +
            `address, not ${config.DEFAULT.bind_host}`,
        )
      }
      log.warn({}, 'auth_strategy = noauth: whoever reaches the API is an administrator')
      return { identity: noauthIdentity, url: undefined, seed: nothing }
    case 'keystone': {
      const settings = keystoneSettings(config)
      const identity = createKeystoneIdentity({ settings, clock, log: log.child({ part: 'identity' }) })
      return { identity, url: settings.publicUrl, seed: nothing }
    }
    case 'embedded': {
      const { identity_host, identity_port, token_expiration: lifetime, region } = config.nucleon
      const tokens = await lifecycle.start(
        'tokens',
        () => createTokens({ store, clock, lifetime }),
        (tokens) => tokens.close(),
      )
      const api = buildIdentityApi({ store, tokens, clock, log: log.child({ part: 'identity' }) })
      metrics?.countRequests(api, 'identity')
      const address = await serve(lifecycle, 'identity api', api, {
        host: identity_host,
        port: identity_port,
      })
      const url = `${urlOf(address)}/v3`
      return {
        identity: createEmbeddedIdentity(tokens, url),
        url,
        async seed(networkUrl) {
          const endpoints = [
            { type: 'identity', name: 'keystone', url },
            { type: 'network', name: 'neutron', url: networkUrl },
          ]
          await applyBootstrap(store, options.bootstrap, { region, endpoints })
          tokens.forgetAll()
        },
      }
    }
  }
}

/** Throws when something that validating tokens needs is not set. */
function keystoneSettings(config: ServerConfig) {
  const section = config.keystone_authtoken
  const need = (name: 'auth_url' | 'username' | 'password' | 'project_name'): string => {
    const value = section[name]
    if (value === null)
      throw new Error(`[keystone_authtoken] ${name} is not set, and auth_strategy = keystone needs it`)
    return value
  }
  const domain = (id: string | null, name: string | null): DomainName =>
    id !== null ? { id } : { name: name ?? 'Default' }
  const authUrl = need('auth_url')
  return {
    authUrl,
    publicUrl: section.www_authenticate_uri ?? authUrl,
    username: need('username'),
    password: need('password'),
    userDomain: domain(section.user_domain_id, section.user_domain_name),
    projectName: need('project_name'),
    projectDomain: domain(section.project_domain_id, section.project_domain_name),
    cacheTime: section.token_cache_time,
  }
}

async function startFeedListeners(
  lifecycle: Lifecycle,
  feed: FeedServer,
  { addresses, secret }: NonNullable<ServerOptions['feed']>,
  log: Logger,
  metrics: ServerMetrics | undefined,
): Promise<void> {
  for (const address of addresses) {
    const server = fastify({ logger: false, forceCloseConnections: true })
    metrics?.countRequests(server, 'feed')
    await server.register(feedRoutes({ feed, secret, log: log.child({ part: 'feed' }) }))
    if ('path' in address) {
      await lifecycle.start(
        'feed socket',
        () => listenOnSocket(server, address.path),
        () => server.close(),
      )
    } else {
      if (!isLoopback(address.host))
        log.warn({ ...address }, 'the feed listens without TLS beyond this machine')
      await serve(lifecycle, 'feed', server, address)
    }
  }
}

function serve(
  lifecycle: Lifecycle,
  name: string,
  server: FastifyInstance,
  address: TcpAddress,
): Promise<TcpAddress> {
  return lifecycle.start(
    name,
    () => listen(server, address),
    () => server.close(),
  )
}

/** For load balancers: 200 while the database answers. */
function healthRoute(api: FastifyInstance, store: Store): void {
  api.get('/healthcheck', { config: { public: true } }, async (_request, reply) => {
    await store.read((tx) => tx.run('select 1', []))
    return reply.type('text/plain').send('OK')
  })
}

/** The directory that relative paths of a configuration are seen from: the first file's. */
export function configDirectoryOf(paths: readonly string[]): string {
  return paths[0] === undefined ? process.cwd() : dirname(resolve(paths[0]))
}
