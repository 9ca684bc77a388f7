/** Limits of the kernel that a host with many networks meets: raised where they are lower, and never lowered. */
import { readFileSync, writeFileSync } from 'node:fs'
import type { Logger } from '../../runtime/log.ts'

/** Every dnsmasq watches its directory of clients; Linux lets a user have 128 watchers by default. */
const inotifyInstances = '/proc/sys/fs/inotify/max_user_instances'
const watchers = 8192

/** Makes room for a DHCP server a network. Where that is not allowed, the log says what the host is short of. */
export function makeRoomForWatchers(log: Logger, path = inotifyInstances): void {
  try {
    const before = Number(readFileSync(path, 'utf8'))
    if (before >= watchers) return
    writeFileSync(path, `${watchers}\n`)
    log.info({ path, before, now: watchers }, 'a limit of the kernel was raised')
  } catch (error) {
    log.warn({ err: error, path, wanted: watchers }, 'a limit of the kernel could not be raised')
  }
}
