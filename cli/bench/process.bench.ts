/** What our processes cost: their start, the agent's restart, their memory. */
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { type ProcessStat, processesWhere } from '../../runtime/process-stat.ts'
import { type Running, runningIn } from '../state/control.ts'
import type { Layout } from '../state/layout.ts'
import { type Bench, type Figure, round, startUp, stopUp } from './bench.place.ts'

async function requireRunning(layout: Layout): Promise<Running> {
  const running = await runningIn(layout)
  if (running === undefined) throw new Error('nucleon up does not run')
  return running
}

/** Stops and starts again: what is compiled and stored is there by then. */
export async function measureStart(bench: Bench): Promise<Figure[]> {
  const first = bench.startedIn
  await stopUp(bench.up)
  Object.assign(bench, await startUp(bench.layout))
  return [
    { what: 'first start until ready', value: round(first), unit: 'ms' },
    { what: 'second start until ready', value: round(bench.startedIn), unit: 'ms', aim: 'under 1500' },
  ]
}

/** From the start of the new agent until it has told the server that its host has converged. */
export async function agentRestarted(layout: Layout): Promise<number> {
  const before = await requireRunning(layout)
  const { pid } = before.parts.agent
  if (pid === null) throw new Error('the agent does not run')
  process.kill(pid, 'SIGKILL')
  for (const end = performance.now() + 60_000; performance.now() < end; await sleep(10)) {
    const { agent } = (await requireRunning(layout)).parts
    if (agent.pid === pid || agent.readyAfter === null) continue
    return agent.readyAfter
  }
  throw new Error('the agent does not come back')
}

/** Kills the agent (SIGKILL); the figure is what the next one takes from its start until it is ready. */
export async function measureRestart({ layout }: Bench): Promise<Figure[]> {
  const took = await agentRestarted(layout)
  return [{ what: 'agent started again until converged', value: round(took), unit: 'ms', aim: 'under 1000' }]
}

/** Proportional set size in KiB; 0 of a process that has ended. */
function pssOf(pid: number): number {
  try {
    const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')
    return Number(/^Pss:\s+(\d+) kB$/m.exec(text)?.[1] ?? 0)
  } catch {
    return 0
  }
}

const pidsWhere = (isOne: (stat: ProcessStat) => boolean): number[] =>
  processesWhere(isOne).map(({ pid }) => pid)
const pidsOf = (name: string): number[] => pidsWhere(({ program }) => program === name)

/** In MiB, as it is at this moment; the aim is for the sum of our own processes. */
export async function measureMemory({ layout }: Bench): Promise<Figure[]> {
  const figures = await memoryFigures(layout)
  return figures.map((one) => (one.what.includes(' all ') ? { ...one, aim: 'under 250' } : one))
}

/** Proportional memory by kind of process; `load` says with what. */
export async function memoryFigures(layout: Layout, load?: string): Promise<Figure[]> {
  const withLoad = load === undefined ? '' : `, ${load}`
  const running = await requireRunning(layout)
  const agent = running.parts.agent.pid ?? 0
  const groups: [string, number[]][] = [
    ['supervisor', [running.pid]],
    ['server', [running.parts.server.pid ?? 0]],
    ['agent', [agent]],
    [
      'programs that the agent runs',
      pidsWhere(({ program, parent }) => parent === agent && program !== 'dnsmasq'),
    ],
    ['dnsmasq', pidsOf('dnsmasq')],
  ]
  const mib = groups.map(
    ([name, pids]) => [name, pids.reduce((sum, pid) => sum + pssOf(pid), 0) / 1024] as const,
  )
  const total = mib.reduce((sum, [, value]) => sum + value, 0)
  const ovs =
    [...pidsOf('ovs-vswitchd'), ...pidsOf('ovsdb-server')].reduce((sum, pid) => sum + pssOf(pid), 0) / 1024
  return [
    ...mib.map(([name, value]) => ({
      what: `memory of the ${name}${withLoad}`,
      value: round(value),
      unit: 'MiB',
    })),
    { what: `memory of all our processes${withLoad}`, value: round(total), unit: 'MiB' },
    { what: `memory of Open vSwitch, beside them${withLoad}`, value: round(ovs), unit: 'MiB' },
  ]
}
