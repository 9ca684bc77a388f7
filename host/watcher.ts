/** Programs that tell of events, a line each (`ip monitor`, `ovs-ofctl monitor`), for as long as the agent lives. */
import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

export interface Watcher {
  /** Resolves when the first line has come, the program has ended, or after `patience` ms. */
  listens: Promise<void>
  stop(): void
}

export interface WatcherOptions {
  argv: readonly string[]
  /** Milliseconds to wait for the first line. */
  patience: number
  line(text: string): void
  /** Called once when it ends by itself, with how long it had run (ms). */
  ended(lived: number): void
}

/** Starts such a program. It is killed with the agent, however that ends, and its lines do not wait in a buffer. */
export function startWatcher(options: WatcherOptions): Watcher {
  const startedAt = performance.now()
  const child: ChildProcess = spawn('setpriv', ['--pdeathsig', 'KILL', 'stdbuf', '-o0', ...options.argv], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let over = false
  const listens = new Promise<void>((resolve) => {
    const finish = (): void => {
      clearTimeout(timer)
      resolve()
    }
    const timer = setTimeout(finish, options.patience)
    child.stdout?.once('data', finish)
    child.once('exit', finish)
    child.once('error', finish)
  })
  for (const stream of [child.stdout, child.stderr]) {
    if (stream) createInterface({ input: stream }).on('line', (text) => over || options.line(text))
  }
  const end = (): void => {
    if (over) return
    over = true
    options.ended(performance.now() - startedAt)
  }
  child.once('error', end)
  child.once('close', end)
  return {
    listens,
    stop() {
      over = true
      child.kill('SIGKILL')
    },
  }
}
