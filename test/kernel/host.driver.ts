/** A Host inside a test host, driven over IPC by test/kernel/host.remote.ts. */
import { createHost } from '../../host/assembly.ts'
import type { HostOptions } from '../../host/host.ts'
import type { HostObject } from '../../host/objects.ts'

export type Command =
  | {
      do: 'start'
      options: Omit<HostOptions, 'cookie'> & { cookie: string }
      auditInterval: number
      verbose: boolean
    }
  | { do: 'set'; pieces: [string, HostObject[]][] }
  | { do: 'allow' | 'idle' | 'stop' | 'plugs' }

const print = (level: string) => (facts: object, message: string) => {
  process.send?.({ log: { level, message, ...facts } })
}
const log = { debug: print('debug'), info: print('info'), warn: print('warn'), error: print('error') }
let host: ReturnType<typeof createHost> | undefined

async function handle(command: Command): Promise<unknown> {
  if (command.do === 'start') {
    const options = { ...command.options, cookie: BigInt(command.options.cookie) }
    host = createHost(options, log, { auditInterval: command.auditInterval })
    host.onStatus((changed) => process.send?.({ statuses: changed }))
    host.onPlugs((changed) => process.send?.({ plugged: [...changed] }))
    return await host.start()
  }
  if (command.do === 'set') for (const [id, objects] of command.pieces) host?.setPiece(id, objects)
  if (command.do === 'allow') host?.allowRemovals()
  if (command.do === 'idle') await host?.idle()
  if (command.do === 'stop') await host?.stop()
  if (command.do === 'plugs') return [...(host?.plugs() ?? [])]
  return undefined
}

process.on('message', (message: { id: number; command: Command }) => {
  handle(message.command).then(
    (result) => process.send?.({ id: message.id, result }),
    (error: Error) => process.send?.({ id: message.id, error: error.stack }),
  )
})
process.on('disconnect', () => process.exit(0))
