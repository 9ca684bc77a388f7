import assert from 'node:assert/strict'
import fs, { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { silentLogger } from '../../runtime/log.ts'
import { isAlive, processesWhere } from '../../runtime/process-stat.ts'
import { fillDisk } from '../../runtime/testing/full-disk.ts'
import type { Facility, FacilityEvents } from '../facility.ts'
import type { Process } from '../objects.ts'
import { createProcessesFacility } from './processes.facility.ts'

const events: FacilityEvents = { changed() {}, resolved() {}, renewed() {} }
const running = (argv: Process['argv']): Process => ({ kind: 'process', id: 'it', namespace: null, argv })
const ident = 'process it'

function directoryFor(t: TestContext): string {
  const runDir = mkdtempSync(join(tmpdir(), 'nucleon-processes-'))
  t.after(() => rmSync(runDir, { recursive: true }))
  return runDir
}

async function agent(runDir: string, wanted?: Process, removing = () => true): Promise<Facility> {
  const options = {
    runDir,
    log: silentLogger,
    generationOf: () => undefined,
    async starting() {},
    begun() {},
    removing,
  }
  const facility = createProcessesFacility(options)
  await facility.start(events)
  if (wanted) facility.wanted?.(ident, wanted, undefined)
  return facility
}

const found = async (facility: Facility) => (await facility.observe('it')).found
const left = (runDir: string) => ['processes', 'logs'].flatMap((name) => readdirSync(join(runDir, name)))

test('a process whose pid cannot be written down is known all the same, also to the next agent', async (t) => {
  const runDir = directoryFor(t)
  const sleeper = running(['sleep', '30'])
  const first = await agent(runDir, sleeper)
  const disk = fillDisk(t, 1)
  const failures = await first.apply([{ ident, observed: undefined, wanted: sleeper }])
  disk.free()

  assert.deepEqual([...failures], [])
  const [seen] = await found(first)
  assert.ok(seen, 'it is known')
  await first.stop()
  const second = await agent(runDir, sleeper)
  assert.deepEqual(await found(second), [seen])
  await second.apply([{ ident, observed: seen, wanted: undefined }])
  await second.stop()
  const alive = processesWhere((one) => one.parent === process.pid && one.program === 'sleep' && isAlive(one))
  assert.deepEqual([alive, left(runDir)], [[], []])
})

test('of a process that has ended and is not wanted any more nothing is left', async (t) => {
  const runDir = directoryFor(t)
  const brief = running(['true'])
  const facility = await agent(runDir, brief)
  t.after(() => facility.stop())
  await facility.apply([{ ident, observed: undefined, wanted: brief }])
  assert.equal(left(runDir).length, 2)
  facility.wanted?.(ident, undefined, brief)
  const end = performance.now() + 5000
  while (left(runDir).length > 0 && performance.now() < end) await sleep(50)
  assert.deepEqual(left(runDir), [])
})

test('nothing of one is forgotten before removals are allowed; where that fails the agent lives on', async (t) => {
  const runDir = directoryFor(t)
  const brief = running(['true'])
  const first = await agent(runDir, brief)
  await first.apply([{ ident, observed: undefined, wanted: brief }])
  while ((await found(first)).length > 0) await sleep(20)
  await first.stop()
  let removing = false
  const second = await agent(runDir, undefined, () => removing)
  await sleep(1200)
  assert.equal(left(runDir).length, 2)
  const remove = t.mock.method(fs, 'rmSync', () => assert.fail('the disk cannot be written'))
  syncBuiltinESMExports()
  removing = true
  while (remove.mock.callCount() === 0) await sleep(50)
  await second.stop()
  remove.mock.restore()
  syncBuiltinESMExports()
  assert.ok(left(runDir).length > 0)
})
