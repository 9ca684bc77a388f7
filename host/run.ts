/**
 * Runs a program to its end: an argument array, never a shell line. Answers its standard output, or throws a
 * CommandError that says what was run and what it complained about.
 */
import { spawn } from 'node:child_process'

export interface RunOptions {
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

/** Runs `argv` and answers what it printed; throws CommandError unless it exits with 0. */
export function run(argv: readonly [string, ...string[]], options: RunOptions = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const [program, ...args] = argv
    const child = spawn(program, args, {
      stdio: ['pipe', 'pipe', 'pipe'],
      ...(options.env ? { env: options.env } : {}),
      ...(options.cwd ? { cwd: options.cwd } : {}),
    })
    const out: Buffer[] = []
    const err: Buffer[] = []
    let timedOut = false
    const timer = setTimeout(() => {
      timedOut = true
      child.kill('SIGKILL')
    }, options.timeout ?? 10_000)
    const text = (chunks: Buffer[]): string => Buffer.concat(chunks).toString('utf8')
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk))
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk))
    child.on('error', (error) => {
      clearTimeout(timer)
      reject(new CommandError(argv, null, '', '', error.message))
    })
    child.on('close', (status, signal) => {
      clearTimeout(timer)
      if (status === 0) return resolve(text(out))
      const stderr = text(err)
      const reason = timedOut
        ? 'timed out'
        : stderr.trim() || (signal ? `ended by ${signal}` : `exit status ${status}`)
      reject(new CommandError(argv, status, text(out), stderr, reason))
    })
    // A program that ends without reading its input is judged by its exit status.
    child.stdin.on('error', () => {})
    child.stdin.end(options.input ?? '')
  })
}
