/**
 * Names a process among all that ever ran on any machine, and tells whether one that is named on this machine is
 * certainly gone: what it held need not be waited for.
 */
import { readFileSync, readlinkSync } from 'node:fs'
import { isRunning, processStat } from './process-stat.ts'

/** Boot, process namespace, pid and start time, with `/` between; '' where the system does not say. */
export function processIdentity(): string {
  try {
    return [...place(), process.pid, processStat(process.pid)?.startTime].join('/')
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
    return !isRunning(Number(pid), start)
  } catch {
    return false
  }
}

function place(): [boot: string, namespace: string] {
  const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  return [boot, readlinkSync('/proc/self/ns/pid').replace(/\D/g, '')]
}
