/** What one request costs: each operation of the main resources. */
import { type Bench, type Figure, round } from './bench.place.ts'
import { percentile } from './rate.ts'
import { type Body, only, type Timed, timedClient } from './timed.ts'

const rounds = 30

interface Subject {
  /** Below /v2.0. */
  path: string
  name: string
  body: (i: number) => Body
  /** What an update sends; null: there is none. Absent: a description. */
  change?: ((i: number) => Body) | null
}

/** Create, show, list, update and delete of one resource, the median of some rounds each. */
async function measureResource(timed: Timed, subject: Subject): Promise<Figure[]> {
  const { path, name, body, change = (i: number) => ({ description: `${i}` }) } = subject
  const times = new Map<string, number[]>()
  const note = (what: string, time: number) => times.set(what, [...(times.get(what) ?? []), time])
  for (let i = 0; i < rounds; i++) {
    const [made, created] = await timed('POST', path, { [name]: body(i) })
    const one = `${path}/${only(made).id}`
    note('create', created)
    note('show', (await timed('GET', one))[1])
    note('list 20 of', (await timed('GET', `${path}?limit=20`))[1])
    if (change) note('update', (await timed('PUT', one, { [name]: change(i) }))[1])
    note('delete', (await timed('DELETE', one))[1])
  }
  return [...times].map(([what, all]) => ({
    what: `${what} ${name}, p50`,
    value: round(percentile(all, 0.5)),
    unit: 'ms',
  }))
}

/** Medians of 30 rounds, one request at a time, in an all-in-one that holds little else. */
export async function measureApi(bench: Bench): Promise<Figure[]> {
  const timed = await timedClient(bench)
  const make = async (path: string, name: string, body: Body) =>
    only((await timed('POST', path, { [name]: body }))[0])
  const network_id = (await make('networks', 'network', { name: 'bench-api' })).id
  const subnet = { network_id, ip_version: 4, cidr: '10.96.0.0/14', enable_dhcp: false }
  await make('subnets', 'subnet', subnet)
  const port_id = (await make('ports', 'port', { network_id })).id
  const security_group_id = (await make('security-groups', 'security_group', { name: 'bench' })).id
  const policy = (await make('qos/policies', 'policy', { name: 'bench' })).id
  const subjects: Subject[] = [
    { path: 'networks', name: 'network', body: (i) => ({ name: `n${i}` }) },
    { path: 'subnets', name: 'subnet', body: (i) => ({ ...subnet, cidr: `10.${i}.0.0/24` }) },
    { path: 'ports', name: 'port', body: (i) => ({ name: `p${i}`, network_id }) },
    { path: 'security-groups', name: 'security_group', body: (i) => ({ name: `g${i}` }) },
    {
      path: 'security-group-rules',
      name: 'security_group_rule',
      body: (i) => ({
        security_group_id,
        direction: 'ingress',
        protocol: 'tcp',
        port_range_min: 1000 + i,
        port_range_max: 1000 + i,
      }),
      change: null,
    },
    {
      path: 'subnetpools',
      name: 'subnetpool',
      body: (i) => ({ name: `s${i}`, prefixes: [`10.${i}.0.0/16`] }),
    },
    {
      path: 'address-scopes',
      name: 'address_scope',
      body: (i) => ({ name: `s${i}`, ip_version: 4 }),
      change: (i) => ({ name: `renamed${i}` }),
    },
    {
      path: 'address-groups',
      name: 'address_group',
      body: (i) => ({ name: `g${i}`, addresses: ['10.0.0.0/24'] }),
    },
    {
      path: 'rbac-policies',
      name: 'rbac_policy',
      body: (i) => ({
        object_type: 'network',
        object_id: network_id,
        action: 'access_as_shared',
        target_tenant: `t${i}`,
      }),
      change: (i) => ({ target_tenant: `other${i}` }),
    },
    { path: 'qos/policies', name: 'policy', body: (i) => ({ name: `q${i}` }) },
    {
      path: `qos/policies/${policy}/bandwidth_limit_rules`,
      name: 'bandwidth_limit_rule',
      body: () => ({ max_kbps: 1000 }),
      change: (i) => ({ max_kbps: 2000 + i }),
    },
    { path: 'trunks', name: 'trunk', body: (i) => ({ name: `t${i}`, port_id }) },
    {
      path: 'metering/metering-labels',
      name: 'metering_label',
      body: (i) => ({ name: `m${i}` }),
      change: null,
    },
  ]
  const figures: Figure[] = []
  for (const subject of subjects) figures.push(...(await measureResource(timed, subject)))
  return figures
}
