import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { UserError } from '../errors.ts'
import { supervise, tailOf } from './supervisor.ts'

let directory = ''
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'supervisor-'))
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

function spec(script: string) {
  return {
    name: 'thing',
    argv: [process.execPath, '-e', script] as const,
    logFile: join(directory, 'thing.log'),
  }
}

async function until(what: () => boolean): Promise<void> {
  for (let i = 0; i < 500 && !what(); i += 1) await sleep(10)
  assert.ok(what(), 'does not come about')
}

test('a process that says it is ready is, and stops on SIGTERM', async () => {
  const said: string[] = []
  const thing = supervise(
    spec("console.log('hello'); process.send({ ready: true }); process.on('SIGTERM', () => process.exit(0))"),
    { say: (text) => said.push(text) },
  )
  await thing.ready
  const pid = thing.pid()
  assert.ok(pid !== undefined)
  await thing.stop()
  assert.throws(() => process.kill(pid, 0), /ESRCH/)
  assert.equal(readFileSync(join(directory, 'thing.log'), 'utf8'), 'hello\n')
  assert.deepEqual(said, [])
})

test('a killed process comes back, as another', async () => {
  const said: string[] = []
  const thing = supervise(spec('process.send({ ready: true }); setInterval(() => {}, 1000)'), {
    say: (text) => said.push(text),
    backoff: 10,
  })
  await thing.ready
  const first = thing.pid()
  assert.ok(first !== undefined)
  process.kill(first, 'SIGKILL')
  await until(() => thing.pid() !== undefined && thing.pid() !== first)
  await thing.stop()
  assert.match(said.join('\n'), /the thing died \(signal SIGKILL\); starting it again in 10 ms/)
})

test('a process that cannot start is given up, with the end of its log', async () => {
  const thing = supervise(spec("console.error('no luck'); process.exit(3)"), { say: () => {}, backoff: 5 })
  await assert.rejects(thing.ready, (error: unknown) => {
    assert.ok(error instanceof UserError)
    assert.equal(error.message, 'the thing does not start (exit code 3)')
    assert.match(error.hint ?? '', /ends:\nno luck/)
    return true
  })
  await thing.stop()
})

test('a crash loop after readiness is told, and tried on', async () => {
  const said: string[] = []
  const thing = supervise(spec('process.send({ ready: true }, () => process.exit(7))'), {
    say: (text) => said.push(text),
    backoff: 5,
  })
  await until(() => said.some((text) => text.includes('keeps dying (exit code 7)')))
  await thing.stop()
})

test('a program that does not exist is a failed start', async () => {
  const thing = supervise(
    { name: 'thing', argv: ['/no/such/program'], logFile: join(directory, 'thing.log') },
    { say: () => {}, backoff: 5 },
  )
  await assert.rejects(thing.ready, /does not start \(spawn .* ENOENT\)/)
  await thing.stop()
})

test('the tail of a log is its last lines', () => {
  assert.equal(tailOf(join(directory, 'none')), '')
})
