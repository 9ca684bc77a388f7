/**
 * Runs a program to its end: an argument array, never a shell line. Answers its standard output, or throws a
 * CommandError that says what was run and what it complained about.
 */
import { spawn } from 'node:child_process'
import { entering } from './linux/netns.ts'

export interface RunOptions {
  /** Name of the network namespace to run it in; null or absent: this one. */
  namespace?: string | null
  /** Text for the program's standard input. */
  input?: string
  /** Milliseconds until the program is killed; 10 s unless told. */
  timeout?: number
  env?: NodeJS.ProcessEnv
  cwd?: string
}

export class CommandError extends Error {
  readonly argv: readonly string[]
  /** Exit status; null when it ended by a signal or did not start. */
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string

  constructor(
    argv: readonly string[],
    status: number | null,
    stdout: string,
    stderr: string,
    reason: string,
  ) {
    super(`${argv.slice(0, 6).join(' ')}${argv.length > 6 ? ' …' : ''}: ${reason}`)
    this.name = 'CommandError'
    this.argv = argv
    this.status = status
    this.stdout = stdout
    this.stderr = stderr
  }
}

export type Argv = readonly [string, ...string[]]

/** How a program ended. */
export interface Ended {
  /** Exit status; null when it ended by a signal or did not start. */
  status: number | null
  /** Why, where it is not the status that says it. */
  reason: string | undefined
  stdout: string
  stderr: string
}

/** A program to run, with its input; it is killed after `timeout` ms. */
export interface Program {
  argv: Argv
  namespace: string | null
  input: string
  timeout: number
}

export type Runner = (program: Program) => Promise<Ended>

const runners: Runner[] = []

/** From now on programs without an environment of their own are run by this one; answers how to end that. */
export function runBy(runner: Runner): () => void {
  runners.push(runner)
  return () => void runners.splice(runners.indexOf(runner), 1)
}

/** Runs `argv` and answers what it printed; throws CommandError unless it exits with 0. */
export async function run(argv: Argv, options: RunOptions = {}): Promise<string> {
  const { namespace = null, input = '', timeout = 10_000, env, cwd } = options
  const program: Program = { argv, namespace, input, timeout }
  const runner = env || cwd ? undefined : runners.at(-1)
  const { status, reason, stdout, stderr } = await (runner ? runner(program) : runHere(program, { env, cwd }))
  if (status === 0) return stdout
  throw new CommandError(argv, status, stdout, stderr, reason ?? (stderr.trim() || `exit status ${status}`))
}

/** Runs it as a child of this process. */
function runHere(
  { argv, namespace, input, timeout }: Program,
  { env, cwd }: { env: NodeJS.ProcessEnv | undefined; cwd: string | undefined },
): Promise<Ended> {
  return new Promise((resolve) => {
    const [program, ...args]: Argv = namespace === null ? argv : [...entering(namespace), ...argv]
    const child = spawn(program, args, {
      stdio: ['pipe', 'pipe', 'pipe'],
      ...(env ? { env } : {}),
      ...(cwd ? { cwd } : {}),
    })
    const out: Buffer[] = []
    const err: Buffer[] = []
    let timedOut = false
    const timer = setTimeout(() => {
      timedOut = true
      child.kill('SIGKILL')
    }, timeout)
    const text = (chunks: Buffer[]): string => Buffer.concat(chunks).toString('utf8')
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk))
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk))
    child.on('error', (error) => {
      clearTimeout(timer)
      resolve({ status: null, reason: error.message, stdout: '', stderr: '' })
    })
    child.on('close', (status, signal) => {
      clearTimeout(timer)
      const stderr = text(err)
      const ended = stderr.trim() === '' && signal ? `ended by ${signal}` : undefined
      resolve({ status, reason: timedOut ? 'timed out' : ended, stdout: text(out), stderr })
    })
    // A program that ends without reading its input is judged by its exit status.
    child.stdin.on('error', () => {})
    child.stdin.end(input)
  })
}
