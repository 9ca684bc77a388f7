import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { createLifecycle } from './lifecycle.ts'
import { silentLogger } from './log.ts'

function lifecycleWithTrace(deadline?: number) {
  const trace: string[] = []
  const lifecycle = createLifecycle({ log: silentLogger, ...(deadline === undefined ? {} : { deadline }) })
  const part = (name: string, stop: () => void | Promise<void> = () => {}) =>
    lifecycle.start(
      name,
      () => {
        trace.push(`+${name}`)
        return name
      },
      async () => {
        await stop()
        trace.push(`-${name}`)
      },
    )
  return { trace, lifecycle, part }
}

test('stops in reverse order, once, with the signal aborted first', async () => {
  const { trace, lifecycle, part } = lifecycleWithTrace()
  assert.equal(await part('a'), 'a')
  await part('b', () => {
    trace.push(`aborted ${lifecycle.signal.aborted}`)
  })
  assert.deepEqual(await Promise.all([lifecycle.stop(), lifecycle.stop()]), [true, true])
  assert.deepEqual(trace, ['+a', '+b', 'aborted true', '-b', '-a'])
})

test('one part that fails or hangs does not keep the others', async () => {
  const { trace, lifecycle, part } = lifecycleWithTrace(50)
  await part('a')
  await part('fails', () => Promise.reject(new Error('no')))
  await part('hangs', () => new Promise(() => {}))
  assert.equal(await lifecycle.stop(), false)
  assert.deepEqual(trace, ['+a', '+fails', '+hangs', '-a'])
})

test('starts nothing after stopping began, and stops what started meanwhile', async () => {
  const { trace, lifecycle } = lifecycleWithTrace()
  const { promise: opened, resolve: open } = Promise.withResolvers<string>()
  const late = lifecycle.start(
    'late',
    () => opened,
    () => {
      trace.push('-late')
    },
  )
  const stopped = lifecycle.stop()
  open('late')
  await assert.rejects(late, /stopping/)
  await stopped
  assert.deepEqual(trace, ['-late'])
  await assert.rejects(
    lifecycle.start('never', () => trace.push('+never')),
    /stopping/,
  )
  assert.deepEqual(trace, ['-late'])
})

/** Resolves with the exit code when all output has been read. */
async function endOf(child: ChildProcess): Promise<[number | null]> {
  const [[code]] = await Promise.all([
    once(child, 'exit'),
    child.stdout === null ? [] : once(child.stdout, 'close'),
  ])
  return [code]
}

/** A process that runs `main` under runProcess; it writes each thing that happens as a line. */
function run(main: string): { child: ChildProcess; output: () => string; ended: Promise<[number | null]> } {
  const url = (file: string) => JSON.stringify(new URL(file, import.meta.url).href)
  const child = spawn(
    process.execPath,
    [
      '--input-type=module',
      '--eval',
      `import { runProcess } from ${url('./lifecycle.ts')}
       import { createLogger } from ${url('./log.ts')}
       const say = (line) => process.stdout.write(line + '\\n')
       await runProcess({ log: createLogger({ name: 'test' }), deadline: 500 }, async (lifecycle) => {
         await lifecycle.start('a', () => setInterval(() => {}, 1000), (timer) => { clearInterval(timer); say('stopped a') })
         ${main}
         process.send?.('ready')
       })`,
    ],
    { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] },
  )
  let output = ''
  child.stdout?.on('data', (chunk) => {
    output += chunk
  })
  return { child, output: () => output, ended: endOf(child) }
}

test('SIGTERM stops a process with code 0', async () => {
  const { child, output, ended } = run('')
  await once(child, 'message')
  child.kill('SIGTERM')
  assert.equal((await ended)[0], 0)
  assert.match(output(), /stopped a/)
})

test('a process ends when its supervisor is gone', async () => {
  const { child, output, ended } = run('')
  await once(child, 'message')
  child.disconnect()
  assert.equal((await ended)[0], 0)
  assert.match(output(), /supervisor gone/)
})

test('a failed start stops what had started and ends with code 1', async () => {
  const { output, ended } = run('throw new Error("no database")')
  assert.equal((await ended)[0], 1)
  assert.match(output(), /stopped a\n/)
  assert.match(output(), /could not start/)
})

test('an unhandled rejection ends a process with code 1 and says why', async () => {
  const { output, ended } = run('setImmediate(() => Promise.reject(new Error("lost promise")))')
  assert.equal((await ended)[0], 1)
  assert.match(output(), /lost promise/)
})

test('a part that hangs does not keep a process from ending', async () => {
  const { child, ended } = run('await lifecycle.start("b", () => 1, () => new Promise(() => {}))')
  await once(child, 'message')
  child.kill('SIGTERM')
  assert.equal((await ended)[0], 1)
})
