/** `nucleon server` and `nucleon agent`: the processes by themselves, with their own options. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { repository } from '../paths.ts'

const programs = { server: 'server/main.ts', agent: 'agents/main.ts' } as const

/** Runs the process on this terminal, passes signals on, and ends with its exit code. */
export async function runPart(part: keyof typeof programs, args: readonly string[]): Promise<void> {
  const script = `${repository}/${programs[part]}`
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', script, ...args], {
    stdio: 'inherit',
  })
  process.on('SIGTERM', () => child.kill('SIGTERM'))
  process.on('SIGINT', () => {})
  const [code] = (await once(child, 'exit')) as [number | null]
  process.exitCode = code ?? 1
}
