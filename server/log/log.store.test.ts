/** Logging resources, through the API on both engines. */
import assert from 'node:assert/strict'
import { type Answer, onCloud, type Shown } from '../features.testing.ts'

const fault = ({ status, fault }: Answer) => [status, fault]

onCloud('a log is of a group, a port, or a group on a port', async ({ admin, as }) => {
  const group = await as('blue').create('security_group', { name: 'web' })
  const bare = await as('blue').create('security_group', { name: 'db' })
  const network = await as('blue').create('network', {})
  const port = await as('blue').create('port', { network_id: network.id, security_groups: [group.id] })
  const post = (body: Shown, who = admin) =>
    who.call('POST', 'log/logs', { log: { project_id: 'blue', resource_type: 'security_group', ...body } })
  const log = (await post({ name: 'all', resource_id: group.id, target_id: port.id })).body.log
  assert.deepEqual(
    [log.event, log.enabled, log.description, log.revision_number, log.resource_id, log.target_id],
    ['ALL', true, '', 1, group.id, port.id],
  )
  assert.ok(!('tags' in log))
  const faults = [
    [await post({ resource_type: 'weather' }), 400, 'InvalidLogResourceType'],
    [await post({ resource_id: port.id }), 404, 'ResourceNotFound'],
    [await post({ target_id: group.id }), 404, 'TargetResourceNotFound'],
    [await post({ resource_id: bare.id, target_id: port.id }), 400, 'InvalidResourceConstraint'],
    [await post({ event: 'MAYBE' }), 400, 'HTTPBadRequest'],
    [await post({}, as('blue')), 403, 'PolicyNotAuthorized'],
    [await admin.call('PUT', `log/logs/${log.id}`, { log: { event: 'DROP' } }), 400, 'HTTPBadRequest'],
    [await admin.call('GET', `log/logs/${port.id}`), 404, 'LogResourceNotFound'],
  ] as const
  for (const [index, [answer, status, type]] of faults.entries()) {
    assert.deepEqual(fault(answer), [status, type], `${index}`)
  }
  const changed = await admin.update('log', log.id, { enabled: false, name: 'off' })
  assert.deepEqual([changed.enabled, changed.name, changed.revision_number], [false, 'off', 2])
  assert.equal((await post({ event: 'DROP' })).status, 201, 'of everything')
  assert.equal((await admin.list('log', `?resource_id=${group.id}`)).length, 1)
  assert.equal((await admin.list('log', '?enabled=true&event=DROP')).length, 1)
  await admin.remove('log', log.id)
  assert.equal((await admin.list('log')).length, 1)
  const types = await admin.call('GET', 'log/loggable-resources')
  assert.deepEqual(types.body, { loggable_resources: [{ type: 'security_group' }] })
})
