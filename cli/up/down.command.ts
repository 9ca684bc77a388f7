/** `nucleon down`. */
import { existsSync } from 'node:fs'
import { UserError } from '../errors.ts'
import { layoutOf } from '../state/layout.ts'
import { removeAll } from './down.ts'

/**
 * Prints whether there was anything. Throws UserError without root, and where the supervisor does not end; local.conf
 * stays.
 */
export async function down(options: { state: string }): Promise<void> {
  if (process.getuid?.() !== 0) throw new UserError('this needs root', 'Run it with sudo.')
  const layout = layoutOf(options.state)
  const had = await removeAll(layout, (text) => process.stderr.write(`nucleon: ${text}\n`))
  process.stdout.write(had ? `removed all of ${layout.root}\n` : `nothing to remove in ${layout.root}\n`)
  if (existsSync(layout.localConfig)) process.stdout.write(`${layout.localConfig} is yours, and stays\n`)
}
