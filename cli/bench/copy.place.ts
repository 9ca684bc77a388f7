/** A server on a copy of the database as it is now, beside the one that goes on: what stays the same for comparison. */
import { chownSync, copyFileSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { createClient, type Session } from '../../client/http.ts'
import { cloudOf, layoutOf, readSecrets, requireMemory } from '../state/layout.ts'
import { serverArguments } from '../up/all-in-one.ts'
import { supervise } from '../up/supervisor.ts'
import type { Bench } from './bench.place.ts'

export interface ServedCopy {
  /** Of the tenant `blue`. */
  session: Session
  stop(): Promise<void>
}

/** Serves a copy on two ports from `apiPort` on, with no agents. */
export async function serveCopy(bench: Bench, name: string, apiPort: number): Promise<ServedCopy> {
  const from = bench.layout
  const layout = layoutOf(join(bench.directory, name))
  const memory = { ...requireMemory(from), apiPort, identityPort: apiPort + 1 }
  mkdirSync(layout.server, { recursive: true, mode: 0o755 })
  mkdirSync(layout.log)
  mkdirSync(layout.code)
  for (const file of ['config', 'localConfig', 'bootstrap', 'feedSecret'] as const) {
    copyFileSync(from[file], layout[file])
  }
  const database = new DatabaseSync(join(from.server, 'nucleon.db'))
  const copy = join(layout.server, 'nucleon.db')
  database.prepare('vacuum into ?').run(copy)
  database.close()
  for (const path of [layout.server, copy, layout.bootstrap, layout.feedSecret]) {
    chownSync(path, memory.user, memory.user)
  }
  const server = supervise(
    { name, argv: serverArguments(layout, memory), logFile: join(layout.log, 'server.log') },
    { say: () => {} },
  )
  await server.ready
  const client = createClient(cloudOf(memory, readSecrets(from), 'blue'))
  const session = await client.session()
  await client.close()
  return { session, stop: () => server.stop() }
}
