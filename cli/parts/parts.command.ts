/** `nucleon server` and `nucleon agent`: the processes by themselves, with their own options. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { type Part, programOf } from '../programs.ts'

/** Runs the process on this terminal, passes signals on, and ends with its exit code. */
export async function runPart(part: Part, args: readonly string[]): Promise<void> {
  const [program, ...argv] = programOf(part, args)
  const child = spawn(program, argv, { stdio: 'inherit' })
  process.on('SIGTERM', () => child.kill('SIGTERM'))
  process.on('SIGINT', () => {})
  const [code] = (await once(child, 'exit')) as [number | null]
  process.exitCode = code ?? 1
}
