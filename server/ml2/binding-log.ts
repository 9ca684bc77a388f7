/**
 * Why ports cannot be bound, told once: ports of one network that fail on one host for the same reason make one line
 * in the log, until one of them is bound there.
 */
import type { Logger } from '../../runtime/log.ts'

export interface BindingLog {
  failed(port: { id: string; networkId: string }, host: string, reasons: readonly string[]): void
  bound(networkId: string, host: string): void
}

/** What has been told is remembered for so many pairs of network and host. */
const remembered = 10_000

/** Keeps in mind at most 10,000 pairs of network and host, then forgets them all: some reasons are told again. */
export function createBindingLog(log: Logger): BindingLog {
  const told = new Map<string, string>()
  return {
    failed({ id, networkId }, host, reasons) {
      const key = `${networkId} ${host}`
      const reason = reasons.join('; ')
      if (told.get(key) === reason) return
      if (told.size >= remembered) told.clear()
      told.set(key, reason)
      log.warn({ port: id, network: networkId, host }, `port not bound to ${host}: ${reason}`)
    },
    bound: (networkId, host) => void told.delete(`${networkId} ${host}`),
  }
}
