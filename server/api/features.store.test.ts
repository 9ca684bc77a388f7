/** The API over the features that the server really has: the declarations, readers and policy fit together. */
import assert from 'node:assert/strict'
import type { InjectOptions } from 'fastify'
import { silentLogger } from '../../runtime/log.ts'
import { onCloud, testSettings } from '../features.testing.ts'
import { createFeatures } from '../features.ts'
import { loadPolicy } from '../policy/policy.file.ts'
import { defaultSettings } from '../settings.ts'
import { forEachEngine } from '../store/testing.ts'
import { buildApi } from './api.ts'
import { admin, blue, headerIdentity, red } from './testing.ts'

// biome-ignore lint/suspicious/noExplicitAny: bodies are looked at freely in tests.
type Answer = any

forEachEngine('networks, subnets, ports and agents through the API', async ({ store }) => {
  const settings = defaultSettings()
  const { features, computed, extensions, initialize, recordHeartbeat } = createFeatures(
    {
      ...settings,
      ml2: { ...settings.ml2, tenant_network_types: ['vxlan'] },
      ml2_type_vxlan: { ...settings.ml2_type_vxlan, vni_ranges: [{ first: 1, last: 1000 }] },
    } as typeof settings,
    silentLogger,
  )
  await initialize(store)
  await recordHeartbeat(store, 'host-1', {
    started_at: '2026-01-31T12:00:00Z',
    agents: [
      {
        agent_type: 'DHCP agent',
        binary: 'neutron-dhcp-agent',
        availability_zone: 'nova',
        configurations: {},
      },
    ],
    position: null,
    digest: null,
  })
  const policy = await loadPolicy({ enforceNewDefaults: true, enforceScope: true })
  const app = buildApi({
    store,
    features,
    computed,
    extensions,
    identity: headerIdentity,
    policy,
    log: silentLogger,
  })
  const call = async (
    method: InjectOptions['method'],
    url: string,
    token: string,
    payload?: object,
  ): Promise<Answer> => {
    const answer = await app.inject({
      method: method ?? 'GET',
      url,
      headers: { 'x-test-token': token },
      ...(payload && { payload }),
    })
    assert.ok(answer.statusCode < 500, `${method} ${url}: ${answer.payload}`)
    return { status: answer.statusCode, ...(answer.payload ? JSON.parse(answer.payload) : {}) }
  }
  try {
    const { network } = await call('POST', '/v2.0/networks', blue, { network: { name: 'n' } })
    assert.equal(network.status, 'ACTIVE')
    const { subnet } = await call('POST', '/v2.0/subnets', blue, {
      subnet: { network_id: network.id, ip_version: 4, cidr: '10.0.0.0/24' },
    })
    assert.equal(subnet.gateway_ip, '10.0.0.1')
    const { port } = await call('POST', '/v2.0/ports', blue, { port: { network_id: network.id, name: 'p' } })
    assert.match(port.fixed_ips[0].ip_address, /^10\.0\.0\.\d+$/)
    assert.equal(port['binding:host_id'], undefined)
    assert.equal(port.project_id, 'blue')
    // One object of each other resource, so that each shows what it has.
    const shared = { object_type: 'network', object_id: network.id, action: 'access_as_shared' }
    const others: Record<string, object> = {
      rbac_policy: { ...shared, target_tenant: 'green' },
      address_group: { name: 'a' },
      flavor: { service_type: 'QOS' },
      service_profile: { metainfo: 'm' },
      subnetpool: { name: 'p', prefixes: ['10.0.0.0/8'] },
      address_scope: { ip_version: 4 },
      security_groups_default_statefulness: { stateful: false },
    }
    const paths = new Map(features.map(({ resource }) => [resource.name, resource.path]))
    const pathOf = (name: string) => `/v2.0/${paths.get(name)}`
    for (const [name, body] of Object.entries(others)) {
      assert.equal((await call('POST', pathOf(name), admin, { [name]: body })).status, 201, name)
    }

    // Every filter, sort key and field that is declared can be asked for.
    for (const one of [...features.map((feature) => feature.resource)]) {
      for (const [name, attribute] of Object.entries(one.attributes)) {
        const path = pathOf(one.name)
        const text: Record<string, string> = {
          boolean: 'true',
          integer: '4',
          'fixed-ips': 'ip_address=10.0.0.9',
        }
        const queries = [
          attribute.filter ? `${name}=${text[attribute.kind.name] ?? 'x'}` : '',
          attribute.filter ? `${name}=${attribute.kind.name in text ? text[attribute.kind.name] : ''}` : '',
          attribute.sort ? `sort_key=${name}&sort_dir=desc&limit=1` : '',
          attribute.visible ? `fields=${name}` : '',
        ]
        for (const query of queries) {
          assert.equal((await call('GET', `${path}?${query}`, admin)).status, 200, `${path}?${query}`)
          assert.equal((await call('GET', `${path}?${query}`, blue)).status, 200, `${path}?${query}`)
        }
      }
      // An object shows every attribute that is visible to an administrator.
      const { [one.collection]: list } = await call('GET', pathOf(one.name), admin)
      const optional = ['segments', 'resources_synced']
      // Flavors belong to nobody.
      if (['flavor', 'service_profile'].includes(one.name)) optional.push('project_id', 'tenant_id')
      for (const [name, attribute] of Object.entries(one.attributes)) {
        if (attribute.visible && !optional.includes(name))
          assert.ok(list[0] && name in list[0], `${one.name} lacks ${name}`)
      }
    }

    const { agents } = await call('GET', `/v2.0/networks/${network.id}/dhcp-agents`, admin)
    assert.equal(agents[0].host, 'host-1')
    assert.equal((await call('GET', `/v2.0/networks/${network.id}/dhcp-agents`, blue)).status, 403)
    assert.equal((await call('GET', `/v2.0/networks/${network.id}/dhcp-agents`, red)).status, 404)
    const agentPath = `/v2.0/agents/${agents[0].id}/dhcp-networks`
    assert.deepEqual(
      (await call('GET', agentPath, admin)).networks.map((one: { id: string }) => one.id),
      [network.id],
    )
    assert.equal((await call('DELETE', `${agentPath}/${network.id}`, admin)).status, 204)
    assert.equal((await call('POST', agentPath, admin, { network_id: network.id })).status, 201)
    assert.equal((await call('POST', agentPath, admin, { network_id: network.id })).status, 409)
    assert.equal((await call('POST', agentPath, admin, {})).status, 400)
    const { availability_zones: zones } = await call('GET', '/v2.0/availability_zones?resource=network', blue)
    assert.deepEqual(zones, [{ name: 'nova', resource: 'network', state: 'available' }])
    assert.equal((await call('POST', '/v2.0/agents', admin, { agent: {} })).status, 400)

    assert.equal((await call('DELETE', `/v2.0/ports/${port.id}`, blue)).status, 204)
    assert.equal((await call('DELETE', `/v2.0/networks/${network.id}`, blue)).status, 204)
    assert.deepEqual((await call('GET', '/v2.0/ports', admin)).ports, [])
  } finally {
    await app.close()
  }
})

