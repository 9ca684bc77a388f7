/** Options of the API server, its plugins, its database and its policy. */
import { boolean, integer, multi, oneOf, option, text } from '../option.ts'

/** `[DEFAULT]`: the HTTP API. */
export const apiOptions = {
  bind_host: text({
    default: '127.0.0.1',
    help: 'Address that the API listens on. Neutron listens on 0.0.0.0.',
  }),
  bind_port: integer({ default: 9696, min: 0, max: 65535, help: 'Port that the API listens on.' }),
  auth_strategy: option(oneOf(['embedded', 'keystone', 'noauth']), {
    default: 'embedded',
    help:
      'Who says who a request comes from. embedded: an identity service in this server, on the same database. ' +
      'keystone: a Keystone, see [keystone_authtoken]. noauth: the headers of the request (only on loopback).',
  }),
  core_plugin: text({ default: 'ml2', help: 'The core plugin. There is one: ml2.' }),
  pagination_max_limit: integer({
    default: -1,
    min: -1,
    help: 'Most objects in one answer to a list; 0 and -1 mean no limit.',
  }),
  filter_validation: boolean({
    default: true,
    help: 'Answer 400 to a list with a filter that does not exist.',
  }),
  allow_bulk: boolean({ default: true, help: 'Accept several objects in one create request.' }),
}

/** `[database]` */
export const databaseOptions = {
  connection: text({
    default: null,
    secret: true,
    help: 'postgresql://USER:PASSWORD@HOST/DATABASE, or sqlite:////absolute/path. If not set, SQLite in the state directory.',
  }),
  max_pool_size: integer({
    default: 20,
    min: 1,
    help: 'Most connections to PostgreSQL that are open at once.',
  }),
}

/** `[oslo_policy]` */
export const policyOptions = {
  enforce_scope: boolean({
    default: true,
    help: 'Refuse tokens whose scope is not what a rule is meant for.',
  }),
  enforce_new_defaults: boolean({
    default: true,
    help: 'Use the present default rules alone; false lets the older ones that they replace pass as well.',
  }),
  policy_file: text({
    default: 'policy.yaml',
    help: 'Rules that override the defaults; relative to the directory of the first configuration file.',
  }),
  policy_default_rule: text({ default: 'default', help: 'Rule that stands in for one that does not exist.' }),
  policy_dirs: multi({ default: ['policy.d'], help: 'Directories of more policy files.' }),
}

/** `[oslo_middleware]` */
export const middlewareOptions = {
  enable_proxy_headers_parsing: boolean({
    default: false,
    help:
      'Believe X-Forwarded-Host and X-Forwarded-Prefix, for links behind a proxy that rewrites addresses. ' +
      'X-Forwarded-Proto is always believed.',
  }),
}

/** `[keystone_authtoken]`, for auth_strategy = keystone. */
export const keystoneOptions = {
  www_authenticate_uri: text({
    default: null,
    help: 'Public address of Keystone, told to clients with a 401.',
  }),
  auth_url: text({ default: null, help: 'Address of Keystone at which tokens are validated.' }),
  username: text({ default: null, help: 'User that validates tokens.' }),
  password: text({ default: null, secret: true, help: 'Password of that user.' }),
  user_domain_name: text({ default: null, help: 'Domain of that user, by name.' }),
  user_domain_id: text({ default: null, help: 'Domain of that user, by id.' }),
  project_name: text({ default: null, help: 'Project that the validating user works in.' }),
  project_domain_name: text({ default: null, help: 'Domain of that project, by name.' }),
  project_domain_id: text({ default: null, help: 'Domain of that project, by id.' }),
  token_cache_time: integer({
    default: 300,
    min: -1,
    help: 'Seconds that a validated token is believed without asking again; -1 asks each time.',
  }),
}

/** `[nucleon]`: what Neutron has no option for. */
export const nucleonOptions = {
  identity_host: text({
    default: '127.0.0.1',
    help: 'Address that the embedded identity service listens on.',
  }),
  identity_port: integer({
    default: 5000,
    min: 0,
    max: 65535,
    help: 'Port that the embedded identity service listens on.',
  }),
  region: text({ default: 'RegionOne', help: 'Region of the embedded catalogue.' }),
  token_expiration: integer({
    default: 14400,
    min: 60,
    help: 'Seconds that a token of the embedded identity service is valid.',
  }),
  server_metrics: text({
    default: null,
    help: 'HOST:PORT at which the server tells its metrics to Prometheus (GET /metrics). If not set, nowhere.',
  }),
  public_endpoint: text({
    default: null,
    help: 'Address of the network API in the embedded catalogue, without /v2.0. If not set, where the API listens.',
  }),
}

/** `[nucleon]` of an agent. */
export const nucleonAgentOptions = {
  agent_metrics: text({
    default: null,
    help: 'HOST:PORT at which the agent tells its metrics to Prometheus (GET /metrics). If not set, nowhere.',
  }),
}
