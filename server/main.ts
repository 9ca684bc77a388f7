/**
 * The server process. Started as root it becomes the user that it is told before it touches anything. Sends
 * `{ ready: true }` over IPC once an authenticated request works; ends on SIGTERM or when its supervisor goes.
 */
import { readFileSync } from 'node:fs'
import { flushCompileCache } from 'node:module'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { ConfigError, readConfigFiles } from '../runtime/config/load.ts'
import { loadRoleConfig, serverSections } from '../runtime/config/roles.ts'
import { sampleConfig } from '../runtime/config/sample.ts'
import { runProcess } from '../runtime/lifecycle.ts'
import { createLogger } from '../runtime/log.ts'
import { type DescribedOption, endWith, usageOf } from '../runtime/usage.ts'
import { configDirectoryOf, policyOf, startServer } from './assembly.ts'
import { nobody, readBootstrap } from './identity/embedded/bootstrap.ts'
import { parseFeedAddress, parseTcpAddress } from './listen.ts'
import { dropPrivileges, parseUser } from './privileges.ts'

const options = {
  state: { type: 'string', value: 'DIR', help: "directory of the server's database, if that is SQLite" },
  'config-file': {
    type: 'string',
    multiple: true,
    default: [] as string[],
    value: 'FILE',
    help: 'configuration (neutron.conf, ml2_conf.ini …); what is read later stands above',
  },
  api: { type: 'string', value: 'HOST:PORT', help: 'where the Networking API listens' },
  identity: { type: 'string', value: 'HOST:PORT', help: 'where the embedded identity service listens' },
  feed: {
    type: 'string',
    multiple: true,
    default: [] as string[],
    value: 'unix:PATH|http://HOST:PORT',
    help: 'where agents ask for their documents',
  },
  'feed-secret-file': {
    type: 'string',
    value: 'FILE',
    help: "the secret that agents' credentials are made with (nucleon credential)",
  },
  bootstrap: {
    type: 'string',
    value: 'FILE',
    help: 'users and projects that the identity service has from the start',
  },
  user: { type: 'string', value: 'UID:GID', help: 'who to become, if started as root' },
  'sample-config': {
    type: 'boolean',
    default: false,
    help: 'print every option of the configuration, and end',
  },
  help: { type: 'boolean', short: 'h', default: false, help: 'print this, and end' },
} as const satisfies Record<string, DescribedOption>

const usage = usageOf('nucleon server --state DIR [options]', options)

function readArguments() {
  const { values } = parseArgs({ options })
  if (values.help) endWith(usage)
  if (values['sample-config']) endWith(sampleConfig(serverSections))
  const { state, user, 'config-file': configFiles, 'feed-secret-file': secretFile } = values
  if (state === undefined) throw new Error(usage)
  if (values.feed.length > 0 && secretFile === undefined) throw new Error('--feed needs --feed-secret-file')
  return {
    state: resolve(state),
    user: user === undefined ? undefined : parseUser(user),
    configFiles,
    feed: secretFile === undefined ? undefined : { addresses: values.feed.map(parseFeedAddress), secretFile },
    bootstrap: values.bootstrap,
    flags: [...addressFlags('--api', values.api), ...addressFlags('--identity', values.identity)],
  }
}

/** An address on the command line stands above the two options that it is in the configuration. */
function addressFlags(flag: '--api' | '--identity', text: string | undefined) {
  if (text === undefined) return []
  const { host, port } = parseTcpAddress(text)
  const [section, prefix] = flag === '--api' ? ['DEFAULT', 'bind'] : ['nucleon', 'identity']
  return [
    { flag, section, name: `${prefix}_host`, value: host },
    { flag, section, name: `${prefix}_port`, value: String(port) },
  ]
}

/** Answers what `work` answers, or ends the process with what is wrong: for mistakes of whoever started it. */
async function orExit<T>(work: () => T | Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
    process.exit(2)
  }
}

const args = await orExit(readArguments)
if (args.user !== undefined) {
  const { user } = args
  // The user may not write where compiled code is kept.
  flushCompileCache()
  await orExit(() => dropPrivileges(user))
}
// Database and sockets are for this user alone.
process.umask(0o077)

const { values: config, warnings } = await orExit(async () => {
  try {
    return loadRoleConfig(serverSections, {
      files: await readConfigFiles(args.configFiles),
      environment: process.env,
      flags: args.flags,
    })
  } catch (error) {
    if (error instanceof ConfigError) throw new Error(`The configuration is not usable:\n${error.message}`)
    throw error
  }
})
const policy = await orExit(() => policyOf(config, configDirectoryOf(args.configFiles)))
const log = createLogger({ name: 'server', level: config.DEFAULT.debug ? 'debug' : 'info' })
for (const { where, message } of warnings) log.warn({ where }, message)

await runProcess({ log }, async (lifecycle) => {
  const running = await startServer(lifecycle, {
    config,
    policy,
    sqlitePath: join(args.state, 'server', 'nucleon.db'),
    ...(args.feed === undefined
      ? {}
      : {
          feed: {
            addresses: args.feed.addresses,
            secret: readFileSync(args.feed.secretFile, 'utf8').trim(),
          },
        }),
    bootstrap: args.bootstrap === undefined ? nobody : await readBootstrap(args.bootstrap),
    log,
  })
  log.info({ ...running }, 'ready')
  process.send?.({ ready: true })
})
