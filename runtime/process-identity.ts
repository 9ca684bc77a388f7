/**
 * Names a process among all that ever ran on any machine, and tells whether one that is named on this machine is
 * certainly gone: what it held need not be waited for.
 */
import { readFileSync, readlinkSync } from 'node:fs'

/** Boot, process namespace, pid and start time, with `/` between; '' where the system does not say. */
export function processIdentity(): string {
  try {
    return [...place(), process.pid, startTime(process.pid)].join('/')
  } catch {
    return ''
  }
}

/** True only if that process ran here and runs no more. False where it cannot be told. */
export function isGone(identity: string): boolean {
  const [boot, namespace, pid, start] = identity.split('/')
  try {
    const [ownBoot, ownNamespace] = place()
    if (boot !== ownBoot || namespace !== ownNamespace || start === undefined) return false
    return startTime(Number(pid)) !== start
  } catch {
    return false
  }
}

function place(): [boot: string, namespace: string] {
  const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  return [boot, readlinkSync('/proc/self/ns/pid').replace(/\D/g, '')]
}

/** Clock ticks since boot, proc(5) field 22; undefined when there is no such process, or it has ended. */
function startTime(pid: number): string | undefined {
  let stat: string
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  } catch {
    return undefined
  }
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19]
}
