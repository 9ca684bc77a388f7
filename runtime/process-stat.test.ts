import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { isRunning, parseStat, processesWhere, processStat } from './process-stat.ts'

test('a process whose name holds spaces and parentheses', () => {
  const fields = ['S', '7', ...Array.from({ length: 17 }, (_, i) => String(i)), '4242', '0']
  assert.deepEqual(parseStat(`17 (a) b) ${fields.join(' ')}`), {
    program: 'a) b',
    state: 'S',
    parent: 7,
    startTime: '4242',
  })
  assert.equal(parseStat(''), undefined)
})

test('a child is found by what it is while it runs', async () => {
  const child = spawn('sleep', ['60'])
  await once(child, 'spawn')
  const ours = () =>
    processesWhere(({ program, parent }) => program === 'sleep' && parent === process.pid).map(
      ({ pid }) => pid,
    )
  assert.deepEqual(ours(), [child.pid])
  const pid = child.pid ?? 0
  const { startTime } = processStat(pid) ?? assert.fail('it is not there')
  assert.equal(isRunning(pid, startTime), true)
  assert.equal(isRunning(pid, `${startTime}0`), false, 'another of the same pid')
  child.kill('SIGKILL')
  await once(child, 'exit')
  assert.deepEqual([ours(), isRunning(pid, startTime)], [[], false])
})
