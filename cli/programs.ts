/** How the processes of Nucleon are started. */
import { repository } from './paths.ts'

const scripts = { server: 'server/main.ts', agent: 'agents/main.ts' } as const

export type Part = keyof typeof scripts

// The young generation at 4 MiB a half instead of 16: a third of the memory for a little throughput.
const flags = ['--disable-warning=ExperimentalWarning', '--max-semi-space-size=4']

/** The argument array that starts the server or the agent with its own options. */
export function programOf(part: Part, args: readonly string[]): [string, ...string[]] {
  return [process.execPath, ...flags, `${repository}/${scripts[part]}`, ...args]
}
