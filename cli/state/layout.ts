/** The state directory of the all-in-one: what stands where in it, and what it remembers between starts. */
import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Cloud } from '../../client/http.ts'
import { type FileOptions, replaceFile } from '../../runtime/files.ts'
import { UserError } from '../errors.ts'

/** What `up` remembers of this state, and `instance` and `down` need to know of it. */
export interface Memory {
  host: string
  apiPort: number
  identityPort: number
  /** Numeric user and group of the server process. */
  user: number
  ovs: { ovsdb: string; ovsRunDir: string; own: boolean }
  datapath: 'system' | 'netdev'
  /** The network card that `--uplink` joined to br-ex, and ip_forward as it was before `--uplink nat`. */
  uplink: { nic: string } | { forwardingBefore: string } | null
}

/** Passwords and the feed's secret: made at the first start, kept from then on. */
export interface Secrets {
  admin: string
  blue: string
  red: string
  feed: string
}

export interface Layout {
  root: string
  memory: string
  secrets: string
  clouds: string
  config: string
  /** The operator's own settings: read after `config`, never written by us. */
  localConfig: string
  /** The supervisor's control socket; who listens there holds the state. */
  control: string
  /** Everything of the server process; it owns the directory. */
  server: string
  bootstrap: string
  feedSecret: string
  feedSocket: string
  agent: string
  credential: string
  log: string
  ovs: string
  instances: string
  /** Where the server sees its code if it lies where only root may go. */
  code: string
}

/** Paths of a state directory. Unix sockets live in it, so its own path must be short. */
export function layoutOf(directory: string): Layout {
  const root = resolve(directory)
  if (root === '/' || root.length > 70) {
    throw new UserError(
      `${root} cannot be a state directory`,
      'Use a directory of its own, of at most 70 characters.',
    )
  }
  const at = (...parts: string[]) => join(root, ...parts)
  return {
    root,
    memory: at('nucleon.json'),
    secrets: at('secrets.json'),
    clouds: at('clouds.yaml'),
    config: at('nucleon.conf'),
    localConfig: at('local.conf'),
    control: at('up.sock'),
    server: at('server'),
    bootstrap: at('server', 'bootstrap.json'),
    feedSecret: at('server', 'feed-secret'),
    feedSocket: at('server', 'feed.sock'),
    agent: at('agent'),
    credential: at('agent', 'credential'),
    log: at('log'),
    ovs: at('ovs'),
    instances: at('instances'),
    code: at('code'),
  }
}

/** Writes a file of the state that must outlive a crash. */
export function writeJson(path: string, value: unknown, options: FileOptions = {}): void {
  replaceFile(path, `${JSON.stringify(value, null, 2)}\n`, { ...options, durable: true })
}

/** Reads what writeJson wrote. Throws UserError, naming the file, where it is something else. */
export function readJson(path: string): unknown {
  const text = readFileSync(path, 'utf8')
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null) return value
  } catch {
    // Said below.
  }
  throw new UserError(`${path} is damaged`, 'Put a copy of it in its place, or move it away.')
}

/** Undefined where no `up` has made anything on the host. Throws UserError where the file is damaged. */
export function readMemory(layout: Layout): Memory | undefined {
  return existsSync(layout.memory) ? (readJson(layout.memory) as Memory) : undefined
}

/** Outlives a crash of the machine: `down` knows by it what is to be removed. */
export function writeMemory(layout: Layout, memory: Memory): void {
  writeJson(layout.memory, memory)
}

/** The memory of a state that `up` has made, or a UserError that says so. */
export function requireMemory(layout: Layout): Memory {
  const memory = readMemory(layout)
  if (memory !== undefined) return memory
  throw new UserError(
    `there is no all-in-one in ${layout.root}`,
    'Start one: nucleon up (or name its --state).',
  )
}

export type CloudName = 'admin' | 'blue' | 'red'

export const cloudNames: readonly CloudName[] = ['admin', 'blue', 'red']

/** How to log in on this machine as one of the three: user and project are called as the cloud. */
export function cloudOf(memory: Pick<Memory, 'identityPort'>, secrets: Secrets, name: CloudName): Cloud {
  return {
    authUrl: `http://127.0.0.1:${memory.identityPort}/v3`,
    username: name,
    password: secrets[name],
    projectName: name,
    domainId: 'default',
  }
}

/** Throws where no `up` has made them yet, and UserError where the file is damaged. */
export function readSecrets(layout: Layout): Secrets {
  return readJson(layout.secrets) as Secrets
}

/** The cloud of that name as clouds.yaml has it. The state must exist. */
export function readCloud(layout: Layout, name: CloudName): Cloud {
  return cloudOf(requireMemory(layout), readSecrets(layout), name)
}
