/**
 * The agent process of a host. Ends on SIGTERM, or when its supervisor goes, and leaves traffic and daemons alone.
 * Sends `{ ready: true }` over IPC once the server knows it and the host is as it should be.
 */
import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { runProcess } from '../runtime/lifecycle.ts'
import { createLogger, type Logger } from '../runtime/log.ts'
import { type RoleName, roleNames, startAgent } from './assembly.ts'
import { readAgentConfig } from './settings.ts'

const usage = `usage: agents/main.ts --server URL --credential-file FILE --state DIR [--host NAME]
  [--config-file FILE]… [--roles ${roleNames.join()}] [--ovsdb SOCKET] [--ovs-rundir DIR] [--no-repair]`

function readArguments() {
  const { values } = parseArgs({
    options: {
      host: { type: 'string' },
      server: { type: 'string' },
      'credential-file': { type: 'string' },
      'config-file': { type: 'string', multiple: true, default: [] },
      state: { type: 'string' },
      roles: { type: 'string', default: roleNames.join() },
      ovsdb: { type: 'string', default: '/run/openvswitch/db.sock' },
      'ovs-rundir': { type: 'string', default: '/run/openvswitch' },
      'no-repair': { type: 'boolean', default: false },
    },
  })
  const { server, state, 'credential-file': credentialFile } = values
  if (server === undefined || state === undefined || credentialFile === undefined) throw new Error(usage)
  return { ...values, server, state: resolve(state), credentialFile, roles: readRoles(values.roles) }
}

function readRoles(text: string): RoleName[] {
  return text.split(',').map((name) => {
    const found = roleNames.find((each) => each === name.trim())
    if (found === undefined) throw new Error(`there is no role ${name}; roles are ${roleNames.join(', ')}`)
    return found
  })
}

/** The arguments, or the end of the process with what is wrong with them. */
function argumentsOrExit() {
  try {
    return readArguments()
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
    process.exit(2)
  }
}

async function configOrExit(paths: readonly string[], log: Logger) {
  try {
    return await readAgentConfig(paths, log)
  } catch (error) {
    log.error({ err: error }, 'the configuration is not usable')
    process.exit(2)
  }
}

// dnsmasq reads its files as a user without privileges.
process.umask(0o022)
const args = argumentsOrExit()
const plain = createLogger({ name: 'agent' })
const config = await configOrExit(args['config-file'], plain)
const log = config.l2.DEFAULT.debug ? createLogger({ name: 'agent', level: 'debug' }) : plain

await runProcess({ log }, async (lifecycle) => {
  const daemon = await startAgent(
    {
      host: args.host ?? config.l2.DEFAULT.host ?? hostname(),
      server: args.server,
      credential: readFileSync(args.credentialFile, 'utf8').trim(),
      config,
      state: args.state,
      roles: args.roles,
      ovsdb: args.ovsdb,
      ovsRunDir: args['ovs-rundir'],
      repair: !args['no-repair'],
    },
    lifecycle,
    log,
  )
  await daemon.ready
  log.info({ roles: args.roles }, 'ready')
  process.send?.({ ready: true })
})