onCloud('no list fails for how many values are asked for, or how great they are', async ({ admin }) => {
  const status = async (path: string) => (await admin.call('GET', path)).status
  const words = (count: number) => Array.from({ length: count }, (_, n) => n.toString(36))
  const { id } = await admin.create('network', { name: 'n', mtu: 1400, tags: ['a', 'b'] })
  for (const [query, found] of [
    [`id=${words(1100).join('&id=')}`, 0],
    [`id=${'a&id='.repeat(1100)}${id}`, 1],
    [`tags=${words(2000)}`, 0],
    ['tags=a,b', 1],
    ['not-tags=a,b', 0],
    ['mtu=1400&mtu=99999999999999', 1],
    ['mtu=99999999999999', 0],
    ['shared=false&shared=true&shared=false&shared=', 1],
    [`limit=1&marker=${id}&${'sort_key=name&sort_dir=asc&'.repeat(290)}`, 0],
    [`limit=1&${'sort_key=id&sort_dir=desc&'.repeat(290)}`, 1],
  ] as const) {
    const { body } = await admin.call('GET', `networks?${query}`)
    assert.equal(body.networks?.length, found, `${query.slice(0, 40)}: ${JSON.stringify(body).slice(0, 200)}`)
  }
  for (const { resource } of createFeatures(testSettings(), silentLogger).features) {
    if (!resource.operations.includes('list')) continue
    for (const [name, { filter, kind }] of Object.entries(resource.attributes)) {
      if (!filter) continue
      const values = kind.name === 'boolean' ? ['true', 'false'] : ['99999999999999', '-99999999999999', '7']
      for (const asked of [values.slice(0, 1), values, ['', ...values]]) {
        const path = `${resource.path}?${asked.map((value) => `${name}=${value}`).join('&')}`
        assert.equal(await status(path), kind.name === 'fixed-ips' ? 400 : 200, path)
      }
    }
  }
})

onCloud('a path with a null character leads nowhere', async ({ admin }) => {
  const { id } = await admin.create('network', {})
  for (const path of ['networks/%00', `networks/${id}/tags/%00`, `networks/${id}/dhcp-agents/%00`]) {
    for (const method of ['GET', 'PUT', 'DELETE'] as const) {
      const { status } = await admin.call(method, path)
      assert.ok(status === 404 || status === 405, `${method} ${path}: ${status}`)
    }
  }
})
