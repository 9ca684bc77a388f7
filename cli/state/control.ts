/**
 * Who runs here: the supervisor listens on a socket in its state directory (one `up` a state) and on an abstract one
 * (one `up` a network namespace). The kernel drops both with the process, so that no lock is ever stale.
 */
import { once } from 'node:events'
import { existsSync, unlinkSync } from 'node:fs'
import { connect, createServer, type Server } from 'node:net'
import { text } from 'node:stream/consumers'
import { UserError } from '../errors.ts'
import type { Layout } from './layout.ts'

/** One process of a supervisor. `readyAfter`: milliseconds from its last start until it was ready, null if it is not. */
export interface Part {
  pid: number | null
  readyAfter: number | null
}

/** What a running supervisor says of itself. */
export interface Running {
  pid: number
  state: string
  ready: boolean
  parts: { server: Part; agent: Part }
}

export interface Control {
  close(): Promise<void>
}

const namespaceLock = '\0nucleon-up'

/** Asks the supervisor that listens at `path`; undefined if none does. */
async function ask(path: string, question: 'status' | 'stop'): Promise<Running | undefined> {
  const socket = connect({ path, allowHalfOpen: true })
  try {
    await once(socket, 'connect')
    socket.end(question)
    return JSON.parse(await text(socket)) as Running
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ECONNREFUSED' || code === 'ECONNRESET') return undefined
    throw error
  } finally {
    socket.destroy()
  }
}

/** The supervisor of that state, if one runs. */
export function runningIn(layout: Layout): Promise<Running | undefined> {
  return existsSync(layout.control) ? ask(layout.control, 'status') : Promise.resolve(undefined)
}

/** Asks the supervisor of that state to stop; answers it, or undefined when none runs. */
export function askToStop(layout: Layout): Promise<Running | undefined> {
  return existsSync(layout.control) ? ask(layout.control, 'stop') : Promise.resolve(undefined)
}

async function listen(server: Server, path: string): Promise<boolean> {
  try {
    server.listen(path)
    await once(server, 'listening')
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return false
    throw error
  }
}

/**
 * Takes both locks and answers questions until closed. Throws UserError, naming who holds them, when somebody does.
 * `namespace` is the abstract socket; tests have one of their own.
 */
export async function takeControl(
  layout: Layout,
  about: () => Running,
  onStop: () => void,
  namespace = namespaceLock,
): Promise<Control> {
  const serve = () =>
    createServer({ allowHalfOpen: true }, (socket) => {
      socket.on('error', () => {})
      void text(socket).then(
        (question) => {
          socket.end(JSON.stringify(about()))
          if (question === 'stop') onStop()
        },
        () => {},
      )
    })
  const here = serve()
  if (!(await listen(here, namespace))) {
    const other = await ask(namespace, 'status')
    throw new UserError(
      `another nucleon runs in this network namespace (process ${other?.pid}, state ${other?.state})`,
      `Use it, or end it first: nucleon down --state ${other?.state}`,
    )
  }
  const state = serve()
  if (!(await listen(state, layout.control))) {
    const other = await ask(layout.control, 'status')
    if (other !== undefined) {
      here.close()
      throw new UserError(
        `another nucleon uses ${layout.root} (process ${other.pid}), in another network namespace`,
        'Give this one its own --state.',
      )
    }
    unlinkSync(layout.control)
    await listen(state, layout.control)
  }
  const close = (server: Server) => new Promise<void>((resolve) => server.close(() => resolve()))
  return {
    close: async () => {
      await Promise.all([close(here), close(state)])
    },
  }
}

/** A UserError when somebody listens on that port of 127.0.0.1 already. */
export async function requireFreePort(port: number, option: string): Promise<void> {
  const probe = createServer()
  try {
    probe.listen(port, '127.0.0.1')
    await once(probe, 'listening')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error
    throw new UserError(
      `port ${port} of 127.0.0.1 is in use`,
      `End what listens there, or choose another: ${option} PORT`,
    )
  } finally {
    probe.close()
  }
}
