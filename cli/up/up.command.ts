/** `nucleon up`: the all-in-one until SIGTERM. */
import { once } from 'node:events'
import { startAllInOne, type UpOptions } from './all-in-one.ts'

/** Resolves at SIGTERM or SIGINT. */
export async function endSignal(): Promise<void> {
  await Promise.race([once(process, 'SIGTERM'), once(process, 'SIGINT')])
}

/** Prints its line when all is ready, and resolves when all has ended: at SIGTERM or SIGINT, or asked by `down`. */
export async function up(options: UpOptions): Promise<void> {
  const started = performance.now()
  const say = (text: string) => process.stderr.write(`nucleon: ${text}\n`)
  const ended = endSignal()
  const starting = startAllInOne(options, say)
  const all = await Promise.race([starting, ended])
  if (all === undefined) {
    // Asked to end while it starts: let it get there, so that it ends in order.
    await (await starting).stop()
    return
  }
  say('security groups are stored, not enforced on packets yet (vif_details.port_filter is false)')
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  process.stdout.write(
    `ready in ${seconds} s: API http://127.0.0.1:${all.memory.apiPort} · ` +
      `OS_CLIENT_CONFIG_FILE=${all.layout.clouds} openstack --os-cloud admin network agent list\n`,
  )
  await Promise.race([ended, all.askedToStop])
  await all.stop()
}
