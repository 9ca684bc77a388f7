/**
 * Removes all that `up`, its agent and `instance` made on this host, and nothing else. Done twice, or after a part
 * of it was removed by hand, it does what is left to do.
 */
import { existsSync, readdirSync, readFileSync, rmdirSync, rmSync, statSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { findOvs, startOvs, stopOvs } from '../../host/ovs/daemons.ts'
import { UserError } from '../errors.ts'
import { unplug } from '../instance/plug.ts'
import { listRecords, removeRecord } from '../instance/record.ts'
import { askToStop, runningIn } from '../state/control.ts'
import { type Layout, type Memory, readMemory } from '../state/layout.ts'
import { removeBridges } from './bridges.ts'
import { withdraw } from './withdraw.ts'

/** Ends the supervisor of this state, if one runs. Throws UserError when it does not end. */
async function endSupervisor(layout: Layout): Promise<void> {
  const running = await askToStop(layout)
  if (running === undefined) return
  const deadline = performance.now() + 30_000
  while ((await runningIn(layout)) !== undefined) {
    if (performance.now() > deadline) {
      throw new UserError(
        `process ${running.pid} does not end`,
        `End it:  kill -9 ${running.pid}   then run this again.`,
      )
    }
    await sleep(20)
  }
}

/** True while our own Open vSwitch runs in another network namespace than this process; false where it does not run. */
function ownSwitchIsElsewhere(layout: Layout): boolean {
  try {
    const pid = readFileSync(`${layout.ovs}/ovs-vswitchd.pid`, 'utf8').trim()
    return statSync(`/proc/${pid}/ns/net`).ino !== statSync('/proc/self/ns/net').ino
  } catch {
    return false
  }
}

/** The switch that this state used, running: ours is started again if it has died, since its kernel part stays. */
async function switchOf(
  layout: Layout,
  memory: Memory,
): Promise<{ ovsdb: string; ovsRunDir: string } | null> {
  if (!memory.ovs.own) return (await findOvs(memory.ovs.ovsRunDir)) ?? null
  if (ownSwitchIsElsewhere(layout)) {
    throw new UserError(`${layout.root} was used in another network namespace`, 'Run `nucleon down` there.')
  }
  return startOvs({ runDir: layout.ovs })
}

/** Removes the files of a state; what we did not write (local.conf too) stays, and with it the directory. */
function removeFiles(layout: Layout): void {
  const { root, code, localConfig: _theirs, ...paths } = layout
  // A file that was being written when the machine went lies beside its place.
  for (const path of Object.values(paths).flatMap((path) => [path, `${path}.new`])) {
    rmSync(path, { recursive: true, force: true })
  }
  // Never what is in it: the code itself, should a server still see it there.
  if (existsSync(code)) rmdirSync(code)
  if (existsSync(root) && readdirSync(root).length === 0) rmdirSync(root)
}

/** Removes everything of that state. Answers false when there was nothing. */
export async function removeAll(layout: Layout, say: (text: string) => void): Promise<boolean> {
  await endSupervisor(layout)
  const memory = readMemory(layout)
  if (memory === undefined) {
    const had = existsSync(layout.secrets)
    if (had) removeFiles(layout)
    return had
  }
  const ovs = memory.ovs.ovsdb === '' ? null : await switchOf(layout, memory)
  for (const record of listRecords(layout)) {
    await unplug(ovs?.ovsdb ?? null, record)
    removeRecord(layout, record.name)
  }
  if (ovs === null) say('Open vSwitch does not run: what is in its database is left for its next start')
  else await withdraw(layout, ovs, say)
  await removeBridges(ovs === null ? null : { ovsdb: ovs.ovsdb, state: layout.root }, memory.uplink)
  if (memory.ovs.own) await stopOvs({ runDir: layout.ovs })
  removeFiles(layout)
  return true
}
