/** Runs the demo in a box of its own and answers what it printed; for the tests of the demo. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inSandbox } from '../../cli/sandbox.ts'

const launcher = new URL('../../nucleon', import.meta.url).pathname

export interface DemoRun {
  code: number | null
  output: string
  /** What it left in the directory that its state directory was in. */
  left: string[]
}

/** The demo with --once and more options. */
export async function runDemo(options: readonly string[] = []): Promise<DemoRun> {
  const directory = await mkdtemp(join(tmpdir(), 'demo-'))
  await chmod(directory, 0o755)
  try {
    const state = join(directory, 'state')
    const [program, ...args] = inSandbox([launcher, 'demo', '--once', '--state', state, ...options])
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    const output: Buffer[] = []
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => output.push(chunk))
    const [code] = (await once(child, 'close')) as [number | null]
    return { code, output: Buffer.concat(output).toString(), left: await readdir(directory) }
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}
