/** Quotas: they hold whoever asks at the same time, and the API tells and changes them. */
import assert from 'node:assert/strict'
import { onCloud, startCloud } from '../features.testing.ts'
import { forEachEngine } from '../store/testing.ts'

forEachEngine('a quota of 10 holds for 64 clients of two servers', async (tools) => {
  const clouds = [await startCloud(tools.store), await startCloud(await tools.open())]
  const [here] = clouds
  assert.ok(here)
  await here.admin.update('quota', 'blue', { network: 10, port: 10 })
  const network = await here.as('blue').create('network', {})
  const clients = Array.from({ length: 64 }, (_, i) => (clouds[i % 2] ?? here).as('blue'))
  const answers = await Promise.all(
    clients.flatMap((blue) => [
      blue.call('POST', 'ports', { port: { network_id: network.id } }),
      blue.call('POST', 'networks', { network: {} }),
    ]),
  )
  const outcomes = Object.groupBy(answers, ({ status, fault }) => `${status} ${fault ?? ''}`)
  assert.deepEqual(Object.keys(outcomes).sort(), ['201 ', '409 OverQuota'])
  assert.equal((await here.as('blue').list('port')).length, 10)
  assert.equal((await here.as('blue').list('network')).length, 10)
  for (const cloud of clouds) await cloud.close()
})

onCloud('a request for several objects counts them all', async ({ admin, as }) => {
  const blue = as('blue')
  await admin.update('quota', 'blue', { network: 3 })
  await blue.create('network', {})
  const three = await blue.call('POST', 'networks', { networks: [{}, {}, {}] })
  assert.deepEqual([three.status, three.fault], [409, 'OverQuota'])
  assert.match(three.body.NeutronError.message, /network/)
  assert.equal((await blue.list('network')).length, 1)
  await blue.createAll('network', [{}, {}])
  const [one] = await blue.list('network')
  await blue.remove('network', one?.id)
  await blue.create('network', {})
  // What an administrator makes for the project counts for the project; others have their own.
  assert.equal((await admin.call('POST', 'networks', { network: { project_id: 'blue' } })).fault, 'OverQuota')
  await as('red').create('network', {})
  await admin.update('quota', 'blue', { network: -1 })
  await blue.createAll('network', [{}, {}, {}, {}])
})

onCloud('quotas are told, changed and given back', async ({ admin, as }) => {
  const defaults = (await admin.call('GET', 'quotas/blue/default')).body.quota
  assert.equal(defaults.port, -1)
  assert.deepEqual((await admin.call('GET', 'quotas/blue')).body.quota, defaults)
  assert.deepEqual((await admin.call('GET', 'quotas')).body, { quotas: [] })
  await as('blue').createAll('network', [{}, {}])
  const refused = await admin.call('PUT', 'quotas/blue', { quota: { network: 1 } })
  assert.deepEqual([refused.status, refused.fault], [400, 'HTTPBadRequest'])
  const forced = await admin.call('PUT', 'quotas/blue', { quota: { network: 1, force: true } })
  assert.deepEqual(forced.body.quota, { ...defaults, network: 1 })
  assert.equal((await as('blue').call('POST', 'networks', { network: {} })).fault, 'OverQuota')
  await admin.call('PUT', 'quotas/blue', { quota: { port: '7' } })
  const { quotas } = (await admin.call('GET', 'quotas.json')).body
  assert.deepEqual(quotas, [{ ...defaults, network: 1, port: 7, project_id: 'blue', tenant_id: 'blue' }])
  const { quota } = (await admin.call('GET', 'quotas/blue/details.json')).body
  assert.deepEqual(quota.network, { limit: 1, used: 2, reserved: 0 })
  assert.deepEqual(quota.port, { limit: 7, used: 0, reserved: 0 })
  assert.equal((await admin.call('DELETE', 'quotas/blue')).status, 204)
  assert.deepEqual((await admin.call('GET', 'quotas/blue')).body.quota, defaults)
  const gone = await admin.call('DELETE', 'quotas/blue')
  assert.deepEqual([gone.status, gone.fault], [404, 'TenantQuotaNotFound'])
})

onCloud('what is no quota is refused, and whoever may not see it', async ({ admin, as }) => {
  const put = async (quota: object) => (await admin.call('PUT', 'quotas/blue', { quota })).status
  assert.deepEqual(
    await Promise.all([
      put({ networks: 1 }),
      put({ network: -2 }),
      put({ network: 2 ** 31 }),
      put({ network: null }),
      put({ network: 'many' }),
      put({ project_id: 'x' }),
    ]),
    [400, 400, 400, 400, 400, 400],
  )
  assert.equal((await admin.call('POST', 'quotas', { quota: {} })).status, 501)
  const blue = as('blue')
  assert.equal((await blue.call('GET', 'quotas')).status, 403)
  assert.equal((await blue.call('GET', 'quotas/red')).status, 403)
  assert.equal((await blue.call('PUT', 'quotas/blue', { quota: { port: 9 } })).fault, 'PolicyNotAuthorized')
  assert.equal((await blue.call('DELETE', 'quotas/blue')).status, 403)
  assert.deepEqual((await blue.call('GET', 'quotas/tenant')).body.tenant.tenant_id, 'blue')
  assert.deepEqual((await admin.call('GET', 'quotas')).body, { quotas: [] })
})

onCloud(
  'the configuration has the defaults',
  async ({ admin, as }) => {
    const { quota } = (await admin.call('GET', 'quotas/blue/default')).body
    assert.deepEqual([quota.network, quota.subnet], [1, 9])
    await as('blue').create('network', {})
    assert.equal((await as('blue').call('POST', 'networks', { network: {} })).fault, 'OverQuota')
  },
  { quotas: { quota_network: 1, default_quota: 9, quota_subnet: 9 } },
)
