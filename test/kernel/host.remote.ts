/** A Host (host/host.ts) that runs inside a test host, as an object here. */
import { join } from 'node:path'
import type { PieceStatus, Plug } from '../../host/host.ts'
import type { HostObject } from '../../host/objects.ts'
import type { Command } from './host.driver.ts'
import type { TestHost, TestProcess } from './sandbox.ts'

export interface RemoteHost {
  process: TestProcess
  logs: { level: string; message: string; [fact: string]: unknown }[]
  statuses: Map<string, PieceStatus>
  set(...pieces: [string, HostObject[]][]): Promise<void>
  allowRemovals(): Promise<void>
  idle(): Promise<void>
  plugs(): Promise<Map<string, Plug>>
  /** Waits until the piece is settled (or, with false, is not); fails after 10 s with what is known of it. */
  settled(id: string, wanted?: boolean): Promise<void>
  /** Sets, allows removals and waits until all these pieces are settled. */
  become(...pieces: [string, HostObject[]][]): Promise<void>
  stop(): Promise<void>
}

export interface RemoteOptions {
  repair?: boolean
  auditInterval?: number
}

export async function startRemoteHost(host: TestHost, options: RemoteOptions = {}): Promise<RemoteHost> {
  const driver = join(import.meta.dirname, 'host.driver.ts')
  const process_ = await host.spawn([process.execPath, '--disable-warning=ExperimentalWarning', driver], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const waiting = new Map<number, { resolve(result: unknown): void; reject(error: Error): void }>()
  const listeners = new Set<() => void>()
  const logs: RemoteHost['logs'] = []
  const statuses = new Map<string, PieceStatus>()
  let lastId = 0
  process_.child.on('message', (message: Record<string, unknown>) => {
    if (typeof message.id === 'number') {
      const call = waiting.get(message.id)
      waiting.delete(message.id)
      if (message.error) call?.reject(new Error(String(message.error)))
      else call?.resolve(message.result)
    } else if (message.log) logs.push(message.log as RemoteHost['logs'][number])
    else if (message.statuses)
      for (const status of message.statuses as PieceStatus[]) statuses.set(status.id, status)
    for (const listener of listeners) listener()
  })
  process_.child.on('exit', () => {
    for (const call of waiting.values()) call.reject(new Error('the driver has ended'))
  })
  const ask = (command: Command): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const id = ++lastId
      waiting.set(id, { resolve, reject })
      process_.child.send({ id, command })
    })
  const remote: RemoteHost = {
    process: process_,
    logs,
    statuses,
    async set(...pieces) {
      for (const [id] of pieces) statuses.delete(id)
      await ask({ do: 'set', pieces })
    },
    allowRemovals: async () => void (await ask({ do: 'allow' })),
    idle: async () => void (await ask({ do: 'idle' })),
    plugs: async () => new Map((await ask({ do: 'plugs' })) as [string, Plug][]),
    settled: (id, wanted = true) =>
      new Promise((resolve, reject) => {
        const finish = (error?: Error): void => {
          clearTimeout(timer)
          listeners.delete(check)
          if (error) reject(error)
          else resolve()
        }
        const timer = setTimeout(() => {
          const known = JSON.stringify({ status: statuses.get(id), logs: logs.slice(-20) }, null, 1)
          finish(new Error(`${id} is not ${wanted ? 'settled' : 'unsettled'}: ${known}`))
        }, 10_000)
        const check = (): void => {
          if (statuses.get(id)?.settled === wanted) finish()
        }
        listeners.add(check)
        check()
      }),
    async become(...pieces) {
      await remote.set(...pieces)
      await remote.allowRemovals()
      for (const [id] of pieces) await remote.settled(id)
      await remote.idle()
    },
    async stop() {
      await ask({ do: 'stop' }).catch(() => {})
      if (process_.child.connected) process_.child.disconnect()
      await process_.ended
    },
  }
  await ask({
    do: 'start',
    options: {
      ovsdb: host.ovsdbSocket,
      ovsRunDir: host.ovsRunDir,
      integrationBridge: 'br-int',
      cookie: String(0x4e75n),
      runDir: join(host.dir, 'run'),
      repair: options.repair ?? true,
    },
    auditInterval: options.auditInterval ?? 200,
    verbose: false,
  })
  return remote
}
