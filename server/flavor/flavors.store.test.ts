/** Flavors and service profiles, through the API on both engines. */
import assert from 'node:assert/strict'
import { type Answer, onCloud, type Shown } from '../features.testing.ts'

const fault = ({ status, fault }: Answer) => [status, fault]

onCloud('flavors choose from service profiles', async ({ admin, as }) => {
  const profile = await admin.create('service_profile', { metainfo: '{"fast": true}', enabled: false })
  assert.deepEqual([profile.metainfo, profile.enabled, profile.driver], ['{"fast": true}', false, ''])
  const other = await admin.create('service_profile', { metainfo: 'other' })
  const flavor = await admin.create('flavor', { name: 'gold', service_type: 'L3_ROUTER_NAT' })
  assert.deepEqual([flavor.service_profiles, flavor.enabled, flavor.description], [[], true, ''])
  const at = `flavors/${flavor.id}/service_profiles`
  const associate = (id: string) => admin.call('POST', at, { service_profile: { id } })
  assert.deepEqual((await associate(profile.id)).body, { service_profile: { id: profile.id } })
  assert.deepEqual((await as('blue').show('flavor', flavor.id)).service_profiles, [profile.id])
  assert.deepEqual((await admin.call('GET', `${at}/${profile.id}`)).body.service_profile, { id: profile.id })

  const post = (body: Shown) => admin.call('POST', 'service_profiles', { service_profile: body })
  const faults = [
    [await associate(profile.id), 409, 'FlavorServiceProfileBindingExists'],
    [await associate(flavor.id), 404, 'ServiceProfileNotFound'],
    [await admin.call('DELETE', `${at}/${other.id}`), 404, 'FlavorServiceProfileBindingNotFound'],
    [await admin.call('GET', `${at}/${other.id}`), 404, 'FlavorServiceProfileBindingNotFound'],
    [await admin.call('DELETE', `service_profiles/${profile.id}`), 409, 'ServiceProfileInUse'],
    [
      await admin.call('PUT', `service_profiles/${profile.id}`, { service_profile: { metainfo: 'x' } }),
      409,
      'ServiceProfileInUse',
    ],
    [await post({}), 400, 'ServiceProfileEmpty'],
    [await post({ driver: 'no.such.Driver' }), 404, 'ServiceProfileDriverNotFound'],
    [await admin.call('POST', 'flavors', { flavor: { service_type: 'FRIDGE' } }), 400, 'InvalidServiceType'],
    [await admin.call('POST', 'flavors', { flavor: {} }), 400, 'HTTPBadRequest'],
    [
      await as('blue').call('POST', 'flavors', { flavor: { service_type: 'QOS' } }),
      403,
      'PolicyNotAuthorized',
    ],
    [await as('blue').call('GET', `service_profiles/${profile.id}`), 404, 'ServiceProfileNotFound'],
    [await admin.call('GET', `flavors/${profile.id}`), 404, 'FlavorNotFound'],
  ] as const
  for (const [index, [answer, status, type]] of faults.entries()) {
    assert.deepEqual(fault(answer), [status, type], `${index}`)
  }
  const changed = await admin.update('flavor', flavor.id, { service_profiles: [other.id], enabled: 'no' })
  assert.deepEqual([changed.service_profiles, changed.enabled], [[other.id], false])
  assert.equal((await admin.call('DELETE', `${at}/${other.id}`)).status, 204)
  await admin.remove('service_profile', other.id)
  assert.equal((await associate(profile.id)).status, 201)
  await admin.remove('flavor', flavor.id)
  await admin.remove('service_profile', profile.id)
  assert.deepEqual((await as('blue').call('GET', 'service-providers')).body, { service_providers: [] })
})
