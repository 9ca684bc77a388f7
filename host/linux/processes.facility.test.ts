import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { silentLogger } from '../../runtime/log.ts'
import { isAlive, processesWhere } from '../../runtime/process-stat.ts'
import { fillDisk } from '../../runtime/testing/full-disk.ts'
import type { Facility, FacilityEvents } from '../facility.ts'
import type { Process } from '../objects.ts'
import { createProcessesFacility } from './processes.facility.ts'

const events: FacilityEvents = { changed() {}, resolved() {}, renewed() {} }
const sleeper: Process = { kind: 'process', id: 'sleeper', namespace: null, argv: ['sleep', '30'] }
const ident = 'process sleeper'

test('a process whose pid cannot be written down is known all the same, also to the next agent', async (t) => {
  const runDir = mkdtempSync(join(tmpdir(), 'nucleon-processes-'))
  t.after(() => rmSync(runDir, { recursive: true }))
  const agent = async (): Promise<Facility> => {
    const options = { runDir, log: silentLogger, generationOf: () => undefined, begun() {} }
    const facility = createProcessesFacility(options)
    await facility.start(events)
    facility.wanted?.(ident, sleeper, undefined)
    return facility
  }
  const found = async (facility: Facility) => (await facility.observe('sleeper')).found
  const first = await agent()

  const disk = fillDisk(t, 1)
  const failures = await first.apply([{ ident, observed: undefined, wanted: sleeper }])
  disk.free()

  assert.deepEqual([...failures], [])
  const [seen] = await found(first)
  assert.ok(seen, 'it is known')
  await first.stop()
  const second = await agent()
  assert.deepEqual(await found(second), [seen])
  await second.apply([{ ident, observed: seen, wanted: undefined }])
  await second.stop()
  const left = processesWhere((one) => one.parent === process.pid && one.program === 'sleep' && isAlive(one))
  assert.deepEqual(left, [])
})
