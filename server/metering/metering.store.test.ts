/** Metering labels and rules, and with them what every plain stored resource does, through the API on both engines. */
import assert from 'node:assert/strict'
import { onCloud, type Shown } from '../features.testing.ts'

onCloud('labels are created, filtered, and gone with their rules', async ({ admin, as, store }) => {
  const label = await admin.create('metering_label', { name: 'one', shared: true, project_id: 'blue' })
  assert.deepEqual(label, {
    id: label.id,
    name: 'one',
    description: '',
    tenant_id: 'blue',
    project_id: 'blue',
    shared: true,
  })
  assert.equal((await as('blue').list('metering_label', '?shared=true')).length, 1)
  assert.equal((await as('blue').list('metering_label', '?shared=false')).length, 0)
  assert.equal((await as('red').list('metering_label')).length, 0)
  assert.equal(
    (await as('red').call('GET', `metering/metering_labels/${label.id}.json`)).fault,
    'MeteringLabelNotFound',
  )
  const refused = await as('blue').call('POST', 'metering/metering-labels', { metering_label: {} })
  assert.deepEqual([refused.status, refused.fault], [403, 'PolicyNotAuthorized'])
  await admin.create('metering_label_rule', {
    metering_label_id: label.id,
    direction: 'ingress',
    remote_ip_prefix: '10.0.0.0/8',
  })
  await admin.remove('metering_label', label.id)
  assert.deepEqual(await admin.list('metering_label_rule'), [])
  const changes = await store.read((tx) =>
    tx.db.selectFrom('changes').select(['object', 'operation', 'parent_id']).orderBy('seq').execute(),
  )
  assert.deepEqual(
    changes.filter((one) => one.object.startsWith('metering')),
    [
      { object: 'metering_label', operation: 'create', parent_id: null },
      { object: 'metering_label_rule', operation: 'create', parent_id: label.id },
      { object: 'metering_label', operation: 'delete', parent_id: null },
    ],
  )
})

onCloud('rules are of a label, name prefixes of one kind, and do not overlap', async ({ admin }) => {
  const label = await admin.create('metering_label', {})
  const post = (body: Shown) =>
    admin.call('POST', 'metering/metering-label-rules', {
      metering_label_rule: { metering_label_id: label.id, direction: 'ingress', ...body },
    })
  const rule = await post({ remote_ip_prefix: '10.1.0.0/16', excluded: 'true' })
  assert.deepEqual([rule.status, rule.body.metering_label_rule?.excluded], [201, true])
  const faults = [
    [await post({ remote_ip_prefix: '10.0.0.0/8', excluded: true }), 409, 'MeteringLabelRuleOverlaps'],
    [await post({}), 400, 'InvalidInput'],
    [await post({ remote_ip_prefix: '10.0.0.0/8', source_ip_prefix: '10.0.0.0/8' }), 400, 'InvalidInput'],
    [await post({ remote_ip_prefix: 'everywhere' }), 400, 'HTTPBadRequest'],
    [await post({ direction: 'up', remote_ip_prefix: '10.0.0.0/8' }), 400, 'HTTPBadRequest'],
    [
      await post({ metering_label_id: rule.body.metering_label_rule.id, source_ip_prefix: '10.0.0.0/8' }),
      404,
      'MeteringLabelNotFound',
    ],
  ] as const
  for (const [index, [answer, status, fault]] of faults.entries()) {
    assert.deepEqual([answer.status, answer.fault], [status, fault], `${index}`)
  }
  assert.equal((await post({ remote_ip_prefix: '10.0.0.0/8' })).status, 201, 'counted, not excluded')
  assert.equal((await post({ remote_ip_prefix: '2001:db8::/32', excluded: true })).status, 201)
  const both = (await post({ source_ip_prefix: '10.1.2.3/8' })).body.metering_label_rule
  assert.equal(both.source_ip_prefix, '10.0.0.0/8')
  const changed = await admin.update('metering_label_rule', both.id, { destination_ip_prefix: '0.0.0.0/0' })
  assert.deepEqual(
    [changed.source_ip_prefix, changed.destination_ip_prefix, changed.remote_ip_prefix],
    ['10.0.0.0/8', '0.0.0.0/0', null],
  )
  const bare = await admin.call('PUT', `metering/metering-label-rules/${both.id}`, {
    metering_label_rule: { source_ip_prefix: null, destination_ip_prefix: null },
  })
  assert.equal(bare.fault, 'InvalidInput')
  assert.equal((await admin.list('metering_label_rule', `?metering_label_id=${label.id}`)).length, 4)
})
