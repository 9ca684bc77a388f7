/** One all-in-one for the benchmarks, run by the launcher as a user would, in a state directory that goes with it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { repository } from '../paths.ts'
import { type Layout, layoutOf, readMemory } from '../state/layout.ts'
import { removeAll } from '../up/down.ts'

export interface Figure {
  what: string
  value: number
  unit: string
  /** What is aimed at, for people. */
  aim?: string
}

export interface Bench {
  directory: string
  layout: Layout
  /** The running `nucleon up`. */
  up: ChildProcess
  /** Milliseconds that its start took. */
  startedIn: number
}

/** Starts `nucleon up` on that state and waits until it says that it is ready; answers after how many milliseconds. */
export async function startUp(
  layout: Layout,
  launcher = `${repository}/nucleon`,
): Promise<{ up: ChildProcess; startedIn: number }> {
  const started = performance.now()
  const up = spawn(launcher, ['up', '--state', layout.root], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = once(up, 'exit').then(([code]) => {
    throw new Error(`nucleon up ended with ${code}; see ${layout.log}`)
  })
  ended.catch(() => {})
  await Promise.race([once(up.stdout, 'data'), ended])
  return { up, startedIn: performance.now() - started }
}

/** Ends `nucleon up`; what the agent made stays. */
export async function stopUp(up: ChildProcess): Promise<void> {
  if (up.exitCode !== null) return
  const ended = once(up, 'exit')
  up.kill('SIGTERM')
  await ended
}

/** With no quotas on networks, subnets and ports. Throws when it does not start. */
export async function openBench(): Promise<Bench> {
  const directory = mkdtempSync(join(tmpdir(), 'nucleon-bench-'))
  chmodSync(directory, 0o755)
  const layout = layoutOf(join(directory, 'state'))
  mkdirSync(layout.root)
  const unlimited = ['network', 'subnet', 'port'].map((name) => `quota_${name} = -1\n`)
  writeFileSync(layout.localConfig, `[quotas]\n${unlimited.join('')}`)
  return { directory, layout, ...(await startUp(layout)) }
}

/** Ends it, removes from the host all that it made, and its directory. */
export async function closeBench(bench: Bench): Promise<void> {
  await stopUp(bench.up)
  if (readMemory(bench.layout) !== undefined) await removeAll(bench.layout, () => {})
  rmSync(bench.directory, { recursive: true, force: true })
}

/** For people: as many digits as mean something. */
export function round(value: number, digits = 3): number {
  return Number(value.toPrecision(digits))
}
