/**
 * The agent process of a host. Ends on SIGTERM, or when its supervisor goes, and leaves traffic and daemons alone.
 * Sends `{ ready: true }` over IPC once the server knows it and the host is as it should be.
 */
import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { dhcpAgentSections, l2AgentSections } from '../runtime/config/roles.ts'
import { sampleConfig } from '../runtime/config/sample.ts'
import { runProcess } from '../runtime/lifecycle.ts'
import { createLogger, type Logger } from '../runtime/log.ts'
import { type DescribedOption, endWith, usageOf } from '../runtime/usage.ts'
import { type RoleName, roleNames, startAgent } from './assembly.ts'
import { readAgentConfig } from './settings.ts'

const options = {
  host: { type: 'string', value: 'NAME', help: 'name of this host ([DEFAULT] host, else the hostname)' },
  server: { type: 'string', value: 'unix:PATH|http://HOST:PORT', help: 'the feed of a server' },
  'credential-file': { type: 'string', value: 'FILE', help: "this host's credential (nucleon credential)" },
  'config-file': {
    type: 'string',
    multiple: true,
    default: [] as string[],
    value: 'FILE',
    help: 'configuration (openvswitch_agent.ini, dhcp_agent.ini …); what is read later stands above',
  },
  state: { type: 'string', value: 'DIR', help: 'directory of what the agent keeps on this host' },
  roles: { type: 'string', value: 'ROLE,…', default: roleNames.join(), help: 'what the agent does' },
  ovsdb: {
    type: 'string',
    value: 'SOCKET',
    default: '/run/openvswitch/db.sock',
    help: 'database of Open vSwitch',
  },
  'ovs-rundir': {
    type: 'string',
    value: 'DIR',
    default: '/run/openvswitch',
    help: 'where Open vSwitch has its sockets',
  },
  'no-repair': {
    type: 'boolean',
    default: false,
    help: 'make what is missing, and never put right what others altered',
  },
  'sample-config': {
    type: 'boolean',
    default: false,
    help: 'print every option of the configuration, of the L2 role and of the DHCP role, and end',
  },
  help: { type: 'boolean', short: 'h', default: false, help: 'print this, and end' },
} as const satisfies Record<string, DescribedOption>

const usage = usageOf('nucleon agent --server URL --credential-file FILE --state DIR [options]', options)

/** Each role reads sections of its own under the same names, as each of Neutron's agents does. */
const samples = () =>
  `# L2 (Neutron: openvswitch_agent.ini)\n\n${sampleConfig(l2AgentSections)}
# DHCP (Neutron: dhcp_agent.ini)\n\n${sampleConfig(dhcpAgentSections)}`

function readArguments() {
  const { values } = parseArgs({ options })
  if (values.help) endWith(usage)
  if (values['sample-config']) endWith(samples())
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
