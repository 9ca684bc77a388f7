/** What /proc says of a process. */
import { readFileSync } from 'node:fs'

export interface ProcessStat {
  /** One letter: R, S, D, Z (ended, and not yet waited for) … */
  state: string
  /** Clock ticks from boot to its start: with the pid, names a process for good. */
  startTime: string
}

/** The state of a process, or undefined when there is none. */
export function processStat(pid: number): ProcessStat | undefined {
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return undefined
  }
}

/** Reads /proc/PID/stat; the program's name in it may contain spaces and parentheses. */
export function parseStat(text: string): ProcessStat | undefined {
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  const [state, startTime] = [fields[0], fields[19]]
  return state !== undefined && startTime !== undefined ? { state, startTime } : undefined
}

/** True while that very process runs. */
export function isRunning(pid: number, startTime: string): boolean {
  const stat = processStat(pid)
  return stat !== undefined && stat.startTime === startTime && stat.state !== 'Z' && stat.state !== 'X'
}
