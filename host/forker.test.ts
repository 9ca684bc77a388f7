import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { after, test } from 'node:test'
import { processesWhere } from '../runtime/process-stat.ts'
import { createForker } from './forker.ts'
import type { Argv } from './run.ts'

const forker = createForker()
after(() => forker.stop())

const exec = (argv: Argv, input = '', timeout = 10_000, namespace: string | null = null) =>
  forker.run({ argv, input, timeout, namespace })
const sh = (line: string, input = '', timeout = 10_000) => exec(['sh', '-c', line], input, timeout)

test('a program answers what it printed, what it complained of, and its status', async () => {
  assert.deepEqual(await sh('cat; echo no >&2; exit 3', 'yes'), {
    status: 3,
    reason: undefined,
    stdout: 'yes',
    stderr: 'no\n',
  })
  assert.equal((await exec(['printf', '%s|', '', 'a b', '$x"', 'ü\n'])).stdout, '|a b|$x"|ü\n|')
})

test('many at a time, with much to read and to say, each get their own', async () => {
  const sizes = Array.from({ length: 40 }, (_, n) => n * 20_000)
  const answers = await Promise.all(
    sizes.map((size, n) => sh(`cat; echo ${n} >&2`, String(n % 10).repeat(size))),
  )
  for (const [n, { status, stdout, stderr }] of answers.entries()) {
    assert.deepEqual([status, stderr], [0, `${n}\n`])
    assert.equal(stdout, String(n % 10).repeat(sizes[n] ?? 0))
  }
})

test('one that does not read its input, or does not end, or cannot start, is told of', async () => {
  assert.equal((await sh('exit 0', 'x'.repeat(1_000_000))).status, 0)
  const [slow, quick] = await Promise.all([sh('exec sleep 30', '', 1000), sh('echo quick')])
  assert.deepEqual([slow.status, slow.reason, quick.stdout], [null, 'timed out', 'quick\n'])
  const absent = await exec(['/no/such/program'])
  assert.equal(absent.status, null)
  assert.match(absent.reason ?? '', /cannot start: No such file/)
  assert.match((await exec(['echo', 'a\0b'])).reason ?? '', /NUL/)
  assert.match((await sh('kill -9 $$')).reason ?? '', /signal 9/)
})

test('a large input needs no disk', async () => {
  await sh('true')
  limit('fsize', 0)
  const text = 'x'.repeat(1_000_000)
  assert.equal((await exec(['cat'], text)).stdout, text)
})

test('a program for which there are no files left fails alone', async () => {
  const slow = sh('sleep 0.3; echo slow')
  await sh('true')
  limit('nofile', 6)
  const { status, reason } = await sh('true')
  assert.equal(status, null)
  assert.match(reason ?? '', /cannot start: Too many open files/)
  assert.equal((await slow).stdout, 'slow\n')
  limit('nofile', 1024)
  assert.equal((await sh('echo again')).stdout, 'again\n')
})

test('when its process is killed, what runs fails and the next program finds another', async () => {
  const running = sh('sleep 5')
  await sh('true')
  process.kill(perlChild(), 'SIGKILL')
  const { status, reason } = await running
  assert.deepEqual([status, reason], [null, 'the process that runs programs has ended'])
  assert.equal((await sh('echo again')).stdout, 'again\n')
})

function limit(what: string, value: number): void {
  execFileSync('prlimit', ['--pid', String(perlChild()), `--${what}=${value}:1024`])
}

/** The process of this test's forker. */
function perlChild(): number {
  const [perl] = processesWhere(({ program, parent }) => program === 'perl' && parent === process.pid)
  assert.ok(perl)
  return perl.pid
}
