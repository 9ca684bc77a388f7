/** `nucleon bench`: runs the benchmarks in a box of their own, so that nothing of the host is touched. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { UserError } from '../errors.ts'
import { repository } from '../paths.ts'
import { inSandbox } from '../sandbox.ts'

/** Name -> what it measures. They run in this order, on one all-in-one. */
export const benchNames = {
  start: 'from the command to ready, at the second start',
  create: 'port creations a second, at concurrency 1 and 32, beside the bare ceiling',
  plug: 'from plugging until ACTIVE, and until the first packet passes',
  burst: '200 ports plugged at once, until all are ACTIVE',
  restart: 'the agent killed and started again with those 200 ports, until converged',
  memory: 'proportional memory (PSS) of all our processes, with those 200 ports',
  api: 'create, show, list, update, delete of each main resource',
  crowd: '500 ports plugged at once until all are ACTIVE, unplugged until all are DOWN',
  dhcp: 'from the request for a network until its DHCP server answers',
  large: 'one port of a network of 5,000 added and removed: bytes and processes; 100 beside 5,000 leases',
  cold: 'an agent that begins with nothing, 1,000 ports of 200 networks; its restart, and memory then',
  scale: 'the list of 10,000 ports; creation and every filter among 100,000',
} as const

/**
 * Runs all where none is named. Throws UserError for a name that is none, and without root; the exit code is 1 where
 * something could not be measured, whatever the figures.
 */
export async function bench(names: readonly string[], options: { json?: true }): Promise<void> {
  const unknown = names.filter((name) => !Object.hasOwn(benchNames, name))
  if (unknown.length > 0) {
    const known = Object.entries(benchNames).map(([name, what]) => `${name.padEnd(8)} ${what}`)
    throw new UserError(`no such benchmark: ${unknown.join(', ')}`, known.join('\n'))
  }
  if (process.getuid?.() !== 0)
    throw new UserError('benchmarks need root (network namespaces)', 'Run it with sudo.')
  const chosen = names.length > 0 ? names : Object.keys(benchNames)
  const [program, ...args] = inSandbox([
    process.execPath,
    '--disable-warning=ExperimentalWarning',
    `${repository}/cli/bench/bench.process.ts`,
    options.json === true ? 'json' : 'text',
    ...chosen,
  ])
  const child = spawn(program, args, { stdio: 'inherit' })
  process.on('SIGTERM', () => child.kill('SIGTERM'))
  const [code] = (await once(child, 'exit')) as [number | null]
  process.exitCode = code ?? 1
}
