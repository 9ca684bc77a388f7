/** What /proc/PID/stat says of processes: proc(5). */
import { readdirSync, readFileSync } from 'node:fs'

export interface ProcessStat {
  /** The program's name, cut off after 15 bytes. */
  program: string
  /** One letter: R, S, D, Z (ended, and not yet waited for) … */
  state: string
  /** Pid of the parent. */
  parent: number
  /** Clock ticks from boot to its start: with the pid, names a process for good. */
  startTime: string
}

/** What a process is at the moment, or undefined when there is none. */
export function processStat(pid: number): ProcessStat | undefined {
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return undefined
  }
}

/** Reads /proc/PID/stat; the program's name in it may contain spaces and parentheses. */
export function parseStat(text: string): ProcessStat | undefined {
  const [, program, rest] = /^\d+ \((.*)\) (.*)$/s.exec(text) ?? []
  const fields = rest?.split(' ') ?? []
  const [state, parent, startTime] = [fields[0], fields[1], fields[19]]
  if (program === undefined || state === undefined || startTime === undefined) return undefined
  return { program, state, parent: Number(parent), startTime }
}

/** True while it runs: a zombie has ended, and waits for its parent alone. */
export function isAlive({ state }: ProcessStat): boolean {
  return state !== 'Z' && state !== 'X'
}

/** True while that very process runs. */
export function isRunning(pid: number, startTime: string): boolean {
  const stat = processStat(pid)
  return stat !== undefined && stat.startTime === startTime && isAlive(stat)
}

/** All processes that are as `isOne` says, of those that this one can see. */
export function processesWhere(isOne: (stat: ProcessStat) => boolean): (ProcessStat & { pid: number })[] {
  return readdirSync('/proc').flatMap((name) => {
    const stat = /^\d+$/.test(name) ? processStat(Number(name)) : undefined
    return stat !== undefined && isOne(stat) ? [{ pid: Number(name), ...stat }] : []
  })
}
