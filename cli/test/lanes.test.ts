import assert from 'node:assert/strict'
import { test } from 'node:test'
import { lanes, testFiles } from './lanes.ts'

const root = new URL('../..', import.meta.url).pathname

test('every test file of the repository belongs to exactly one lane', () => {
  const homes = testFiles(root).map((file) => ({
    file,
    lanes: lanes.filter((lane) => lane.holds(file)).map((lane) => lane.name),
  }))
  assert.ok(homes.length > 0)
  assert.deepEqual(
    homes.filter((home) => home.lanes.length !== 1),
    [],
  )
})

test('the lanes stay under 40 minutes together', () => {
  const minutes = lanes.reduce((sum, lane) => sum + lane.budgetMinutes, 0)
  assert.ok(minutes <= 40, `${minutes} minutes`)
})

test('paths find their lanes', () => {
  const laneOf = (path: string) => lanes.find((lane) => lane.holds(path))?.name
  assert.equal(laneOf('lib/ini.test.ts'), 'unit')
  assert.equal(laneOf('server/port/port.store.test.ts'), 'store')
  assert.equal(laneOf('host/ovs/ovs.kernel.test.ts'), 'kernel')
  assert.equal(laneOf('test/kernel/sandbox.test.ts'), 'kernel')
  assert.equal(laneOf('test/kernel/sandbox.ts'), undefined)
  assert.equal(laneOf('test/api/networks.test.ts'), 'api')
  assert.equal(laneOf('test/whole/demo.test.ts'), 'whole')
  assert.equal(laneOf('test/house.test.ts'), 'check')
})
