/** How the processes of Nucleon are started. */
import { repository } from './paths.ts'

const scripts = { server: 'server/main.ts', agent: 'agents/main.ts' } as const

export type Part = keyof typeof scripts

/** MiB of each half of the young generation instead of 16: a third of the memory for a little throughput. */
const semiSpace = { server: 4, agent: 2 } as const

/**
 * The collector of the young generation works alone: to wake helpers for a generation that small costs more than they
 * save, and takes the other core from those who have work for it.
 */
const engineFlags = ['--disable-warning=ExperimentalWarning', '--no-parallel-scavenge']

/** The argument array that starts the server or the agent with its own options. */
export function programOf(part: Part, args: readonly string[]): [string, ...string[]] {
  const flags = [...engineFlags, `--max-semi-space-size=${semiSpace[part]}`]
  return [process.execPath, ...flags, `${repository}/${scripts[part]}`, ...args]
}
