import assert from 'node:assert/strict'
import { onCloud, type Shown, startCloud } from '../features.testing.ts'
import { forEachEngine } from '../store/testing.ts'

const name = 'security_groups_default_statefulness'
const path = 'security-groups-default-statefulness'

onCloud('new groups are stateful as the project, or the cloud, has it set', async ({ admin, as }) => {
  const stateful = async (project: string, body: Shown = {}) =>
    (await as(project).create('security_group', body)).stateful
  assert.equal(await stateful('blue'), true)
  const cloud = await admin.create(name, { project_id: null, stateful: false })
  assert.deepEqual(cloud, { id: cloud.id, project_id: null, stateful: false })
  assert.equal(await stateful('blue'), false)
  assert.equal(await stateful('blue', { stateful: true }), true, 'what is asked for goes before')
  const [first] = await as('red').list('security_group')
  assert.deepEqual([first?.name, first?.stateful], ['default', false])
  const own = await admin.create(name, { project_id: 'blue', stateful: true })
  assert.equal(await stateful('blue'), true)
  assert.equal(await stateful('red'), false)
  assert.equal((await admin.update(name, own.id, { stateful: false })).stateful, false)
  assert.equal(await stateful('blue'), false)
  await admin.remove(name, own.id)
  assert.equal((await admin.update(name, cloud.id, { stateful: true })).stateful, true)
  assert.equal(await stateful('blue'), true)
  await admin.remove(name, cloud.id)
  assert.equal(
    (await admin.call('GET', `${path}/${cloud.id}`)).fault,
    'SecurityGroupDefaultStatefulnessNotFound',
  )
  const kept = await as('blue').list('security_group')
  assert.equal(kept.filter((group) => !group.stateful).length, 2, 'groups that exist stay')
})

onCloud('a project has one setting, and the cloud one', async ({ admin, as }) => {
  for (const project_id of ['blue', null]) {
    await admin.create(name, { project_id })
    const again = await admin.call('POST', path, { [name]: { project_id } })
    assert.deepEqual([again.status, again.fault], [409, 'SecurityGroupDefaultStatefulnessAlreadyExists'])
  }
  const caller = await admin.create(name, {})
  assert.deepEqual([caller.project_id, caller.stateful], ['admin', true], 'the project of the token')
  const several = await admin.createAll(name, [{ project_id: 'a' }, { project_id: 'b', stateful: false }])
  assert.deepEqual(
    several.map((one) => one.stateful),
    [true, false],
  )
  assert.deepEqual(
    (await as('blue').list(name)).map((one) => one.project_id),
    ['blue'],
  )
  assert.equal((await as('blue').call('POST', path, { [name]: {} })).status, 403, 'members may not')
  assert.equal((await admin.list(name, '?stateful=false')).length, 1)
  assert.equal((await admin.list(name, '?project_id=b')).length, 1)
  assert.equal((await admin.call('PUT', `${path}/${caller.id}`, { [name]: { project_id: 'c' } })).status, 400)
})

forEachEngine('of those who set it at the same time one does', async (tools) => {
  const clouds = [await startCloud(tools.store), await startCloud(await tools.open())]
  const body = (project_id: string | null) => ({ [name]: { project_id } })
  const answers = await Promise.all(
    Array.from({ length: 32 }, (_, i) =>
      clouds[i % 2]?.admin.call('POST', path, body(i % 4 < 2 ? null : 'blue')),
    ),
  )
  const outcomes = answers.map((answer) => `${answer?.status} ${answer?.fault ?? ''}`).sort()
  const refused = '409 SecurityGroupDefaultStatefulnessAlreadyExists'
  assert.deepEqual(outcomes, ['201 ', '201 ', ...Array<string>(30).fill(refused)])
  for (const cloud of clouds) await cloud.close()
})
