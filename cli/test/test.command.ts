/**
 * `nucleon test`: runs the lanes one after another, each in a process of its own and within its budget, and sums
 * up. The last line is `N passed, N failed, N skipped`.
 */
import { fork, spawn } from 'node:child_process'
import { accessSync, constants, statfsSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { UserError } from '../errors.ts'
import { repository } from '../paths.ts'
import { inSandbox } from '../sandbox.ts'
import type { Totals } from './lane.process.ts'
import { type Lane, lanes, testFiles } from './lanes.ts'
import { fetchContent } from './packages.ts'

interface TestOptions {
  soak?: true
  only?: string
}

/** The checks that are programs of their own; each counts as one test of the lane `check`. */
const checks: readonly [name: string, argv: readonly string[]][] = [
  ['types', ['tsc', '--noEmit']],
  ['lint and format', ['biome', 'check', '--error-on-warnings', '.']],
]

/** What a lane may take with --soak, instead of its budget. */
const soakMinutes = 12 * 60

const none: Totals = { passed: 0, failed: 0, skipped: 0 }

function sum(all: readonly Totals[]): Totals {
  return all.reduce(
    (left, right) => ({
      passed: left.passed + right.passed,
      failed: left.failed + right.failed,
      skipped: left.skipped + right.skipped,
    }),
    none,
  )
}

/** Where temporary files are in memory; the usual place where that is not to be had, or small. */
function memoryDirectory(): NodeJS.ProcessEnv {
  const directory = '/dev/shm'
  try {
    accessSync(directory, constants.W_OK)
    const { bavail, bsize } = statfsSync(directory)
    return bavail * bsize >= 2 ** 31 ? { TMPDIR: directory } : {}
  } catch {
    return {}
  }
}

const say = (text: string) => process.stdout.write(`${text}\n`)

async function runCheck(name: string, [program, ...args]: readonly string[]): Promise<Totals> {
  const child = spawn(`${repository}/node_modules/.bin/${program}`, args, { cwd: repository })
  const output: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => output.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => output.push(chunk))
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  if (code === 0) return { ...none, passed: 1 }
  say(`    FAILED: ${name}\n${Buffer.concat(output).toString().trimEnd()}`)
  return { ...none, failed: 1 }
}

/** Runs the files in a child process, which is ended with all its own when the budget is spent. */
async function runFiles(lane: Lane, files: readonly string[], env: NodeJS.ProcessEnv): Promise<Totals> {
  const minutes = env.NUCLEON_TEST_SOAK === '1' ? soakMinutes : lane.budgetMinutes
  const script = `${repository}/cli/test/lane.process.ts`
  const concurrency = Math.min(lane.concurrency, availableParallelism())
  const args = [String(concurrency), ...files.map((file) => `${repository}/${file}`)]
  const execArgv = ['--disable-warning=ExperimentalWarning']
  const [program, ...prefix] = lane.sandbox
    ? inSandbox([process.execPath, ...execArgv])
    : [process.execPath, ...execArgv]
  const child = fork(script, args, {
    cwd: repository,
    env,
    execPath: program,
    execArgv: prefix,
    detached: true,
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  let totals: Totals | undefined
  child.on('message', (message) => {
    totals = message as Totals
  })
  const group = child.pid
  const end = () => {
    if (group !== undefined) process.kill(-group, 'SIGKILL')
  }
  let late = false
  const budget = setTimeout(() => {
    late = true
    end()
  }, minutes * 60_000)
  process.once('SIGINT', end)
  process.once('SIGTERM', end)
  try {
    await new Promise<void>((resolve, reject) => {
      child.once('error', reject)
      child.once('close', () => resolve())
    })
  } finally {
    clearTimeout(budget)
    process.off('SIGINT', end)
    process.off('SIGTERM', end)
  }
  if (totals !== undefined) return totals
  say(late ? `    FAILED: over its budget of ${minutes} minutes` : '    FAILED: the lane broke off')
  return { ...none, failed: 1 }
}

async function runLane(lane: Lane, files: readonly string[], given: NodeJS.ProcessEnv): Promise<Totals> {
  const env = lane.memory ? { ...given, ...memoryDirectory() } : given
  if (lane.sandbox && process.getuid?.() !== 0) {
    say('    FAILED: needs root (network namespaces)')
    return { ...none, failed: 1 }
  }
  const parts: Totals[] = []
  if (lane.name === 'check') for (const [name, argv] of checks) parts.push(await runCheck(name, argv))
  if (files.length > 0) {
    for (const name of lane.packages) {
      await fetchContent(name).catch((error: Error) => say(`    ${name} was not fetched: ${error.message}`))
    }
    if (lane.postgres) {
      const { withPostgres } = await import('./postgres.ts')
      parts.push(await withPostgres((postgres) => runFiles(lane, files, { ...env, ...postgres }), say))
    } else {
      parts.push(await runFiles(lane, files, env))
    }
  }
  return sum(parts)
}

/** Runs the named lanes (all by default); sets the exit code. */
export async function test(names: readonly string[], options: TestOptions): Promise<void> {
  const unknown = names.filter((name) => !lanes.some((lane) => lane.name === name))
  if (unknown.length > 0) {
    throw new UserError(
      `no such lane: ${unknown.join(', ')}`,
      `Lanes: ${lanes.map((lane) => lane.name).join(', ')}`,
    )
  }
  const chosen = lanes.filter((lane) => names.length === 0 || names.includes(lane.name))
  const files = testFiles(repository).filter(
    (file) => options.only === undefined || file.includes(options.only),
  )
  const env = options.soak === true ? { ...process.env, NUCLEON_TEST_SOAK: '1' } : process.env
  const results: Totals[] = []
  let stopped = false
  const stop = () => {
    stopped = true
  }
  process.once('SIGINT', stop)
  process.once('SIGTERM', stop)
  for (const lane of chosen) {
    // The running lane has been ended with its processes; the others are not begun.
    if (stopped) break
    const started = performance.now()
    say(`${lane.name}: ${lane.about}`)
    const totals = await runLane(lane, files.filter(lane.holds), env)
    const ran = totals.passed + totals.failed + totals.skipped
    if (ran === 0 && options.only === undefined) {
      say('    FAILED: there was nothing to run')
      totals.failed += 1
    }
    const seconds = ((performance.now() - started) / 1000).toFixed(1)
    say(`  ${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped in ${seconds} s`)
    results.push({ ...totals })
  }
  const all = sum(results)
  const nothing = all.passed + all.failed + all.skipped === 0
  if (stopped) say('stopped before the end')
  else if (nothing && options.only !== undefined) say(`no test file is called *${options.only}*`)
  say(`${all.passed} passed, ${all.failed} failed, ${all.skipped} skipped`)
  if (all.failed > 0 || all.passed === 0 || stopped) process.exitCode = 1
}
